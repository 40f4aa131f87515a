"""The greatest height and distance that the autopilot was given, and leaving them all the same."""

from __future__ import annotations

import pytest

from fleet.errors import LinkError, Refused
from fleet.link.items import difference, fence_items, programme
from fleet.model.command import GoTo
from missions.sortie import Leg, LegKind

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]


async def test_nothing_above_the_greatest_height_is_flown_to(air):
    air.sim.set_parameter("GF_MAX_VER_DIST", 22.0)
    try:
        there = air.at(0, 0)
        high = GoTo(action="goto", lon=there.lon, lat=there.lat, altitude_m=30.0)
        with pytest.raises(Refused, match=r"(?i)outside geofence"):
            await air.link.go_to(high)
        assert air.link.telemetry.altitude_m < 22
        assert not air.link.telemetry.failsafe
    finally:
        air.sim.set_parameter("GF_MAX_VER_DIST", 0.0)


async def test_one_that_is_too_far_away_stops_and_says_so(air, moment):
    await air.go_to(20, 0)
    air.sim.set_parameter("GF_MAX_HOR_DIST", 10.0)
    try:
        since = air.now()
        await air.until(lambda t: t.failsafe, 15)
        air.took("too far from home: failsafe", since, 0, 6)
        await air.said("exceeding maximum distance to Home", moment, 5)
        assert air.link.telemetry.mode == "HOLD"  # GF_ACTION 2
        assert air.link.telemetry.armed
    finally:
        air.sim.set_parameter("GF_MAX_HOR_DIST", 0.0)
    await air.link.hold()
    await air.until(lambda t: not t.failsafe, 15)


def box(place, south, north, west, east):
    """Return a ring of (lon, lat) by metres from the pad."""
    corners = ((south, west), (south, east), (north, east), (north, west))
    return [(p.lon, p.lat) for p in (place(*corner) for corner in corners)]


async def test_an_area_that_is_closed_beside_a_mission_joins_its_fence_and_leaves_it_again(
    air, make_sortie, place, moment
):
    """The fence is sent while the mission is flown: it goes on, and the area is kept out of."""
    ring = box(place, -200, 200, -200, 200)
    track = tuple(place(north, 0) for north in (30, 60, 90, 60, 30))
    plan = programme(make_sortie((Leg(LegKind.SURVEY, track, 5.0, cell="c"),), fence_m=200.0))
    await air.link.load(plan)
    await air.link.start_mission()
    await air.until(lambda t: t.mode == "MISSION" and air.from_pad_m() > 15, 30)
    modes, stop = set(), None

    def look():
        modes.add((air.link.telemetry.mode, air.link.telemetry.failsafe))

    stop = air.link.listen(look)
    try:
        east, west = box(place, 20, 120, 60, 120), box(place, 20, 120, -120, -60)
        since = air.now()
        for closed in ([east], [east, west], [east]):
            fence = tuple(fence_items(ring, closed))
            await air.link.load_fence(fence)
            assert difference(fence, await air.link.held_fence()) is None
        air.took("three fences in a mission", since, 1, 20)
        await air.until(lambda t: t.mode == "MISSION" and t.mission_current >= 4, 40)
    finally:
        stop()
    assert modes == {("MISSION", False)}
    assert not any("eofence" in text.text for text in air.link.texts if text.at >= moment)
    await air.link.hold()
    there = place(60, 90)
    inside = GoTo(action="goto", lon=there.lon, lat=there.lat, altitude_m=15)
    with pytest.raises(Refused, match=r"(?i)outside geofence"):
        await air.link.go_to(inside)
    await air.link.load_fence(tuple(fence_items(ring, ())))
    await air.go_to(60, 90)
    # one that holds the vehicle is not taken: the fence of before is gone all the same
    with pytest.raises(Refused, match="Geofence invalid, doesn't contain current vehicle"):
        await air.link.load_fence(tuple(fence_items(ring, [east])))
    await air.go_to(0, 0)
    await air.link.load_fence(tuple(fence_items(ring, ())))


async def test_it_holds_where_a_waypoint_of_its_mission_is_closed(air, make_sortie, place, moment):
    """So whoever flies there is told nothing of a closure: its mission, and the way home by that,
    would be refused.
    """
    ring = box(place, -200, 200, -200, 200)
    track = tuple(place(north, 0) for north in (30, 60, 90, 60, 30))
    plan = programme(make_sortie((Leg(LegKind.SURVEY, track, 5.0, cell="c"),), fence_m=200.0))
    await air.link.load(plan)
    await air.link.start_mission()
    await air.until(lambda t: t.mode == "MISSION" and air.from_pad_m() > 15, 30)
    await air.link.load_fence(tuple(fence_items(ring, [box(place, 80, 120, -20, 20)])))
    await air.until(lambda t: t.mode == "HOLD", 10)
    await air.said("Geofence violation for waypoint", moment, 5)
    await air.said("No valid mission available, loitering", moment, 5)
    with pytest.raises(LinkError):
        await air.link.start_mission()
    assert (air.link.telemetry.mode, air.link.telemetry.failsafe) == ("HOLD", False)
    await air.link.load_fence(tuple(fence_items(ring, ())))
    await air.link.start_mission()
    await air.until(lambda t: t.mode == "MISSION" and t.mission_current >= 4, 30)
    await air.link.hold()
