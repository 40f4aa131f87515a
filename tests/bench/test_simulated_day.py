"""The reference city's day for five seeds: the table, and each number that is asked for, as JSON lines.

Some minutes a seed. Alone: ``make bench ARGS="-k simulated_day"``; without:
``make bench ARGS='-k "not simulated_day"'``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REFERENCE = Path(__file__).parents[2] / "sitl" / "cities" / "reference.yaml"
ARGV = [sys.executable, "-c", "from fleet.command import main; main()", "plan", "simulate"]
TOLD = (
    "calls", "unanswered", "within_60_s", "within_120_s", "within_300_s", "p50_s", "p95_s", "p99_s",
    "worst_s", "revisit_mean_min", "revisit_p95_min", "revisit_worst_min", "overdue_cell_h",
    "flight_h", "sorties", "energy_kwh", "charges", "preemptions", "lowest_landing_percent",
)  # fmt: skip
LATEST_S = 3000


def numbers(runs: dict[str, dict[str, Any]]) -> dict[str, tuple[Any, Any, bool]]:
    """Return what was measured, what is asked for, and whether it is met; by name."""
    ours = runs["rolling"]
    found = {}
    for key, least in (("within_120_s", 0.99), ("within_300_s", 0.9997)):
        found[key] = (ours[key], least, ours[key] >= least)
    late, idle = ours["p95_s"], runs["idle"]["p95_s"]
    met = late is not None and (idle is None or late <= idle)
    found["p95_s, at most the idle fleet's"] = (late, idle, met)
    for name in ("round_robin", "greedy"):
        most = runs[name]["overdue_cell_h"] / 2
        hours = ours["overdue_cell_h"]
        found[f"overdue_cell_h, at most half of {name}'s"] = (hours, most, hours <= most)
    return found


@pytest.mark.bench
@pytest.mark.timeout(LATEST_S + 60)
@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_a_simulated_day(seed: int) -> None:
    words = ["--city", str(REFERENCE), "--days", "1", "--seed", str(seed), "--json"]
    done = subprocess.run([*ARGV, *words], capture_output=True, text=True, timeout=LATEST_S)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    for name, run in told["runs"].items():
        line = {key: run[key] for key in TOLD}
        print("\n" + json.dumps({"bench": "simulated day", "seed": seed, "fleet": name} | line))
    missed = []
    for name, (value, asked, met) in numbers(told["runs"]).items():
        line = {"number": name, "value": value, "asked": asked, "met": met}
        print(json.dumps({"bench": "simulated day", "seed": seed} | line))
        if not met:
            missed.append(name)
    assert missed == []
