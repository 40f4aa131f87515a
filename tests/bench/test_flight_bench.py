"""What flight costs the controller, and how fast it is: `make bench`. Prints JSON lines.

Every vehicle is an embedded one in a process of its own, in the air, at PX4's default rates and
real time; ``world_cpu`` says what that process took, and ``world_speed`` whether it kept up (1 is
real time). The controller is ``skybeat serve``, killed and started again on a store that knows of
the flights.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [pytest.mark.bench, pytest.mark.timeout(300)]
SECONDS = 10.0
SETTLE_S = 4.0
RESERVE = 25.0
MEAN_S = 25.0
"""Longer than the mean that a battery's level is held against, and than the way to the task."""


def say(**what: object) -> None:
    """Print one JSON line."""
    print("\n" + json.dumps(what), flush=True)


def spread(values: list[float], unit: float = 1.0, digits: int = 1) -> dict[str, Any]:
    """Return median, 99th percentile (nearest rank) and greatest of some values."""
    ordered = sorted(values)
    if not ordered:
        return {"p50": None, "p99": None, "max": None, "of": 0}
    ranks = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    found = {
        name: round(ordered[min(len(ordered) - 1, int(rank * len(ordered)))] * unit, digits)
        for name, rank in ranks.items()
    }
    return {**found, "of": len(ordered)}


def taken_over(flocks: Callable[..., Any], flying: int, docked: int = 0) -> tuple[Any, dict]:
    """Return a flock whose controller was just started, and how it took the drones over."""
    flock = flocks(flying, docked)
    flock.lift()
    flock.remember()
    before = flock.world.ask(do="state")["plans"]
    began = flock.start()
    adopted = flock.adopted(began)
    flock.ready()
    drones = flock.drones()
    mixed = [n for n in flock.flyers if n in adopted and drones[n]["sortie"] != flock.sorties[n].id]
    after = flock.world.ask(do="state")["plans"]
    return flock, {
        "adopted_s": spread(list(adopted.values()), digits=2),
        "lost": flying - len(adopted),
        "mixed": len(mixed) + sum(before[n] != after[n] for n in flock.flyers),
    }


@pytest.mark.parametrize("flying", [8, 24, 100, 250])
def test_load_and_loop_lag(flocks: Callable[..., Any], flying: int) -> None:
    flock, took = taken_over(flocks, flying)
    time.sleep(SETTLE_S)
    figures = flock.figures(SECONDS)
    warnings = [e for e in flock.log() if "callback" in str(e.get("message", "")).lower()]
    say(
        bench="controller with vehicles in the air, PX4's default rates", vehicles=flying,
        **figures, cpu_each=round(figures["cpu"] / flying, 5),
        dropped_callbacks=len(warnings), adoption=took["adopted_s"],
        lost=took["lost"], mixed=took["mixed"],
    )  # fmt: skip
    assert took["lost"] == took["mixed"] == 0


def test_command_round_trip_and_restarts(flocks: Callable[..., Any]) -> None:
    """From the call of the API to its answer, which is the vehicle's; and to the vehicle's ear."""
    flock, _ = taken_over(flocks, 24)
    trips: dict[str, list[float]] = {"hold": [], "resume": []}
    ears: dict[str, list[float]] = {"hold": [], "resume": []}
    failed: list[str] = []
    for name in flock.flyers * 2:
        for action in ("hold", "resume"):
            flock.world.ask(do="told")
            began, clock = time.time(), time.perf_counter()
            body = {"action": action, "reason": "bench"}
            answer = flock.http.post(f"/drones/{name}/commands", json=body)
            trips[action].append(time.perf_counter() - clock)
            if answer.status_code != 200:
                failed.append(f"{name} {action}: {answer.status_code} {answer.text[:120]}")
            heard = flock.world.ask(do="told")["heard"].get(name, [])
            ears[action] += [heard[0][0] - began] if heard else []
    for action in trips:
        say(
            bench="command round-trip, ms", action=action, vehicles=24,
            answered=spread(trips[action], 1000), heard_by_vehicle=spread(ears[action], 1000),
            failed=len([f for f in failed if action in f]),
        )  # fmt: skip
    assert len(failed) <= 2, failed
    lost = _restarts(flock, 24, 3)
    assert lost == 0


