"""A call answered from a dock and from the air, and a closure that turns one back: the embedded
vehicle, and real PX4 (marker ``px4``, by ``make conformance``).

Judged by the simulator's own logs: when a vehicle took off, where it was, and in which mode.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

DIVERTED_S = 2.0
LEAVES_S = 5.0
"""From an open door to the air: motors and mission are started, and 1 s of spinning up."""
OVER_M = 20.0


def ready(two: Any) -> bool:
    drones = two.ask("GET", "state")["drones"]
    return all(d["state"] == "docked" and not d["reason"] for d in drones)


def call_of(two: Any, name: str) -> Any:
    return two.ask("GET", f"calls/{name}")


def events(two: Any, drone: str, kind: str, since: float) -> list[tuple[float, dict[str, Any]]]:
    """Return what a vehicle did since a time, with how long after it, seconds."""
    found = [e for e in two.log("vehicles") if e["kind"] == kind and e["drone"] == drone]
    timed = [(datetime.fromisoformat(e["at"]).timestamp() - since, e) for e in found]
    return [(after, e) for after, e in timed if after >= 0]


def away_m(two: Any, drone: str, north: float, east: float) -> float:
    place = two.aloft().get(drone)
    return math.inf if place is None else math.dist(place, (north, east))


def diverted_s(two: Any, drone: str, since: float) -> float:
    """Return after how long a drone left its mission."""
    two.until(lambda: events(two, drone, "mode", since), 10, f"{drone} does something else")
    return events(two, drone, "mode", since)[0][0]


def on_scene(two: Any, name: str, drone: str, north: float, east: float) -> None:
    two.until(lambda: call_of(two, name)["status"] == "on_scene", 120, f"{name} is overhead")
    assert away_m(two, drone, north, east) < OVER_M + 2


def modes(two: Any) -> dict[str, str]:
    return {e["drone"]: e["mode"] for e in two.log("vehicles") if e["kind"] == "mode"}


@pytest.mark.timeout(700)
def test_calls_are_answered_from_a_dock_and_from_the_air_and_a_closure_turns_one_back(
    two: Any, place: Callable[[float, float], list[float]], ring: Any
) -> None:
    two.until(lambda: ready(two), 90, "both can leave")
    n0, e0 = -400.0, -650.0
    # from a dock
    lon, lat = place(n0 + 150, e0)
    asked = time.time()
    call = two.ask(
        "POST", "calls", id="c1", lon=lon, lat=lat, kind="fight", priority=5, on_scene_s=600
    )
    (sent,) = call["sent"]
    assert (sent["drone"], sent["from_dock"]) == ("a0", True)
    two.until(lambda: events(two, "a0", "takeoff", asked), 60, "it takes off")
    lift_s = events(two, "a0", "takeoff", asked)[0][0]
    door_s = two.city["docks"][0]["door_s"]
    print(f"call to lift-off {lift_s:.1f} s with a door of {door_s:g} s")
    assert lift_s < door_s + LEAVES_S
    on_scene(two, "c1", "a0", n0 + 150, e0)
    # from the air: the other, on its patrol
    two.ask("POST", "missions", kind="patrol", beats=[two.city["beats"][1]["id"]])
    two.until(lambda: state_of(two, "a1") == "on_task", 180, "a1 patrols")
    where = next(p for d, p in two.aloft().items() if d == "a1")
    north, east = where[0] + (120 if where[0] < n0 else -120), where[1]
    lon, lat = place(north, east)
    asked = time.time()
    call = two.ask(
        "POST", "calls", id="c2", lon=lon, lat=lat, kind="fight", priority=5, on_scene_s=60
    )
    (sent,) = call["sent"]
    assert (sent["drone"], sent["from_dock"]) == ("a1", False)
    took = diverted_s(two, "a1", asked)
    print(f"call to diversion {took:.2f} s")
    assert took < DIVERTED_S
    on_scene(two, "c2", "a1", north, east)
    # it goes on with its mission, until that is closed
    two.ask("POST", "calls/c2/close", reason="nothing there")
    two.until(lambda: state_of(two, "a1") in {"on_way", "on_task"}, 30, "a1 goes on")
    two.until(lambda: modes(two)["a1"].lower().startswith("mission"), 30, "its mission")
    two.until(lambda: state_of(two, "a1") == "on_task", 60, "a1 patrols on")
    north, east = two.aloft()["a1"]
    asked = time.time()
    two.ask(
        "POST",
        "zones/closures",
        reason="a fire",
        geometry={
            "type": "Polygon",
            "coordinates": [ring(north - 60, north + 60, east - 60, east + 60)],
        },
        until=(datetime.now(UTC) + timedelta(hours=1)).isoformat(),
    )
    took = diverted_s(two, "a1", asked)
    print(f"closure to diversion {took:.2f} s")
    assert took < DIVERTED_S
    two.until(
        lambda: (
            (p := two.aloft().get("a1")) is None or max(abs(p[0] - north), abs(p[1] - east)) > 60
        ),
        60,
        "it is out of what is closed",
    )
    # both come home, around it
    two.ask("POST", "recall", reason="the end of the trial")
    two.until(lambda: not two.aloft(), 240, "both have come down")
    down = [e for e in two.log("vehicles") if e["kind"] == "landed"]
    assert {e["drone"] for e in down} == {"a0", "a1"}
    assert all(e["dock_distance_m"] < 1.5 for e in down)


def state_of(two: Any, drone: str) -> str:
    return str(next(d for d in two.ask("GET", "state")["drones"] if d["id"] == drone)["state"])
