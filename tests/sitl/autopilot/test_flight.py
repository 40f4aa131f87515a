"""Whole flights without sockets: modes, failsafes, fence, mission, battery, faults."""

from __future__ import annotations

import math

import pytest

from sitl.autopilot.port import EventKind, Fault
from sitl.autopilot.wind import WindSpec

NAN = math.nan


def _distance(ground, north, east):
    core = ground.vehicle.core
    return math.hypot(core.body.north - north, core.body.east - east)


def _mission(ground, items):
    assert ground.upload(items) == 0
    ground.run(0.3)


def test_events_tell_of_takeoff_and_landing_where_it_happened(ground):
    events = []
    ground.vehicle.on_event(events.append)
    ground.airborne(15.0)
    assert ground.command(21) == [0]
    ground.until(lambda: not ground.vehicle.armed, 60.0)
    kinds = [e.kind for e in events if e.kind is not EventKind.MODE]
    assert kinds == [EventKind.TAKEOFF, EventKind.LANDED]
    assert [e.mode for e in events if e.kind is EventKind.MODE] == [
        "takeoff", "hold", "land", "hold",
    ]  # fmt: skip
    assert abs(events[-2].pose.altitude_m) < 0.01


def test_mission_from_the_ground_with_takeoff_speed_roi_hold_and_loiter(ground, item):
    p = (0.0, 0.0, 0.0, NAN)
    items = [
        item(0, 22, up=30.0, params=p),
        item(1, 178, frame=2, params=(1.0, 10.0, -1.0, 0.0)),
        item(2, 195, north=150.0, up=0.0, params=(0, 0, 0, 0)),
        item(3, 16, north=300.0, up=30.0, params=p),
        item(4, 16, north=300.0, east=80.0, up=30.0, params=(5.0, 0.0, 0.0, NAN)),
        item(5, 197, frame=2, params=(0, 0, 0, 0)),
        item(6, 19, north=300.0, east=160.0, up=40.0, params=(8.0, 0.0, 0.0, NAN)),
        item(7, 16, up=40.0, params=p),
    ]
    ground.ready()
    _mission(ground, items)
    assert ground.command(400, 1) == [0]
    assert ground.command(176, 1, 4, 4) == [0, 0]
    core = ground.vehicle.core
    ground.until(lambda: core.plan.current == 3, 40.0)
    ground.until(lambda: core.body.north > 100.0, 30.0)
    assert core.body.speed == pytest.approx(9.4, abs=0.6)  # SIH, too, is slow to 10 m/s
    assert core.body.pitch < -0.1
    pose = ground.vehicle.true_pose()
    down = math.degrees(math.atan2(pose.altitude_m, 150.0 - core.body.north))
    assert pose.gimbal_pitch_deg == pytest.approx(-down, abs=4.0)
    ground.until(lambda: core.plan.current == 4, 40.0)
    arrived = ground.until(lambda: _distance(ground, 300.0, 80.0) < 2.0, 30.0)
    held = ground.until(lambda: core.plan.current >= 6, 30.0)
    assert arrived > 3.0
    assert held == pytest.approx(5.0, abs=1.0)
    ground.until(lambda: core.plan.finished, 120.0)
    ground.run(0.5)
    assert "Mission finished, loitering" in ground.texts()
    assert ground.vehicle.mode == "hold"  # PX4 leaves mission mode by itself
    reached = {m.seq for m in ground.all("MISSION_ITEM_REACHED")}
    assert {0, 3, 4, 6, 7} <= reached
    ground.run(1.1)
    assert ground.last("MISSION_CURRENT").mission_state == 5
    ground.run(10.0)
    assert _distance(ground, 0.0, 0.0) < 3.0


def test_waypoints_in_line_are_flown_through_without_stopping(ground, item):
    ground.airborne(25.0)
    _mission(ground, [item(i, north=50.0 * (i + 1)) for i in range(4)])
    ground.command(176, 1, 4, 4)
    core = ground.vehicle.core
    ground.until(lambda: core.body.north > 20.0, 30.0)
    slowest = [9.0]

    def past():
        slowest[0] = min(slowest[0], core.body.speed)
        return core.body.north > 150.0

    ground.until(past, 60.0)
    assert slowest[0] > 3.5


