"""Plan patrols for the reference city, laid out so many times side by side; one JSON line.

``plan_city.py CITY_FILE TIMES``: in a process of its own, for its memory is measured.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from missions.city import City
from missions.cityfile import parse
from missions.day.conditions import Conditions
from missions.day.patrolling import Idle
from missions.day.responding import Responder
from missions.day.run import DayRun
from missions.demand import Demand
from missions.energy import Wind
from missions.ground import ground_of
from missions.patrol.rolling import RollingPlan
from missions.patrol.situation import Situation

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
GAP_DEG = 0.003
PLACES = ("districts", "beats", "docks", "drones", "hot_spots", "targets")
"""What is laid out again, with names of its own; how all of it is meant to be stays the same."""


def tiled(city: City, times: int) -> City:
    """Return a city that holds another so many times, in rows, within one fence."""
    corners = np.array([corner for zone in city.zones for corner in zone.area])
    low, high = corners.min(axis=0), corners.max(axis=0)
    step = high - low + GAP_DEG
    columns = int(np.ceil(np.sqrt(times)))
    data = city.model_dump()
    found: dict[str, list[Any]] = {key: [] for key in PLACES}
    for number in range(times):
        by = step * [number % columns, number // columns]
        for key in PLACES:
            found[key] += [_copied(entry, by, number) for entry in data[key]]
    far = low + step * [columns, (times - 1) // columns + 1]
    fence = {"id": "all", "kind": "fence", "area": [low, (far[0], low[1]), far, (low[0], far[1])]}
    data |= found | {"zones": [json.loads(json.dumps(fence, default=list))], "sites": []}
    for rule in data["policy"]["rules"]:
        spots = rule["where"]["hot_spots"]
        rule["where"]["hot_spots"] = [_named(spot, n) for n in range(times) for spot in spots]
    for number, drone in enumerate(
        data["drones"]
    ):  # MAVLink has no more than 255; nobody flies here
        drone["system_id"] = 1 + number % 250
        drone["video"] = None
    data["limits"]["max_airborne"] *= times
    return City.model_validate(data)


def _copied(entry: dict[str, Any], by: Any, number: int) -> dict[str, Any]:
    copy = dict(entry)
    for key in ("id", "dock", "district"):
        if copy.get(key):
            copy[key] = _named(copy[key], number)
    if "area" in copy:
        copy["area"] = [(np.array(corner) + by).tolist() for corner in copy["area"]]
    if "position" in copy:
        copy["position"] = (np.array(copy["position"]) + by).tolist()
    return copy


def _named(name: str, number: int) -> str:
    return f"{name}-{number}" if number else name


def main() -> None:
    """Plan, and see who leaves; print how long it took, and the memory of it all."""
    file, times = Path(sys.argv[1]), int(sys.argv[2])
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    city = tiled(parse(file.read_text(encoding="utf-8"), file.name), times)
    begun = time.process_time()
    ground, demand = ground_of(city), Demand.of(city)
    ground_s = time.process_time() - begun
    run = DayRun(
        ground, START, 1.0, (), Conditions((Wind(4.0, 120.0),)), demand, Idle(), Responder()
    )
    view = run.view()
    now = Situation(
        now_s=0.0,
        fleet=view.fleet,
        age_s=view.age_s,
        owed_s=view.owed_s,
        weight=np.ones(len(ground.cells)),
        wind=view.wind,
        ceiling=demand.ceiling(START),
        ready=city.limits.ready_per_dock,
        reserve=demand.reserve(START),
        calls=demand.weights(START),
    )
    plan = RollingPlan(ground)
    found: list[Any] = []
    wall, spent = time.perf_counter(), [time.process_time()]
    for step in (plan.make, plan.due, plan.spare):
        found.append(step(now))
        spent.append(time.process_time())
    plan_s = time.perf_counter() - wall
    make_s, due_s, _ = np.diff(spent).tolist()
    line = {
        "times": times,
        "cells": len(ground.cells),
        "docks": len(ground.docks),
        "drones": len(ground.drones),
        "iterations": plan.iterations,
        "tours": len(plan.tours),
        "visits": sum(len(tour.cells) for tour in plan.tours.values()),
        "due": len(found[1]),
        "cost": plan.cost,
        "ground_cpu_s": round(ground_s, 2),
        "make_cpu_s": round(make_s, 2),
        "due_cpu_s": round(due_s, 2),
        "plan_cpu_s": round(spent[-1] - spent[0], 2),
        "plan_wall_s": round(plan_s, 2),
        "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
