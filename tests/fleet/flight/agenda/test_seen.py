"""Cells: seen, owed, and told only where they change."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from fleet.flight.agenda.seen import CellBoard
from fleet.live import LiveHub
from fleet.model.plan import CellSeen
from missions.cells import city_cells
from missions.city import City

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Still:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0


def told(hub: LiveHub) -> list[Any]:
    news: list[Any] = []
    hub.listen("cell", news.append)
    return news


async def test_what_is_owed_changes_with_the_hour(make_city: Callable[..., City]) -> None:
    city, hub, clock = make_city(), LiveHub(), Still()
    number = len(city_cells(city))

    def owed(at: datetime) -> list[float]:
        first = 600.0 if at.hour >= 18 else math.inf
        return [first, *[3600.0] * (number - 1)]

    board = CellBoard(city, hub, clock, owed)
    names = [cell.id for cell in city_cells(city)]
    board.load({names[1]: NOON - timedelta(minutes=5)})
    assert hub.get("cell", names[0]) == CellSeen(id=names[0])
    assert hub.get("cell", names[1]) == CellSeen(
        id=names[1], seen_at=NOON - timedelta(minutes=5), owed_s=3600.0
    )
    news = told(hub)
    board.refresh()
    assert news == []
    clock.at = NOON.replace(hour=18)
    board.refresh()
    assert news == [CellSeen(id=names[0], owed_s=600.0)]


async def test_an_older_visit_and_a_cell_that_is_gone_are_left_out(
    make_city: Callable[..., City],
) -> None:
    city, hub = make_city(), LiveHub()
    board = CellBoard(city, hub, Still())
    name = city_cells(city)[0].id
    board.load({name: NOON})
    news = told(hub)
    board.see(name, NOON - timedelta(minutes=1))
    board.see("gone/r0c0", NOON)
    assert news == []
    board.see(name, NOON + timedelta(minutes=1))
    assert [cell.seen_at for cell in news] == [NOON + timedelta(minutes=1)]
