"""Landing on a marker that the controller sees, and without one."""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, datetime

import pytest

from fleet.link.port import LandingTarget
from missions.geo import distance_m

LATE_S = 0.1
"""From the picture to the controller; also the time between two pictures."""
NORTH_M, EAST_M = 110_770.0, 111_320.0
"""Metres a degree of latitude, and of longitude at the equator."""

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]


async def show(bench, north, east):
    """Say at 10 Hz where a marker is: metres of the vehicle's own local frame."""
    while True:
        now = bench.link.telemetry
        if now.local_north_m is not None:
            bench.link.show_target(
                LandingTarget(
                    datetime.now(UTC),
                    north - now.local_north_m,
                    east - now.local_east_m,
                    -now.local_down_m,
                )
            )
        await asyncio.sleep(0.1 / bench.speed)


async def see(bench, marker, blind_m):
    """Show, as a camera would, where a marker is from where the vehicle really is.

    ``marker`` is (longitude, latitude); 10 times a second, each sighting ``LATE_S`` after it was
    taken, and none from below ``blind_m``, where the marker is larger than the picture.
    """
    scale = math.cos(math.radians(marker[1]))
    ground = bench.sim.true_pose().altitude_amsl_m - bench.sim.true_pose().altitude_m
    while True:
        pose, taken = bench.sim.true_pose(), datetime.now(UTC)
        down = pose.altitude_amsl_m - ground
        await asyncio.sleep(LATE_S / bench.speed)
        if down > blind_m:
            north = (marker[1] - pose.lat) * NORTH_M
            east = (marker[0] - pose.lon) * EAST_M * scale
            bench.link.show_target(LandingTarget(taken, north, east, down))


async def test_it_lands_on_a_marker_that_lies_beside_the_surveyed_place(air):
    await air.go_to(0, 0, 12)  # where the controller has it look for the marker
    start, there = air.at(0.0, 0.0), air.at(0.8, -0.6)
    marker = there.lon, there.lat
    task = asyncio.create_task(see(air, marker, blind_m=2.0))
    try:
        since = air.now()
        await air.link.precision_land()
        assert air.link.telemetry.mode == "PRECISION_LAND"
        await air.down(150)
        air.took("landing on a marker from 12 m", since, 15, 90)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    pose = air.sim.true_pose()
    off = distance_m((pose.lon, pose.lat), marker)
    air.found("landed off the marker, m", off)
    assert off < 0.4
    assert distance_m((pose.lon, pose.lat), (start.lon, start.lat)) > 0.6, (
        "not where it would have landed without"
    )


async def test_without_a_marker_it_looks_for_one_and_then_lands(air):
    await air.go_to(0, 0, 6)
    highest = 0.0

    def down(t):
        nonlocal highest
        highest = max(highest, t.altitude_m or 0.0)
        return not t.armed and not t.in_air

    since = air.now()
    await air.link.precision_land()
    await air.until(down, 120)
    air.took("precision landing without a marker", since, 18, 70)
    assert highest > 8.5, "PLD_SRCH_ALT is 10 m"
    assert air.from_pad_m() < 4.0


async def test_a_return_uses_the_marker_that_is_seen(air):
    await air.go_to(12, 0, 8)
    now = air.link.telemetry
    home_n = now.local_north_m - 12.0
    north, east = home_n + 3.0, now.local_east_m - 3.0
    task = asyncio.create_task(show(air, north, east))
    air.sim.set_parameter("RTL_RETURN_ALT", 12.0)
    air.sim.set_parameter("RTL_PLD_MD", 1.0)
    try:
        since = air.now()
        await air.link.return_to_launch()
        await air.down(150)
        air.took("return onto a marker", since, 20, 90)
    finally:
        air.sim.set_parameter("RTL_RETURN_ALT", 30.0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    now = air.link.telemetry
    # PX4's estimate moves by some decimetres in the last seconds, on the ground too
    assert math.hypot(now.local_north_m - north, now.local_east_m - east) < 1.5
