"""Who has control of a drone: one pilot at a time, kept over restarts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from fleet.errors import Conflict
from fleet.model.records import DroneRecord
from fleet.store import drones
from fleet.store.database import Transaction


class Holder(NamedTuple):
    """A pilot who has control, and since when."""

    who: str
    since: datetime

    def __str__(self) -> str:
        return f"{self.who} (since {self.since:%H:%M:%S} UTC)"


class Control:
    """One holder a drone at most.

    Every change is written in a transaction of the caller, so that control and the command that
    took it are on disk together. The store lets one writer in at a time: two pilots who ask at
    once are asked one after the other.
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
        before = self.of(drone)
        if before is not None and before.who == actor:
            return before
        if before is not None and not take_over:
            raise Conflict(
                f"{before} has control of {drone}; 'take_control' with take_over takes it over"
            )
        await drones.set_holder(tx.session, drone, actor, at)
        tx.after_commit(lambda: self._holders.update({drone: Holder(actor, at)}))
        return before

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
            raise Conflict(f"{before} has control of {drone}, not {actor}")
        await drones.set_holder(tx.session, drone, None, at)
        tx.after_commit(lambda: self._holders.__delitem__(drone))
