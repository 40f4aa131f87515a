"""``/api/v1/drones``: a pilot's commands to one drone, and what became of them."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Body, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, TypeAdapter, model_validator

from fleet.api.auth import Given, PilotInNeed, Viewer, checked
from fleet.api.context import Context, Ctx
from fleet.errors import NotFound
from fleet.flight.asked import Request, urgent
from fleet.model.command import (
    CommandRecord,
    CommandStatus,
    Demand,
    GoTo,
    Kill,
    LookAtPoint,
    Orbit,
    Part,
    Plain,
    PointGimbal,
    ReleaseControl,
    TakeControl,
)
from fleet.store import commands

router = APIRouter(prefix="/api/v1/drones", tags=["drones"])

STATUS = {
    CommandStatus.DONE: 200,
    CommandStatus.REFUSED: 409,
    CommandStatus.FAILED: 504,
    CommandStatus.SENT: 504,
}
_DEMAND: TypeAdapter[Demand] = TypeAdapter(Demand)


class Envelope(Part):
    """What every command may carry."""

    id: UUID | None = Field(
        default=None,
        description="the command's name, chosen by who asks: sent again with the same, it is not "
        "carried out again, and the answer is the first one's. A new one where it is left out",
    )
    reason: str = Field(default="", max_length=500, description="for the audit and the flight log")
    take_over: bool = Field(
        default=False, description="with `take_control`: also where another pilot has control"
    )

    @model_validator(mode="after")
    def _take_over_is_said_aloud(self) -> Envelope:
        if self.take_over and not isinstance(self, TakeControl):
            raise ValueError("take_over goes with the action 'take_control' alone")
        return self


class AskPlain(Envelope, Plain):
    """Return, hold, resume or land here."""


class AskGoTo(Envelope, GoTo):
    """Fly to a point and hold there."""


class AskOrbit(Envelope, Orbit):
    """Fly circles about a point."""


class AskLookAt(Envelope, LookAtPoint):
    """Keep the camera on a point."""


class AskGimbal(Envelope, PointGimbal):
    """Point the camera."""


class AskKill(Envelope, Kill):
    """Stop the motors: the drone falls.

    The first call answers 409 and `confirm`, a word that is good for 20 s; the second call, with an
    id of its own, says it.
    """


class AskControl(Envelope, TakeControl):
    """Become the one whose word counts."""


class AskRelease(Envelope, ReleaseControl):
    """Give control back."""


Command = Annotated[
    AskPlain | AskGoTo | AskOrbit | AskLookAt | AskGimbal | AskKill | AskControl | AskRelease,
    Body(discriminator="action"),
]


class NotDone(BaseModel):
    """A command that was not done, and why."""

    detail: str
    command: CommandRecord
    confirm: str | None = Field(default=None, description="the word that `kill` asks for")


@router.post(
    "/{drone_id}/commands",
    responses={
        409: {"model": NotDone, "description": "refused, or another pilot has control"},
        504: {"model": NotDone, "description": "not answered, or not seen to be done"},
    },
)
async def command(
    drone_id: str, body: Command, ctx: Ctx, caller: PilotInNeed, given: Given
) -> CommandRecord:
    """Command a drone; answers once the vehicle was seen to do it, or not.

    A pilot's command takes control where nobody has it. What breaks a fence, the ceiling or a
    no-fly zone is refused. Return, hold, land and kill are not refused for a database that hangs.
    """
    known(ctx, drone_id)
    envelope = {"id", "reason", "take_over"}
    demand = _DEMAND.validate_python(body.model_dump(exclude=envelope))
    if caller.unchecked and not urgent(demand):
        caller = await checked(ctx, given)
    answer = await ctx.pilots.carry_out(
        Request(
            drone=drone_id,
            actor=caller.name,
            demand=demand,
            id=body.id or uuid4(),
            reason=body.reason,
            take_over=body.take_over,
            token=caller.token,
        )
    )
    record = answer.record
    if record.status is CommandStatus.DONE:
        return record
    told = NotDone(detail=record.answer, command=record, confirm=answer.confirm)
    return _as(STATUS[record.status], told)


def _as(status: int, told: NotDone) -> Any:
    return JSONResponse(told.model_dump(mode="json", exclude_none=True), status)


@router.get("/{drone_id}/commands")
async def latest(
    drone_id: str, ctx: Ctx, _caller: Viewer, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> list[CommandRecord]:
    """Return a drone's newest commands, newest first."""
    known(ctx, drone_id)
    async with ctx.store.read() as session:
        return await commands.of_drone(session, drone_id, limit)


def known(ctx: Context, drone_id: str) -> None:
    """See that the city has a drone.

    Raises
    ------
    NotFound
        If it has not.
    """
    there_are = sorted(drone.id for drone in ctx.city.drones)
    if drone_id not in there_are:
        raise NotFound(f"no drone {drone_id!r}; drones are {', '.join(there_are)}")
