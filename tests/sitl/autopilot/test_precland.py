"""Landing on a marker: seen, lost, never seen; in its own mode and at the end of a return."""

from __future__ import annotations

import math

import pytest

from sitl.autopilot.precland import Phase


def target(ground, dialect, north, east, *, frame=1, valid=1, usec=0):
    message = dialect.MAVLink_landing_target_message(
        usec, 0, frame, 0.0, 0.0, 0.0, 0.0, 0.0, north, east, 0.0, (1.0, 0.0, 0.0, 0.0), 2, valid
    )
    ground.send(message)


def until(ground, done, limit, show=lambda: None):
    end = ground.now + limit
    step = 0
    while not done():
        assert ground.now < end, ground.texts()[-3:]
        if step % 5 == 0:
            show()
        step += 1
        ground.tick()


@pytest.fixture
def precland(ground):
    return ground.vehicle._navigator.precland


def test_it_lands_on_the_marker(ground, dialect):
    ground.airborne(8.0)
    assert ground.command(176, 1, 4, 9) == [0, 0]
    assert ground.vehicle.mode == "precland"
    show = lambda: target(ground, dialect, 3.0, 2.0)  # noqa: E731
    until(ground, lambda: not ground.vehicle.armed, 60, show)
    assert math.hypot(ground.vehicle.core.north - 3.0, ground.vehicle.core.east - 2.0) < 0.3


def test_it_looks_for_a_marker_from_above_and_lands_without_one(ground, precland):
    ground.airborne(6.0)
    ground.command(176, 1, 4, 9)
    until(ground, lambda: precland.phase is Phase.SEARCH, 10)
    until(ground, lambda: precland.phase is Phase.FALLBACK, 15)
    assert ground.vehicle.core.altitude > 9.0  # PLD_SRCH_ALT
    until(ground, lambda: not ground.vehicle.armed, 60)
    assert math.hypot(ground.vehicle.core.north, ground.vehicle.core.east) < 2.0


def test_a_marker_seen_in_the_search_is_landed_on(ground, dialect, precland):
    ground.airborne(6.0)
    ground.command(176, 1, 4, 9)
    until(ground, lambda: precland.phase is Phase.SEARCH, 10)
    show = lambda: target(ground, dialect, -2.0, 1.0)  # noqa: E731
    until(ground, lambda: precland.phase is Phase.DESCEND, 25, show)
    until(ground, lambda: not ground.vehicle.armed, 60, show)
    assert math.hypot(ground.vehicle.core.north + 2.0, ground.vehicle.core.east - 1.0) < 0.3


def test_a_marker_that_is_lost_is_looked_for_again(ground, dialect, precland):
    ground.airborne(8.0)
    ground.command(176, 1, 4, 9)
    show = lambda: target(ground, dialect, 0.5, 0.0)  # noqa: E731
    until(ground, lambda: precland.phase is Phase.DESCEND, 25, show)
    until(ground, lambda: precland.phase is Phase.START, 8)  # PLD_BTOUT is 5 s
    assert ground.vehicle.core.altitude > 1.0
    until(ground, lambda: precland.phase is Phase.DESCEND, 25, show)


def test_near_the_ground_it_lands_on_what_it_saw_last(ground, dialect, precland):
    ground.airborne(5.0)
    ground.vehicle.core.params.write("PLD_FAPPR_ALT", 1.0)
    ground.command(176, 1, 4, 9)
    show = lambda: target(ground, dialect, 0.0, 0.0)  # noqa: E731
    until(ground, lambda: ground.vehicle.core.altitude < 0.9, 60, show)
    until(ground, lambda: precland.phase is Phase.FINAL, 3)
    until(ground, lambda: not ground.vehicle.armed, 30)


def test_a_return_uses_a_marker_in_sight_and_else_lands_where_it_came_to(make_ground, dialect):
    landed = {}
    for seen in (True, False):
        ground = make_ground(params={"RTL_PLD_MD": 1})
        ground.airborne(10.0)
        p = ground.command_int(192, (-1.0, 1.0, 0.0, math.nan), *at(30.0, 0.0), 20.0)
        ground.send(p)
        until(ground, lambda g=ground: g.vehicle.core.north > 28.0, 30)
        show = (lambda g=ground: target(g, dialect, 0.6, -0.8)) if seen else (lambda: None)
        ground.command(20)
        until(ground, lambda g=ground: not g.vehicle.armed, 120, show)
        landed[seen] = ground.vehicle.core.north, ground.vehicle.core.east
    assert math.dist(landed[True], (0.6, -0.8)) < 0.3
    assert 0.4 < math.hypot(*landed[False]) < 3.0


def at(north, east):
    """Return latitude and longitude (1e-7 degrees) of metres from home."""
    return round((24.513 + north / 110_770.0) * 1e7), round((117.6471 + east / 101_300.0) * 1e7)


def test_another_frame_is_named_and_an_angle_alone_is_nothing(ground, dialect):
    target(ground, dialect, 1.0, 1.0, frame=8)
    assert ground.texts()[-1] == "Landing target: coordinate frame 8 unsupported"
    target(ground, dialect, 1.0, 1.0, valid=0)
    assert ground.vehicle.core.landing_target is None


def test_a_stamp_counts_once_the_clocks_were_compared(ground, dialect):
    ground.run(2.0)
    link = ground.vehicle.links[0]
    target(ground, dialect, 1.0, 1.0, usec=12_345)
    assert ground.vehicle.core.landing_target.at == pytest.approx(ground.now)
    epoch = 1_000_000.0  # the station's clock is so far ahead
    for _ in range(600):
        ns = round(ground.now * 1e9)
        ground.send(dialect.MAVLink_timesync_message(ns + round(epoch * 1e9), ns))
    target(ground, dialect, 1.0, 1.0, usec=round((epoch + ground.now - 0.3) * 1e6))
    assert ground.vehicle.core.landing_target.at == pytest.approx(ground.now - 0.3, abs=0.02)
    assert link is ground.vehicle.links[0]
