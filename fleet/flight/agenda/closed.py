"""Closures as the map shows them: those that have not ended, and of each its end, once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from fleet.live import LiveHub
from fleet.model.closure import Closure


def show(hub: LiveHub, closures: Iterable[Closure], now: datetime) -> None:
    """Tell of the closures that are new, and of those told before that are no longer there."""
    there = {str(one.id): one for one in closures}
    for key, told in hub.all("closure").items():
        if key not in there and isinstance(told, Closure):
            hub.publish("closure", key, told.model_copy(update={"ended_at": now}))
            hub.forget("closure", key)
    for key, one in there.items():
        hub.publish("closure", key, one)
