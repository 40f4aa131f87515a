"""The course of an order: its occurrences, which of them are over, and what the next comes to."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from fleet.flight.orderrules import NEVER, Wanted
from fleet.model.order import OccurrenceRecord, OccurrenceStatus, Order
from fleet.model.records import SortieBrief, SortieStatus
from missions.recurrence import Occurrence
from missions.wishes import OrderWish, occurrence_name, part_of

_COMPLETED, _ABORTED = SortieStatus.COMPLETED, SortieStatus.ABORTED
MOST_TRIES = 10
"""A part of a task that was broken off so often is flown no more."""


@dataclass(frozen=True, slots=True)
class Parts:
    """How far a task is: names of parts flown, and under way; how many there are, 0 unknown."""

    done: frozenset[str] = frozenset()
    under_way: frozenset[str] = frozenset()
    count: int = 0
    hopeless: str = ""
    """Why a part is tried no more; empty where none is so."""


class Flown:
    """What the store knows of the sorties of an order.

    Parameters
    ----------
    briefs
        Its sorties, newest first.
    lost
        Those of them, by id, that no drone will fly to their end.
    """

    def __init__(self, briefs: Sequence[SortieBrief], lost: Collection[str]) -> None:
        self._briefs = briefs
        self._lost = lost

    def flew(self, wish: str) -> bool:
        """Whether a drone flew for an occurrence that is kept up."""
        there = (SortieStatus.FLYING, SortieStatus.COMPLETED)
        return any(b.order == wish and b.status in there for b in self._briefs)

    def parts(self, wish: str, since: datetime | None) -> Parts:
        """Return how far a task is; sorties that were planned before ``since`` do not count."""
        done, under_way, broken = set(), set(), Counter[str]()
        count, why = 0, ""
        for brief in self._briefs:
            part = part_of(brief.order)
            old = since is not None and brief.created_at < since
            if part is None or part[0] != wish or old:
                continue
            count = count or part[2]  # as it was last cut
            if part[2] != count and brief.status in (_COMPLETED, _ABORTED):
                continue
            if brief.status is _COMPLETED:
                done.add(brief.order)
            elif brief.status is _ABORTED:
                broken[brief.order] += 1
                if broken[brief.order] == MOST_TRIES:
                    why = f"a part was broken off {MOST_TRIES} times: {brief.reason}"
            elif brief.id not in self._lost:
                under_way.add(brief.order)
        return Parts(frozenset(done), frozenset(under_way), count, why)


class Course:
    """An order's occurrences that are not over yet, oldest first.

    One that was over when the order was made or changed is nobody's.
    """

    def __init__(self, order: Order, wanted: Wanted) -> None:
        self.order = order
        self.wanted = wanted
        since = order.changed_at or order.created_at
        self._open = deque(o for o in wanted.windows if o.end > since)

    @property
    def is_task(self) -> bool:
        """Whether each occurrence is flown once."""
        return self.order.request.is_task

    @property
    def is_named(self) -> bool:
        """Whether its occurrences are told apart, and kept on disk: it has a beginning."""
        return self.order.request.window.start is not None

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to fly."""
        return not self._open

    @property
    def watched(self) -> tuple[str, ...]:
        """What it keeps watched, by name."""
        return () if self.is_task else self.wanted.watched

    def name(self, start: datetime) -> str:
        """Return what the wish for an occurrence is called."""
        order = str(self.order.id)
        return occurrence_name(order, start) if self.is_named else order

    def close_known(self, records: Iterable[OccurrenceRecord]) -> None:
        """Close what is known to be over."""
        over = {record.start for record in records}
        self._open = deque(o for o in self._open if o.start not in over)

    def close(self, start: datetime) -> None:
        """Close one occurrence."""
        self._open = deque(o for o in self._open if o.start != start)

    def next(self, count: int) -> list[Occurrence]:
        """Return the first occurrences that are not over."""
        return list(self._open)[:count]

    def current(self, now: datetime) -> Occurrence | None:
        """Return the occurrence whose time it is."""
        for one in self._open:
            if one.start > now:
                return None
            if now < one.end:
                return one
        return None

    def due(self, now: datetime) -> bool:
        """Whether the time of one is over that is not closed."""
        return bool(self._open) and self._open[0].end <= now

    def wants(self, name: str, now: datetime) -> bool:
        """Whether what a sortie is for is still wanted: a task until it is flown."""
        part = part_of(name)
        wish = name if part is None else part[0]
        for one in self._open:
            if one.start > now:
                return False
            if self.name(one.start) == wish:
                return self.is_task or now < one.end
        return False

    def judge(
        self, now: datetime, flown: Flown, why: Callable[[str], str]
    ) -> OccurrenceRecord | None:
        """Return what became of the first occurrence, or None while that is open."""
        if not self._open or self._open[0].start > now:
            return None
        one = self._open[0]
        name, over = self.name(one.start), one.end <= now
        if not self.is_task:
            if not over:
                return None
            flew = flown.flew(name)
            return self._record(one, flew, "" if flew else why(name), now)
        parts = flown.parts(name, self.order.reshaped_at)
        if parts.count and len(parts.done) == parts.count:
            return self._record(one, True, f"in {parts.count} sorties", now)
        if parts.under_way or not (over or parts.hopeless):
            return None
        words = parts.hopeless or why(name)
        if parts.done:
            words = f"{len(parts.done)} of {parts.count} parts flown; {words}"
        return self._record(one, False, words, now)

    def _record(self, one: Occurrence, flown: bool, reason: str, now: datetime) -> OccurrenceRecord:
        return OccurrenceRecord(
            order=self.order.id,
            start=one.start,
            end=one.end,
            status=OccurrenceStatus.FLOWN if flown else OccurrenceStatus.MISSED,
            reason=reason,
            decided_at=now,
        )

    def wish(self, now: datetime, flown: Flown) -> OrderWish | None:
        """Return what is wanted now and not flown yet, or None."""
        one = self.current(now)
        if one is None:
            return None
        done: frozenset[str] = frozenset()
        if self.is_task:
            parts = flown.parts(self.name(one.start), self.order.reshaped_at)
            done = parts.done | parts.under_way
            if parts.hopeless or (parts.count and len(done) == parts.count):
                return None
        return self._wish(one, done)

    def whole_wish(self) -> OrderWish:
        """Return what its first occurrence that is not over comes to, with when the others are."""
        first, *others = self._open
        wish = self._wish(first, frozenset())
        return replace(wish, later=tuple((one.start, one.end) for one in others))

    def _wish(self, one: Occurrence, done: frozenset[str]) -> OrderWish:
        request = self.order.request
        return OrderWish(
            id=self.name(one.start),
            kind="task" if self.is_task else "stare" if request.kind == "stare" else "patrol",
            created=self.order.created_at,
            beats=self.wanted.beats,
            sites=self.wanted.sites,
            priority=request.priority,
            cells=self.wanted.cells,
            drones=self.wanted.drones,
            task=self.wanted.task,
            window=(one.start, one.end) if self.is_named or one.end < NEVER else None,
            done=tuple(sorted(done)),
        )
