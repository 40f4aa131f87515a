"""``/api/v1/zones``: what of the air is closed, closures for a time, and zones read in from a file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from shapely.geometry import Point as Place
from shapely.geometry import Polygon as Area

from fleet.api.audit import note
from fleet.api.auth import Admin, Pilot, Viewer
from fleet.api.context import Context, Ctx
from fleet.model.closure import Closure, ClosureRequest
from fleet.store import closures
from missions import ed318, zonefile, zonejson
from missions.city import Zone
from missions.errors import GeometryError
from missions.geo import distance_m
from missions.geojson import Point
from missions.hours import Hours, active_between
from missions.zonefile import ZoneFileError, ZonesRead

LISTED = 500
FARTHEST_M = 50_000.0
"""From the city's origin: what is farther off closes nothing that is flown."""
LONGEST_DAYS = 31
MOST_IMPORTED = 1000

router = APIRouter(prefix="/api/v1/zones", tags=["zones"])


class ZoneFile(BaseModel):
    """Body of ``POST /api/v1/zones/import``."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["ed318", "geojson"]
    collection: dict[str, Any] = Field(description="a FeatureCollection")
    authorised: list[str] = Field(
        default=[], max_length=1000, description="ED-318 identifiers of zones one may fly in"
    )
    reason: str = Field(min_length=1, max_length=500)


class Imported(BaseModel):
    """What became of a file of zones."""

    closures: list[Closure]
    left_out: list[str]
    replaced: list[UUID]


@router.get("")
async def every(ctx: Ctx, _caller: Viewer) -> dict[str, Any]:
    """Return the city's zones and all that is closed besides, as GeoJSON."""
    return zonejson.write([(zone, said) for zone, said in described(ctx)])


def described(ctx: Context) -> list[tuple[Zone, Mapping[str, Any]]]:
    """Return each zone, with what is told of it besides its own fields."""
    now, timezone = ctx.clock.now(), ctx.city.city.timezone
    found: list[tuple[Zone, Mapping[str, Any]]] = [
        (zone, {"source": "city", "closure": None}) for zone in ctx.city.zones
    ]
    for one in ctx.flight.closures.all():
        said = {
            "source": one.kind,
            "closure": str(one.id),
            "reason": one.reason,
            "by": one.created_by,
            "until": None if one.until is None else one.until.isoformat(),
        }
        found.append((one.zone, said))
    return [
        (zone, {**said, "in_force": active_between(zone.active, timezone, now, now)})
        for zone, said in found
    ]


@router.get("/closures")
async def listed(ctx: Ctx, _caller: Viewer) -> list[Closure]:
    """Return the newest closures and imported zones, those that have ended too, newest first."""
    async with ctx.store.read() as session:
        return await closures.latest(session, LISTED)


@router.post("/closures", status_code=201)
async def close(body: ClosureRequest, ctx: Ctx, caller: Pilot) -> Closure:
    """Close a part of the air for a time; whom it concerns is diverted at once."""
    now = ctx.clock.now()
    zone = _zone(body, ctx, now)
    one = Closure(
        id=uuid4(),
        kind="closure",
        zone=zone,
        reason=body.reason,
        created_at=now,
        created_by=caller.name,
        until=body.until,
    )
    await ctx.flight.closures.add([one])
    details = body.model_dump(mode="json", by_alias=True, exclude={"reason"})
    await note(ctx, caller, "closure.add", f"closure:{one.id}", body.reason, details)
    return one


@router.delete("/closures/{closure_id}")
async def end(closure_id: UUID, ctx: Ctx, caller: Pilot) -> Closure:
    """End a closure, or take out a zone that was read in."""
    ended = await ctx.flight.closures.end(closure_id, caller.name)
    await note(ctx, caller, "closure.end", f"closure:{closure_id}")
    return ended


