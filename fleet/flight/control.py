"""Who has control of a drone: one pilot at a time, kept over restarts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from fleet.errors import Conflict
from fleet.flight.holder import Holder, shown
from fleet.model.records import DroneRecord
from fleet.store import drones
from fleet.store.database import Transaction


class Control:
    """One holder a drone at most.

    A pilot is known by ``holder.pilot``. A change is written in a transaction of the caller, so
    that control and the command that took it are on disk together. The store lets one writer in at
    a time: two pilots who ask at once are asked one after the other. What cannot wait for the store
    (``take``, ``drop``) holds at once; the caller has it written later (``save``).
    """

    def __init__(self) -> None:
        self._holders: dict[str, Holder] = {}

    def load(self, records: Mapping[str, DroneRecord]) -> None:
        """Take what the store knows."""
        for drone, record in records.items():
            if record.holder is not None:
                self._holders[drone] = Holder(record.holder, record.held_since or record.at)

    def of(self, drone: str) -> Holder | None:
        """Return who has control of a drone, or None."""
        return self._holders.get(drone)

    async def claim(
        self, tx: Transaction, drone: str, actor: str, at: datetime, *, take_over: bool = False
    ) -> Holder | None:
        """Give a pilot control where it is free, or taken over; return who had it before.

        Raises
        ------
        Conflict
            If another has it and it is not to be taken over.
        """
        before = self._may_take(drone, actor, take_over=take_over)
        if before is not None and before.who == actor:
            return before
        await drones.set_holder(tx.session, drone, actor, at)
        tx.after_commit(lambda: self._replace(drone, before, Holder(actor, at)))
        return before

    def take(self, drone: str, actor: str, at: datetime) -> bool:
        """Give a pilot control where it is free, now; return whether it was.

        Raises
        ------
        Conflict
            If another has it.
        """
        if self._may_take(drone, actor) is not None:
            return False
        self._holders[drone] = Holder(actor, at)
        return True

    def drop(self, drone: str) -> Holder | None:
        """End control, whoever has it; return who had it."""
        return self._holders.pop(drone, None)

    async def save(self, tx: Transaction, drone: str, at: datetime) -> None:
        """Write who has control now."""
        holder = self.of(drone)
        who, since = holder if holder is not None else (None, at)
        await drones.set_holder(tx.session, drone, who, since)

    def _may_take(self, drone: str, actor: str, *, take_over: bool = False) -> Holder | None:
        before = self.of(drone)
        if before is not None and before.who != actor and not take_over:
            raise Conflict(
                f"{_other(before, actor)} has control of {drone}; 'take_control' with take_over "
                "takes it over"
            )
        return before

    def _replace(self, drone: str, before: Holder | None, after: Holder | None) -> None:
        """Take what was written, unless a word that could not wait has come between."""
        if self.of(drone) != before:
            return
        if after is None:
            self._holders.pop(drone, None)
        else:
            self._holders[drone] = after

    async def release(self, tx: Transaction, drone: str, actor: str, at: datetime) -> None:
        """Take control back from the pilot who has it.

        Raises
        ------
        Conflict
            If another pilot, or nobody, has it.
        """
        before = self.of(drone)
        if before is None:
            raise Conflict(f"nobody has control of {drone}")
        if before.who != actor:
            raise Conflict(f"{_other(before, actor)} has control of {drone}, not {shown(actor)}")
        await drones.set_holder(tx.session, drone, None, at)
        tx.after_commit(lambda: self._replace(drone, before, None))


def _other(holder: Holder, actor: str) -> str:
    """Name a holder to another pilot, who may be of the same name."""
    same = holder.name == shown(actor)
    return f"{holder}, by another token of that name," if same else str(holder)
