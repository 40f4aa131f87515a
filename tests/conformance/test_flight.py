"""What a controller relies on, of any autopilot."""

from __future__ import annotations

import pytest

from fleet.errors import LinkError
from fleet.link.items import programme

pytestmark = pytest.mark.timeout(300)


async def test_it_becomes_ready_by_itself_and_stands_at_home(vehicle):
    seen = await vehicle.ready()
    assert seen.connected
    assert not seen.armed
    assert not seen.in_air
    assert seen.gps_fix >= 3
    assert seen.battery_percent > 50
    assert vehicle.from_pad_m() < 2.0
    assert abs(seen.altitude_m) < 2.0


@pytest.mark.parametrize("points", [1, 2, 40, 400])
async def test_fence_and_mission_are_held_as_sent(vehicle, sortie, points):
    await vehicle.ready()
    plan = programme(sortie(points=points))
    await vehicle.link.load(plan)
    assert await vehicle.link.holds(plan) is None
    other = programme(sortie(points=points, reach_m=55.0))
    assert "item" in await vehicle.link.holds(other)


async def test_a_mission_out_of_the_fence_is_not_flown(vehicle, sortie):
    await vehicle.ready()
    plan = programme(sortie(reach_m=120.0, fence_m=60.0))
    with pytest.raises(LinkError, match=r"(?i)geofence"):
        await vehicle.link.load(plan)
        await vehicle.link.arm()
        await vehicle.link.start_mission()
    assert not vehicle.link.telemetry.in_air


async def test_a_whole_flight(vehicle, sortie):
    await vehicle.ready()
    plan = programme(sortie())
    await vehicle.link.load(plan)
    await vehicle.link.arm()
    await vehicle.link.start_mission()
    await vehicle.until(lambda t: t.in_air, 30)
    survey = next(k for k, leg in enumerate(plan.legs) if leg == 1)
    await vehicle.until(lambda t: t.mission_current >= survey and t.altitude_m > 15, 60)

    await vehicle.link.hold()
    held_at = vehicle.link.telemetry.mission_current
    await vehicle.link.start_mission()
    assert vehicle.link.telemetry.mission_current >= held_at, "it began again from the start"

    await vehicle.until(lambda t: plan.leg_index(t.mission_current) == 2, 90)
    await vehicle.link.fly_to_item(plan.last)
    # at the end of its mission it holds over the dock, by itself
    await vehicle.until(lambda t: t.mode == "HOLD" and vehicle.from_pad_m() < 5.0, 90)
    assert vehicle.link.telemetry.altitude_m > 15

    await vehicle.link.return_to_launch()
    await vehicle.until(lambda t: not t.armed and not t.in_air, 120)
    assert vehicle.from_pad_m() < 2.0


async def test_a_vehicle_that_was_not_armed_does_not_start(vehicle, sortie):
    await vehicle.ready()
    await vehicle.link.load(programme(sortie()))
    with pytest.raises(LinkError):
        await vehicle.link.start_mission()
    assert not vehicle.link.telemetry.in_air
