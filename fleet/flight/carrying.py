"""A pilot's command on its way: to the drone's keeper or straight to its link, and the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol, assert_never
from uuid import UUID

import structlog

from fleet.errors import Conflict, FleetError, OrderError, Refused
from fleet.flight.asked import Request
from fleet.flight.carried import Carried
from fleet.flight.word import Word
from fleet.link.port import DroneLink
from fleet.model.command import (
    CommandStatus,
    GoTo,
    Kill,
    LookAtPoint,
    Orbit,
    Plain,
    PointGimbal,
    ReleaseControl,
    TakeControl,
)
from fleet.model.flightlog import EventKind
from missions.city import Drone
from missions.sortie import Sortie

ANSWER_S = 45.0
"""A vehicle that was not seen to do it by then is taken not to have answered."""
log = structlog.get_logger(__name__)

S = CommandStatus


class Keeper(Protocol):
    """What the desk asks of a drone's keeper; ``fleet.flight.supervisor.Supervisor`` is one."""

    drone: Drone
    link: DroneLink
    sortie: Sortie | None
    carried: Carried | None
    holder: str | None
    holder_token: UUID | None
    when_docked: Callable[[], None]

    def publish(self) -> None:
        """Put the drone on the map."""

    def note(self, kind: EventKind, text: str, **details: object) -> None:
        """Tell the flight log."""


class Keepers(Protocol):
    """What the desk asks of flight; ``fleet.flight.controller.FlightController`` is one."""

    @property
    def supervisors(self) -> Mapping[str, Keeper]:
        """The keepers by drone id."""

    def tell(self, drone: str, word: Word) -> None:
        """Hand a word to a drone's keeper.

        Raises
        ------
        OrderError
            If the word has no meaning in the drone's state.
        """


async def carried_out(flight: Keepers, request: Request) -> tuple[CommandStatus, str]:
    """Carry a command out; return how it went, in the vehicle's own words."""
    try:
        async with asyncio.timeout(ANSWER_S):
            return S.DONE, await _work(flight, request)
    except TimeoutError:
        return S.FAILED, f"not seen to be done within {ANSWER_S:g} s; it may be yet"
    except (Refused, OrderError, Conflict) as error:
        return S.REFUSED, str(error)
    except FleetError as error:
        return S.FAILED, str(error)
    except Exception as error:  # a fault must be answered and kept like any other end
        log.exception("fault while a command was carried out")
        return S.FAILED, f"fault in the controller: {type(error).__name__}: {error}"


def _work(flight: Keepers, request: Request) -> Coroutine[Any, Any, str]:
    """Return what sends a command and waits for the vehicle."""
    link, demand = flight.supervisors[request.drone].link, request.demand
    match demand:
        case LookAtPoint():
            return _said(link.look_at(demand), "the camera is on it")
        case PointGimbal():
            return _said(link.point_gimbal(demand), "the camera points there")
        case Kill():
            return _said(link.kill(), "the motors are stopped")
        case Plain() | GoTo() | Orbit():
            return _word(flight, request, demand)
        case TakeControl() | ReleaseControl():
            raise AssertionError("control was seen to before")
        case _:
            assert_never(demand)


async def _word(flight: Keepers, request: Request, demand: Plain | GoTo | Orbit) -> str:
    answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    why = f"{demand.action} by {request.actor}"
    reason = f"{why}: {request.reason}" if request.reason else why
    flight.tell(request.drone, Word(demand.action, reason, demand, answer))
    return await answer


async def _said(work: Coroutine[Any, Any, None], words: str) -> str:
    await work
    return words
