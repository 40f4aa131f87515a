"""What flight costs the controller, and how fast it is: `make bench`. Prints JSON lines.

Every vehicle is an embedded one in a process of its own, in the air, at real time; ``world_cpu``
says what that process took, and ``world_speed`` whether it kept up (1 is real time). They begin at
PX4's default rates, and the controller asks each for fewer packets, the fewer the more there are;
``packets_s_each`` says how many came. Where ``rates`` is ``PX4's default`` they do not hear that.
The controller is ``skybeat serve``, killed and started again on a store that knows of the flights.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from fleet.link.items import programme
from fleet.link.mavsdk_pool import MavsdkPool
from fleet.link.plan_id import plan_id
from missions.cityfile import parse

pytestmark = [pytest.mark.bench, pytest.mark.timeout(300)]
SECONDS = 10.0
SETTLE_S = 4.0
RESERVE = 25.0
MEAN_S = 25.0
"""Longer than the mean that a battery's level is held against, and than the way to the task."""
REACTION_MS = 200.0
ADOPTED_S = 5.0
LAG_MS = 50.0
"""What the 99th percentiles are to be under; the lines say whether they were."""


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


def under(found: dict[str, Any], bound: float) -> dict[str, Any]:
    """Return a spread with its bound and whether that was kept."""
    return {**found, "bound_p99": bound, "met": found["p99"] is not None and found["p99"] < bound}


def taken_over(
    flocks: Callable[..., Any],
    flying: int,
    docked: int = 0,
    poor: slice | None = None,
    *,
    own_rates: bool = False,
) -> tuple[Any, dict]:
    """Return a flock whose controller was just started, and how it took the drones over.

    The batteries of those in ``poor`` are a little over the reserve.
    """
    flock = flocks(flying, docked, own_rates=own_rates)
    flock.lift()
    flock.remember()
    if poor:
        flock.world.ask(do="drain", drones=flock.flyers[poor], percent=RESERVE + 2.4)
    before = flock.world.ask(do="state")["plans"]
    began = flock.start()
    adopted = flock.adopted(began)
    flock.ready()
    drones = flock.drones()
    mixed = [n for n in flock.flyers if n in adopted and drones[n]["sortie"] != flock.sorties[n].id]
    after = flock.world.ask(do="state")["plans"]
    return flock, {
        "adopted_s": under(spread(list(adopted.values()), digits=2), ADOPTED_S),
        "lost": flying - len(adopted),
        "mixed": len(mixed) + sum(before[n] != after[n] for n in flock.flyers),
    }


@pytest.mark.parametrize(
    ("flying", "own_rates"), [(250, False), (100, True), (100, False), (24, True), (24, False)]
)
def test_load_and_loop_lag(flocks: Callable[..., Any], flying: int, own_rates: bool) -> None:
    flock, took = taken_over(flocks, flying, own_rates=own_rates)
    time.sleep(SETTLE_S)
    figures = flock.figures(SECONDS)
    warnings = [e for e in flock.log() if "callback" in str(e.get("message", "")).lower()]
    say(
        bench="controller with vehicles in the air", vehicles=flying,
        rates="PX4's default" if own_rates else "as asked for",
        packets_s_each=round(figures["packets_s"] / flying), **figures,
        lag_bound_p99_ms=LAG_MS, lag_met=figures["lag_p99_ms"] < LAG_MS,
        cpu_each=round(figures["cpu"] / flying, 5),
        dropped_callbacks=len(warnings), adoption=took["adopted_s"],
        lost=took["lost"], mixed=took["mixed"],
    )  # fmt: skip
    assert took["lost"] == took["mixed"] == 0


def test_command_round_trip_and_restarts(flocks: Callable[..., Any]) -> None:
    """From the call of the API to its answer, which is the vehicle's; and to the vehicle's ear."""
    flock = flocks(24)
    if flock.pid is None:
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
        adopted=under(spread(times, digits=2), ADOPTED_S), lost=lost,
    )  # fmt: skip
    return lost


def test_plans_of_all_at_once(flocks: Callable[..., Any]) -> None:
    """A plan like no other into each vehicle, all in the same moment, over one controller's links."""
    flock = flocks(0, 24)
    plans = {name: programme(flock.sortie(n)) for n, name in enumerate(flock.names)}
    took: dict[str, float] = {}

    async def load() -> None:
        drones = parse(flock.city_file.read_text(), flock.city_file.name).drones
        async with MavsdkPool(drones) as pool, asyncio.timeout(120):
            links = pool.links
            while not all(links[n].attached and links[n].telemetry.armable for n in plans):
                await asyncio.sleep(0.1)
            began = time.perf_counter()

            async def one(name: str) -> None:
                await links[name].load(plans[name])
                took[name] = time.perf_counter() - began

            await asyncio.gather(*map(one, plans))

    asyncio.run(load())
    held = flock.world.ask(do="state")["plans"]
    mixed = [name for name, plan in plans.items() if held[name] != plan_id(plan.items)]
    say(
        bench="a plan into each vehicle at once, read back, s", vehicles=24,
        items=len(plans[flock.names[0]].items), loaded=spread(list(took.values()), digits=2),
        mixed=len(mixed),
    )  # fmt: skip
    assert not mixed


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
    """From the vehicle's telling packet to the command's packet, while the planner plans.

    One battery after the other crosses the reserve; an aircraft calls down all within 1 km at once.
    """
    began = time.monotonic()
    flock, took = taken_over(flocks, 100, docked=4, poor=slice(50, 90))
    assert took["lost"] == 0
    # a level that jumps is believed only when it has stayed
    time.sleep(max(0.0, MEAN_S - (time.monotonic() - began)))
    since, planner = time.monotonic(), flock.planner_cpu()
    battery: list[float] = []
    poor = flock.flyers[50:90]
    for name in poor:
        at = flock.world.ask(do="battery", drone=name, percent=RESERVE - 0.6)["at"]
        battery += [r for r in [first_out(flock, name, at)] if r is not None]
    aircraft: list[float] = []
    near = 0
    for number, name in enumerate((flock.flyers[0], flock.flyers[44])):
        told = flock.world.ask(do="aircraft", drone=name, icao=0x780000 + number)
        at, near = told["at"], near + len(told["near"])
        time.sleep(2.0)
        first = dict[str, float]()
        for who, when in flock.commands():
            if when >= at and who in told["near"]:
                first.setdefault(who, when - at)
        aircraft += first.values()
    planner = (flock.planner_cpu() - planner) / (time.monotonic() - since)
    figures = flock.figures(3.0)
    say(
        bench="safety reaction, ms, from the vehicle's packet to the command's packet",
        vehicles=100, while_planning=planner > 0.01, planner_cpu=round(planner, 3),
        battery_at_reserve=under(spread(battery, 1000), REACTION_MS),
        aircraft_near=under(spread(aircraft, 1000), REACTION_MS),
        no_reaction_to_battery=len(poor) - len(battery),
        no_reaction_to_aircraft=near - len(aircraft), lag_p99_ms=figures["lag_p99_ms"],
    )  # fmt: skip
    assert battery
    assert aircraft


def first_out(flock: Any, name: str, since: float, bound_s: float = 5.0) -> float | None:
    """Return how long after a moment a command went out to a vehicle, in seconds; None if none."""
    end = time.monotonic() + bound_s
    while time.monotonic() < end:
        out = [at for who, at in flock.commands() if who == name and at >= since]
        if out:
            return out[0] - since
        time.sleep(0.02)
    return None
