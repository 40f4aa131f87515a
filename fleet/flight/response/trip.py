"""One drone's trip to a call: sees it there, keeps it there, and lets it go on or come home.

Each step looks first, and says only what is not done already. So a controller that died, a drone
that got out of another's way and a word that was overruled are all the same to it: it is told
again where it is to go. A pilot's hand, and whatever the safety monitor does, end the trip.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace

import structlog

from fleet.errors import FleetError, OrderError
from fleet.flight.place import distance_m
from fleet.flight.supervisor import Supervisor
from fleet.flight.word import Word
from fleet.model.call import Call, Sent
from fleet.model.command import GoTo, LookAtPoint
from fleet.model.states import DroneState
from missions.overhead import OVER_M
from missions.sortie import Leg, LegKind, LookAt, Sortie, Waypoint

S = DroneState
LOOK_S = 0.1
LEVEL_M = 6.0
"""A drone that is so near to its height, and to its place, is overhead."""
TURN_M = 15.0
"""It is told the next point of its way when it is so near to this one."""
LEAVES_S = 120.0
"""A drone that takes off is under way by then."""
KNOWN_S = 30.0
"""After a start of the controller a drone is heard by then."""
LATE_S, LATE_FACTOR = 60.0, 1.5
"""It is there by then, after the expected time times the factor, or another is sent."""
STUCK_S = 10.0
"""One that came no nearer for so long is told again."""
TELLS = 6
"""So often at most, for each point of its way."""
_UNDER_WAY = frozenset({S.ON_WAY, S.ON_TASK})
_LEAVING = frozenset({S.CHECKING, S.OPENING, S.TAKING_OFF})
_SETTLES = frozenset({S.UNKNOWN, S.AVOIDING})
_BACK = frozenset({S.DOCKED, S.CHARGING, S.CLOSING})
log = structlog.get_logger(__name__)


class TripFailed(OrderError):
    """A drone does not come, or does not stay; the message says why."""


class Trip:
    """One drone's trip.

    Parameters
    ----------
    s
        Its keeper.
    call, sent
        Where it goes, and by which way.
    order
        What its sortie is for, where it flies one for the call.
    tell
        Hands it a word.
    """

    def __init__(
        self,
        s: Supervisor,
        call: Call,
        sent: Sent,
        order: str,
        tell: Callable[[str, Word], None],
    ) -> None:
        self.s = s
        self._call = call
        self._sent = sent
        self._order = order
        self._tell = tell
        self._begun = False
        """It was seen on its way: a dock that it stands in now is one that it came back to."""

    @property
    def _clock(self) -> float:
        return self.s.world.clock.monotonic()

    @property
    def overhead(self) -> bool:
        """Whether it is over its place."""
        lon, lat, altitude = self._sent.way[-1]
        height = self.s.t.altitude_m or 0.0
        return distance_m(self.s.t, (lon, lat)) <= OVER_M and abs(height - altitude) <= LEVEL_M

    async def fly(self) -> None:
        """Return once the drone is overhead.

        Raises
        ------
        TripFailed
            If it does not come.
        """
        now = self.s.world.clock.now()
        due_s = max((self._sent.due_at - now).total_seconds(), 0.0)
        bound_s = due_s * LATE_FACTOR + LATE_S + (LEAVES_S if self._sent.from_dock else 0.0)
        try:
            async with asyncio.timeout(bound_s):
                if self._sent.from_dock:
                    await self._until(lambda: self.overhead)
                else:
                    await self._by_word()
        except TimeoutError:
            raise TripFailed(f"is not there {bound_s:.0f} s after it was sent") from None
        await self._look()

    async def stay(self, over: Callable[[], str | None]) -> str:
        """Keep the drone there until ``over`` says why it may go; return that.

        Raises
        ------
        TripFailed
            If it leaves before.
        """
        since = self._clock
        while (why := over()) is None:
            self._check()
            if self.overhead:
                since = self._clock
            elif self._sent.from_dock and self._clock - since > STUCK_S:
                raise TripFailed("has left: its mission there is over")
            if not self._sent.from_dock and self.s.state is S.HELD and not self.overhead:
                await self._by_word()  # it got out of another's way
            await asyncio.sleep(LOOK_S)
        return why

    async def _by_word(self) -> None:
        """Send the drone along its way, point by point."""
        await self._until(lambda: self.s.state in {*_UNDER_WAY, S.HELD, S.RETURNING})
        self.s.answering = detour(self.s, self._call, self._sent, self._order)
        way = self._sent.way
        first = 0 if self.s.state is not S.HELD else self._nearest()
        for index in range(first, len(way)):
            await self._to(way[index], last=index == len(way) - 1)

    def _nearest(self) -> int:
        """Return the point of its way that a drone which holds is sent to: the one it is nearest to."""
        away = [distance_m(self.s.t, point[:2]) for point in self._sent.way]
        return min(range(len(away)), key=away.__getitem__)

    async def _to(self, point: tuple[float, float, float], *, last: bool) -> None:
        lon, lat, altitude = point
        target = GoTo(
            action="goto", lon=lon, lat=lat, altitude_m=altitude, speed_m_s=self.s.drone.cruise_m_s
        )

        def there() -> bool:
            near = distance_m(self.s.t, (lon, lat)) <= (OVER_M if last else TURN_M)
            return near and abs((self.s.t.altitude_m or 0.0) - altitude) <= LEVEL_M

        for _ in range(TELLS):
            if there():
                return
            await self._until(lambda: self.s.state not in _SETTLES)
            await self._say(target)
            if await self._comes(target, there):
                return
        raise TripFailed(f"was told {TELLS} times to fly to {lat:.5f}, {lon:.5f}, and does not")

    async def _say(self, target: GoTo) -> None:
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        why = f"answers call {self._call.id}"
        try:
            self._tell(self.s.drone.id, Word("goto", why, target, answer))
            await answer
        except FleetError as error:
            if self.s.state in {*_SETTLES, S.HELD} and not isinstance(error, OrderError):
                await asyncio.sleep(self.s.policy.retry_s / 5)
                return  # the link; it is told again
            if self.s.state in _SETTLES:
                return  # it gets out of another's way first
            raise TripFailed(str(error)) from error
        finally:
            answer.cancel()

    async def _comes(self, target: GoTo, there: Callable[[], bool]) -> bool:
        """Wait until it is at a point; return False where it comes no nearer."""
        best, since = math.inf, self._clock
        while not there():
            self._check()
            height = abs((self.s.t.altitude_m or 0.0) - target.altitude_m)
            away = distance_m(self.s.t, (target.lon, target.lat)) + height
            if away < best - 1.0:
                best, since = away, self._clock
            if self._clock - since > STUCK_S:
                return False
            await asyncio.sleep(LOOK_S)
        return True

    async def _look(self) -> None:
        """Keep the camera on the call."""
        target = LookAtPoint(action="look_at", lon=self._call.lon, lat=self._call.lat)
        try:
            await self.s.link.look_at(target)
        except FleetError as error:  # it is overhead all the same
            log.warning("camera not on the call", drone=self.s.drone.id, error=str(error))

    async def _until(self, seen: Callable[[], bool]) -> None:
        since = self._clock
        while not seen():
            if self._clock - since > KNOWN_S and self.s.state in _SETTLES:
                raise TripFailed(f"is {self.s.state}: {self.s.reason}")
            self._check()
            await asyncio.sleep(LOOK_S)

    def _check(self) -> None:
        """Raise what has ended the trip, where something has."""
        s = self.s
        if s.holder is not None:
            raise TripFailed(f"held by {s.holder}")
        if s.state in _UNDER_WAY | {S.HELD, S.AVOIDING}:
            self._begun = True
        if s.state in _UNDER_WAY | _LEAVING | {S.HELD} | _SETTLES:
            return
        if s.state is S.RETURNING and not self._sent.from_dock and not self._begun:
            return  # one that came home is on its way here as soon as it is told
        waits = s.assigned is not None and s.assigned.order == self._order
        if s.state in _BACK and waits and not self._begun:
            return
        raise TripFailed(f"is {s.state}" + (f": {s.reason}" if s.reason else ""))


def detour(s: Supervisor, call: Call, sent: Sent, order: str) -> Sortie | None:
    """Return what a drone flies in place of its sortie; None where it flies none."""
    if s.sortie is None:
        return None
    points = tuple(Waypoint(*point) for point in sent.way)
    height = points[-1].altitude_m
    hold_s = float(min(sent.stay_s, call.on_scene_s))
    speed = s.drone.cruise_m_s
    home = Waypoint(*s.world.pad(sent.ends_at), height)
    legs = (
        Leg(LegKind.TAKEOFF, points[:1], speed),
        Leg(LegKind.TRANSIT, points, speed),
        Leg(
            LegKind.STARE,
            (replace(points[-1], hold_s=hold_s),),
            speed,
            look_at=LookAt(call.lon, call.lat),
        ),
        Leg(LegKind.HOME, (home,), speed),
    )
    return replace(s.sortie, order=order, altitude_m=height, legs=legs)
