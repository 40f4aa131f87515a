"""An order: what aviation police ask to be flown."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)

from fleet.model.orderfields import Moment, Place, Places, is_kept
from missions.geojson import Geometry, heights
from missions.recurrence import LONGEST_TEXT, MOST

Kind = Literal["patrol", "stare", "corridor", "area", "orbit", "route", "search"]

SHAPES: dict[Kind, tuple[str, ...]] = {
    "patrol": (),
    "stare": ("Point",),
    "corridor": ("LineString",),
    "area": ("Polygon",),
    "orbit": ("Point",),
    "route": ("LineString",),
    "search": ("Polygon", "Point"),
}
"""The geometry that a kind of order may have; a patrol names places."""


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        validate_by_name=True,
        serialize_by_alias=True,
    )


class TimeWindow(_Part):
    """From when to when it may be flown; without ``from`` from now on, without ``until`` for ever."""

    start: Moment | None = Field(default=None, alias="from")
    until: Moment | None = None


class Recurrence(_Part):
    """RFC 5545: DTSTART is the window's ``from``, by the clock of the city; each lasts as long."""

    rrule: str = Field(min_length=1, max_length=LONGEST_TEXT, description="with COUNT or UNTIL")
    exdates: tuple[Moment, ...] = Field(default=(), max_length=MOST)


class CameraWish(_Part):
    """How the camera looks, and what it must be able to."""

    pitch_deg: float | None = Field(default=None, ge=-90, le=30, description="-90 straight down")
    side_overlap: float = Field(default=0.2, ge=0, le=0.9)
    forward_overlap: float = Field(default=0.6, ge=0, le=0.95)
    min_width_px: int | None = Field(
        default=None, ge=160, le=7680, description="a drone whose pictures are narrower is not sent"
    )


class OrderRequest(_Part):
    """Body of ``POST /api/v1/missions``.

    ``patrol`` keeps cells visited, the longest unvisited first; ``stare`` of sites, or of a point
    until some time and without ``hold_s``, keeps each watched, by relief where it must be. Both go
    on for as long as the window does. All others are flown once in each window, in as many sorties
    as it takes.

    Parameters
    ----------
    kind
        What is flown.
    beats, cells, sites
        Places by id: of a patrol beats and cells, of a stare sites.
    place
        A named place in place of a geometry: ``beat:b1``, ``cell:b1/r0c0``, ``district:x``
        (areas), ``site:s``, ``dock:d`` or ``target:t`` (points).
    geometry
        GeoJSON: a LineString (corridor, route), a Polygon (area, search) or a Point (stare, orbit,
        search).
    until
        The end alone, as ``window.until``.
    detectors
        What looks at the pictures, and nothing else: the kinds that the city's sites have, at the
        sites that it names or shows (``fleet.flight.sights``). None: those of the sites that it
        names; an empty list: none at all.
    drones
        Only these may fly it; empty: any.
    altitude_m
        Above the dock that a drone leaves; none: that of the geometry's positions where they have
        a third number, else a free layer of the planner's.
    width_m
        Of a corridor, from bank to bank.
    radius_m
        Of an orbit; of a search around a point how far it goes.
    hold_s
        How long a stare at a point lasts that is flown once.
    """

    kind: Kind
    beats: Places = ()
    cells: Places = ()
    sites: Places = ()
    place: Place | None = None
    geometry: Geometry | None = None
    window: TimeWindow = TimeWindow()
    until: Moment | None = None
    recurrence: Recurrence | None = None
    priority: int = Field(default=0, ge=0, le=9, strict=True, description="higher first")
    detectors: Places | None = None
    drones: Places = ()
    altitude_m: float | None = None
    speed_m_s: float | None = Field(default=None, ge=1, le=30)
    camera: CameraWish = CameraWish()
    width_m: float = Field(default=60, gt=0, le=2000)
    radius_m: float = Field(default=40, ge=10, le=2000)
    turns: float = Field(default=1, gt=0, le=50)
    clockwise: bool = True
    hold_s: float | None = Field(default=None, ge=10, le=7200)
    note: str = Field(default="", max_length=500, pattern=r"^[^\x00]*$")

    @property
    def ends_at(self) -> datetime | None:
        """When its first window ends; None where it does not."""
        return self.window.until if self.until is None else self.until

    @property
    def is_task(self) -> bool:
        """Whether it is flown once, and not kept up."""
        return not (self.kind == "patrol" or self.sites or self.is_watch)

    @property
    def is_watch(self) -> bool:
        """Whether it keeps a point watched to the end of its window."""
        once = self.hold_s is not None or self.ends_at is None
        return self.kind == "stare" and not self.sites and not once

    @model_validator(mode="before")
    @classmethod
    def _flown_where_it_is_drawn(cls, said: object) -> object:
        """Take the height of a geometry's positions for the altitude, where that is one."""
        drawn = said.get("geometry") if isinstance(said, dict) else None
        found = sorted(heights(drawn.get("coordinates"))) if isinstance(drawn, dict) else []
        if not found or not isinstance(said, dict):
            return said
        if len(found) > 1:
            raise ValueError(
                f"geometry: its positions have heights from {found[0]:g} to {found[-1]:g} m; an "
                "order is flown at one, its altitude_m"
            )
        asked = said.get("altitude_m")
        if asked is not None and asked != found[0]:
            raise ValueError(
                f"altitude_m: {asked} m, but the positions of the geometry have {found[0]:g} m"
            )
        return {**said, "altitude_m": found[0]}

    @model_validator(mode="after")
    def _places_fit_kind(self) -> OrderRequest:
        if self.kind == "patrol":
            if not (self.beats or self.cells or self.place) or self.sites or self.geometry:
                raise ValueError(
                    "beats: a patrol names beats, cells or a place (and no sites, no geometry)"
                )
            return self
        if self.beats or self.cells or (self.sites and self.kind != "stare"):
            raise ValueError(
                f"beats, cells, sites: an order of kind {self.kind} names none; give a geometry"
            )
        given = sum((bool(self.sites), self.geometry is not None, self.place is not None))
        if self.kind == "stare" and given != 1:
            raise ValueError(
                "sites: a stare names sites (and no beats), or has a geometry (a Point) or a place"
            )
        if given != 1:
            raise ValueError(
                f"geometry: an order of kind {self.kind} has a geometry or a place, one of the two"
            )
        shapes = SHAPES[self.kind]
        if self.geometry is not None and self.geometry.type not in shapes:
            raise ValueError(
                f"geometry: {self.kind} is flown over a {' or '.join(shapes)}, "
                f"not a {self.geometry.type}"
            )
        return self

    @model_validator(mode="after")
    def _times_fit(self) -> OrderRequest:
        if self.until is not None and self.window.until is not None:
            raise ValueError("until: it is given twice, alone and in the window")
        start, end = self.window.start, self.ends_at
        if start is not None and end is not None and end <= start:
            raise ValueError(
                f"window: until {end.isoformat()} is not after from {start.isoformat()}"
            )
        if self.recurrence is not None and (start is None or end is None):
            raise ValueError("recurrence: what recurs has a window with from and until, the first")
        return self

    @model_validator(mode="after")
    def _nothing_is_passed_over(self, info: ValidationInfo) -> OrderRequest:
        """Refuse what such an order does not heed, rather than fly something else."""
        if is_kept(info):
            return self
        plain = self.kind == "patrol" or bool(self.sites)
        for field in ("drones", "altitude_m", "speed_m_s", "camera"):
            if plain and self._says(field):
                raise ValueError(
                    f"{field}: is for what is flown over a geometry or a place; patrols and sites "
                    "have the planner's and the city file's"
                )
        for field, kind in (("hold_s", "stare"), ("width_m", "corridor"), ("turns", "orbit")):
            if self._says(field) and (plain or self.kind != kind):
                what = "a stare at a point" if kind == "stare" else _a(kind)
                raise ValueError(f"{field}: is for {what}, not for {_a(self.kind)}")
        return self

    def _says(self, field: str) -> bool:
        """Whether a field says something else than what it is by itself."""
        said: object = getattr(self, field)
        return said != type(self).model_fields[field].get_default(call_default_factory=True)


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "ao" else f"a {kind}"


