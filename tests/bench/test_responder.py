"""How long a decision takes: who answers a call, of 100 drones over 1,000 cells, as JSON lines."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import numpy as np
import pytest

from missions.builder import Builder
from missions.city import City
from missions.energy import PowerModel, Wind
from missions.errors import PlanError
from missions.geo import LocalFrame
from missions.ground import Ground, ground_of
from missions.picture import Doing, DroneNow
from missions.responder import Call, respond
from missions.trajectory import Trajectory

ORIGIN = (117.65, 24.51)
NOW = datetime(2025, 5, 1, 12, tzinfo=UTC)
WIND = Wind(4.0, 220.0)
BEAT = (1500.0, 1200.0)
ROWS, COLUMNS = 10, 5
CALLS = 400
SORTIE_CELLS = 8
P99_MS = 50.0


def _ring(west: float, south: float, east: float, north: float) -> list[tuple[float, float]]:
    frame = LocalFrame(*ORIGIN)
    corners = [(west, south), (east, south), (east, north), (west, north)]
    return [(p.lon, p.lat) for p in (frame.to_lonlat(*corner) for corner in corners)]


def _city(rng: np.random.Generator) -> City:
    """50 beats of 20 cells, each with a dock of two drones, and 12 no-fly zones."""
    frame, (width, height) = LocalFrame(*ORIGIN), BEAT
    beats, docks, drones = [], [], []
    for n in range(ROWS * COLUMNS):
        west, south = width * (n % COLUMNS), height * (n // COLUMNS)
        ring = _ring(west, south, west + width, south + height)
        beats.append({"id": f"b{n}", "name": "B", "district": "d", "area": ring, "cell_m": 300})
        place = frame.to_lonlat(*(np.array([west, south]) + rng.uniform(400, 800, 2)))
        docks.append({"id": f"k{n}", "position": (place.lon, place.lat)})
        for i in (2 * n, 2 * n + 1):
            mavlink = f"udpin://0.0.0.0:{14540 + i}"
            drones.append(
                {"id": f"v{i}", "dock": f"k{n}", "system_id": i + 1, "mavlink": mavlink, "cruise_m_s": 15}
            )  # fmt: skip
    wide, high = width * COLUMNS, height * ROWS
    whole = _ring(-500, -500, wide + 500, high + 500)
    zones = [{"id": "fence", "kind": "fence", "area": whole}]
    # in a corner of a beat each, where no dock is
    for n, beat in enumerate(rng.choice(ROWS * COLUMNS, 12, replace=False).tolist()):
        x, y = width * (beat % COLUMNS) + 1100, height * (beat // COLUMNS) + 850
        zones.append({"id": f"z{n}", "kind": "no_fly", "area": _ring(x, y, x + 250, y + 200)})
    return City.model_validate(
        {
            "city": {"name": "Bench", "origin": ORIGIN}, "broker": {"url": "mqtt://127.0.0.1:1883"},
            "limits": {"max_airborne": 100, "reserve_percent": 20}, "beats": beats, "docks": docks,
            "districts": [{"id": "d", "name": "D", "area": whole}], "drones": drones, "zones": zones,
        }
    )  # fmt: skip


def _flyer(ground: Ground, n: int, rng: np.random.Generator) -> tuple[DroneNow, Trajectory] | None:
    """Return a drone somewhere on a patrol over its beat; None where none can be built."""
    drone = ground.drones[f"v{n}"]
    builder = Builder(ground, drone, ground.layers[n % len(ground.layers)], 100, WIND)
    draft = builder.start()
    beat = [i for i, cell in enumerate(ground.cells) if cell.beat == f"b{n // 2}"]
    for cell in rng.choice(beat, SORTIE_CELLS, replace=False).tolist():
        try:
            draft = builder.survey(draft, cell)
        except PlanError:
            continue  # in a zone
    try:
        sortie = builder.finish(builder.home(draft), f"s{n}", "patrol")
    except PlanError:
        return None
    model = PowerModel.of(drone)
    planned = Trajectory.of_sortie(ground.frame, sortie, 0.0, model, WIND, doubt_s=5.0, drift=0.03)
    flown = rng.uniform(0.1, 0.8)
    way = planned.later(-flown * planned.end_s)
    east, north, up = way.at(0.0) or (0.0, 0.0, 0.0)
    percent = 100.0 - flown * 100.0 * draft.cost.energy_wh / model.capacity_wh
    left = sortie.cells[int(flown * len(sortie.cells)) :]
    now = DroneNow(
        drone.id, drone.dock, Doing.PATROL, percent, (east, north), up, 0, sortie, left, way.end_s
    )  # fmt: skip
    return now, way


def _fleet(
    ground: Ground, rng: np.random.Generator
) -> tuple[list[DroneNow], dict[str, Trajectory]]:
    """Return every second drone on patrol, the others in their docks and charging."""
    fleet, others = [], {}
    for n in range(len(ground.drones)):
        flyer = _flyer(ground, n, rng) if n % 2 else None
        if flyer is not None:
            fleet.append(flyer[0])
            others[f"v{n}"] = flyer[1]
        else:
            dock = f"k{n // 2}"
            percent = float(rng.uniform(25, 100))
            fleet.append(DroneNow(f"v{n}", dock, Doing.DOCKED, percent, ground.places[dock]))
    return fleet, others


@pytest.mark.bench
@pytest.mark.parametrize("want", [1, 3])
def test_a_decision_with_100_drones_and_1000_cells(want: int) -> None:
    rng = np.random.default_rng(1)
    ground = ground_of(_city(rng))
    assert (len(ground.drones), len(ground.cells)) == (100, 1000)
    fleet, others = _fleet(ground, rng)
    assert len(others) >= 45
    late = {cell.id: float(rng.normal(0.0, 1800.0)) for cell in ground.cells}
    respond(ground, Call("first", (100.0, 100.0)), fleet, WIND, NOW, others=others)
    took, eta, nobody = [], [], 0
    for n in range(CALLS):
        place = (float(rng.uniform(0, 7500)), float(rng.uniform(0, 12000)))
        begun = time.perf_counter()
        made = respond(
            ground, Call(str(n), place), fleet, WIND, NOW, want=want, others=others, overdue_s=late
        )
        took.append((time.perf_counter() - begun) * 1000)
        eta += [pick.eta_s for pick in made.picks]
        nobody += len(made.picks) < want
    # nobody at all: every drone has to be refused, by name
    begun = time.perf_counter()
    least = Call("least", (3750.0, 6000.0), min_stay_s=7200.0)
    assert not respond(ground, least, fleet, WIND, NOW, others=others, overdue_s=late).picks
    none_ms = (time.perf_counter() - begun) * 1000
    line = {
        "bench": "respond", "drones": 100, "cells": 1000, "flying": len(others), "want": want,
        "calls": CALLS, "p50_ms": round(float(np.percentile(took, 50)), 1),
        "p99_ms": round(float(np.percentile(took, 99)), 1), "max_ms": round(max(took), 1),
        "nobody_ms": round(none_ms, 1), "too_few": nobody,
        "eta_p50_s": round(float(np.median(eta)), 1), "eta_max_s": round(max(eta), 1),
    }  # fmt: skip
    print("\n" + json.dumps(line))
    if want == 1:
        assert line["p99_ms"] < P99_MS