def test_rtl_climbs_returns_descends_and_lands_at_home(make_ground, item):
    ground = make_ground(params={"RTL_PLD_MD": 0})
    ground.airborne(12.0)
    _mission(ground, [item(0, north=120.0, up=12.0)])
    ground.command(176, 1, 4, 4)
    ground.until(lambda: ground.vehicle.core.plan.finished, 60.0)
    highest = [0.0]

    def down():
        highest[0] = max(highest[0], ground.vehicle.core.altitude)
        return not ground.vehicle.armed

    assert ground.command(20) == [0]
    ground.until(down, 150.0)
    assert highest[0] == pytest.approx(30.0, abs=1.5)  # RTL_RETURN_ALT
    assert _distance(ground, 0.0, 0.0) < 1.5
    texts = ground.texts()
    assert "Returning to launch" in texts
    assert "RTL: land at destination" in texts
    assert texts[-1] == "Disarmed by landing"


def test_nearer_rally_point_is_where_it_returns_to(make_ground, item):
    ground = make_ground(params={"RTL_PLD_MD": 0})
    ground.airborne(20.0)
    assert ground.upload([item(0, 5100, north=200.0, up=0.0, frame=3, mission_type=2)], 2) == 0
    _mission(ground, [item(0, north=180.0, up=20.0)])
    ground.command(176, 1, 4, 4)
    ground.until(lambda: ground.vehicle.core.plan.finished, 80.0)
    ground.command(20)
    ground.until(lambda: not ground.vehicle.armed, 100.0)
    assert _distance(ground, 200.0, 0.0) < 2.0


def test_mode_without_a_mission_is_acknowledged_and_refused(ground):
    ground.airborne()
    assert ground.command(176, 1, 4, 4)[0] == 0
    assert ground.texts()[-1] == "Switching to Mission is currently not available"
    assert ground.vehicle.mode == "hold"
    assert ground.command(300) == [2]


def test_a_fence_that_cuts_off_the_mission_under_way_ends_it(ground, item):
    ground.airborne()
    ring = [(-60, -60), (-60, 60), (60, 60), (60, -60)]
    fence = [item(i, 5001, n, e, 0.0, (4.0, 0, 0, 0), 0, 1) for i, (n, e) in enumerate(ring)]
    _mission(ground, [item(0, north=200.0)])
    assert ground.upload(fence, 1) == 0
    ground.run(0.3)
    assert "Geofence violation for waypoint 1" in ground.texts()
    assert ground.command(176, 1, 4, 4)[0] == 0
    assert ground.vehicle.mode == "hold"
    assert ground.upload([], 1) == 0
    ground.run(0.3)
    ground.command(176, 1, 4, 4)
    ground.until(lambda: ground.vehicle.core.body.north > 20.0, 30.0)
    ground.upload(fence, 1)
    # the mission now leaves the fence, so that it cannot be flown any more: PX4 holds
    ground.until(lambda: ground.vehicle.mode == "hold", 5.0)
    assert "No valid mission available, loitering" in ground.texts()
    assert not ground.vehicle.core.failsafe


def test_fence_breach_in_the_air_ends_in_hold(ground, item):
    ground.airborne()
    ring = [(-60, -60), (-60, 60), (60, 60), (60, -60)]
    fence = [item(i, 5001, n, e, 0.0, (4.0, 0, 0, 0), 0, 1) for i, (n, e) in enumerate(ring)]
    assert ground.upload(fence, 1) == 0
    # an orbit is not checked against the fence
    p = item(0, north=40.0)
    ground.send(ground.command_int(34, (30.0, 5.0, 0.0, NAN), p.x, p.y, 30.0))
    ground.until(lambda: ground.vehicle.mode == "orbit", 2.0)
    ground.until(lambda: ground.vehicle.core.failsafe, 90.0)
    assert ground.vehicle.mode == "hold"
    assert "Geofence: approaching or outside geofence" in ground.texts()
    ground.run(1.1)
    assert ground.last("HEARTBEAT").system_status == 5
    assert 60.0 < ground.vehicle.core.body.north < 66.0


