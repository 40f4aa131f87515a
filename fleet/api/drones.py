"""``/api/v1/drones``: an operator's commands to one drone."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from fleet.api.auth import Pilot
from fleet.api.context import Action, Ctx
from fleet.errors import NotFound

router = APIRouter(prefix="/api/v1/drones", tags=["drones"])


class Command(BaseModel):
    """What a drone is to do."""

    model_config = ConfigDict(extra="forbid")

    action: Action


@router.post("/{drone_id}/commands")
async def command(drone_id: str, body: Command, ctx: Ctx, caller: Pilot) -> dict[str, str]:
    """Command a drone."""
    if drone_id not in {drone.id for drone in ctx.city.drones}:
        raise NotFound(f"no drone {drone_id!r}")
    await ctx.flight.command(drone_id, body.action, caller.name)
    return {"drone": drone_id, "action": body.action}
