"""How long a plan for a whole city takes, as one JSON line."""

from __future__ import annotations

import itertools
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import pytest

from missions.cells import city_cells
from missions.cityfile import parse
from missions.planner import DroneOffer, OrderWish, plan

ZHANGZHOU = Path(__file__).parents[2] / "sitl" / "cities" / "zhangzhou.yaml"


@pytest.mark.bench
def test_a_plan_for_24_drones_over_the_whole_city() -> None:
    city = parse(ZHANGZHOU.read_text(encoding="utf-8"), ZHANGZHOU.name)
    city = city.model_copy(update={"limits": city.limits.model_copy(update={"max_airborne": 24})})
    now = datetime(2025, 5, 1, 12, tzinfo=UTC)
    orders = [OrderWish("patrol", "patrol", now, beats=tuple(b.id for b in city.beats))]
    drones = [DroneOffer(d.id, d.dock, 100) for d in city.drones]
    took = []
    for _ in range(21):
        numbers = itertools.count()
        start = time.perf_counter()
        made = plan(city, now, orders, drones, {}, new_id=lambda n=numbers: str(next(n)))
        took.append((time.perf_counter() - start) * 1000)
        # for the last of those that leave at once there may be no height that is free
        assert len(made.sorties) >= 22
        assert len(made.sorties) + len(made.refusals) == 24
    line = {
        "bench": "plan",
        "drones": len(drones),
        "cells": len(city_cells(city)),
        "sorties": len(made.sorties),
        "first_ms": round(took[0], 1),
        "median_ms": round(median(took[1:]), 1),
    }
    print("\n" + json.dumps(line))
