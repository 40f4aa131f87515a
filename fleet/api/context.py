"""What the routers work with, handed over by whoever wires the controller."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Protocol, cast

from fastapi import Depends
from fastapi import Request as HttpRequest
from prometheus_client import CollectorRegistry

from fleet.api.remembered import RememberedTokens
from fleet.cad.dispatcher import Dispatcher
from fleet.flight.asked import Answer, Request
from fleet.flight.carrying import Keepers
from fleet.flight.closures import Closures
from fleet.flight.holder import Holder
from fleet.flight.orderdesk import OrderDesk
from fleet.flight.overrides import Overrides
from fleet.flight.response.desk import CallDesk
from fleet.flight.standing import Standing
from fleet.incidents.desk import Desk
from fleet.incidents.sites import SiteBoard
from fleet.link.clock import Clock
from fleet.link.port import LandingTarget
from fleet.live import LiveHub
from fleet.model.order import Order
from fleet.store.store import Store
from missions.city import City


class Flight(Keepers, Protocol):
    """What the API asks of the flight controller.

    Raises
    ------
    fleet.errors.OrderError
        By every method that cannot do what is asked.
    """

    @property
    def desk(self) -> OrderDesk:
        """Where orders are handed in, changed and cancelled."""

    @property
    def standing(self) -> Standing:
        """Standing patrol policy: what each cell is owed."""

    @property
    def closures(self) -> Closures:
        """What of the air is closed for a time."""

    @property
    def calls(self) -> CallDesk:
        """Where calls are answered."""

    async def recall_all(self, reason: str, actor: str) -> None:
        """End every order and call every drone home."""

    @property
    def overrides(self) -> Overrides:
        """What pilots have overridden; the pre-flight checks read it."""

    def landing_target(self, drone: str, target: LandingTarget) -> None:
        """Take where a drone's camera sees the marker that it lands on."""

    def believe_dock(self, dock: str, actor: str) -> None:
        """Believe a dock again that was found not to be what it says."""

    def orders(self) -> Sequence[Order]:
        """Return the orders that are active, and those ended since the start."""

    def watch_assignments(self) -> Sequence[tuple[str, str]]:
        """Return which drone watches which site now: (site id, drone id)."""


class Pilots(Protocol):
    """What the API asks of the pilots' desk; ``fleet.flight.pilots.PilotDesk`` is one."""

    async def carry_out(self, request: Request) -> Answer:
        """Carry out a pilot's command, once."""

    def holder(self, drone: str) -> Holder | None:
        """Return who has control of a drone, or None."""


@dataclass(frozen=True)
class Context:
    """The controller's parts, and where the city file and the data lie.

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
    pilots: Pilots
    data: Path
    registry: CollectorRegistry
    cad_keys: Mapping[str, bytes] = field(default_factory=dict)
    """What the CADs that tell of calls sign them with, by CAD."""
    map_origins: tuple[str, ...] = ()
    tokens: RememberedTokens = field(default_factory=RememberedTokens)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


def context_of(request: HttpRequest) -> Context:
    """Return the context of the application that serves a request."""
    return cast(Context, request.app.state.context)


Ctx = Annotated[Context, Depends(context_of)]
