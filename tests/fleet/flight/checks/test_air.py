"""Checks of the way, and of who else is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fleet.flight import checks
from fleet.flight.safety import Sky
from fleet.model.states import DroneState as S
from fleet.model.traffic import Aircraft
from missions.sortie import LegKind

Make = Callable[[], Any]


@pytest.mark.parametrize("altitude", [130.0, 0.0, -5.0])
def test_under_ceiling(ready: Make, altitude: float) -> None:
    check, r = checks.UnderCeiling(), ready()
    assert check.refuses(r.situation) is None
    reason = check.refuses(r.but(sortie=r.sortie([(0, 0), (500, 0)], altitude)))
    assert reason == f"sortie has a waypoint at {altitude:g} m; 0 to 120 m is allowed"


def aircraft(r: Any, north: float, amsl: float, **fields: Any) -> Aircraft:
    t = r.heard(0, north, 0)
    told: dict[str, Any] = {"icao": 1, "callsign": "B7000", "at": r.now, "heading_deg": 180.0}
    return Aircraft(lon=t.lon, lat=t.lat, altitude_amsl_m=amsl, **(told | fields))


def test_no_traffic(ready: Make) -> None:
    """Seen from the height at which the drone will fly, 40 m over a dock at 20 m."""
    check, r = checks.NoTraffic(), ready()
    assert check.refuses(r.but(aircraft=(aircraft(r, 900.0, 350.0),))) == (
        "aircraft B7000 is 900 m away, 290 m above"
    )
    assert check.refuses(r.but(aircraft=(aircraft(r, 900.0, 370.0),))) is None
    comes = aircraft(r, 2500.0, 200.0, speed_m_s=60.0)
    assert "nearer in 25 s" in str(check.refuses(r.but(aircraft=(comes,))))


def test_no_conflict_with_who_is_near_at_the_same_time(ready: Make) -> None:
    """Whether it is, is said by the one test of conflict, of every sortie but the drone's own."""
    check, r = checks.NoConflict(), ready()
    other = r.sortie([(250.0, -300.0), (250.0, 300.0)], 40.0, "b1", "d2")
    asked: list[str] = []

    def meets(drone: str) -> bool:
        asked.append(drone)
        return drone == "b2"

    passed = r.but(under_way={"a1": r.situation.sortie, "b1": other}, meets_in_time=meets)
    assert check.refuses(passed) is None
    met = r.but(under_way={"b1": other, "b2": other}, meets_in_time=meets)
    assert check.refuses(met) == "the sortie of b2 comes nearer than 30 m at the same time"
    assert asked == ["b1", "b1", "b2"]


@pytest.mark.parametrize(
    ("state", "fields", "words"),
    [
        (S.HELD, {}, "b1 is held where the sortie leads"),
        (S.AVOIDING, {}, "b1 is avoiding where the sortie leads"),
        (S.LOST, {"connected": False}, "b1 is lost where the sortie leads"),
        (S.ON_TASK, {"mode": "POSCTL"}, "b1 is on_task where the sortie leads"),
        (S.ON_TASK, {}, None),  # flies what it was planned to fly
    ],
)
def test_no_conflict_with_one_that_flies_no_plan(
    ready: Make, state: S, fields: dict[str, Any], words: str | None
) -> None:
    check, r = checks.NoConflict(), ready()

    def refuses(east: float, north: float, altitude: float) -> str | None:
        sky = Sky()
        sky.put("b1", state, r.heard(east, north, altitude, **fields), r.pad, 20.0, 40.0, 0.0)
        return check.refuses(r.but(sky=sky))

    assert refuses(300.0, 20.0, 45.0) == words
    assert refuses(300.0, 40.0, 45.0) is None
    assert refuses(300.0, 20.0, 56.0) is None


def test_no_conflict_lets_a_relief_take_over_above_the_one_on_station(ready: Make) -> None:
    check, r = checks.NoConflict(), ready()

    def watching(altitude: float, drone: str) -> Any:
        """Watch the same site, 500 m to the east."""
        sortie = r.sortie([(0.0, 0.0), (500.0, 0.0)], altitude, drone, "d1")
        stare = replace(sortie.legs[1], kind=LegKind.STARE, site="bridge")
        return replace(sortie, legs=(sortie.legs[0], stare))

    on_station = {"b1": watching(55.0, "b1")}
    relief = r.but(sortie=watching(70.0, "a1"), under_way=on_station)
    assert check.refuses(relief) is None
    same = r.but(sortie=watching(69.0, "a1"), under_way=on_station)
    assert check.refuses(same) == "b1 watches the same site less than 15 m above or below"