def test_exclusion_refuses_a_reposition(ground, item, dialect):
    ground.airborne()
    ring = [(30, -20), (30, 20), (70, 20), (70, -20)]
    fence = [item(i, 5002, n, e, 0.0, (4.0, 0, 0, 0), 0, 1) for i, (n, e) in enumerate(ring)]
    assert ground.upload(fence, 1) == 0
    target = item(0, north=50.0)
    command = dialect.MAVLink_command_int_message(
        1, 1, 5, 192, 0, 0, -1, 1, 0, NAN, target.x, target.y, 30.0
    )
    ground.send(command)
    assert ground.last("COMMAND_ACK").result == 0
    assert ground.texts()[-1] == "Reposition is outside geofence"
    ground.run(8.0)
    assert _distance(ground, 0.0, 0.0) < 3.0


def test_reposition_goes_there(ground, item, dialect):
    ground.airborne()
    target = item(0, north=60.0, east=-30.0)
    ground.send(
        dialect.MAVLink_command_int_message(
            1, 1, 5, 192, 0, 0, 7.0, 1, 0, NAN, target.x, target.y, 45.0
        )
    )
    ground.until(lambda: _distance(ground, 60.0, -30.0) < 1.5, 40.0)
    ground.run(8.0)
    assert ground.vehicle.core.amsl == pytest.approx(45.0, abs=1.0)


def test_orbit_keeps_its_radius(ground):
    ground.airborne()
    assert ground.command(34, 30.0, 4.0, 0, NAN, NAN, NAN, NAN) == [0]
    ground.until(lambda: _distance(ground, 0.0, 0.0) > 28.0, 40.0)
    ground.run(10.0)
    radii = []
    for _ in range(40):
        ground.run(0.5)
        radii.append(_distance(ground, 0.0, 0.0))
    assert min(radii) > 26.0
    assert max(radii) < 34.0
    assert ground.vehicle.core.body.speed > 2.5


def test_gps_loss_ends_in_a_drifting_landing_and_blocks_arming(make_ground):
    ground = make_ground(wind=WindSpec(mean_m_s=4.0, from_deg=270.0, gust_m_s=0.3))
    ground.airborne(15.0)
    ground.vehicle.set_fault(Fault.GPS)
    taken = ground.until(lambda: ground.vehicle.mode == "descend", 10.0)
    assert 4.5 < taken < 6.5
    assert ground.command(176, 1, 4, 3)[1] == 1
    ground.until(lambda: not ground.vehicle.armed, 60.0)
    assert ground.vehicle.core.body.east > 15.0  # carried by the west wind
    assert ground.command(400, 1) == [1]
    ground.vehicle.set_fault(Fault.GPS, active=False)
    ground.run(2.0)
    assert ground.command(400, 1) == [1], "PX4 takes three seconds to believe in it again"
    ground.run(1.0)
    assert ground.command(400, 1) == [0]


def test_battery_fault_lands_where_it_is(ground):
    ground.airborne()
    ground.vehicle.set_fault(Fault.BATTERY)
    ground.until(lambda: ground.vehicle.mode == "land", 8.0)
    assert "Emergency battery level" in ground.texts()
    assert ground.last("HEARTBEAT").system_status == 5
    ground.until(lambda: not ground.vehicle.armed, 60.0)


def test_critical_battery_holds_5_s_then_returns_unless_the_pilot_takes_over(ground):
    ground.airborne()
    ground.vehicle.core.battery.set_percent(6.9)
    ground.until(lambda: "Critical battery" in ground.texts(), 1.0)
    taken = ground.until(lambda: ground.vehicle.mode == "rtl", 8.0)
    assert taken == pytest.approx(5.0, abs=0.3)
    assert ground.command(176, 1, 4, 3) == [0, 0]
    ground.run(3.0)
    assert ground.vehicle.mode == "hold"


def test_link_loss_returns_only_where_it_is_told_to(make_ground):
    for action, expected in ((0, "hold"), (2, "rtl")):
        ground = make_ground(params={"NAV_DLL_ACT": action})
        ground.airborne(40.0)
        ground.vehicle.set_fault(Fault.LINK)
        silent = len(ground.heard)
        ground.run(16.5)
        assert len(ground.heard) == silent
        assert ground.vehicle.mode == expected


def test_motor_loss_is_a_crash(ground):
    events = []
    ground.vehicle.on_event(events.append)
    ground.airborne(30.0)
    ground.vehicle.set_fault(Fault.MOTOR)
    fallen = ground.until(lambda: ground.vehicle.landed, 20.0)
    assert fallen < 8.0
    ground.run(1.0)
    assert not ground.vehicle.armed
    assert ground.command(400, 1) == [1]


