"""``/api/v1/sites/{id}/station``: a gauge station's file, and the pictures it names."""

from __future__ import annotations

import asyncio
import mimetypes
from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from fleet import stations
from fleet.api.auth import Worker
from fleet.api.context import Context, Ctx
from fleet.errors import NotFound
from missions.city import WaterDetector

router = APIRouter(prefix="/api/v1/sites", tags=["workers"])


@router.get("/{site_id}/station", response_class=JSONResponse)
async def station(site_id: str, ctx: Ctx, _caller: Worker) -> JSONResponse:
    """Return the station file of a site as JSON."""
    return JSONResponse(await asyncio.to_thread(stations.read, _path_of(ctx, site_id)))


@router.get("/{site_id}/station/files/{name:path}", response_class=Response)
async def file(site_id: str, name: str, ctx: Ctx, _caller: Worker) -> Response:
    """Return a picture that the station file names; nothing else lies open."""
    path = _path_of(ctx, site_id)
    if name not in stations.texts(await asyncio.to_thread(stations.read, path)):
        raise NotFound(f"the station file of {site_id!r} names no {name!r}")
    data = await asyncio.to_thread(stations.read_picture, path.parent, name)
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Response(data, media_type=kind)


def _path_of(ctx: Context, site_id: str) -> Path:
    for site in ctx.city.sites:
        if site.id == site_id and isinstance(site.detector, WaterDetector):
            return stations.below(ctx.city_folder, site.detector.station)
    raise NotFound(f"no site {site_id!r} with a station")
