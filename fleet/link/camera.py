"""The camera's gimbal, by MAVLink's gimbal protocol v2.

PX4 acknowledges a region of interest whether there is a gimbal or not, and gives no answer at all
to an angle where there is none. Where a gimbal tells its attitude, that decides.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pymavlink.dialects.v20 import development as mav

from fleet.link.commands import ACCEPTED, Command, Commands, Place, result_name
from fleet.link.requests import Exchange, Requests
from fleet.link.seen import NotSeen, Seen
from fleet.model.command import LookAtPoint, PointGimbal
from missions.geo import distance_m

DO_SET_ROI_LOCATION, PITCHYAW, CONFIGURE = 195, 1000, 1001
ROLL_LOCK, PITCH_LOCK = 4, 8
"""GIMBAL_MANAGER_FLAGS: keep the horizon and the pitch, and let yaw follow the nose."""
UNCHANGED = -1.0

TURN_S = 6.0
"""Bound on a gimbal being seen to point where it was told; a slow one turns 30 degrees a second."""
CLOSE_DEG = 8.0
"""How far from it the pitch may be: the drone moves meanwhile, and its horizon is not perfect."""
TELL_S = 1.5
"""A gimbal that tells its attitude does so at least this often."""


class Camera:
    """One vehicle's gimbal."""

    def __init__(
        self, requests: Requests, commands: Commands, seen: Seen, home_amsl: Callable[[], float]
    ) -> None:
        self._requests = requests
        self._commands = commands
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

        roi = Command(DO_SET_ROI_LOCATION, (0.0,) * 4, place)
        await self._point("look at", lambda _: (roi,), wanted)

    async def point(self, pointing: PointGimbal) -> None:
        """Take control of it and point it; see its pitch go there, where the gimbal tells it.

        Raises
        ------
        Refused, NoAnswer
            As the vehicle answers.
        NotSeen
            If it accepts, and its gimbal tells that it points elsewhere.
        """
        flags = float(ROLL_LOCK | PITCH_LOCK)
        angles = (pointing.pitch_deg, pointing.yaw_deg, math.nan, math.nan, flags, 0.0, 0.0)
        turn = Command(PITCHYAW, angles)
        await self._point(
            "gimbal",
            lambda tag: (_take_control(self._requests.station, tag), turn),
            lambda: pointing.pitch_deg,
        )

    async def _point(
        self,
        what: str,
        commands: Callable[[int], tuple[Command, ...]],
        wanted: Callable[[], float],
    ) -> None:
        """Send commands, which may depend on who sends them, then watch the pitch."""
        since = self._seen.clock.now()
        kinds = (
            mav.MAVLINK_MSG_ID_COMMAND_ACK,
            mav.MAVLINK_MSG_ID_STATUSTEXT,
            mav.MAVLINK_MSG_ID_GIMBAL_DEVICE_ATTITUDE_STATUS,
        )
        async with self._requests.exchange(*kinds) as exchange:
            for command in commands(exchange.tag):
                result = await self._commands.final(exchange, command, what)
                if result != ACCEPTED:
                    words = await self._commands.words(exchange, since)
                    raise self._commands.refusal(what, result_name(result), words)
            await self._turned(exchange, what, wanted)

    async def _turned(self, exchange: Exchange, what: str, wanted: Callable[[], float]) -> None:
        clock = self._seen.clock
        start, told, pitch = clock.monotonic(), False, math.nan
        while (past := clock.monotonic() - start) < (TURN_S if told else TELL_S):
            heard = await exchange.hear(TELL_S - past if not told else TURN_S - past)
            if heard is None or not hasattr(heard, "q"):
                continue
            told, pitch = True, pitch_deg(heard)
            if abs(pitch - wanted()) <= CLOSE_DEG:
                return
        if told:
            raise NotSeen(
                f"{self._seen.drone}: {what}: acknowledged; gimbal's pitch is {pitch:.0f}, "
                f"not {wanted():.0f} degrees"
            )


def _take_control(station: int, tag: int) -> Command:
    """Return what makes this conversation the gimbal's primary control."""
    return Command(CONFIGURE, (float(station), float(tag), UNCHANGED, UNCHANGED, 0.0, 0.0, 0.0))


def pitch_deg(message: Any) -> float:
    """Return the pitch in degrees of a GIMBAL_DEVICE_ATTITUDE_STATUS (quaternion w, x, y, z)."""
    w, x, y, z = message.q
    return math.degrees(math.asin(max(-1.0, min(1.0, 2 * (w * y - z * x)))))
