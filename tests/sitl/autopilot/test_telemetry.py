"""Which messages a link sends, how often, and on request."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import pytest

_NOT_SENT = {
    "COMMAND_ACK",
    "COMMAND_LONG",  # PX4 asks a camera and a gimbal that are not there
    "MISSION_ACK",
    "MISSION_COUNT",
    "MISSION_ITEM_INT",
    "MISSION_REQUEST_INT",
    "MISSION_ITEM_REACHED",
    "PARAM_VALUE",
    "STATUSTEXT",
    "BAD_DATA",
}


@pytest.fixture
def ground(make_ground):
    return make_ground(quiet=False)


def test_rates_are_those_of_the_recording(ground, recording):
    session = recording("mission.tlog")
    span = session.seconds - 2.7
    real = Counter(m.get_type() for m in session.messages)
    ground.airborne()
    ground.heard.clear()
    ground.run(20.0)
    ours = Counter(m.get_type() for _, m in ground.heard)
    for kind, count in real.items():
        if kind in _NOT_SENT or kind.startswith("UNKNOWN"):
            continue
        hz = count / span
        assert ours[kind] / 20.0 == pytest.approx(hz, rel=0.15, abs=0.12), kind


def test_a_stream_can_be_slowed_stopped_and_reset(ground):
    ground.ready()
    for interval, expected in ((200_000, 5), (-1, 0), (0, 50)):
        assert ground.command(511, 33, interval) == [0]
        ground.heard.clear()
        ground.run(4.0)
        assert len(ground.all("GLOBAL_POSITION_INT")) / 4.0 == pytest.approx(expected, abs=0.6)
    assert ground.command(511, 12345, 1000) == [4]


def test_messages_on_request(ground):
    ground.ready()
    assert ground.command(512, 148) == [0]
    assert ground.last("AUTOPILOT_VERSION").capabilities == 59647
    assert ground.command(512, 242) == [0]
    assert ground.last("HOME_POSITION").latitude == pytest.approx(245130000, abs=60)
    assert ground.command(512, 259) == [2]
    assert ground.command(510, 30) == [0]
    assert ground.last("MESSAGE_INTERVAL").interval_us == 10_000


def test_attitude_is_sampled_between_ticks(ground):
    ground.ready()
    ground.heard.clear()
    ground.run(2.0)
    times = [m.time_boot_ms for m in ground.all("ATTITUDE")]
    assert len(times) == pytest.approx(200, abs=4)
    assert all(b > a for a, b in itertools.pairwise(times))


def test_timesync_and_ping_are_answered(ground, dialect):
    ground.ready()
    ground.heard.clear()
    ground.send(dialect.MAVLink_timesync_message(0, 12345))
    assert next(m for m in ground.all("TIMESYNC") if m.ts1 == 12345).tc1 > 3e9
    ground.send(dialect.MAVLink_ping_message(77, 5, 0, 0))
    answer = next(m for m in ground.all("PING") if m.target_system == 245)
    assert (answer.time_usec, answer.seq) == (77, 5)


def test_prearm_bit_and_state_come_up_when_the_estimator_has_settled(ground):
    ground.run(3.0)
    assert not ground.last("SYS_STATUS").onboard_control_sensors_health & 0x10000000
    assert ground.last("HEARTBEAT").system_status == 0
    ground.run(3.0)
    assert ground.last("SYS_STATUS").onboard_control_sensors_health == 0x1320C83F
    assert ground.last("HEARTBEAT").system_status == 3


def test_long_texts_come_in_chunks(ground):
    ground.run(3.0)
    assert ground.command(400, 1) == [1]
    chunks = [m for m in ground.all("STATUSTEXT") if m.id == ground.last("STATUSTEXT").id]
    assert [m.chunk_seq for m in chunks] == [0, 1]
    assert ground.texts()[-1] == "Arming denied: Resolve system health failures first"


def test_gimbal_answers_who_has_taken_control(ground):
    ground.airborne()
    assert ground.command(1000, -60, 30) == [2]
    assert ground.command(1001, 245, 190, -1, -1) == [0]
    assert ground.command(1000, -60, 30, 0, 0, 16) == [0]
    ground.run(3.0)
    status = ground.last("GIMBAL_MANAGER_STATUS")
    assert (status.primary_control_sysid, status.primary_control_compid) == (245, 190)
    pose = ground.vehicle.true_pose()
    assert pose.gimbal_pitch_deg == pytest.approx(-60, abs=1)
    assert pose.gimbal_yaw_deg == pytest.approx(30, abs=1)
    mount = ground.last("MOUNT_ORIENTATION")
    assert mount.pitch == pytest.approx(-60, abs=1)
    assert mount.yaw_absolute == pytest.approx(30, abs=1)
    w, x, y, z = ground.last("GIMBAL_DEVICE_ATTITUDE_STATUS").q
    assert math.degrees(math.asin(2 * (w * y - z * x))) == pytest.approx(-60, abs=1)
