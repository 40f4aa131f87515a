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


def test_no_conflict_with_a_sortie_under_way(ready: Make) -> None:
    check, r = checks.NoConflict(), ready()

    def with_other(way: list[tuple[float, float]], altitude: float = 40.0) -> str | None:
        other = r.sortie(way, altitude, "b1", "d2")
        return check.refuses(r.but(under_way={"b1": other, "a1": r.situation.sortie}))

    near = "the sortie of b1 comes nearer than the 40 m of plans"
    crosses = [(250.0, -300.0), (250.0, 300.0)]
    assert with_other(crosses) == near
    assert with_other(crosses, 54.0) == near
    assert with_other(crosses, 55.0) is None
    assert with_other([(0.0, 41.0), (500.0, 41.0)]) is None
    assert with_other([(0.0, 39.0), (500.0, 39.0)]) == near


def test_no_conflict_with_one_that_will_be_past(ready: Make) -> None:
    check, r = checks.NoConflict(), ready()
    other = r.sortie([(250.0, -300.0), (250.0, 300.0)], 40.0, "b1", "d2")
    asked: list[str] = []

    def past(drone: str) -> bool:
        asked.append(drone)
        return False

    assert check.refuses(r.but(under_way={"b1": other}, meets_in_time=past)) is None
    aside = r.sortie([(250.0, -300.0), (250.0, 300.0)], 70.0, "b2", "d2")
    assert check.refuses(r.but(under_way={"b2": aside}, meets_in_time=past)) is None
    assert asked == ["b1"]


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


def test_no_conflict_knows_a_changed_sortie_from_the_one_before(ready: Make) -> None:
    """The same id, flown elsewhere: what was worked out for the one is not taken for the other."""
    check, r = checks.NoConflict(), ready()
    near = r.sortie([(0.0, 10.0), (500.0, 10.0)], 40.0, "b1", "d2")
    far = replace(near, legs=r.sortie([(0.0, 90.0), (500.0, 90.0)]).legs)
    assert check.refuses(r.but(under_way={"b1": near})) is not None
    assert check.refuses(r.but(under_way={"b1": far})) is None


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
