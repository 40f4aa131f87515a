"""The air over a dock is one drone's at a time."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

import pytest

from fleet.flight.column import RADIUS_M, is_in
from fleet.model.live import Telemetry
from fleet.model.states import DroneState
from missions.geo import LocalFrame

S = DroneState
PAD = (117.65, 24.51)
FRAME = LocalFrame(*PAD)


def seen(town: Any, east: float, altitude: float, in_air: bool = True) -> Telemetry:
    lon, lat = FRAME.to_lonlat(east, 0.0)
    return Telemetry(at=town.clock.now(), lon=lon, lat=lat, altitude_m=altitude, in_air=in_air)


async def test_who_is_in_the_way(make_town: Callable[..., Any]) -> None:
    town = make_town()
    assert is_in(seen(town, 10.0, 40.0), PAD, 55.0)
    assert not is_in(seen(town, 10.0, 40.0), PAD, 40.0)
    assert not is_in(seen(town, RADIUS_M + 5, 40.0), PAD, 55.0)
    assert not is_in(seen(town, 0.0, 0.0, in_air=False), PAD, 55.0)


def separation(a: Telemetry, b: Telemetry) -> tuple[float, float]:
    east, north = LocalFrame(a.lon or 0.0, a.lat or 0.0).to_enu(b.lon or 0.0, b.lat or 0.0)
    return math.hypot(east, north), abs((a.altitude_m or 0.0) - (b.altitude_m or 0.0))


@pytest.mark.parametrize("recall_after_s", [0, 15, 40, 70, 100])
async def test_three_drones_of_one_dock_keep_apart_whenever_they_are_called_home(
    make_town: Callable[..., Any], recall_after_s: int
) -> None:
    town = make_town(("a1", "a2", "a3"))
    worst: list[tuple[float, float, str, str]] = []

    async def watch() -> None:
        while True:
            up = [(d, v.truth) for d, v in town.vehicles.items() if v.truth.in_air]
            for i, (name, a) in enumerate(up):
                for other, b in up[i + 1 :]:
                    level, height = separation(a, b)
                    if level < 30 and height < 14.5:
                        worst.append((level, height, name, other))
            await asyncio.sleep(0.25)

    async with town.open():
        watching = asyncio.create_task(watch())
        await town.patrol()
        await town.until(lambda: all(v.truth.in_air for v in town.vehicles.values()))
        await asyncio.sleep(recall_after_s)
        await town.controller.recall_all("typhoon", "wang")
        for drone in town.vehicles:
            await town.until(lambda d=drone: town.state(d) in {S.DOCKED, S.CHARGING}, 1500)
        watching.cancel()
        assert not worst


async def test_a_restart_over_the_dock_lets_the_lower_one_land_first(
    make_town: Callable[..., Any],
) -> None:
    town = make_town(("a1", "a2"))
    async with town.open():
        await town.patrol()
        await town.until(lambda: all(town.state(d) is S.ON_TASK for d in town.vehicles))
        await town.kill()
        await town.until(lambda: all(v.truth.mode == "HOLD" for v in town.vehicles.values()))
        await town.start_again()
        await town.until(lambda: S.CLOSING in town.passed("a1"))
        assert S.LANDING not in town.passed("a2")
        await town.until(lambda: S.CLOSING in town.passed("a2"))
