"""The live picture: last known facts in memory, and a stream of their changes for the map.

Telemetry goes from the link to the screen through here and never through the database.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from pydantic import BaseModel

Topic = Literal["drone", "dock", "site", "incident", "order", "plan", "cell", "call", "closure"]


class Change(NamedTuple):
    """One changed fact."""

    topic: Topic
    key: str
    fact: BaseModel


class Subscription:
    """A reader of changes. It holds at most one change per fact: the newest.

    A slow reader so loses intermediate states, never the last one, and its memory is bounded by
    the number of facts.
    """

    def __init__(self) -> None:
        self._pending: OrderedDict[tuple[Topic, str], Change] = OrderedDict()
        self._ready = asyncio.Event()

    def put(self, change: Change) -> None:
        """Queue a change in place of an older one of the same fact."""
        self._pending[(change.topic, change.key)] = change
        self._ready.set()

    async def __aiter__(self) -> AsyncIterator[Change]:
        """Yield changes, oldest first, for ever."""
        while True:
            await self._ready.wait()
            while self._pending:
                yield self._pending.popitem(last=False)[1]
            self._ready.clear()


class Presence:
    """When a person who may act (officer or above) was last heard. For one event loop.

    Parameters
    ----------
    now
        Seconds of a clock that never goes back.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._heard_at = now()
        self._listening = 0

    def heard(self) -> None:
        """Note that a person has just asked for something."""
        self._heard_at = self._now()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Count a person as present for the length of a ``with`` block: an open event stream."""
        self._listening += 1
        try:
            yield
        finally:
            self._listening -= 1
            self.heard()

    def absent_s(self) -> float:
        """Return for how many seconds nobody was there; from the start where nobody ever was."""
        return 0.0 if self._listening else self._now() - self._heard_at

    def last_heard(self, now: datetime) -> datetime:
        """Return when somebody was last there, by a clock that says ``now``."""
        return now - timedelta(seconds=self.absent_s())


class LiveHub:
    """Last fact by topic and key, and its subscribers. For one event loop.

    Attributes
    ----------
    presence
        Whether somebody looks at it.
    """

    def __init__(self) -> None:
        self._facts: dict[tuple[Topic, str], BaseModel] = {}
        self._subscriptions: set[Subscription] = set()
        self._listeners: dict[Topic, list[Callable[[BaseModel], None]]] = {}
        self.presence = Presence()

    def publish(self, topic: Topic, key: str, fact: BaseModel) -> None:
        """Store a fact and tell the subscribers, unless it is what was there."""
        if self._facts.get((topic, key)) == fact:
            return
        self._facts[(topic, key)] = fact
        for listener in tuple(self._listeners.get(topic, ())):
            listener(fact)
        for subscription in self._subscriptions:
            subscription.put(Change(topic, key, fact))

    def forget(self, topic: Topic, key: str) -> None:
        """Keep a fact no longer that nobody needs any more; subscribers are told nothing."""
        self._facts.pop((topic, key), None)

    def get(self, topic: Topic, key: str) -> BaseModel | None:
        """Return the last fact of one key."""
        return self._facts.get((topic, key))

    def all(self, topic: Topic) -> dict[str, BaseModel]:
        """Return the last facts of a topic by key."""
        return {key: fact for (t, key), fact in self._facts.items() if t == topic}

    def listen(self, topic: Topic, listener: Callable[[BaseModel], None]) -> Callable[[], None]:
        """Call ``listener`` with every changed fact of a topic, none left out; return what ends it.

        It is called by whoever publishes: it must be quick, wait for nothing and raise nothing.
        """
        listeners = self._listeners.setdefault(topic, [])
        listeners.append(listener)
        return lambda: listeners.remove(listener)

    @contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        """Open a subscription for the length of a ``with`` block."""
        subscription = Subscription()
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
