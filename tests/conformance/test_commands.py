"""A pilot's commands in the air: go to, orbit, and what is refused."""

from __future__ import annotations

import math

import pytest

from fleet.errors import LinkError, Refused
from fleet.link.items import difference, fence_items
from fleet.model.command import GoTo, Orbit

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]


async def test_it_goes_to_a_place_and_holds_there_facing_where_it_was_told(air):
    since = air.now()
    await air.go_to(40, 0, heading_deg=90.0)
    air.took("go to, 40 m", since, 7, 22)
    assert air.link.telemetry.mode == "HOLD"
    await air.until(lambda t: abs(math.remainder(t.heading_deg - 90, 360)) < 10, 15)
    since = air.now()
    await air.go_to(40, 0, 25)
    air.took("10 m up", since, 3, 14)
    since = air.now()
    await air.go_to(40, 0, 15)
    air.took("10 m down", since, 5, 18)


async def test_a_place_beyond_the_fence_is_refused_in_the_autopilots_own_words(air, place):
    there = place(400, 0)
    with pytest.raises(Refused, match=r"(?i)outside geofence"):
        await air.link.go_to(GoTo(action="goto", lon=there.lon, lat=there.lat, altitude_m=15))
    assert air.link.telemetry.mode == "HOLD"
    assert air.from_pad_m() < 60


async def test_a_wider_fence_is_taken_in_the_air_and_its_own_again_where_it_is_in_it(air, place):
    own = await air.link.held_fence()
    east = place(0, 400)
    corners = [place(*corner) for corner in ((-500, -500), (-500, 500), (500, 500), (500, -500))]
    wide = tuple(fence_items([(corner.lon, corner.lat) for corner in corners], ()))
    since = air.now()
    await air.link.load_fence(wide)
    air.took("wider fence", since, 0.5, 6)
    assert difference(wide, await air.link.held_fence()) is None
    assert air.link.telemetry.mode == "HOLD"
    await air.link.go_to(GoTo(action="goto", lon=east.lon, lat=east.lat, altitude_m=15))
    await air.until(lambda t: air.from_m(0, 400) < 60, 120)
    with pytest.raises(Refused, match="Geofence invalid, doesn't contain current vehicle"):
        await air.link.load_fence(own)
    await air.link.load_fence(wide)
    await air.go_to(0, 0)
    await air.link.load_fence(own)
    assert difference(own, await air.link.held_fence()) is None
    with pytest.raises(Refused, match=r"(?i)outside geofence"):
        await air.link.go_to(GoTo(action="goto", lon=east.lon, lat=east.lat, altitude_m=15))


@pytest.mark.parametrize("clockwise", [True, False])
async def test_it_circles_at_the_radius_and_looks_at_the_centre(air, place, clockwise):
    centre = place(25, 0)
    circle = Orbit(
        action="orbit", lon=centre.lon, lat=centre.lat, altitude_m=15, radius_m=20,
        speed_m_s=4, clockwise=clockwise,
    )  # fmt: skip
    since = air.now()
    await air.link.orbit(circle)
    await air.until(lambda t: t.mode == "ORBIT" and abs(air.from_m(25, 0) - 20) < 2, 30)
    air.took(f"onto the circle, {'' if clockwise else 'anti'}clockwise", since, 0, 15)
    start = bearing(air)
    since = air.now()
    turned, last, radii, aims = 0.0, start, [], []

    def round_about(t):
        nonlocal turned, last
        now = bearing(air)
        turned, last = turned + math.remainder(now - last, 360), now
        radii.append(air.from_m(25, 0))
        aims.append(abs(math.remainder(t.heading_deg - (now + 180), 360)))
        return abs(turned) > 120

    await air.until(round_about, 60)
    air.took("a third of the circle", since, 7, 22)
    assert (turned > 0) == clockwise
    assert max(abs(r - 20) for r in radii) < 4
    assert aims[-1] < 20
    await air.link.hold()
    await air.until(lambda t: t.mode == "HOLD", 5)


def bearing(air):
    """Return the bearing of the vehicle from the centre, degrees."""
    north, east = 25.0, 0.0
    now = air.link.telemetry
    there = air.at(north, east)
    scale = math.cos(math.radians(there.lat))
    return math.degrees(math.atan2((now.lon - there.lon) * scale, now.lat - there.lat)) % 360


async def test_motors_are_not_stopped_in_the_air_by_disarming(air):
    with pytest.raises(LinkError):
        await air.link.disarm()
    assert air.link.telemetry.armed
    assert air.link.telemetry.in_air


async def test_nothing_more_than_its_speed_is_flown(air):
    await air.link.set_speed(2.5)
    assert 1.5 < await top_speed(air, 30) < 3.2, "set_speed holds for what is flown next"
    await air.link.set_speed(5.0)
    assert 2.0 < await top_speed(air, 0, speed_m_s=3.5) < 4.3, "a place's own, for the way there"


async def top_speed(air, north, **more):
    """Fly to a place; return the highest speed on the way, m/s."""
    top, there = 0.0, air.at(north, 0)
    target = GoTo(action="goto", lon=there.lon, lat=there.lat, altitude_m=15, **more)
    await air.link.go_to(target)

    def arrived(t):
        nonlocal top
        top = max(top, math.hypot(t.velocity_north_m_s, t.velocity_east_m_s))
        return air.from_m(north, 0) < 2

    await air.until(arrived, 60)
    return top
