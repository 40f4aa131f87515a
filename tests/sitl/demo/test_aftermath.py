"""What faults led to, from logs that are written here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sitl.demo.aftermath import MOST_WORDS, aftermath, sheltered, stranded

T0 = datetime(2026, 1, 1, tzinfo=UTC)
HOMES = {"a": "x", "b": "x", "c": "y"}


def at(seconds: float) -> str:
    return (T0 + timedelta(seconds=seconds)).isoformat()


def entry(kind: str, seconds: float, **fields: Any) -> dict[str, Any]:
    return {"kind": kind, "at": at(seconds), **fields}


def said(what: str, seconds: float, words: str) -> dict[str, Any]:
    return {"at": at(seconds), "what": what, "words": words}


def played(fault: str, target: str, begin: float, end: float | None, **more: Any) -> list[Any]:
    out = [entry("begins", begin, fault=fault, target=target, **more)]
    if end is not None:
        out.append(entry("ends", end, fault=fault, target=target, **more))
    return out


def landed(drone: str, seconds: float, dock: str = "x", distance: float = 0.2) -> dict[str, Any]:
    return entry("landed", seconds, drone=drone, dock=dock, dock_distance_m=distance)


def test_a_fault_is_told_with_what_followed_on_what_it_could_reach() -> None:
    told = [
        said("a", 5, "on_task"),
        said("a", 12, "returning (no GPS)"),
        said("c", 13, "returning (something else)"),
        said("a", 90, "docked"),
    ]
    (one,) = aftermath(
        played("vehicle_gps", "a", 10, 40), homes=HOMES, told=told,
        vehicles=[landed("a", 30, distance=812.0)], docks=[],
    )  # fmt: skip
    assert one.seconds == 30
    assert one.led_to == ("a: returning (no GPS)", "a: landed 812.0 m from dock x")
    assert one.line().startswith("vehicle_gps on a: a: returning (no GPS); ")


@pytest.mark.parametrize(
    ("fault", "target", "reached"),
    [
        ("weather_wind", "all", {"a", "b", "c", "x"}),
        ("weather_rain", "x", {"a", "b", "x"}),
        ("dock_jam", "y", {"c"}),
        ("camera_drop", "b", {"b"}),
        ("traffic", "c", {"c"}),
    ],
)
def test_a_fault_reaches_its_own_alone(fault: str, target: str, reached: set[str]) -> None:
    told = [said(what, 11, "moves") for what in ("a", "b", "c", "x")]
    (one,) = aftermath(played(fault, target, 10, 20), homes=HOMES, told=told, vehicles=[], docks=[])
    assert set(one.led_to) == {f"{what}: moves" for what in reached}


def test_docks_accidents_are_told() -> None:
    docks = [
        entry("door", 11, dock="x", door="jammed"),
        entry("struck_lid", 12, dock="x", drone="a"),
    ]
    (one,) = aftermath(
        played("dock_jam", "x", 10, None), homes=HOMES, told=[], vehicles=[], docks=docks
    )
    assert one.led_to == ("x: door jammed", "a: struck the lid of x")
    assert one.seconds is None


def test_what_could_not_be_played_and_what_led_to_nothing() -> None:
    log = [entry("impossible", 5, fault="vehicle_motor", target="a", reason="no motor")]
    log += played("cad_slow", "centre", 6, 7)
    first, second = aftermath(log, homes=HOMES, told=[], vehicles=[], docks=[])
    assert first.led_to == ("could not be played: no motor",)
    assert second.line() == "cad_slow on centre: nothing"
    assert second.as_dict()["led_to"] == []


def test_a_long_story_is_cut_and_said_so() -> None:
    told = [said("a", 11 + k / 10, f"step {chr(97 + k)}") for k in range(MOST_WORDS + 5)]
    told += [said("a", 14, "step a")]
    (one,) = aftermath(
        played("vehicle_link", "a", 10, 20), homes=HOMES, told=told, vehicles=[], docks=[]
    )
    assert one.led_to[-1] == "and 5 more"
    assert len(one.led_to) == MOST_WORDS + 1


def test_warnings_are_left_out_before_what_was_done() -> None:
    told = [said("a", 11, "warned: wind 12.1 m/s")]
    told += [said("a", 12 + k / 10, f"step {chr(97 + k)}") for k in range(MOST_WORDS)]
    (one,) = aftermath(
        played("weather_wind", "x", 10, 20), homes=HOMES, told=told, vehicles=[], docks=[]
    )
    assert one.led_to == (*(f"a: step {chr(97 + k)}" for k in range(MOST_WORDS)), "and 1 more")


def test_what_differs_by_its_numbers_is_told_once() -> None:
    told = [
        said("a", 11, "avoiding (aircraft B-7021 is 933 m away)"),
        said("a", 12, "warned: aircraft B-7021 is 920 m away"),
        said("a", 13, "avoiding (aircraft B-7021 is 400 m away)"),
        said("b", 14, "warned: aircraft B-7021 is 1200 m away"),
        said("b", 15, "warned: aircraft B-7021 is 1100 m away"),
    ]
    (one,) = aftermath(
        played("traffic", "all", 10, 20), homes=HOMES, told=told, vehicles=[], docks=[]
    )
    assert one.led_to == (
        "a: avoiding (aircraft B-7021 is 933 m away)",
        "b: warned: aircraft B-7021 is 1200 m away",
    )


def test_the_same_fault_twice_has_each_its_own_end() -> None:
    log = played("dock_offline", "x", 10, 20) + played("dock_offline", "x", 100, 130)
    assert [one.seconds for one in aftermath(log, homes=HOMES, told=[], vehicles=[], docks=[])] == [
        10,
        30,
    ]


def test_only_a_drone_that_a_fault_brought_down_is_stranded() -> None:
    up = [entry("takeoff", 5, drone=d) for d in ("a", "b", "c")]
    faults = played("vehicle_gps", "a", 10, 20) + played("vehicle_link", "b", 10, 20)
    down = [landed(d, 30, distance=500.0) for d in ("a", "b", "c")]
    assert stranded(up + down, faults, HOMES) == {"a"}
    assert stranded([*up, landed("a", 30, distance=0.3)], faults, HOMES) == set()
    assert stranded([*up, landed("a", 8, distance=500.0)], faults, HOMES) == set()
    assert stranded([*up, *down, entry("takeoff", 40, drone="a")], faults, HOMES) == set()


def test_a_drone_in_another_dock_is_sheltered_while_it_stands_there() -> None:
    vehicles = [entry("takeoff", 5, drone="a"), landed("a", 30, dock="y")]
    docks = [
        entry("occupant", 1, dock="x", drone="a", present=True),
        entry("occupant", 5, dock="x", drone="a", present=False),
        entry("occupant", 30, dock="y", drone="a", present=True),
    ]
    assert sheltered(vehicles, docks, HOMES) == {"a"}
    assert sheltered(vehicles[:1], docks[:2], HOMES) == set()
    gone = [*docks, entry("occupant", 40, dock="y", drone="a", present=False)]
    assert sheltered([*vehicles, entry("takeoff", 40, drone="a")], gone, HOMES) == set()
    assert sheltered([landed("a", 9)], docks[:1], HOMES) == set()
