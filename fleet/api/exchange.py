"""``/api/v1/missions/import`` and ``.../export``: orders from and for other programs."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ValidationError

from fleet.api.auth import Pilot, Viewer
from fleet.api.context import Ctx
from fleet.api.errors import in_words
from fleet.errors import FleetError, NotFound, OrderError, OrderUnfit
from fleet.model.order import SHAPES, Kind, OrderRequest, Taken
from missions import kml, qgc
from missions.cells import city_cells
from missions.drawing import Drawing, DrawingKind
from missions.errors import ExchangeError
from missions.geojson import LonLat, Point, Polygon

router = APIRouter(prefix="/api/v1/missions", tags=["missions"])
Format = Literal["plan", "kml"]
MEDIA: dict[Format, str] = {
    "plan": "application/json",
    "kml": "application/vnd.google-earth.kml+xml",
}


class Rejected(BaseModel):
    """A draft that cannot be flown, by its place in the file, and why."""

    number: int
    reason: str


class Imported(BaseModel):
    """What a file comes to.

    ``drafts`` are bodies for ``POST /api/v1/missions``; ``rejected`` those of them that cannot be
    flown in this city; ``taken`` the orders that were made of them, where that was asked for.
    ``fence`` and ``rally`` are the file's: they are told and not used, since the city's own hold.
    """

    drafts: list[OrderRequest]
    rejected: list[Rejected] = []
    taken: list[Taken] = []
    fence: list[Polygon] = []
    rally: list[tuple[float, float, float]] = []


@router.post("/import")
async def take_in(
    request: Request,
    ctx: Ctx,
    caller: Pilot,
    format_: Annotated[Format, Query(alias="format")],
    kind: Annotated[Kind | None, Query(description="what all of it is flown as")] = None,
    create: Annotated[bool, Query(description="order it, all or nothing that is drawn")] = False,
) -> Imported:
    """Read a file into drafts of orders; with ``create`` order them, where all of them can be."""
    text = await _text(request)
    try:
        found = qgc.read(text) if format_ == "plan" else qgc.PlanFile(kml.read(text))
    except ExchangeError as error:
        raise OrderUnfit("file", str(error)) from error
    drafts = [_draft(number, one, kind) for number, one in enumerate(found.drawings)]
    imported = Imported(
        drafts=drafts,
        fence=list(found.fence),
        rally=list(found.rally),
    )
    for number, draft in enumerate(drafts):
        try:
            await ctx.flight.desk.draft(draft)
        except OrderUnfit as error:
            if create:
                raise OrderUnfit(f"drafts[{number}].{error.field}", str(error)) from error
            imported.rejected.append(Rejected(number=number, reason=str(error)))
    if create:
        await _order(ctx, caller, imported)
    return imported


async def _order(ctx: Ctx, caller: Pilot, imported: Imported) -> None:
    """Order every draft; where one is not taken, take back those before it."""
    asked_at = ctx.clock.now()
    for number, draft in enumerate(imported.drafts):
        try:
            taken = await ctx.flight.desk.submit(draft, caller.name, asked_at, "order.import")
        except FleetError as error:
            for before in imported.taken:
                with suppress(OrderError):  # it has ended already
                    await ctx.flight.desk.cancel(before.id, caller.name)
            if not isinstance(error, OrderUnfit):
                raise
            raise OrderUnfit(f"drafts[{number}].{error.field}", str(error)) from error
        imported.taken.append(taken)


@router.get("/{order_id}/export")
async def give_out(
    order_id: UUID,
    ctx: Ctx,
    _caller: Viewer,
    format_: Annotated[Format, Query(alias="format")],
) -> Response:
    """Return what an order flies as a file: a patrol the areas of its cells."""
    order = await ctx.store.flights.order(order_id)
    if order is None:
        raise NotFound(f"no order {order_id}")
    drawings = _drawings(order.request, ctx)
    if not drawings:
        raise OrderError(f"order {order_id} has nothing that could be drawn")
    home = ctx.city.docks[0].position
    try:
        text = (
            qgc.write(drawings, home)
            if format_ == "plan"
            else kml.write(order.request.note or str(order_id), drawings)
        )
    except ExchangeError as error:
        raise OrderUnfit("format", str(error)) from error
    named = f'attachment; filename="{order_id}.{format_}"'
    return Response(text, media_type=MEDIA[format_], headers={"content-disposition": named})


async def _text(request: Request) -> str:
    try:
        return (await request.body()).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise OrderUnfit("file", f"is no text in UTF-8: {error}") from error


def _draft(number: int, drawing: Drawing, kind: Kind | None) -> OrderRequest:
    """Return an order for a drawing; ``kind`` where it is to be flown as another."""
    flown: str = kind or drawing.kind
    if drawing.geometry.type not in SHAPES[cast(Kind, flown)]:
        raise OrderUnfit(
            f"drafts[{number}].kind", f"a {drawing.geometry.type} cannot be flown as {flown}"
        )
    body: dict[str, Any] = {
        "kind": flown,
        "geometry": drawing.geometry.model_dump(),
        "note": drawing.name,
    }
    for name in ("altitude_m", "speed_m_s", "width_m", "radius_m", "turns", "hold_s"):
        value = getattr(drawing, name)
        if value is not None:
            body[name] = value
    if drawing.side_overlap is not None:
        body["camera"] = {"side_overlap": drawing.side_overlap}
    try:
        return OrderRequest.model_validate(body)
    except ValidationError as error:
        raise OrderUnfit(f"drafts[{number}]", in_words(error.errors())) from error


def _drawings(request: OrderRequest, ctx: Ctx) -> list[Drawing]:
    """Return what an order flies; of a patrol its cells, of a stare its sites."""
    if request.geometry is not None:
        shapes: list[tuple[str, Any]] = [(request.note, request.geometry)]
    else:
        shapes = list(_places(request, ctx))
    kind: DrawingKind = "area" if request.kind == "patrol" else request.kind
    corridor, orbit = kind == "corridor", kind == "orbit"
    return [
        Drawing(
            kind=kind,
            geometry=shape,
            name=name,
            altitude_m=request.altitude_m,
            speed_m_s=request.speed_m_s,
            width_m=request.width_m if corridor else None,
            radius_m=request.radius_m if orbit or kind == "search" else None,
            turns=request.turns if orbit else None,
            hold_s=request.hold_s if kind == "stare" else None,
            side_overlap=request.camera.side_overlap if kind == "area" else None,
        )
        for name, shape in shapes
    ]


def _places(request: OrderRequest, ctx: Ctx) -> list[tuple[str, Any]]:
    """Return the shapes of what an order names."""
    city = ctx.city
    kind, _, name = (request.place or "").partition(":")
    rings: dict[str, tuple[LonLat, ...]] = {}
    points: dict[str, LonLat] = {}
    for cell in city_cells(city):
        wanted = cell.beat in request.beats or cell.id in request.cells
        if wanted or (kind == "cell" and name == cell.id):
            rings[cell.id] = cell.ring
    for beat in city.beats:
        if (kind, name) == ("beat", beat.id):
            rings[beat.id] = beat.area
    for district in city.districts:
        if (kind, name) == ("district", district.id):
            rings[district.id] = district.area
    for site in city.sites:
        if site.id in request.sites or (kind, name) == ("site", site.id):
            points[site.id] = site.position
    for what, spots in (("dock", city.docks), ("target", city.targets)):
        points |= {spot.id: spot.position for spot in spots if (kind, name) == (what, spot.id)}
    areas = [
        (key, Polygon(type="Polygon", coordinates=((*ring, ring[0]),)))
        for key, ring in rings.items()
    ]
    return [*areas, *((k, Point(type="Point", coordinates=at)) for k, at in points.items())]
