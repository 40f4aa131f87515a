"""What of a vehicle's packets goes on to mavsdk."""

from __future__ import annotations

from pymavlink.dialects.v20 import common as mav

from fleet.link.frames import Frame, Tally, split_datagram
from fleet.link.thinning import MEASURED_HZ, Thinning


def frame(message, system: int = 1) -> Frame:
    (found,) = split_datagram(bytes(message.pack(mav.MAVLink(None, system, 1))), Tally())
    return found


ATTITUDE = frame(mav.MAVLink_attitude_message(1, 0, 0, 0, 0, 0, 0))
IMU = frame(mav.MAVLink_highres_imu_message(1, *[0.0] * 13, 0))
HEARTBEAT = frame(mav.MAVLink_heartbeat_message(2, 12, 0, 0, 3, 3))


def test_measurements_go_on_seldom_and_what_nobody_uses_never() -> None:
    thinning, passed = Thinning(245), []
    for step in range(1000):
        passed += thinning.pick([ATTITUDE, IMU], step / 100)
    assert passed == [ATTITUDE.raw] * int(10 * MEASURED_HZ)


def test_answers_and_heartbeats_all_go_on_in_their_order() -> None:
    ack = frame(mav.MAVLink_command_ack_message(400, 0, 0, 0, 245, 190))
    item = frame(mav.MAVLink_mission_request_int_message(245, 190, 3, 0))
    thinning = Thinning(245)
    for step in range(5):
        assert thinning.pick([HEARTBEAT, ack, item], step / 1000) == [
            HEARTBEAT.raw,
            ack.raw,
            item.raw,
        ]


def test_answers_to_another_ground_station_do_not() -> None:
    ack = frame(mav.MAVLink_command_ack_message(400, 0, 0, 0, 255, 190))
    assert Thinning(245).pick([ack, HEARTBEAT], 0.0) == [HEARTBEAT.raw]
    assert Thinning(255).pick([ack], 0.0) == [ack.raw]
