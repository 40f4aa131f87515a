"""The trips to calls that are under way, one a drone: begun, ended, and what became of them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Collection, Mapping

import structlog

from fleet.errors import FleetError
from fleet.flight.dispatch import given_up
from fleet.flight.response.book import CallBook, leaves_at
from fleet.flight.response.decision import Chosen
from fleet.flight.response.picture import PREFIX
from fleet.flight.response.release import Active, Release
from fleet.flight.response.trip import Trip, TripFailed
from fleet.flight.supervisor import Supervisor
from fleet.flight.word import Word
from fleet.flight.world import World
from fleet.model.call import Call, Sent, SentStatus
from fleet.model.flightlog import EventKind
from fleet.model.records import SortieRecord, SortieStatus
from missions.sortie import Sortie

log = structlog.get_logger(__name__)


class Trips:
    """Sends drones, and lets them go.

    Parameters
    ----------
    world, keepers
        The city; its drones' keepers.
    book
        The calls.
    orders
        What else is flown.
    tell
        Hands a word to a drone's keeper.
    changed
        Told of a call of which a drone has come, has left, or does not come.
    """

    def __init__(
        self,
        world: World,
        keepers: Mapping[str, Supervisor],
        book: CallBook,
        orders: Active,
        tell: Callable[[str, Word], None],
        changed: Callable[[str], None],
    ) -> None:
        self._world = world
        self._keepers = keepers
        self._book = book
        self._tell = tell
        self._changed = changed
        self._release = Release(world, keepers, orders, tell)
        self._under_way: dict[str, tuple[str, asyncio.Task[None]]] = {}
        """Drone to its call and trip."""
        self._failed: dict[tuple[str, str], float] = {}
        """Call and drone to when it did not come."""

    @property
    def free(self) -> Collection[str]:
        """Drones that come home from a call, and may be sent to another."""
        return self._release.free

    def failed_s(self, call_id: str, drone: str) -> float:
        """Return how long ago a drone did not come to a call; infinite where it never failed to."""
        at = self._failed.get((call_id, drone))
        return math.inf if at is None else self._world.clock.monotonic() - at

    def forget(self, call_id: str) -> None:
        """Forget who did not come to a call that has ended."""
        self._failed = {key: at for key, at in self._failed.items() if key[0] != call_id}

    def look(self) -> None:
        """See to the drones that are wanted nowhere any more."""
        self._release.look({drone for drone, _ in self._book.answering()})

    async def stop(self) -> None:
        """End every trip. The drones are told nothing."""
        tasks = [task for _, task in self._under_way.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def send(self, call_id: str, one: Chosen) -> None:
        """Give a drone its sortie, where it comes from a dock, and see it on its way.

        Not where the call has ended while it was written who is sent.
        """
        drone, s = one.sent.drone, self._keepers[one.sent.drone]
        if not self._is_wanted(call_id, one):
            return
        s.note(EventKind.STATE, f"sent to call {call_id}: {one.sent.reason}", call=call_id)
        if one.sortie is not None:
            try:
                await self._assign(s, one.sortie, lambda: self._is_wanted(call_id, one))
            except FleetError as error:
                if self._is_wanted(call_id, one):
                    self._not_come(call_id, drone, str(error))
                return
        self.start(self._book[call_id], one.sent)

    def _is_wanted(self, call_id: str, one: Chosen) -> bool:
        return one.sent in self._book[call_id].flying

    async def _assign(self, s: Supervisor, sortie: Sortie, wanted: Callable[[], bool]) -> None:
        world = self._world
        record = SortieRecord(sortie, SortieStatus.PLANNED, "", world.clock.now())
        await world.store.save_sortie(record)
        why = s.not_ready(while_charging=True) if wanted() else "its call has ended"
        if why is not None or s.berth != sortie.dock:
            await world.store.save_sortie(given_up(record, "its drone went away", world))
            raise TripFailed(why or f"stands in {s.berth} now")
        s.assign(record)

    def start(self, call: Call, sent: Sent) -> None:
        """Begin a trip, or go on with one that another controller began."""
        task = asyncio.create_task(self._trip(call, sent))
        self._under_way[sent.drone] = call.id, task

    def take_from_other(self, call: Call, drone: str) -> None:
        """Take a drone from the call that it answers, for one that is more urgent."""
        trip = self._under_way.pop(drone, None)
        if trip is not None:
            trip[1].cancel()
            self._book.gone(trip[0], drone, f"taken for call {call.id}")

    def release(self, call: Call, why: str) -> Mapping[str, str]:
        """Let the drones of a call go; return what each does now."""
        does: dict[str, str] = {}
        for sent in call.flying:
            trip = self._under_way.pop(sent.drone, None)
            if trip is not None:
                trip[1].cancel()
            does[sent.drone] = self._release.let(sent, f"call {call.id}: {why}")
        return does

    async def _trip(self, call: Call, sent: Sent) -> None:
        drone, s = sent.drone, self._keepers[sent.drone]
        trip = Trip(s, call, sent, PREFIX + call.id, self._tell)
        try:
            if sent.status is SentStatus.SENT:
                await trip.fly()
                self._book.there(call.id, drone)
                self._changed(call.id)
            why = await trip.stay(lambda: self._may_go(call.id, drone))
            does = self._release.let(sent, f"call {call.id}: {why}")
            self._under_way.pop(drone, None)
            self._book.gone(call.id, drone, f"{why}; {does}")
        except TripFailed as error:
            self._not_come(call.id, drone, str(error))
        except Exception as error:  # another must be sent, whatever went wrong
            log.exception("fault on the way to a call", call=call.id, drone=drone)
            self._not_come(call.id, drone, f"fault in the controller: {type(error).__name__}")
        self._changed(call.id)

    def _not_come(self, call_id: str, drone: str, why: str) -> None:
        log.warning("does not answer a call", call=call_id, drone=drone, reason=why)
        self._under_way.pop(drone, None)
        self._failed[call_id, drone] = self._world.clock.monotonic()
        self._release.drop(drone, f"call {call_id}: {why}")
        self._keepers[drone].note(EventKind.STATE, f"call {call_id}: {why}", call=call_id)
        self._book.gone(call_id, drone, why)
        self._changed(call_id)

    def _may_go(self, call_id: str, drone: str) -> str | None:
        """Say why a drone that is there may leave; None where it is to stay."""
        call, now = self._book[call_id], self._world.clock.now()
        there = [sent for sent in call.flying if sent.status is SentStatus.THERE]
        mine = next((sent for sent in there if sent.drone == drone), None)
        if mine is None or not call.open:
            return "it is over"
        if leaves_at(mine) <= now:
            return "its battery takes it home"
        first = min(there, key=lambda sent: (leaves_at(sent), sent.drone))
        return "relieved" if len(there) > call.want and first is mine else None