class OrderStatus(StrEnum):
    """Where an order is."""

    ACTIVE = "active"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    ENDED = "ended"

    @property
    def is_open(self) -> bool:
        """Whether something may still be flown of it."""
        return self in (OrderStatus.ACTIVE, OrderStatus.PAUSED)


class Order(BaseModel):
    """An order as it is kept."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    request: OrderRequest
    status: OrderStatus
    created_at: datetime
    created_by: str
    changed_at: datetime | None = None
    """When it was last changed; occurrences that were over by then are nobody's."""
    reshaped_at: datetime | None = None
    """When what is flown was last changed; what was flown before does not count."""
    reason: str = ""
    """Why it ended; while it is active, why some of it is not flown now (the live picture alone)."""
    displaced_by: tuple[str, ...] = ()
    """Orders, by id, that come first and take drones which it counts on (the live picture alone)."""


class Flight(BaseModel):
    """Who is to fly some of an order, and when."""

    model_config = ConfigDict(frozen=True)

    drone: str
    dock: str
    start: datetime
    end: datetime
    cells: tuple[str, ...] = ()


class Obstacle(BaseModel):
    """What stands against some of an order now."""

    model_config = ConfigDict(frozen=True)

    target: str
    constraint: str
    reason: str


class Taken(Order):
    """An order as it was taken: who will fly it and when, or what it waits for.

    ``drones_needed`` is how many take turns over a point that is kept watched; of a long watch the
    flights of the first day are told, of what recurs the first hundred. ``displaces`` are less
    important orders, by id, that counted on drones which it takes.
    """

    drones_needed: int | None = None
    flights: tuple[Flight, ...] = ()
    waits: tuple[Obstacle, ...] = ()
    displaces: tuple[str, ...] = ()


class OccurrenceStatus(StrEnum):
    """What became of an occurrence."""

    FLOWN = "flown"
    MISSED = "missed"


class OccurrenceRecord(BaseModel):
    """An occurrence whose time is over, or that has been flown."""

    model_config = ConfigDict(frozen=True)

    order: UUID
    start: datetime
    end: datetime
    status: OccurrenceStatus
    reason: str
    decided_at: datetime


class NextOccurrence(BaseModel):
    """An occurrence that is to come, or under way."""

    model_config = ConfigDict(frozen=True)

    start: datetime
    end: datetime


class OrderSortie(BaseModel):
    """A sortie that was planned or flown for an order."""

    model_config = ConfigDict(frozen=True)

    id: str
    drone: str
    dock: str
    status: str
    reason: str
    created_at: datetime
    ended_at: datetime | None


class OrderDetail(Order):
    """An order with what is to come of it, what was, and its sorties, newest first."""

    next: tuple[NextOccurrence, ...] = ()
    past: tuple[OccurrenceRecord, ...] = ()
    sorties: tuple[OrderSortie, ...] = ()
