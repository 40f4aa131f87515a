"""What the demo asks of a run: pure parts of it, without its processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from missions.cityfile import parse
from sitl.demo.cli import DEFAULT_CITY
from sitl.demo.run import WATCHED_S, Demo, Options

BRIDGE, MARKET = "zhangzhou-bridge", "night-market"
PLAYED = {"kind": "begins", "at": "2026-01-01T00:00:00+00:00", "fault": "traffic", "target": "all"}


@pytest.fixture
async def demo(tmp_path: Path) -> Demo:
    city = parse(DEFAULT_CITY.read_text(encoding="utf-8"), "city")
    return Demo(Options(DEFAULT_CITY, city, (), tmp_path, seconds=240.0))


async def test_a_scenario_that_drives_the_drone_off_owes_no_incident_of_its_site(
    demo: Demo,
) -> None:
    demo.truth.faults.entries.append(PLAYED)
    demo.seen.watched_s = {BRIDGE: WATCHED_S - 0.5, MARKET: WATCHED_S}
    assert demo.watched_too_short() == [BRIDGE]
    missing = [words for words in demo.faults() if words.startswith("no incident")]
    assert missing == [f"no incident of {MARKET} reached the CAD"]


async def test_a_site_is_watched_for_as_long_as_it_was_seen_to_be(demo: Demo) -> None:
    for now, state in ((5.0, "watching"), (6.0, "watching"), (8.5, "watching"), (9.0, "blind")):
        demo.seen.watch([{"id": BRIDGE, "state": state}], now)
    assert demo.watched_s(BRIDGE) == 3.5
    assert demo.watched_s(MARKET) == 0.0


async def test_a_site_whose_incident_came_was_watched_long_enough(demo: Demo) -> None:
    demo.truth.faults.entries.append(PLAYED)
    demo.truth.cad.entries.append({"kind": "received", "site": MARKET})
    assert demo.watched_too_short() == [BRIDGE]


async def test_without_a_scenario_every_incident_is_owed(demo: Demo) -> None:
    assert demo.watched_too_short() == []
    missing = [words for words in demo.faults() if words.startswith("no incident")]
    assert len(missing) == 2


async def test_a_short_demo_owes_none(tmp_path: Path) -> None:
    city = parse(DEFAULT_CITY.read_text(encoding="utf-8"), "city")
    short = Demo(Options(DEFAULT_CITY, city, (), tmp_path, seconds=20.0))
    short.truth.faults.entries.append(PLAYED)
    assert short.watched_too_short() == []
    assert not any(words.startswith("no incident") for words in short.faults())
