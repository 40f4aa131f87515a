"""``/api/v1/flights`` and ``/hours``: what was flown, where, and what happened on the way."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import math
import os
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from fastapi import APIRouter, HTTPException, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from fleet.api.auth import Viewer
from fleet.api.context import Context, Ctx
from fleet.api.when import InUtc
from fleet.errors import NotFound
from fleet.model.flightlog import EventKind, FlightRecord
from fleet.model.records import TrackPoint
from fleet.store import flightlog, tracks
from fleet.store.flightlog import Hours, Span

POINTS = 20_000
"""Points of a track: five and a half hours."""
EVENTS = 10_000
CHUNK = 256 * 1024
Place = tuple[float, float]
"""Longitude and latitude, degrees."""

router = APIRouter(prefix="/api/v1", tags=["flights"])


From = Annotated[InUtc | None, Query(alias="from", description="lift-off at or after")]
To = Annotated[InUtc | None, Query(alias="to", description="lift-off before")]


class Event(BaseModel):
    """One thing that happened on a flight."""

    at: datetime
    kind: EventKind
    text: str
    details: dict[str, Any]


class Flown(BaseModel):
    """How much one drone has flown, or was flown from one dock; flights that have ended."""

    id: str
    flights: int
    sorties: int
    hours: float


class HoursAnswer(BaseModel):
    """Hours in the air, by drone and by the dock that was taken off from."""

    drones: list[Flown]
    docks: list[Flown]


@router.get("/flights")
async def latest(
    ctx: Ctx,
    _caller: Viewer,
    drone: str | None = None,
    dock: Annotated[str | None, Query(description="taken off from")] = None,
    since: From = None,
    before: To = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[FlightRecord]:
    """Return the newest flights, newest first; metres, percent of the battery."""
    span = _span(since, before, drone, dock)
    async with ctx.store.read() as session:
        found = await flightlog.latest(session, span, limit)
    if not found:  # what the city had once may still be asked for
        _known("drone", drone, [d.id for d in ctx.city.drones])
        _known("dock", dock, [d.id for d in ctx.city.docks])
    return found


@router.get("/flights/{flight_id}")
async def one(flight_id: str, ctx: Ctx, _caller: Viewer) -> FlightRecord:
    """Return one flight."""
    return await _flight(ctx, flight_id)


@router.get(
    "/flights/{flight_id}/track.geojson",
    response_class=Response,
    responses={200: {"content": {"application/geo+json": {}}}},
)
async def track_geojson(flight_id: str, ctx: Ctx, _caller: Viewer) -> Response:
    """Return a flight's track as GeoJSON (RFC 7946): one feature, its times and heights beside it."""
    flight = await _flight(ctx, flight_id)
    collection = _collection(flight, await _track(ctx, flight))
    body = json.dumps(collection, ensure_ascii=False, separators=(",", ":"))
    return Response(body, media_type="application/geo+json", headers=_named(flight_id, "geojson"))


@router.get(
    "/flights/{flight_id}/track.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}}},
)
async def track_csv(flight_id: str, ctx: Ctx, _caller: Viewer) -> Response:
    """Return a flight's track as CSV (RFC 4180); the header tells the units."""
    flight = await _flight(ctx, flight_id)
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(
        ("time_utc", "lon_deg", "lat_deg", "altitude_above_home_m", "battery_percent", "state")
    )
    for p in await _track(ctx, flight):
        battery = "" if p.battery_percent is None else f"{p.battery_percent:.1f}"
        place = f"{p.lon:.7f}", f"{p.lat:.7f}", f"{p.altitude_m:.2f}"
        table.writerow((_when(p), *place, battery, p.state.value))
    kind = "text/csv; charset=utf-8; header=present"
    return Response(text.getvalue(), media_type=kind, headers=_named(flight_id, "csv"))


@router.get("/flights/{flight_id}/events")
async def events(flight_id: str, ctx: Ctx, _caller: Viewer) -> list[Event]:
    """Return what happened on a flight, oldest first: states, commands, answers, texts, warnings."""
    await _flight(ctx, flight_id)
    async with ctx.store.read() as session:
        found = await flightlog.events_of(session, flight_id, EVENTS)
    return [Event(at=e.at, kind=e.kind, text=e.text, details=e.details) for e in found]


