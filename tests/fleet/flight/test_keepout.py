"""Of what is closed a vehicle's fence takes as much as it holds, and nothing that its drone may need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from shapely.geometry import Point

from fleet.flight.carried import Carried
from fleet.flight.keepout import CLEAR_M, flown_with
from fleet.model.closure import Closure
from fleet.model.states import DroneState
from missions.airspace import FENCE_POINTS
from missions.city import Zone
from missions.geo import LocalFrame
from missions.zones import MARGIN_M

S = DroneState
FRAME = LocalFrame(117.65, 24.51)
OTHER = FRAME.to_enu(*FRAME.to_lonlat(400.0, 100.0))
"""Where the second dock is."""
Make = Callable[..., Any]
Ring = Sequence[tuple[float, float]]


def square(east: float, north: float, edge: float = 30.0) -> Ring:
    half = edge / 2
    return [
        (east - half, north - half),
        (east + half, north - half),
        (east + half, north + half),
        (east - half, north + half),
    ]


def circle(east: float, north: float, corners: int) -> Ring:
    return list(Point(east, north).buffer(40, quad_segs=corners // 4).exterior.coords)[:-1]


def closing(town: Any, ring: Ring) -> Closure:
    now, key = town.clock.now(), uuid4()
    zone = Zone(
        id=f"closure-{key.hex[:8]}",
        kind="no_fly",
        area=tuple(tuple(FRAME.to_lonlat(*corner)) for corner in ring),
    )
    return Closure(
        id=key, kind="closure", zone=zone, reason="fire", created_at=now, created_by="wang",
        until=now + timedelta(hours=1),
    )  # fmt: skip


async def under_way(town: Any) -> int:
    """Have the town's drone fly its mission for long; return the corners of its own fence."""
    town.planner.hold_s = 200.0
    await town.patrol()
    await town.until(lambda: town.state() is S.ON_WAY, 300)
    return len(town.vehicle.fence)


async def test_a_fence_takes_no_more_than_a_vehicle_holds(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        own = await under_way(town)
        many = [closing(town, square(-430, -400 + 45 * n)) for n in range(17)]
        await town.controller.closures.add(many)
        await town.until(lambda: len(town.vehicle.fence) > own, 5)
        assert len(town.vehicle.fence) == own + (FENCE_POINTS - own) // 4 * 4
        assert town.vehicle.truth.mode == "MISSION"


async def test_one_with_too_many_corners_leaves_room_to_those_after_it(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        own = await under_way(town)
        squares = [square(-430, -400 + 45 * n) for n in range(13)]  # 8 corners are left
        rings = [*squares, circle(300, -300, 12), square(300, 300), square(450, 450)]
        await town.controller.closures.add([closing(town, ring) for ring in rings])
        await town.until(lambda: len(town.vehicle.fence) == FENCE_POINTS, 5)
        told = Carried.read(town.vehicle.fence)
        assert told is not None
        assert [len(ring) for ring in told.exclusions] == [4] * 15
        assert own == 4


@pytest.mark.parametrize("near", [True, False])
async def test_what_is_closed_beside_another_dock_that_it_may_go_to_is_not_told(
    make_town: Make, near: bool
) -> None:
    """Nor there does PX4 turn and stop on a point."""
    town = make_town(docks=2)
    async with town.open():
        await under_way(town)
        keeper = town.controller.supervisors["a1"]
        assert len(keeper.sortie.alternates) == 1
        away = MARGIN_M + 5.0 if near else MARGIN_M + CLEAR_M + 5.0
        ring = square(OTHER[0] + away + 15.0, OTHER[1])
        await town.controller.closures.add([closing(town, ring)])
        told = flown_with(keeper)
        assert told is not None
        assert len(told.exclusions) == (0 if near else 1)
