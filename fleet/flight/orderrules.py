"""Orders held against the city: what they name, how high, how far, and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from fleet.errors import OrderUnfit
from fleet.model.order import SHAPES, OrderRequest
from missions.cells import city_cells, city_frame
from missions.city import City
from missions.errors import RecurrenceError
from missions.geojson import Point, Polygon
from missions.orbit import LARGEST_M
from missions.posts import point_name
from missions.recurrence import HORIZON, Occurrence, occurrences
from missions.task import LonLats, Task
from missions.wishes import FOREVER

NEVER = FOREVER
"""The end of what has none."""
SMALLEST_M2 = 1.0
"""No area that is ordered is smaller."""
_AREAS = ("beat", "cell", "district")
_POINTS = ("site", "dock", "target")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an order comes to in this city.

    ``cells`` are those of a patrol. ``task`` is flown once, or is the point that is kept watched.
    ``windows`` are when it may be flown, oldest first. ``about`` are the sites that it names, and
    ``detectors`` what looks at them; None: whatever they have.
    """

    beats: tuple[str, ...]
    cells: tuple[str, ...]
    sites: tuple[str, ...]
    task: Task | None
    drones: tuple[str, ...]
    windows: tuple[Occurrence, ...]
    priority: int = 0
    about: tuple[str, ...] = ()
    detectors: tuple[str, ...] | None = None

    @property
    def watched(self) -> tuple[str, ...]:
        """What is kept watched, by name, if it is not flown once."""
        return self.sites if self.task is None else (point_name(self.task),)


def understood(request: OrderRequest, city: City, created: datetime) -> Wanted:
    """Return what an order comes to in a city.

    Parameters
    ----------
    request
        The order.
    city
        The city.
    created
        From when on it counts, where it says nothing else.

    Raises
    ------
    OrderUnfit
        If it names what the city has not, or breaks one of its limits.
    """
    cells = city_cells(city)
    _known("beat", "beats", request.beats, [beat.id for beat in city.beats])
    _known("cell", "cells", request.cells, [cell.id for cell in cells])
    _known("site", "sites", request.sites, [site.id for site in city.sites])
    kinds = sorted({site.detector.kind for site in city.sites})
    _known("detector", "detectors", request.detectors or (), kinds)
    drones = _drones(request, city)
    _check_altitude(request, city)
    _check_speed(request, city, drones)
    if request.kind == "orbit" and request.radius_m > LARGEST_M:
        raise OrderUnfit("radius_m", f"{request.radius_m:g} m; an orbit has at most {LARGEST_M:g}")
    beats, more = request.beats, request.cells
    if request.kind == "patrol" and request.place is not None:
        kind, name = _named(request, city, ("beat", "cell", "district"))
        beats += tuple(b.id for b in city.beats if name in (b.id, b.district) and kind != "cell")
        more += (name,) if kind == "cell" else ()
    what, _, name = (request.place or "").partition(":")
    return Wanted(
        beats=beats,
        cells=more,
        sites=request.sites,
        task=_task(request, city) if request.is_task or request.is_watch else None,
        drones=drones,
        windows=windows(request, city, created),
        priority=request.priority,
        about=request.sites + ((name,) if what == "site" else ()),
        detectors=request.detectors,
    )


def place_field(request: OrderRequest) -> str:
    """Return the field in which an order names its place."""
    fields = ("sites", "place", "geometry", "beats", "cells")
    return next(field for field in fields if getattr(request, field))


def windows(request: OrderRequest, city: City, created: datetime) -> tuple[Occurrence, ...]:
    """Return when an order may be flown, oldest first; one window where nothing recurs.

    Raises
    ------
    OrderUnfit
        If its rule of recurrence cannot be used.
    """
    start, end = request.window.start or created, request.ends_at or NEVER
    if request.recurrence is None:
        return (Occurrence(0, start.astimezone(UTC), end.astimezone(UTC)),)
    rule = request.recurrence
    try:
        return occurrences(start, end, rule.rrule, city.city.timezone, rule.exdates)
    except RecurrenceError as error:
        raise OrderUnfit("recurrence", str(error)) from error


def check_ahead(request: OrderRequest, now: datetime) -> None:
    """Refuse times that nobody plans for.

    Raises
    ------
    OrderUnfit
        Naming the time that is too far ahead, and how far it may be.
    """
    named = ("window.from", request.window.start), ("window.until", request.window.until)
    for field, at in (*named, ("until", request.until)):
        if at is not None and at > now + HORIZON:
            raise OrderUnfit(
                field,
                f"{at.isoformat()} is more than {HORIZON.days} days ahead; what has no end is "
                "ordered without one",
            )


def check_times(found: Wanted, request: OrderRequest, now: datetime) -> None:
    """Refuse what can only have been flown before now.

    Raises
    ------
    OrderUnfit
        Naming when its last window ended.
    """
    last = found.windows[-1]
    if last.end <= now:
        field = "until" if request.until is not None else "window.until"
        raise OrderUnfit(field, f"{last.end.isoformat()} has passed; it is {now.isoformat()}")


def _known(what: str, field: str, named: Sequence[str], there_are: Sequence[str]) -> None:
    unknown = sorted(set(named) - set(there_are))
    if unknown:
        some = ", ".join(sorted(there_are)[:20]) or "none"
        more = f" and {len(there_are) - 20} more" if len(there_are) > 20 else ""
        raise OrderUnfit(field, f"no {what} {', '.join(unknown)}; {what}s are {some}{more}")