def _restarts(flock: Any, vehicles: int, restarts: int) -> int:
    """SIGKILL, start, and how long until each drone in the air has its keeper; return the lost."""
    times: list[float] = []
    for _ in range(restarts):
        flock.kill()
        began = flock.start()
        times += flock.adopted(began).values()
        flock.ready()
    lost = vehicles * restarts - len(times)
    say(
        bench="adoption after SIGKILL, s after the fork", vehicles=vehicles, restarts=restarts,
        adopted=spread(times, digits=2), lost=lost,
    )  # fmt: skip
    return lost


def test_dock_to_airborne(flocks: Callable[..., Any]) -> None:
    """From the order to the air, the dock's own time apart."""
    flock = flocks(0, 3)
    flock.remember()
    flock.start()
    flock.ready()
    end = time.monotonic() + 30
    while any(d["state"] != "docked" for d in flock.drones().values()):
        assert time.monotonic() < end, flock.drones()
        time.sleep(0.1)
    flock.world.ask(do="told")
    began = time.time()
    answer = flock.http.post("/missions", json={"kind": "patrol", "beats": ["near"]})
    assert answer.status_code in {200, 201}, answer.text
    steps: list[Any] = []
    end = time.monotonic() + 60
    while sum(s[2] == "takeoff" for s in steps) < 3 and time.monotonic() < end:
        time.sleep(0.1)
        steps += flock.world.ask(do="told")["steps"]
    whole, docks, rest = [], [], []
    for number, name in enumerate(flock.names):
        of = {what: when for when, who, what in steps if who in {name, f"d{number:03}"}}
        checking = min(
            e["at"] for e in flock.log()
            if e.get("event") == "drone" and e["drone"] == name and e["state"] == "checking"
        )  # fmt: skip
        dock = of["open"] - of["told open"]
        whole.append(of["takeoff"] - checking)
        docks.append(dock)
        rest.append(of["takeoff"] - checking - dock)
    say(
        bench="dock to airborne, s", drones=3, whole=spread(whole, digits=2),
        dock_opening=spread(docks, digits=2), without_dock=spread(rest, digits=2),
        order_to_first_check=round(min(s[0] for s in steps) - began, 2),
    )  # fmt: skip


def test_safety_reaction(flocks: Callable[..., Any]) -> None:
    """From the vehicle's telling message to the vehicle's hearing the command, under planning load.

    One battery after the other crosses the reserve; an aircraft calls down all within 1 km at once.
    """
    flock, took = taken_over(flocks, 100, docked=4)
    assert took["lost"] == 0
    poor = flock.flyers[50:90]
    flock.world.ask(do="drain", drones=poor, percent=RESERVE + 2.4)
    time.sleep(MEAN_S)  # a level that jumps is believed only when it has stayed
    battery: list[float] = []
    for name in poor:
        at = flock.world.ask(do="battery", drone=name, percent=RESERVE - 0.6)["at"]
        reaction = first_heard(flock, name, at)
        battery += [reaction] if reaction is not None else []
    aircraft: list[float] = []
    for number, name in enumerate((flock.flyers[0], flock.flyers[44])):
        at = flock.world.ask(do="aircraft", drone=name, icao=0x780000 + number)["at"]
        time.sleep(2.0)
        for heard in flock.world.ask(do="told")["heard"].values():
            aircraft.append(heard[0][0] - at)
    figures = flock.figures(3.0)
    say(
        bench="safety reaction, ms, from the vehicle's word to its hearing the command",
        vehicles=100, battery_at_reserve=spread(battery, 1000),
        aircraft_near=spread(aircraft, 1000), no_reaction_to_battery=len(poor) - len(battery),
        lag_p99_ms=figures["lag_p99_ms"], planner_cpu=figures["planner_cpu"],
    )  # fmt: skip
    assert battery


def first_heard(flock: Any, name: str, since: float, bound_s: float = 5.0) -> float | None:
    """Return how long after a moment a vehicle heard a command, in seconds; None within the bound."""
    end = time.monotonic() + bound_s
    while time.monotonic() < end:
        heard = flock.world.ask(do="told")["heard"].get(name, [])
        after = [when for when, _ in heard if when >= since]
        if after:
            return after[0] - since
        time.sleep(0.02)
    return None
