"""What is closed on a drone's way is looked for from where it really is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from shapely.geometry import LineString, Polygon

from fleet.model.closure import Closure
from fleet.model.states import DroneState
from missions.city import Zone
from missions.geo import LocalFrame

S = DroneState
FRAME = LocalFrame(117.65, 24.51)
Make = Callable[..., Any]
WEST_OF_ITS_WAY = ((-140.0, 80.0), (-60.0, 80.0), (-60.0, 140.0), (-140.0, 140.0))


async def closed(town: Any) -> None:
    until = town.clock.now() + timedelta(hours=1)
    ring = tuple(tuple(FRAME.to_lonlat(*corner)) for corner in WEST_OF_ITS_WAY)
    zone = Zone(id="fire", kind="no_fly", area=ring)
    one = Closure(
        id=uuid4(), kind="closure", zone=zone, reason="fire", created_at=town.clock.now(),
        created_by="wang", until=until,
    )  # fmt: skip
    await town.controller.closures.add([one])


async def test_one_that_was_blown_aside_does_not_fly_to_its_next_item_through_what_is_closed(
    make_town: Make,
) -> None:
    """Its mission leads by it; the way from where the wind has taken it does not."""
    town = make_town()
    track: list[tuple[float, float]] = []

    def place() -> tuple[float, float]:
        truth = town.vehicle.truth
        return FRAME.to_enu(truth.lon, truth.lat)

    def home() -> bool:
        track.append(place())
        return town.state() is S.DOCKED and town.at_home()

    async with town.open():
        await town.patrol()
        await town.until(lambda: 20 < place()[1] < 60, 300)  # on its way to 200 m north
        await closed(town)
        item = town.vehicle.truth.mission_current
        await town.until(lambda: place()[1] > 70, 60)
        assert town.state() is S.ON_WAY
        lon, lat = FRAME.to_lonlat(-190.0, 70.0)
        town.vehicle.set(lon=lon, lat=lat)
        assert town.vehicle.truth.mission_current == item
        await town.until(lambda: town.state() is S.RETURNING, 2)
        assert "its way is closed" in town.live().reason
        await town.until(home, 900)
    assert not LineString(track).intersects(Polygon(WEST_OF_ITS_WAY))
