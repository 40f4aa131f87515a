"""What the routers work with, handed over by whoever wires the controller."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, Protocol, cast
from uuid import UUID

from fastapi import Depends, Request
from prometheus_client import CollectorRegistry

from fleet.cad.dispatcher import Dispatcher
from fleet.incidents.desk import Desk
from fleet.incidents.sites import SiteBoard
from fleet.link.clock import Clock
from fleet.live import LiveHub
from fleet.model.order import Order, OrderRequest
from fleet.store.store import Store
from missions.city import City

Action = Literal["return", "hold", "resume", "land"]


class Flight(Protocol):
    """What the API asks of the flight controller.

    Raises
    ------
    fleet.errors.OrderError
        By every method that cannot do what is asked.
    """

    async def submit(self, request: OrderRequest, actor: str) -> Order:
        """Take an order."""

    async def cancel(self, order_id: UUID, actor: str) -> Order:
        """Cancel an order."""

    async def recall_all(self, reason: str, actor: str) -> None:
        """End every order and call every drone home."""

    async def command(self, drone_id: str, action: Action, actor: str) -> None:
        """Carry out an operator's command."""

    def orders(self) -> Sequence[Order]:
        """Return the orders that are active, and those ended since the start."""

    def watch_assignments(self) -> Sequence[tuple[str, str]]:
        """Return which drone watches which site now: (site id, drone id)."""


@dataclass(frozen=True)
class Context:
    """The controller's parts, and where the city file lies.

    ``stopping`` is set when the process is to end, so that streams end at once.
    """

    city: City
    city_folder: Path
    store: Store
    hub: LiveHub
    clock: Clock
    desk: Desk
    board: SiteBoard
    dispatcher: Dispatcher
    flight: Flight
    registry: CollectorRegistry
    map_origins: tuple[str, ...] = ()
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


def context_of(request: Request) -> Context:
    """Return the context of the application that serves a request."""
    return cast(Context, request.app.state.context)


Ctx = Annotated[Context, Depends(context_of)]