@router.get(
    "/flights/{flight_id}/tlog",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
async def tlog(flight_id: str, ctx: Ctx, _caller: Viewer) -> StreamingResponse:
    """Return a flight's recording: each MAVLink packet after 8 bytes of big-endian microseconds."""
    flight = await _flight(ctx, flight_id)
    if flight.tlog is None:
        raise NotFound(f"flight {flight_id!r} has no recording")
    folder = ctx.data / "tlog"
    path = (ctx.data / flight.tlog).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise NotFound(f"flight {flight_id!r} has no recording")
    try:
        file, size = await asyncio.to_thread(_open, path)
    except OSError:
        raise NotFound(f"the recording of flight {flight_id!r} is no longer there") from None
    headers = {**_named(flight_id, "tlog"), "content-length": str(size)}
    return StreamingResponse(
        _chunks(file, size), media_type="application/octet-stream", headers=headers
    )


@router.get("/hours")
async def hours(ctx: Ctx, _caller: Viewer, since: From = None, before: To = None) -> HoursAnswer:
    """Return flights, sorties and hours in the air by drone and by dock."""
    span = _span(since, before)
    async with ctx.store.read() as session:
        by_drone = await flightlog.hours(session, "drone", span)
        by_dock = await flightlog.hours(session, "dock", span)
    return HoursAnswer(
        drones=_flown(by_drone, [drone.id for drone in ctx.city.drones]),
        docks=_flown(by_dock, [dock.id for dock in ctx.city.docks]),
    )


def _flown(found: dict[str, Hours], known: Sequence[str]) -> list[Flown]:
    none = Hours(0, 0, 0.0)
    names = [*known, *(name for name in found if name not in known)]
    return [
        Flown(id=name, flights=h.flights, sorties=h.sorties, hours=round(h.air_s / 3600, 4))
        for name in names
        for h in (found.get(name, none),)
    ]


def _span(
    since: datetime | None,
    before: datetime | None,
    drone: str | None = None,
    dock: str | None = None,
) -> Span:
    if since is not None and before is not None and since >= before:
        raise HTTPException(422, f"from {since.isoformat()} is not before to {before.isoformat()}")
    return Span(drone, dock, since, before)


def _known(what: str, named: str | None, there_are: Sequence[str]) -> None:
    if named is not None and named not in there_are:
        raise NotFound(f"no {what} {named!r}; {what}s are {', '.join(sorted(there_are))}")


async def _flight(ctx: Context, flight_id: str) -> FlightRecord:
    async with ctx.store.read() as session:
        found = await flightlog.get(session, flight_id)
    if found is None:
        raise NotFound(f"no flight {flight_id!r}")
    return found


async def _track(ctx: Context, flight: FlightRecord) -> list[TrackPoint]:
    until = flight.landed_at or ctx.clock.now()
    async with ctx.store.read() as session:
        return await tracks.of_drone(session, flight.drone, flight.took_off_at, POINTS, until)


def _collection(flight: FlightRecord, points: Sequence[TrackPoint]) -> dict[str, Any]:
    places = [(round(p.lon, 7), round(p.lat, 7)) for p in points]
    landed = flight.landed_at
    properties = {
        "flight": flight.id,
        "drone": flight.drone,
        "dock": flight.dock,
        "sortie": flight.sortie,
        "took_off_at": flight.took_off_at.isoformat(),
        "landed_at": None if landed is None else landed.isoformat(),
        "landed_dock": flight.landed_dock,
        "distance_m": round(flight.distance_m, 1),
        "times": [_when(p) for p in points],
        "altitudes_above_home_m": [round(p.altitude_m, 2) for p in points],
        "battery_percent": [p.battery_percent for p in points],
        "states": [p.state.value for p in points],
    }
    feature = {
        "type": "Feature",
        "id": flight.id,
        "geometry": _geometry(places),
        "properties": properties,
    }
    return {"type": "FeatureCollection", "features": [feature]}


def _when(point: TrackPoint) -> str:
    """Return a point's time, always as long: spreadsheets take a column by its first rows."""
    return point.at.isoformat(timespec="milliseconds")


def _geometry(places: Sequence[Place]) -> dict[str, Any] | None:
    """Return a way as GeoJSON; RFC 7946 has one that crosses the antimeridian cut there."""
    if not places:
        return None  # a feature that is nowhere
    if len(places) == 1:
        return {"type": "Point", "coordinates": places[0]}
    lines = [[places[0]]]
    for (lon, lat), there in pairwise(places):
        if abs(there[0] - lon) > 180:
            side = math.copysign(180.0, lon)
            east = there[0] + 2 * side  # of the same turn
            cut = round(lat + (there[1] - lat) * (side - lon) / (east - lon), 7)
            lines[-1].append((side, cut))
            lines.append([(-side, cut)])
        lines[-1].append(there)
    if len(lines) == 1:
        return {"type": "LineString", "coordinates": lines[0]}
    return {"type": "MultiLineString", "coordinates": lines}


def _named(flight_id: str, kind: str) -> dict[str, str]:
    """Return the header that names the file; a flight's id is a UUID or a sortie's id."""
    plain = "".join(c for c in flight_id if c.isascii() and (c.isalnum() or c in "-_"))
    return {"content-disposition": f'attachment; filename="flight-{plain}.{kind}"'}


def _open(path: Path) -> tuple[BinaryIO, int]:
    """Open a recording; what is written to it from now on is not part of the answer."""
    file = path.open("rb")
    return file, os.fstat(file.fileno()).st_size


async def _chunks(file: BinaryIO, left: int) -> AsyncIterator[bytes]:
    with file:
        while left > 0:
            chunk = await asyncio.to_thread(file.read, min(CHUNK, left))
            if not chunk:
                return
            left -= len(chunk)
            yield chunk
