"""Closures on the map: told when they are made, and once when they have ended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fleet.flight.agenda.closed import show
from fleet.live import LiveHub
from fleet.model.closure import Closure
from missions.city import Zone

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def closure(number: int) -> Closure:
    ring = [(117.6, 24.5), (117.7, 24.5), (117.7, 24.6)]
    zone = Zone.model_validate({"id": f"c-{number}", "kind": "no_fly", "area": ring})
    return Closure(
        id=UUID(int=number), kind="closure", zone=zone, reason="fire", created_at=NOW,
        created_by="li",
    )  # fmt: skip


async def test_a_closure_is_told_once_and_so_is_its_end() -> None:
    hub, news = LiveHub(), list[Any]()
    hub.listen("closure", news.append)
    show(hub, [closure(1), closure(2)], NOW)
    show(hub, [closure(1), closure(2)], NOW)
    assert [(one.id.int, one.ended_at) for one in news] == [(1, None), (2, None)]
    news.clear()
    show(hub, [closure(2)], NOW)
    show(hub, [closure(2)], NOW)
    assert [(one.id.int, one.ended_at) for one in news] == [(1, NOW)]
    assert set(hub.all("closure")) == {str(UUID(int=2))}