def _drones(request: OrderRequest, city: City) -> tuple[str, ...]:
    """Return the drones that alone may fly it, or none where any may."""
    _known("drone", "drones", request.drones, [drone.id for drone in city.drones])
    width = request.camera.min_width_px
    if width is None:
        return request.drones
    able = [d for d in city.drones if d.camera.width_px >= width]
    fit = tuple(d.id for d in able if not request.drones or d.id in request.drones)
    if not fit:
        widest = max(d.camera.width_px for d in city.drones)
        raise OrderUnfit(
            "camera.min_width_px", f"no drone that may fly it has {width}; the most is {widest}"
        )
    return fit


def _check_altitude(request: OrderRequest, city: City) -> None:
    height, limits = request.altitude_m, city.limits
    if height is None:
        return
    if height > limits.ceiling_m:
        raise OrderUnfit(
            "altitude_m", f"{height:g} m is above the ceiling of {limits.ceiling_m:g} m"
        )
    if height < limits.lowest_m:
        raise OrderUnfit(
            "altitude_m",
            f"{height:g} m is below the terrain limit of {limits.lowest_m:g} m "
            "(trees, houses, wires)",
        )


def _check_speed(request: OrderRequest, city: City, drones: Sequence[str]) -> None:
    able = [drone.cruise_m_s for drone in city.drones if not drones or drone.id in drones]
    if request.speed_m_s is not None and request.speed_m_s > max(able):
        raise OrderUnfit(
            "speed_m_s",
            f"{request.speed_m_s:g} m/s; the fastest drone that may fly it cruises at "
            f"{max(able):g} m/s",
        )


def _named(request: OrderRequest, city: City, allowed: Iterable[str]) -> tuple[str, str]:
    """Return kind and id of a named place."""
    kind, _, name = (request.place or "").partition(":")
    allowed = tuple(allowed)
    if kind not in allowed:
        kinds = ", ".join(f"{k}:" for k in allowed) or "none"
        raise OrderUnfit("place", f"{request.place!r}: a {request.kind} takes {kinds}")
    there_are: Mapping[str, Sequence[str]] = {
        "beat": [beat.id for beat in city.beats],
        "cell": [cell.id for cell in city_cells(city)],
        "district": [district.id for district in city.districts],
        "site": [site.id for site in city.sites],
        "dock": [dock.id for dock in city.docks],
        "target": [target.id for target in city.targets],
    }
    _known(kind, "place", [name], there_are[kind])
    return kind, name


def _task(request: OrderRequest, city: City) -> Task:
    """Return what is flown over a place, where that is within what drones can reach at all."""
    shape, holes = _shape(request, city)
    if request.kind == "patrol":
        raise ValueError("a patrol is no task")
    _check_near(place_field(request), shape, city)
    if len(shape) > 2 and request.kind in ("area", "search"):
        metres = city_frame(city).polygon(shape).area
        if metres < SMALLEST_M2:
            raise OrderUnfit(
                place_field(request),
                f"{metres:.2g} m² are less than the {SMALLEST_M2:g} that count",
            )
    return Task(
        kind=request.kind,
        shape=shape,
        holes=holes,
        altitude_m=request.altitude_m,
        speed_m_s=request.speed_m_s,
        camera_pitch_deg=request.camera.pitch_deg,
        side_overlap=request.camera.side_overlap,
        forward_overlap=request.camera.forward_overlap,
        width_m=request.width_m,
        radius_m=request.radius_m,
        turns=request.turns,
        clockwise=request.clockwise,
        hold_s=request.hold_s,
        pattern="expanding-square" if len(shape) == 1 else "parallel",
    )


def _shape(request: OrderRequest, city: City) -> tuple[LonLats, tuple[LonLats, ...]]:
    geometry = request.geometry
    if geometry is not None:
        return geometry.vertices, geometry.holes if isinstance(geometry, Polygon) else ()
    shapes = SHAPES[request.kind]
    allowed = (_AREAS if "Polygon" in shapes else ()) + (_POINTS if "Point" in shapes else ())
    kind, name = _named(request, city, allowed)
    points = {
        "site": {site.id: site.position for site in city.sites},
        "dock": {dock.id: dock.position for dock in city.docks},
        "target": {target.id: target.position for target in city.targets},
    }
    if kind in points:
        return (Point(type="Point", coordinates=points[kind][name]).coordinates,), ()
    rings: Mapping[str, Mapping[str, LonLats]] = {
        "beat": {beat.id: beat.area for beat in city.beats},
        "cell": {cell.id: cell.ring for cell in city_cells(city)},
        "district": {district.id: district.area for district in city.districts},
    }
    return rings[kind][name], ()


def _check_near(field: str, shape: LonLats, city: City) -> None:
    """Refuse what is farther away than any drone flies and comes home from, with no wind.

    Raises
    ------
    OrderUnfit
        Naming how far it is, and how far a drone goes.
    """
    reach = max(
        d.battery.capacity_wh * 3600 / min(d.battery.cruise_w, d.battery.hover_w) * d.cruise_m_s / 2
        for d in city.drones
    )
    frame = city_frame(city)
    places = np.array(frame.points_to_enu(shape))[:, None, :2]
    docks = np.array(frame.points_to_enu([dock.position for dock in city.docks]))[None, :, :2]
    away = np.hypot(*np.moveaxis(places - docks, 2, 0)).min(axis=1)
    worst = int(away.argmax())
    if away[worst] > reach:
        lon, lat = shape[worst]
        raise OrderUnfit(
            field,
            f"{lon:g}, {lat:g} is {away[worst] / 1000:.1f} km from the nearest dock; no drone "
            f"comes home from more than {reach / 1000:.1f} km (energy)",
        )