def test_charging_fills_and_arming_ends_it(ground):
    ground.ready()
    battery = ground.vehicle.core.battery
    battery.set_percent(50.0)
    ground.vehicle.charge(600.0)
    ground.run(60.0)
    assert ground.vehicle.battery_percent == pytest.approx(
        50.0 + 100.0 * (600.0 - 8.0) / 60.0 / 274.0, abs=0.1
    )
    ground.command(400, 1)
    assert battery.charging_w == 0.0


def test_hover_wanders_little_and_leans_into_the_wind(make_ground):
    ground = make_ground(wind=WindSpec(mean_m_s=8.0, from_deg=0.0, gust_m_s=1.0))
    ground.airborne()
    ground.run(10.0)
    spots, pitches = [], []
    for _ in range(60):
        ground.run(0.5)
        body = ground.vehicle.core.body
        spots.append((body.north, body.east))
        pitches.append(math.degrees(body.pitch))
    assert max(math.dist(a, b) for a in spots for b in spots) < 2.5
    assert max(math.dist(spots[0], b) for b in spots) > 0.02
    assert sum(pitches) / len(pitches) == pytest.approx(-9.3, abs=2.0)


def test_reported_and_true_position_differ_by_decimetres(ground):
    ground.airborne()
    true, told = ground.vehicle.true_pose(), ground.vehicle.reported_pose()
    metres = math.hypot((true.lon - told.lon) * 101_300, (true.lat - told.lat) * 110_770)
    assert 0.001 < metres < 1.0


def test_replacing_the_mission_in_flight_goes_on_from_its_first_item(ground, item):
    ground.airborne()
    _mission(ground, [item(0, north=100.0), item(1, north=200.0)])
    ground.command(176, 1, 4, 4)
    ground.until(lambda: ground.vehicle.core.plan.current == 1, 60.0)
    _mission(ground, [item(0, east=50.0), item(1, east=100.0)])
    assert ground.vehicle.mode == "mission"
    assert ground.vehicle.core.plan.current == 0
    ground.until(lambda: ground.vehicle.core.plan.finished, 90.0)
    assert _distance(ground, 0.0, 100.0) < 4.0


def test_a_fence_that_does_not_hold_home_is_left_out_with_px4s_words(ground, item):
    ground.ready()
    ring = [(100, -60), (100, 60), (200, 60), (200, -60)]
    fence = [item(i, 5001, n, e, 0.0, (4.0, 0, 0, 0), 0, 1) for i, (n, e) in enumerate(ring)]
    assert ground.upload(fence, 1) == 0
    assert ground.texts()[-1] == "Geofence invalid, doesn't contain Home position"
    ground.airborne()
    ground.run(3.0)
    assert ground.vehicle.mode == "hold"
    assert not ground.vehicle.core.failsafe


def test_distance_limit_from_home(make_ground, item):
    ground = make_ground(params={"GF_MAX_HOR_DIST": 50.0, "GF_ACTION": 3})
    ground.airborne()
    _mission(ground, [item(0, north=150.0)])
    ground.command(176, 1, 4, 4)
    ground.until(lambda: ground.vehicle.mode == "rtl", 40.0)
    assert ground.vehicle.core.body.north < 60.0


def test_takeoff_before_arming_keeps_its_altitude(ground):
    ground.ready()
    amsl = ground.vehicle.core.home_alt + 12.0
    assert ground.command(22, 0, 0, 0, NAN, NAN, NAN, amsl) == [0]
    assert ground.command(400, 1) == [0]
    ground.until(lambda: ground.vehicle.mode == "hold", 60.0)
    assert ground.vehicle.core.altitude == pytest.approx(12.0, abs=1.0)


def test_takeoff_without_altitude_takes_the_parameter(make_ground):
    ground = make_ground(params={"MIS_TAKEOFF_ALT": 7.0})
    ground.ready()
    ground.command(400, 1)
    ground.command(22, 0, 0, 0, NAN, NAN, NAN, NAN)
    assert ground.texts()[-1] == "Using default takeoff altitude: 7.0 m"
    ground.until(lambda: ground.vehicle.mode == "hold", 60.0)
    assert ground.vehicle.core.altitude == pytest.approx(7.0, abs=0.8)
