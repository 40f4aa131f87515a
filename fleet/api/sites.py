"""``/api/v1/watches`` and ``/sites``: what workers are to watch, and what they say of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel

from fleet.api.auth import Worker
from fleet.api.context import Context, Ctx
from fleet.api.landings import landings
from fleet.incidents.sites import SiteReport
from fleet.model.live import DroneLive
from missions.city import Dock, Drone, Site

router = APIRouter(prefix="/api/v1", tags=["workers"])


class Watch(BaseModel):
    """One camera that is to be watched now: on a site, or on the marker that a drone lands on.

    ``key`` stays the same as long as it is the same camera on the same site; ``source`` is the
    address of its stream. A landing has no site. ``since`` is when a drone's order had it looked
    at.
    """

    key: str
    site: str
    source: str
    drone: str | None
    since: datetime | None
    position: tuple[float, float]
    detector: dict[str, Any]
    station_url: str | None


class Watches(BaseModel):
    """What is to be watched now."""

    watches: list[Watch]


@router.get("/watches")
async def watches(ctx: Ctx, _caller: Worker) -> Watches:
    """Return the fixed cameras, those of drones on their sites, and of drones that land by sight."""
    sites = {site.id: site for site in ctx.city.sites}
    drones = {drone.id: drone for drone in ctx.city.drones}
    found = [
        _watch(site, camera.id, camera.source, None)
        for site in sites.values()
        for camera in site.cameras
    ]
    for site_id, drone_id in ctx.flight.watch_assignments():
        video = drones[drone_id].video
        if video is not None:
            found.append(
                _watch(sites[site_id], drone_id, video, drone_id, _since(ctx, drone_id, site_id))
            )
    found += [_landing(drone, video, dock) for drone, video, dock in landings(ctx)]
    return Watches(watches=found)


@router.put("/sites/{site_id}/status", status_code=204, response_class=Response)
async def status(site_id: str, report: SiteReport, ctx: Ctx, _caller: Worker) -> Response:
    """Take a worker's word about a site."""
    ctx.board.report(site_id, report)
    return Response(status_code=204)


def _since(ctx: Context, drone: str, site: str) -> datetime | None:
    live = ctx.hub.get("drone", drone)
    looking = live.detectors if isinstance(live, DroneLive) else ()
    return next((one.since for one in looking if one.site == site), None)


def _watch(
    site: Site, camera: str, source: str, drone: str | None, since: datetime | None = None
) -> Watch:
    lon, lat = site.position
    has_station = site.detector.kind == "water"
    return Watch(
        key=f"{site.id}/{camera}",
        site=site.id,
        source=source,
        drone=drone,
        since=since,
        position=site.position,
        detector={**site.detector.model_dump(mode="json"), "lon": lon, "lat": lat},
        station_url=f"/api/v1/sites/{site.id}/station" if has_station else None,
    )


def _landing(drone: Drone, video: str, dock: Dock) -> Watch:
    assert dock.marker is not None
    lon, lat = dock.position
    detector = {
        "kind": "marker",
        "marker_id": dock.marker.id,
        "size_m": dock.marker.size_m,
        "dock": dock.id,
        "lon": lon,
        "lat": lat,
    }
    return Watch(
        key=f"dock-{dock.id}/{drone.id}",
        site="",
        source=video,
        drone=drone.id,
        since=None,
        position=dock.position,
        detector=detector,
        station_url=None,
    )
