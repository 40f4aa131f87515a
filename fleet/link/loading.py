"""A programme into a vehicle, and read back: fence, rally points, mission."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from fleet.errors import LinkError, Refused
from fleet.link.asking import Asking, NoAnswer
from fleet.link.hearing import Inbox, hearing
from fleet.link.inside import leaves
from fleet.link.items import Item, Programme, difference
from fleet.link.plan_id import NO_PLAN, plan_id, told_id
from fleet.link.plans import FENCE, MISSION, NAMES, RALLY, Plans
from fleet.link.seen import NotSeen, Seen
from fleet.link.wire import MISSION_CURRENT

STARTS = 5
"""How often a transfer is begun at least before it is given up, while the vehicle is heard."""
SILENT_STARTS = 2
"""And while it is not: each lasts 3 s."""
REFUSALS = 2
"""How often an upload must be refused to be so: one refusal may be the late answer to another."""
BUSY_S, BUSY_PAUSE_S = 8.0, 0.3
"""For how long a transfer that is broken off is begun again. PX4 answers nobody else for 5 s where
a transfer was left unfinished."""
UPLOAD_TRIES = 2
READ_TRIES = 8
READ_PAUSE_S = 0.15
"""PX4 acknowledges a plan before its own store has it: one read back at once was seen empty."""
HELD_READS = 3
"""How often a mission must be read otherwise to be so: mavsdk adds an item twice to what it reads
where the vehicle answers twice."""
TOLD_S = 1.5
"""PX4 sends MISSION_CURRENT once a second."""
FIRST_ITEM_S = 3.0
RESEND_S = 0.3
JUDGED_S = 0.7
"""PX4 judges a mission after acknowledging it, and looks at the verdict twice a second: what it
tells of the mission before this is up may be of the one before."""

T = TypeVar("T")

NOT_TOLD, NO_MISSION = 0, 1
"""MISSION_STATE: of an autopilot that tells none, and PX4's of a mission that is not feasible."""


class Loader:
    """Loads programmes into one vehicle, one at a time, in the order asked.

    Attributes
    ----------
    held
        The programme that the vehicle was last seen to hold.
    loaded_at
        When the last load began: what the vehicle said since may be about it.
    """

    def __init__(self, asking: Asking, seen: Seen) -> None:
        self._asking = asking
        self._plans = Plans(seen.drone, asking)
        self._seen = seen
        self._one = asyncio.Lock()
        self._uploaded_at = 0.0
        self.held: Programme | None = None
        self.loaded_at = seen.clock.now()

    async def load(self, programme: Programme) -> None:
        """Replace all three lists of the vehicle, read each back, and go to the first item.

        A mission that leaves its fence is refused before any of it is sent.
        """
        if outside := leaves(programme):
            raise Refused(f"{self._seen.drone}: mission: {outside}")
        async with self._one:
            self.loaded_at = self._seen.clock.now()
            self.held = None
            await self._replace(FENCE, programme.fence)
            await self._replace(RALLY, programme.rally)
            # PX4 goes on from its old current item where the same mission is uploaded again
            await self._upload(MISSION, ())
            await self._replace(MISSION, programme.items)
            await self._first_item(len(programme.items), self._uploaded_at + JUDGED_S)
            self.held = programme

    async def holds(self, programme: Programme) -> str | None:
        """Return None where the vehicle holds this mission, else the difference.

        PX4 tells once a second by which number it knows its mission; where that is another, or
        none, the mission is read.
        """
        async with self._one:
            if await self._tells(plan_id(programme.items)):
                self.held = programme
                return None
            for _ in range(HELD_READS):
                found = difference(programme.items, await self._read(MISSION))
                if found is None:
                    self.held = programme
                    return None
        return found

    async def _tells(self, number: int) -> bool:
        """Whether the vehicle's next word of its mission is that it has this number."""
        with hearing(self._asking.tap, MISSION_CURRENT) as inbox:
            heard = await inbox.hear(TOLD_S)
        return heard is not None and told_id(bytes(heard.get_msgbuf())) == number != NO_PLAN

    async def _replace(self, kind: int, items: Sequence[Item]) -> None:
        """Upload until what is read back is this."""
        for _ in range(UPLOAD_TRIES):
            await self._upload(kind, items)
            for attempt in range(1, READ_TRIES + 1):
                found = difference(items, await self._read(kind))
                if found is None:
                    return
                if attempt < READ_TRIES:
                    await asyncio.sleep(READ_PAUSE_S)
        raise LinkError(f"{self._seen.drone}: the {NAMES[kind]} read back differs: {found}")

    async def _upload(self, kind: int, items: Sequence[Item]) -> None:
        try:
            await self._persist(lambda: self._plans.upload(kind, items))
        except Refused as error:
            words = await self._asking.words(self.loaded_at)
            raise (Refused(f"{error}: {words}") if words else error) from error
        self._uploaded_at = self._seen.clock.monotonic()

    async def _read(self, kind: int) -> tuple[Item, ...]:
        return await self._persist(lambda: self._plans.download(kind))

    async def _persist(self, transfer: Callable[[], Awaitable[T]]) -> T:
        """Begin a transfer again where it is broken off, or ends in silence; not for ever."""
        starts, refused, end = 0, 0, self._seen.clock.monotonic() + BUSY_S
        while True:
            starts += 1
            try:
                return await transfer()
            except Refused:
                refused += 1
                if refused == REFUSALS:
                    raise
            except NoAnswer:
                if starts >= (STARTS if self._seen.now.connected else SILENT_STARTS):
                    raise
            except LinkError:
                if starts >= STARTS and self._seen.clock.monotonic() > end:
                    raise
                await asyncio.sleep(BUSY_PAUSE_S)

    async def _first_item(self, count: int, judged_at: float) -> None:
        """Make the first item the current one, and see that the mission can be flown.

        PX4 acknowledges a mission that it then finds not feasible. ``judged_at`` is when, in
        monotonic seconds, what it tells can be trusted.
        """
        with hearing(self._asking.tap, MISSION_CURRENT) as inbox:
            try:
                async with asyncio.timeout(JUDGED_S + FIRST_ITEM_S):
                    while not await self._at_first(inbox, count, judged_at):
                        pass
            except TimeoutError:
                what = f"{self._seen.drone}: mission: not seen at the first item within {FIRST_ITEM_S:g} s"
                words = self._seen.words(self.loaded_at)
                raise (Refused(f"{what}: {words}") if words else NotSeen(what)) from None

    async def _at_first(self, inbox: Inbox, count: int, judged_at: float) -> bool:
        self._asking.say("MISSION_SET_CURRENT", seq=0)
        clock = self._seen.clock
        end = clock.monotonic() + RESEND_S
        while (left := end - clock.monotonic()) > 0:
            heard = await inbox.hear(left)
            if heard is None:
                return False
            # total and state are 0 where an autopilot does not tell them
            if heard.seq != 0 or heard.total not in (0, count):
                continue
            if heard.mission_state == NOT_TOLD or (
                heard.mission_state != NO_MISSION and clock.monotonic() >= judged_at
            ):
                return True
        return False
