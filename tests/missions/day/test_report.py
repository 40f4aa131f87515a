"""Figures of a run that was counted by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from missions.day.measure import Answered, Measured
from missions.day.report import figures, load, per_cell
from missions.ground import Ground


def measured() -> Measured:
    """Four cells for an hour, and four calls of which one had nobody."""
    made = Measured(4)
    made.calls = [
        Answered(0.0, "help", 50.0, "a"),
        Answered(100.0, "help", 200.0, "b"),
        Answered(200.0, "other", 400.0, "a"),
        Answered(300.0, "criminal"),
    ]
    made.intervals = [[600.0, 1200.0], [], [1800.0], []]
    owed = np.array([1800.0, 3600.0, np.inf, 900.0])
    for minute in range(60):
        ages = np.array([60.0 * minute, 3000.0, 1e9, 900.0 + minute])
        made.sample(ages, owed, aloft=2 + minute % 2, covered=0.5)
    made.flight_s, made.energy_wh, made.sorties = 5400.0, 1234.0, 7
    made.charges, made.preemptions, made.reliefs, made.faults = 6, 2, 1, 3
    made.closures, made.diverted = 4, 5
    made.lowest_percent = 23.46
    return made


def test_figures() -> None:
    told = figures(measured(), 1 / 24)
    assert told == {
        "calls": 4,
        "unanswered": 1,
        "within_60_s": 0.25,
        "within_120_s": 0.5,
        "within_300_s": 0.75,
        "p50_s": 150.0,
        "p95_s": None,
        "p99_s": None,
        "worst_s": None,
        "revisit_mean_min": 20.0,
        "revisit_p95_min": 29.0,
        "revisit_worst_min": 30.0,
        "visits": 3,
        "visits_owed": 7,
        # the first cell for 29 minutes, the last for 59; what is not owed is never overdue
        "overdue_cell_h": 1.5,
        "overdue_share": pytest.approx(88 / 60 / 4, abs=1e-4),
        "covered_in_120_s": 0.5,
        "flight_h": 1.5,
        "in_air_mean": 2.5,
        "in_air_most": 3,
        "sorties": 7,
        "energy_kwh": 1.2,
        "charges": 6,
        "reliefs": 1,
        "preemptions": 2,
        "faults": 3,
        "closures": 4,
        "diverted": 5,
        "lowest_landing_percent": 23.5,
    }


def test_percentiles_where_everybody_was_reached() -> None:
    made = measured()
    made.calls = [Answered(0.0, "help", float(n), "a") for n in range(1, 102)]
    told = figures(made, 1 / 24)
    assert (told["p50_s"], told["p95_s"], told["p99_s"], told["worst_s"]) == (51, 96, 100, 101)
    assert told["within_60_s"] == pytest.approx(60 / 101, abs=1e-5)


def test_a_run_without_calls_or_visits() -> None:
    made = measured()
    made.calls, made.intervals = [], [[], [], [], []]
    told = figures(made, 1 / 24)
    assert (told["calls"], told["unanswered"], told["visits"]) == (0, 0, 0)
    assert {told[k] for k in ("p50_s", "p99_s", "worst_s", "revisit_mean_min")} == {None}


def test_load_is_in_proportion_to_what_is_owed(town: Callable[..., Ground]) -> None:
    ground = town(1)
    owed = np.full(len(ground.cells), 3600.0)
    whole = load(ground, owed)
    assert whole > 0
    assert load(ground, owed / 2) == pytest.approx(2 * whole)
    half = owed.copy()
    half[: len(half) // 2] = np.inf
    assert 0.3 * whole < load(ground, half) < 0.7 * whole
    assert load(ground, np.full(len(owed), np.inf)) == 0.0


def test_cells_against_what_is_owed_and_what_can_be(town: Callable[..., Ground]) -> None:
    ground = town(1)
    made = Measured(len(ground.cells))
    made.intervals[3] = [600.0, 1200.0]
    owed = np.full(len(ground.cells), 1800.0)
    owed[5] = np.inf
    rows = per_cell(made, ground, owed, 1.5)
    assert [row["cell"] for row in rows] == [cell.id for cell in ground.cells]
    assert rows[3] == {
        "cell": ground.cells[3].id, "visits": 2, "mean_min": 15.0, "p95_min": 19.5,
        "worst_min": 20.0, "owed_min": 30.0, "at_best_min": 45.0,
    }  # fmt: skip
    assert (rows[0]["visits"], rows[0]["mean_min"]) == (0, None)
    assert (rows[5]["owed_min"], rows[5]["at_best_min"]) == (None, None)
