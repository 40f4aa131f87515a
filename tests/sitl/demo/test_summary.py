from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitl.demo.summary import away, faults, percentile, summarise

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> str:
    return (T0 + timedelta(seconds=seconds)).isoformat()


def takeoff(drone: str, t: float) -> dict:
    return {"kind": "takeoff", "drone": drone, "at": at(t)}


def landed(drone: str, t: float, distance: float = 0.3, dock: str = "x") -> dict:
    return {
        "kind": "landed",
        "drone": drone,
        "at": at(t),
        "dock": dock,
        "dock_distance_m": distance,
    }


def door(dock: str, state: str) -> dict:
    return {"kind": "door", "dock": dock, "door": state, "at": at(0)}


def received(
    incident: str,
    *,
    type_: str = "incident.created",
    webhook: str = "w",
    duplicate: bool = False,
    delay=0.5,
    site="s",
    image_ok=True,
) -> dict:
    return {
        "kind": "received",
        "incident": incident,
        "webhook_id": webhook,
        "type": type_,
        "duplicate": duplicate,
        "site": site,
        "captured_at": at(10),
        "received_at": at(10 + delay),
        "image_ok": image_ok,
    }


GOOD = {
    "homes": {"a": "x", "b": "x"},
    "vehicles": [takeoff("a", 12), takeoff("b", 14), landed("a", 60), landed("b", 70)],
    "docks": [door("x", "open"), door("x", "closed"), door("y", "closed")],
    "cad": [
        received("i1"),
        received("i2", delay=1.5),
        received("i1", duplicate=True),
        received("i1", type_="incident.updated"),
    ],
}


def test_counts_what_the_logs_show():
    summary = summarise(
        controller_up=T0, **GOOD, detections=["d1", "d1", "d2"], incidents=["i1", "i2"]
    )
    assert summary.as_dict() == {
        "sorties_started": 2,
        "sorties_completed": 2,
        "drones_flown": 2,
        "docks_cycled": 1,
        "detections": 2,
        "incidents": 2,
        "cad_received": 2,
        "cad_duplicates": 0,
        "seconds_to_first_takeoff": 12.0,
        "seconds_frame_to_cad_p50": 0.5,
        "seconds_frame_to_cad_p95": 1.5,
    }


def test_a_good_run_has_no_faults():
    assert faults(**GOOD, incidents=["i1", "i2"], expected_sites=["s"]) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"vehicles": [takeoff("a", 1)]}, "a took off and did not come home"),
        ({"vehicles": [takeoff("a", 1), landed("a", 2, 40.0)]}, "a took off and did not come home"),
        ({"vehicles": [takeoff("a", 1), landed("a", 2, dock="y")]}, "a took off and did not come"),
        ({"vehicles": []}, "no drone took off"),
        ({"docks": [door("x", "open")]}, "the door of x is open"),
        ({"incidents": ["i1", "lost"]}, "incident lost did not reach the CAD"),
        (
            {"cad": [received("i1"), received("i1", webhook="w2")]},
            "incident i1 took effect 2 times",
        ),
        ({"cad": [received("i1", image_ok=False)]}, "the picture of incident i1 is damaged"),
        (
            {"cad": [{"kind": "refused", "reason": "bad signature"}]},
            "the CAD refused a message: bad signature",
        ),
        ({"expected_sites": ["other"]}, "no incident of other reached the CAD"),
    ],
)
def test_every_fault_is_named(change, words):
    run = {**GOOD, "incidents": ["i1"], "expected_sites": [], **change}
    assert any(words in fault for fault in faults(**run)), faults(**run)


def test_an_incident_that_takes_effect_twice_is_a_duplicate():
    run = {**GOOD, "cad": [received("i1"), received("i1", webhook="w2")]}
    assert summarise(controller_up=T0, **run, detections=[], incidents=[]).cad_duplicates == 1


def test_a_second_flight_must_come_home_too():
    assert away([takeoff("a", 1), landed("a", 2), takeoff("a", 3)], {"a": "x"}) == {"a"}


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_percentile_is_a_value_with_enough_below_it(values, share):
    p = percentile(values, share)
    assert p in values
    assert sum(v <= p for v in values) >= share * len(values) - 1e-9
