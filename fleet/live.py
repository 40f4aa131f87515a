"""The live picture: last known facts in memory, and a stream of their changes for the map.

Telemetry goes from the link to the screen through here and never through the database.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

from pydantic import BaseModel

Topic = Literal["drone", "dock", "site", "incident", "order"]


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


class LiveHub:
    """Last fact by topic and key, and its subscribers. For one event loop."""

    def __init__(self) -> None:
        self._facts: dict[tuple[Topic, str], BaseModel] = {}
        self._subscriptions: set[Subscription] = set()

    def publish(self, topic: Topic, key: str, fact: BaseModel) -> None:
        """Store a fact and tell the subscribers, unless it is what was there."""
        if self._facts.get((topic, key)) == fact:
            return
        self._facts[(topic, key)] = fact
        for subscription in self._subscriptions:
            subscription.put(Change(topic, key, fact))

    def get(self, topic: Topic, key: str) -> BaseModel | None:
        """Return the last fact of one key."""
        return self._facts.get((topic, key))

    def all(self, topic: Topic) -> dict[str, BaseModel]:
        """Return the last facts of a topic by key."""
        return {key: fact for (t, key), fact in self._facts.items() if t == topic}

    @contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        """Open a subscription for the length of a ``with`` block."""
        subscription = Subscription()
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