@router.post("/import", status_code=201)
async def take_in(body: ZoneFile, ctx: Ctx, caller: Admin) -> Imported:
    """Read zones in, all of them or none; one that is there by the same id is replaced."""
    try:
        read = _read(body)
    except ZoneFileError as error:
        raise HTTPException(422, f"collection.{error}") from error
    near, far = _near(read, ctx)
    if len(near) > MOST_IMPORTED:
        raise HTTPException(
            422, f"collection.features: {len(near)} zones near the city; at most {MOST_IMPORTED}"
        )
    now, key = ctx.clock.now(), {zone.id for zone in near}
    new = [
        Closure(
            id=uuid4(),
            kind="import",
            zone=zone,
            reason=body.reason,
            created_at=now,
            created_by=caller.name,
        )
        for zone in near
    ]
    replaced = await ctx.flight.closures.replace(key, new, caller.name)
    names = sorted(key)
    details = {"format": body.format, "zones": names, "authorised": sorted(body.authorised)}
    await note(ctx, caller, "zones.import", "zones", body.reason, details)
    return Imported(closures=new, left_out=[*read.left_out, *far], replaced=replaced)


def _read(body: ZoneFile) -> ZonesRead:
    if body.format == "ed318":
        return ed318.read(body.collection, frozenset(body.authorised))
    read = zonejson.read(body.collection)
    for zone in read.zones:
        if zone.kind == "fence":
            raise ZoneFileError(f"{zone.id}.kind", "the fence stands in the city file alone")
    return read


def _near(read: ZonesRead, ctx: Context) -> tuple[list[Zone], list[str]]:
    """Return the zones near the city, and words of those that are not."""
    near, far = [], []
    for zone in read.zones:
        if zone.id in {own.id for own in ctx.city.zones}:
            raise HTTPException(422, f"collection: {zone.id!r} is a zone of the city file")
        fault = _fault(zone, ctx)
        if fault is None:
            near.append(zone)
        elif fault.startswith("geometry"):
            far.append(f"{zone.id}: {fault}")
        else:
            raise HTTPException(422, f"collection: {zone.id}: {fault}")
    return near, far


def _zone(body: ClosureRequest, ctx: Context, now: datetime) -> Zone:
    """Return the zone that a request closes.

    Raises
    ------
    HTTPException
        422, with the field and the reason.
    """
    if body.until <= now:
        raise HTTPException(422, f"until: {body.until.isoformat()} has passed")
    since = body.since or now
    if (body.until - since).days >= LONGEST_DAYS or (since - now).days >= LONGEST_DAYS:
        raise HTTPException(422, f"until: a closure begins, and ends, within {LONGEST_DAYS} days")
    if isinstance(body.geometry, Point):
        shape = zonefile.around(body.geometry.coordinates, body.radius_m or 0.0)
    else:
        shape = body.geometry
    try:
        zone = Zone(
            id=f"closure-{uuid4().hex[:12]}",
            kind="no_fly",
            name=body.name,
            area=shape.vertices,
            holes=shape.holes,
            floor_m=body.floor_m,
            floor_reference=body.floor_reference,
            ceiling_m=body.ceiling_m,
            ceiling_reference=body.ceiling_reference,
            active=(Hours(since=body.since or now, until=body.until),),
        )
    except ValidationError as error:
        raise HTTPException(422, f"geometry: {error.errors()[0]['msg']}") from error
    fault = _fault(zone, ctx)
    if fault is not None:
        raise HTTPException(422, fault)
    return zone


def _fault(zone: Zone, ctx: Context) -> str | None:
    """Say what of a zone is not sound in this city; None where it is."""
    floor, ceiling = zone.heights_m(ctx.city.city.elevation_m)
    if floor >= ceiling:
        return f"floor_m: {floor:g} m above ground is not below the ceiling, {ceiling:g} m"
    away = min(distance_m(ctx.city.city.origin, corner) for corner in zone.area)
    if away > FARTHEST_M and not _around(zone, ctx):
        return (
            f"geometry: it is {away / 1000:.0f} km from the city; at most {FARTHEST_M / 1000:g} km"
        )
    try:
        ctx.flight.closures.check(zone)
    except GeometryError as error:
        return f"geometry {error}"
    return None


def _around(zone: Zone, ctx: Context) -> bool:
    """Whether a zone whose corners are far off lies about the city."""
    return bool(Area(zone.area).covers(Place(ctx.city.city.origin)))
