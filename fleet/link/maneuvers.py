"""Telling one vehicle how to fly, and seeing that it does.

PX4 acknowledges a mode that it then refuses, and a place outside its fence that it then does not
fly to. So nothing here believes an acknowledgement: the heartbeat's mode, the mission's current
item and the position controller's target decide.

Modes go through mavsdk's plugins. A place and a circle go as commands of its MavlinkDirect:
its Action sends them in frames 0 and 3, which PX4 refuses (UNSUPPORTED_MAV_FRAME), and a place
without a speed. So does the item to go on from: its MissionRaw refuses one of a mission that it has
not itself loaded (INVALID_ARGUMENT). It has no mode for a precision landing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymavlink.dialects.v20 import development as mav

from fleet.errors import LinkError, Refused
from fleet.link.asked import Asked
from fleet.link.asking import ACCEPTED, COMMAND_S, SUCCESS, Asking, NoAnswer, result_name
from fleet.link.hearing import Inbox, hearing
from fleet.link.items import Programme
from fleet.link.messages import NAN, Command, Place
from fleet.link.modes import (
    HOLD,
    LAND,
    MISSION,
    NUMBERS,
    ORBIT,
    PRECISION_LAND,
    RETURN_TO_LAUNCH,
    mode_name,
)
from fleet.link.plugins import Plugins
from fleet.link.seen import NotSeen, Seen
from fleet.link.wire import AUTOPILOT
from fleet.model.command import GoTo, Orbit
from missions.geo import distance_m

NAV_LAND, DO_ORBIT, DO_SET_MODE, DO_REPOSITION = 21, 34, 176, 192
CUSTOM_MODE_ENABLED = 1.0
CHANGE_MODE = 1.0
"""MAV_DO_REPOSITION_FLAGS_CHANGE_MODE; PX4 takes no other."""
NOSE_TO_CENTRE = 0.0
"""ORBIT_YAW_BEHAVIOUR_HOLD_FRONT_TO_CIRCLE_CENTER."""

MODE_S = 1.5
"""PX4 validates a mission after acknowledging it: a start 1.5 s later works where one at once is
refused without a word, so a mode is waited for this long before it is asked for again."""
MISSION_TRIES = 5
"""In all less than the 10 s after which PX4 disarms a vehicle that stays on the ground."""
MODE_TRIES = 3
ITEM_TRIES = 3
LOOK_S = 0.1
"""How often a heartbeat is asked for while a mode is waited for; PX4 sends one a second."""
TOLD_S = 0.3
"""Telemetry follows a heartbeat within this."""
TARGET_S = 3.0
"""Bound on a target or a circle being shown after its acknowledgement; PX4 sends both often."""
WORDS_S = 0.4
"""How long an effect may still show after words that speak against it."""
TARGET_M = 2.0
"""How far a target that is shown may be from the one that was asked for (a float32's width)."""
CLOSER_M = 3.0
DIFFERENT = frozenset({"go to", "orbit"})
"""Requests of which two are not the same thing asked twice."""
NEXT_ITEMS = 3
"""Items within which a position follows, where the programme is not known."""
NAV_LAST = 95
"""MAV_CMD_NAV_LAST: commands below are flown, those above only done."""


MANEUVERS = frozenset({NAV_LAND, DO_ORBIT, DO_SET_MODE, DO_REPOSITION})

_CALLS: dict[str, tuple[int, Callable[[Plugins], Callable[..., None]]]] = {
    HOLD: (DO_SET_MODE, lambda p: p.action.hold_async),
    MISSION: (DO_SET_MODE, lambda p: p.mission.start_mission_async),
    RETURN_TO_LAUNCH: (DO_SET_MODE, lambda p: p.action.return_to_launch_async),
    LAND: (NAV_LAND, lambda p: p.action.land_async),
}
"""What asks for a mode, and the command that it sends."""


@dataclass(slots=True)
class _Tries:
    """What came of asking for a mode."""

    answered: bool = False
    result: str = ""


class Maneuvers:
    """How one vehicle flies.

    Of two that were asked for, the younger counts: the older is never sent again, and ends. The
    same mode asked for twice at once is seen by both.
    """

    def __init__(self, asking: Asking, seen: Seen, home_amsl: Callable[[], float]) -> None:
        self._asking = asking
        self._seen = seen
        self._home_amsl = home_amsl
        self._asked: tuple[int, str] = (0, "")

    async def enter(self, what: str, mode: str, since: datetime | None = None) -> None:
        """Ask for a mode until the vehicle is seen in it.

        Parameters
        ----------
        what
            Names the request in errors.
        mode
            Its name in ``fleet.link.modes``.
        since
            From when on the vehicle's words may say why it refuses; now where None.

        Raises
        ------
        Refused
            If it says no, by a result or in words.
        NoAnswer
            If it says nothing at all.
        NotSeen
            If it acknowledges and does nothing.
        LinkError
            If it was overtaken by a younger request.
        """
        await self._enter(self._begin(what), what, mode, since or self._seen.clock.now())

    async def _enter(self, number: int, what: str, mode: str, said: datetime) -> None:
        tries = _Tries()
        for _ in range(MISSION_TRIES if mode == MISSION else MODE_TRIES):
            if await self._try_mode(number, what, mode, tries):
                return
        if not tries.answered:
            raise NoAnswer(f"{self._seen.drone}: {what}: no answer")
        words = self._seen.words(said)
        message = f"{self._seen.drone}: {what}: mode is {self._seen.now.mode}, not {mode}"
        if words or tries.result:
            raise Refused(f"{message}: {words or tries.result}")
        raise NotSeen(f"{message}: acknowledged, and not done")

    def _begin(self, what: str) -> int:
        number, before = self._asked[0] + 1, self._asked[1]
        self._asked = number, what
        if before != what or what in DIFFERENT:
            self._asking.overtake(MANEUVERS, what)
        return number

    def _still(self, number: int, what: str) -> None:
        younger, asked = self._asked
        if younger != number and (asked != what or what in DIFFERENT):
            raise LinkError(f"{self._seen.drone}: {what}: overtaken by {self._asked[1]}")

    def _open_mode(self, what: str, mode: str) -> Any:
        if mode == PRECISION_LAND:
            change = Command(DO_SET_MODE, (CUSTOM_MODE_ENABLED, *map(float, NUMBERS[mode])))
            return self._asking.direct(what, change)
        command, call = _CALLS[mode]
        return self._asking.open(what, call, command=command)

    async def _try_mode(self, number: int, what: str, mode: str, tries: _Tries) -> bool:
        """Ask once; say whether a heartbeat since shows the mode, within ``MODE_S`` of its answer.

        PX4 answers twice: that it has understood, and what became of it. mavsdk takes the first.
        """
        self._still(number, what)
        with hearing(self._asking.tap, mav.MAVLINK_MSG_ID_HEARTBEAT) as inbox:
            async with self._open_mode(what, mode) as asked:
                seen = await self._until_mode(inbox, asked, number, what, mode)
                tries.answered |= bool(asked.acks)
                refused = [ack for ack in asked.acks if ack != ACCEPTED]
                tries.result = result_name(refused[-1]) if refused else tries.result
        if seen:
            await self._told(mode)
        return seen

    async def _until_mode(
        self, inbox: Inbox, asked: Asked, number: int, what: str, mode: str
    ) -> bool:
        clock, waiting = self._seen.clock, True
        end = clock.monotonic() + COMMAND_S
        while (left := end - clock.monotonic()) > 0:
            heard = await inbox.hear(min(left, LOOK_S))
            self._still(number, what)
            if waiting and asked.answer.done():
                waiting = False
                end = clock.monotonic() + (0.0 if asked.silent else MODE_S)
            if heard is None:
                self._asking.show_heartbeat()
            elif heard.get_srcComponent() == AUTOPILOT and mode_name(heard.custom_mode) == mode:
                return True
        return False

    async def _told(self, mode: str) -> None:
        """Wait until telemetry shows the mode too, but not for long: it may be gone again."""
        with suppress(NotSeen):
            await self._seen.until(lambda t: t.mode == mode, f"in {mode}", TOLD_S)

    async def fly_to_item(self, index: int, programme: Programme | None) -> None:
        """Go on with the mission from one item; see the vehicle fly to it.

        An item that is no position is passed at once, so the next position counts as well.
        PX4 tells of the new item only in MISSION mode, so that is started first where need be.
        """
        what = f"go to item {index}"
        number, since = self._begin(what), self._seen.clock.now()
        last = _next_position(programme, index)
        for attempt in range(1, ITEM_TRIES + 1):
            self._still(number, what)
            with hearing(self._asking.tap, mav.MAVLINK_MSG_ID_MISSION_CURRENT) as inbox:
                await self._asking.plugins()
                self._asking.say("MISSION_SET_CURRENT", seq=index)
                if self._seen.now.mode != MISSION:
                    await self._enter(number, what, MISSION, since)
                at_item = await self._at_item(inbox, index, last)
            self._still(number, what)
            if at_item:
                return
            if attempt == ITEM_TRIES:
                raise NotSeen(
                    f"{self._seen.drone}: {what}: current item is {self._seen.now.mission_current}"
                )

    async def _at_item(self, inbox: Inbox, index: int, last: int) -> bool:
        end = self._seen.clock.monotonic() + 2 * MODE_S
        while (left := end - self._seen.clock.monotonic()) > 0:
            heard = await inbox.hear(left)
            if heard is not None and index <= heard.seq <= last:
                return True
        return False

    async def go_to(self, target: GoTo) -> None:
        """Fly to a point and hold there; see the vehicle take it as its target."""
        number = self._begin("go to")
        yaw = NAN if target.heading_deg is None else math.radians(target.heading_deg)
        place = Place(target.lat, target.lon, self._home_amsl() + target.altitude_m)
        params = (target.speed_m_s or -1.0, CHANGE_MODE, 0.0, yaw)
        command = Command(DO_REPOSITION, params, place)
        start = self._distance_m(place)

        def taken(message: Any) -> bool:
            shown = message.lon_int / 1e7, message.lat_int / 1e7
            level = distance_m(shown, (place.lon, place.lat))
            return level <= TARGET_M and abs(message.alt - place.amsl_m) <= TARGET_M

        kind = mav.MAVLINK_MSG_ID_POSITION_TARGET_GLOBAL_INT
        if not await self._carry_out("go to", number, command, HOLD, kind, taken):
            # one that shows no target at all is seen by where it goes
            now = self._distance_m(place)
            if not (now <= TARGET_M or start - now >= CLOSER_M):
                raise NotSeen(f"{self._seen.drone}: go to: acknowledged, and not done")

    async def orbit(self, circle: Orbit) -> None:
        """Fly circles; see the vehicle in the mode, and on this circle where it tells."""
        number = self._begin("orbit")
        place = Place(circle.lat, circle.lon, self._home_amsl() + circle.altitude_m)
        radius = circle.radius_m if circle.clockwise else -circle.radius_m
        command = Command(DO_ORBIT, (radius, circle.speed_m_s, NOSE_TO_CENTRE, 0.0), place)

        def taken(message: Any) -> bool:
            shown = message.y / 1e7, message.x / 1e7
            level = distance_m(shown, (place.lon, place.lat))
            return level <= TARGET_M and abs(message.radius - radius) <= TARGET_M

        kind = mav.MAVLINK_MSG_ID_ORBIT_EXECUTION_STATUS
        await self._carry_out("orbit", number, command, ORBIT, kind, taken)

    def _distance_m(self, place: Place) -> float:
        now = self._seen.now
        if now.lon is None or now.lat is None:
            return math.inf
        up = (now.altitude_amsl_m or 0.0) - place.amsl_m
        return math.hypot(distance_m((now.lon, now.lat), (place.lon, place.lat)), up)

    async def _carry_out(
        self,
        what: str,
        number: int,
        command: Command,
        mode: str,
        kind: int,
        taken: Callable[[Any], bool],
    ) -> bool:
        """Send a command; see its mode and its effect. Return whether the effect was shown.

        False means that the mode was seen, and no message ``kind`` came at all.

        Raises
        ------
        Refused
            If it is not accepted, or not done with grave words.
        NotSeen
            If it is accepted and another effect is shown, or the mode is not seen.
        """
        since = self._seen.clock.now()
        with hearing(self._asking.tap, kind) as inbox:
            async with self._asking.direct(what, command) as asked:
                result = await self._asking.result(asked)
            if result != SUCCESS:
                words = await self._asking.words(since)
                raise self._asking.refusal(what, result, words)
            shown, done = await self._effect(inbox, mode, taken, number, what, since)
            words = self._seen.words(since)
        if done and self._seen.now.mode == mode:
            return True
        if words:
            raise Refused(f"{self._seen.drone}: {what}: {words}")
        if shown or self._seen.now.mode != mode:
            raise NotSeen(
                f"{self._seen.drone}: {what}: acknowledged, and not done; mode is {self._seen.now.mode}"
            )
        return False

    async def _effect(
        self,
        inbox: Inbox,
        mode: str,
        taken: Callable[[Any], bool],
        number: int,
        what: str,
        since: datetime,
    ) -> tuple[bool, bool]:
        """Wait for a mode and an effect; return whether any was shown, and whether this one.

        Grave words end the wait early, since PX4 says so at once where it does not fly there.
        """
        clock = self._seen.clock
        shown = done = False
        end = clock.monotonic() + TARGET_S
        while (left := end - clock.monotonic()) > 0:
            self._still(number, what)
            in_mode = self._seen.now.mode == mode
            if done and in_mode:
                break
            if not done and self._seen.words(since):
                end = min(end, clock.monotonic() + WORDS_S)
            heard = await inbox.hear(min(left, LOOK_S))
            if heard is None and not in_mode:
                self._asking.show_heartbeat()
            elif heard is not None:
                shown, done = True, taken(heard)
        return shown, done


def _next_position(programme: Programme | None, index: int) -> int:
    """Return the index of the first item from ``index`` on that is flown to."""
    if programme is None:
        return index + NEXT_ITEMS - 1
    for number in range(index, len(programme.items)):
        if programme.items[number].command < NAV_LAST:
            return number
    return programme.last
