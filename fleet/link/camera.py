"""The camera's gimbal, by MAVLink's gimbal protocol v2.

PX4 acknowledges a region of interest whether there is a gimbal or not, and gives no answer at all
to an angle where there is none. Where a gimbal tells its attitude, that decides. Angles go through
mavsdk's Gimbal; a region of interest does not, as that sends it in frame 3, which PX4 refuses.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from mavsdk.plugins.gimbal import ControlMode, GimbalMode, SendMode
from pymavlink.dialects.v20 import development as mav

from fleet.link.asking import Asking
from fleet.link.hearing import Inbox, hearing
from fleet.link.messages import Command, Place
from fleet.link.seen import NotSeen, Seen
from fleet.model.command import LookAtPoint, PointGimbal
from missions.geo import distance_m

DO_SET_ROI_LOCATION, PITCHYAW, CONFIGURE = 195, 1000, 1001
ALL = 0
"""mavsdk's number of every gimbal; of one that did not tell of itself there is no other."""

_ATTITUDE = mav.MAVLINK_MSG_ID_GIMBAL_DEVICE_ATTITUDE_STATUS

TURN_S = 6.0
"""Bound on a gimbal being seen to point where it was told; a slow one turns 30 degrees a second."""
CLOSE_DEG = 8.0
"""How far from it the pitch may be: the drone moves meanwhile, and its horizon is not perfect."""
TELL_S = 1.5
"""A gimbal that tells its attitude does so at least this often."""


class Camera:
    """One vehicle's gimbal."""

    def __init__(self, asking: Asking, seen: Seen, home_amsl: Callable[[], float]) -> None:
        self._asking = asking
        self._seen = seen
        self._home_amsl = home_amsl

    async def look_at(self, point: LookAtPoint) -> None:
        """Keep it on a point; see its pitch go there, where the gimbal tells it.

        Raises
        ------
        Refused, NoAnswer
            As the vehicle answers.
        NotSeen
            If it accepts, and its gimbal tells that it points elsewhere.
        """
        place = Place(point.lat, point.lon, self._home_amsl() + point.altitude_m)

        def wanted() -> float:
            now = self._seen.now
            away = distance_m((now.lon or 0.0, now.lat or 0.0), (place.lon, place.lat))
            return math.degrees(math.atan2(place.amsl_m - (now.altitude_amsl_m or 0.0), away))

        with hearing(self._asking.tap, _ATTITUDE) as inbox:
            await self._asking.command("look at", Command(DO_SET_ROI_LOCATION, (0.0,) * 4, place))
            await self._turned(inbox, "look at", wanted)

    async def point(self, pointing: PointGimbal) -> None:
        """Take control of it and point it; see its pitch go there, where the gimbal tells it.

        Raises
        ------
        Refused, NoAnswer
            As the vehicle answers.
        NotSeen
            If it accepts, and its gimbal tells that it points elsewhere.
        """
        pitch, yaw = pointing.pitch_deg, pointing.yaw_deg
        angles = (ALL, 0.0, pitch, yaw, GimbalMode.YAW_FOLLOW, SendMode.ONCE)
        ask = self._asking.ask
        with hearing(self._asking.tap, _ATTITUDE) as inbox:
            primary = (ALL, ControlMode.PRIMARY)
            await ask("gimbal", lambda p: p.gimbal.take_control_async, *primary, command=CONFIGURE)
            await ask("gimbal", lambda p: p.gimbal.set_angles_async, *angles, command=PITCHYAW)
            await self._turned(inbox, "gimbal", lambda: pitch)

    async def _turned(self, inbox: Inbox, what: str, wanted: Callable[[], float]) -> None:
        clock = self._seen.clock
        start, told, pitch = clock.monotonic(), False, math.nan
        while (past := clock.monotonic() - start) < (TURN_S if told else TELL_S):
            heard = await inbox.hear(TELL_S - past if not told else TURN_S - past)
            if heard is None:
                continue
            told, pitch = True, pitch_deg(heard)
            if abs(pitch - wanted()) <= CLOSE_DEG:
                return
        if told:
            raise NotSeen(
                f"{self._seen.drone}: {what}: acknowledged; gimbal's pitch is {pitch:.0f}, "
                f"not {wanted():.0f} degrees"
            )


def pitch_deg(message: Any) -> float:
    """Return the pitch in degrees of a GIMBAL_DEVICE_ATTITUDE_STATUS (quaternion w, x, y, z)."""
    w, x, y, z = message.q
    return math.degrees(math.asin(max(-1.0, min(1.0, 2 * (w * y - z * x)))))
