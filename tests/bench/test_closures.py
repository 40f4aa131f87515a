"""From a closure over the API to the ears of the vehicles it concerns, packet to packet: `make bench`.

24 embedded vehicles in a process of their own, each in the air over its own dock's survey; the
controller is ``skybeat serve``. The closure is a comb that holds every survey and no dock. The time
begins before the POST is sent, and ends with the first command about flying that a vehicle hears.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

pytestmark = [pytest.mark.bench, pytest.mark.timeout(300)]
VEHICLES = 24
BOUND_S = 2.0
SETTLE_S = 4.0
ORIGIN = (117.65, 24.51)


def say(**what: object) -> None:
    """Print one JSON line."""
    print("\n" + json.dumps(what), flush=True)


def at(north: float, east: float) -> list[float]:
    """Return [lon, lat] by metres from the origin, as the flock reckons."""
    scale = 111_320 * np.cos(np.radians(ORIGIN[1]))
    return [float(ORIGIN[0] + east / scale), float(ORIGIN[1] + north / 111_320)]


def comb(flock: Any) -> dict[str, Any]:
    """Return a polygon with a tooth over each row of surveys, joined west of all of them."""
    rows = sorted({north for north, _ in flock.places})
    west, east = -600.0, flock.size + 100
    outer: list[list[float]] = []
    for row in rows:
        low, high = row + 225.0, row + 275.0
        outer += [at(low, west + 50), at(low, east), at(high, east), at(high, west + 50)]
    first, last = rows[0] + 225.0, rows[-1] + 275.0
    ring = [at(first, west), *outer, at(last, west)]
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def test_closure_to_diversion(flocks: Callable[..., Any]) -> None:
    flock = flocks(VEHICLES)
    flock.lift()
    flock.remember()
    began = flock.start()
    flock.adopted(began)
    flock.ready()
    time.sleep(SETTLE_S)
    flock.world.ask(do="told")
    flying = {n for n, d in flock.drones().items() if d["state"] in {"on_way", "on_task"}}
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    body = {"geometry": comb(flock), "until": until, "reason": "bench"}
    begun = time.time()
    taken = flock.http.post("/zones/closures", json=body)
    answered = time.time() - begun
    assert taken.status_code == 201, taken.text
    time.sleep(BOUND_S + 1)
    heard = flock.world.ask(do="told")["heard"]
    waits = [heard[name][0][0] - begun for name in flying if name in heard]
    missed = len(flying - set(heard))
    assert waits
    p50, p99 = np.percentile(waits, [50, 99])
    say(
        bench="closure to diversion, s", vehicles=VEHICLES, p50=round(float(p50), 3),
        p99=round(float(p99), 3), max=round(max(waits), 3), of=len(waits), missed=missed,
        answered=round(answered, 3), bound=BOUND_S,
        met=bool(p99 < BOUND_S and not missed),
    )  # fmt: skip
    assert missed == 0
    assert len(flying) == VEHICLES
