"""``/api/v1/drones/{id}/landing-target``: where a worker sees the marker that a drone lands on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from fleet.api.auth import Worker
from fleet.api.context import Context, Ctx
from fleet.api.drones import known
from fleet.flight.place import distance_m
from fleet.link.port import LandingTarget
from fleet.model.live import DroneLive
from fleet.model.states import DroneState
from missions.city import Dock, Drone

NEAR_M = 150.0
"""A returning drone's camera is watched from here, so that the worker looks when it comes down."""

router = APIRouter(prefix="/api/v1/drones", tags=["workers"])

Metres = Annotated[float, Field(ge=-500, le=500)]


class Sighting(BaseModel):
    """The marker from the drone, metres north, east and down."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    captured_at: AwareDatetime = Field(description="capture time of the frame")
    north_m: Metres
    east_m: Metres
    down_m: Annotated[float, Field(gt=0, le=500)]


@router.put("/{drone_id}/landing-target", status_code=204, response_class=Response)
async def sighted(drone_id: str, body: Sighting, ctx: Ctx, _caller: Worker) -> Response:
    """Take a sighting; it is passed to the vehicle while it lands and where it is fresh."""
    known(ctx, drone_id)
    target = LandingTarget(body.captured_at, body.north_m, body.east_m, body.down_m)
    ctx.flight.landing_target(drone_id, target)
    return Response(status_code=204)


def landings(ctx: Context) -> Iterator[tuple[Drone, str, Dock]]:
    """Yield the drones that come down on a dock with a marker: drone, its camera, the dock.

    One for each dock: one that lands, else the lowest, which is the next to. Those that wait above
    see nothing yet, and looking for a marker takes a worker's time.
    """
    docks = {dock.id: dock for dock in ctx.city.docks}
    next_of: dict[str, tuple[tuple[bool, float, str], Drone, str, Dock]] = {}
    for drone in ctx.city.drones:
        live = ctx.hub.get("drone", drone.id)
        if drone.video is None or not isinstance(live, DroneLive):
            continue
        dock = docks.get(live.berth or live.dock)
        if dock is None or dock.marker is None or not _comes_down(live, dock):
            continue
        height = (live.telemetry.altitude_m if live.telemetry is not None else None) or 0.0
        turn = (live.state is not DroneState.LANDING, height, drone.id)
        if dock.id not in next_of or turn < next_of[dock.id][0]:
            next_of[dock.id] = turn, drone, drone.video, dock
    for _, drone, video, dock in next_of.values():
        yield drone, video, dock


def _comes_down(live: DroneLive, dock: Dock) -> bool:
    if live.state is DroneState.LANDING:
        return True
    if live.state is not DroneState.RETURNING or live.telemetry is None:
        return False
    return distance_m(live.telemetry, dock.position) < NEAR_M
