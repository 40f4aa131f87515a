"""UAS geographical zones as EUROCAE ED-318 writes them (JSON), read into the city's zones.

What the types of zones become:

| type | becomes |
|---|---|
| PROHIBITED | no_fly |
| REQ_AUTHORIZATION | no_fly, unless its identifier is among those that are authorised |
| CONDITIONAL | the same: conditions are words, which a person has to hold true |
| USPACE | the same: it needs services that this is not |
| NO_RESTRICTION | left out, and told |

Circles become polygons around them. Each geometry of a collection is a layer, and a zone of its
own. Limits may be above ground (AGL) or mean sea level (AMSL), in metres or feet; heights above the
ellipsoid (WGS84) are refused, since that needs a geoid. Times of day are UTC or at whole hours from
it. Daylight events (BMCT, SR, SS, EECT) are those of the sun over the zone, two minutes sooner
and later, on days by the city's clock, or by that of the time that goes with them; of zones that
are too wide for one sun they are refused, since a zone that is misread is worse than one that is
not read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from missions.city import Zone
from missions.errors import MissionError
from missions.geo import move
from missions.geojson import Point, Polygon
from missions.hours import DAYS, Day, Hours
from missions.sun import SunEvent

FOOT_M = 0.3048
MOST_FEATURES = 5000
MOST_LAYERS = 50
"""Of one feature."""
CORNERS = 16
"""Of the polygon around a circle: what a vehicle's fence holds of one zone."""
WIDEST_M = 200_000.0
ONE_SUN_DEG = 0.25
"""The sun rises and sets a minute apart at the sides of a zone of this width."""
EDGES = ("startEvent", "endEvent")
EVENTS: tuple[SunEvent, ...] = get_args(SunEvent)
CLOSES = frozenset({"PROHIBITED"})
ASKS = frozenset({"REQ_AUTHORIZATION", "CONDITIONAL", "USPACE"})
FREE = frozenset({"NO_RESTRICTION"})
_MOMENT = TypeAdapter(datetime)
_TIME = re.compile(r"^(\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(Z|[+-]\d{2}:00)$")


class ZoneFileError(MissionError, ValueError):
    """A file of zones that cannot be used: the feature, the field, and what is wrong."""

    def __init__(self, field: str, reason: str) -> None:
        self.field, self.reason = field, reason
        super().__init__(f"{field}: {reason}")


@dataclass(frozen=True, slots=True)
class ZonesRead:
    """What a file of zones holds.

    Parameters
    ----------
    zones
        What closes air.
    left_out
        What does not, with why.
    """

    zones: tuple[Zone, ...]
    left_out: tuple[str, ...] = ()


@dataclass(slots=True)
class _Reader:
    authorised: Set[str]
    zones: list[Zone] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)


def read(document: object, authorised: Set[str] = frozenset()) -> ZonesRead:
    """Return the zones of an ED-318 FeatureCollection; all of it, or nothing.

    Parameters
    ----------
    document
        As parsed from JSON.
    authorised
        Identifiers (or ``COUNTRY/identifier``) of zones that ask for an authorisation that is held.

    Raises
    ------
    ZoneFileError
        Naming the feature and the field.
    """
    features = collection(document)
    reader = _Reader(authorised)
    for index, feature in enumerate(features):
        _feature(reader, feature, f"features[{index}]")
    return ZonesRead(tuple(reader.zones), tuple(reader.left_out))


def collection(document: object) -> Sequence[Any]:
    """Return the features of a GeoJSON FeatureCollection.

    Raises
    ------
    ZoneFileError
        If it is none, or holds too many.
    """
    whole = mapping(document, "collection")
    if whole.get("type") != "FeatureCollection":
        raise ZoneFileError("type", f"{whole.get('type')!r} is not 'FeatureCollection'")
    features = whole.get("features")
    if not isinstance(features, list):
        raise ZoneFileError("features", "must be a list")
    if len(features) > MOST_FEATURES:
        raise ZoneFileError("features", f"{len(features)} features; at most {MOST_FEATURES}")
    for name in ("validFrom", "validTo", "issued"):
        moment(mapping(whole.get("metadata") or {}, "metadata"), name, "metadata")
    return features


def mapping(value: object, where: str) -> Mapping[str, Any]:
    """Return a JSON object.

    Raises
    ------
    ZoneFileError
        If it is none.
    """
    if not isinstance(value, dict):
        raise ZoneFileError(where, f"must be an object, not {type(value).__name__}")
    return value


def moment(holder: Mapping[str, Any], name: str, where: str) -> datetime | None:
    """Return a date with time and offset; None where it is left out.

    Raises
    ------
    ZoneFileError
        If it is none.
    """
    value = holder.get(name)
    if value is None:
        return None
    try:
        found = _MOMENT.validate_python(value) if isinstance(value, str) else None
    except ValidationError:
        found = None
    if found is None or found.tzinfo is None:
        raise ZoneFileError(f"{where}.{name}", f"{value!r} is no date and time with an offset")
    return found


def _feature(reader: _Reader, feature: object, where: str) -> None:
    whole = mapping(feature, where)
    if whole.get("type") != "Feature":
        raise ZoneFileError(f"{where}.type", f"{whole.get('type')!r} is not 'Feature'")
    said = mapping(whole.get("properties"), f"{where}.properties")
    where_said = f"{where}.properties"
    identifier, country = _text(said, "identifier", where_said), _text(said, "country", where_said)
    kind = said.get("type")
    known = CLOSES | ASKS | FREE
    if kind not in known:
        raise ZoneFileError(
            f"{where_said}.type", f"{kind!r} is no zone type; one of {', '.join(sorted(known))}"
        )
    name = _name(said) or f"{country} {identifier}"
    layers = list(_layers(whole.get("geometry"), f"{where}.geometry"))
    active = _active(said, [polygon for polygon, _, _ in layers], where_said)
    if kind in FREE:
        reader.left_out.append(f"{identifier}: {kind} closes nothing")
        return
    if kind in ASKS and {identifier, f"{country}/{identifier}"} & reader.authorised:
        reader.left_out.append(f"{identifier}: {kind}, and authorised")
        return
    base = re.sub(r"[^a-z0-9]+", "-", f"{country}-{identifier}".lower()).strip("-")
    for number, (polygon, layer, place) in enumerate(layers, start=1):
        key = base if len(layers) == 1 else f"{base}-{number}"
        if key in reader.ids:
            raise ZoneFileError(f"{where_said}.identifier", f"{identifier!r} is there twice")
        reader.ids.add(key)
        reader.zones.append(_zone(key, name, polygon, layer, active, place))


def _zone(
    key: str,
    name: str,
    polygon: Polygon,
    layer: Mapping[str, Any],
    active: tuple[Hours, ...] | None,
    where: str,
) -> Zone:
    lower, lower_reference = _limit(layer, "lower", 0.0, where)
    upper, upper_reference = _limit(layer, "upper", 10_000.0, where)
    if lower_reference == upper_reference and lower >= upper:
        raise ZoneFileError(f"{where}.layer.lower", f"{lower:g} m is not below {upper:g} m")
    try:
        return Zone(
            id=key,
            kind="no_fly",
            name=name[:100],
            area=polygon.vertices,
            holes=polygon.holes,
            floor_m=lower,
            floor_reference=lower_reference,
            ceiling_m=upper,
            ceiling_reference=upper_reference,
            active=active,
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise ZoneFileError(f"{where}: {'.'.join(map(str, first['loc']))}", first["msg"]) from error


def _text(said: Mapping[str, Any], name: str, where: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not re.search(r"[A-Za-z0-9]", value) or len(value) > 30:
        raise ZoneFileError(f"{where}.{name}", f"{value!r} must be a text of 1 to 30 characters")
    return value


def _name(said: Mapping[str, Any]) -> str:
    names = said.get("name")
    texts = [n.get("text") for n in names if isinstance(n, dict)] if isinstance(names, list) else []
    return next((text for text in texts if isinstance(text, str)), "")


def _limit(layer: Mapping[str, Any], name: str, otherwise: float, where: str) -> tuple[float, Any]:
    value, reference = layer.get(name), layer.get(f"{name}Reference", "AGL")
    unit = layer.get("uom", "m")
    if unit not in ("m", "ft"):
        raise ZoneFileError(f"{where}.layer.uom", f"{unit!r} is no unit; one of m, ft")
    if reference not in ("AGL", "AMSL"):
        words = "WGS84 needs a geoid, which there is none of" if reference == "WGS84" else "unknown"
        raise ZoneFileError(
            f"{where}.layer.{name}Reference", f"{reference!r}: {words}; one of AGL, AMSL"
        )
    if value is None:
        return otherwise, "agl"
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e6:
        raise ZoneFileError(f"{where}.layer.{name}", f"{value!r} is no height")
    return float(value) * (FOOT_M if unit == "ft" else 1.0), reference.lower()


def _layers(geometry: object, where: str) -> Iterator[tuple[Polygon, Mapping[str, Any], str]]:
    """Yield the polygons of a geometry, each with its layer."""
    whole = mapping(geometry, where)
    if whole.get("type") != "GeometryCollection":
        yield from _polygons(whole, where)
        return
    parts = whole.get("geometries")
    if not isinstance(parts, list) or not 1 <= len(parts) <= MOST_LAYERS:
        raise ZoneFileError(f"{where}.geometries", f"must be a list of 1 to {MOST_LAYERS}")
    for index, part in enumerate(parts):
        place = f"{where}.geometries[{index}]"
        yield from _polygons(mapping(part, place), place)


def _polygons(
    shape: Mapping[str, Any], where: str
) -> Iterator[tuple[Polygon, Mapping[str, Any], str]]:
    layer = mapping(shape.get("layer") or {}, f"{where}.layer")
    match shape.get("type"):
        case "Point":
            extent = mapping(shape.get("extent"), f"{where}.extent")
            if extent.get("subType") != "Circle":
                raise ZoneFileError(
                    f"{where}.extent.subType", f"{extent.get('subType')!r} is not 'Circle'"
                )
            yield circle(shape, extent.get("radius"), f"{where}.extent.radius", where), layer, where
        case "Polygon":
            yield polygon(shape.get("coordinates"), where), layer, where
        case "MultiPolygon":
            parts = shape.get("coordinates")
            if not isinstance(parts, list) or not 1 <= len(parts) <= MOST_LAYERS:
                raise ZoneFileError(f"{where}.coordinates", f"must be a list of 1 to {MOST_LAYERS}")
            for index, part in enumerate(parts):
                place = f"{where}.coordinates[{index}]"
                yield polygon(part, place), layer, place
        case other:
            raise ZoneFileError(
                f"{where}.type",
                f"{other!r} bounds no air; one of Point (a circle), Polygon, MultiPolygon, "
                "GeometryCollection",
            )


def polygon(coordinates: object, where: str) -> Polygon:
    """Return a polygon that can be used.

    Raises
    ------
    ZoneFileError
        Where a ring is not closed, crosses itself, goes around a pole, has too many vertices...
    """
    try:
        return Polygon.model_validate({"type": "Polygon", "coordinates": coordinates})
    except ValidationError as error:
        raise _broken(error, where) from error


def circle(shape: Mapping[str, Any], radius: object, radius_at: str, where: str) -> Polygon:
    """Return the polygon around a circle about a point, no side of it nearer than the radius.

    Raises
    ------
    ZoneFileError
        If the point or the radius cannot be.
    """
    try:
        middle = Point.model_validate({"type": "Point", "coordinates": shape.get("coordinates")})
    except ValidationError as error:
        raise _broken(error, where) from error
    metres = math.nan
    if isinstance(radius, int | float) and not isinstance(radius, bool):
        metres = float(radius)
    if not 1 <= metres <= WIDEST_M:
        raise ZoneFileError(radius_at, f"{radius!r} must be 1 to {WIDEST_M:g} m")
    return around(middle.coordinates, metres)


def around(middle: tuple[float, float], radius_m: float) -> Polygon:
    """Return a polygon of ``CORNERS`` corners around a circle, whose sides touch it."""
    reach = radius_m / math.cos(math.pi / CORNERS)
    ring = [tuple(move(middle, -360.0 * n / CORNERS, reach)) for n in range(CORNERS)]
    return Polygon.model_validate({"type": "Polygon", "coordinates": [[*ring, ring[0]]]})


def _broken(error: ValidationError, where: str) -> ZoneFileError:
    first = error.errors()[0]
    steps = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in first["loc"])
    return ZoneFileError(f"{where}{steps}", first["msg"].removeprefix("Value error, "))


def _active(
    said: Mapping[str, Any], area: Sequence[Polygon], where: str
) -> tuple[Hours, ...] | None:
    periods = said.get("limitedApplicability")
    if periods is None or periods == []:
        return None
    if not isinstance(periods, list):
        raise ZoneFileError(f"{where}.limitedApplicability", "must be a list")
    found: list[Hours] = []
    for index, one in enumerate(periods):
        place = f"{where}.limitedApplicability[{index}]"
        period = mapping(one, place)
        span = {
            "since": moment(period, "startDateTime", place),
            "until": moment(period, "endDateTime", place),
        }
        schedule = period.get("schedule")
        if schedule is None or schedule == []:
            if span == {"since": None, "until": None}:
                return None  # at all times
            found.append(_hours(span, place))
            continue
        if not isinstance(schedule, list):
            raise ZoneFileError(f"{place}.schedule", "must be a list")
        for number, daily in enumerate(schedule):
            there = f"{place}.schedule[{number}]"
            found.append(_hours(span | _daily(mapping(daily, there), area, there), there))
    return tuple(found)


def _hours(values: Mapping[str, Any], where: str) -> Hours:
    try:
        return Hours(**values)
    except ValidationError as error:
        raise _broken(error, where) from error


def _daily(daily: Mapping[str, Any], area: Sequence[Polygon], where: str) -> dict[str, Any]:
    days = daily.get("day")
    names = {"ANY", *(day.upper() for day in DAYS)}
    if not isinstance(days, list) or not days or any(day not in names for day in days):
        raise ZoneFileError(
            f"{where}.day", f"{days!r} must be a list of {', '.join(sorted(names))}"
        )
    chosen: tuple[Day, ...] = () if "ANY" in days else tuple(d for d in DAYS if d.upper() in days)
    if all(daily.get(name) is None for name in ("startTime", "endTime", *EDGES)):
        return {"days": chosen or DAYS, "timezone": "UTC"}
    start, zone = _edge(daily, "start", where)
    end, other = _edge(daily, "end", where)
    if zone is not None and other is not None and zone != other:
        raise ZoneFileError(f"{where}.endTime", f"has another offset than {daily['startTime']}")
    found = {"days": chosen, "timezone": zone or other, **start, **end}
    if {"start_event", "end_event"} & set(found):
        found["place"] = _middle(area, where)
    return found


def _edge(daily: Mapping[str, Any], edge: str, where: str) -> tuple[dict[str, Any], str | None]:
    """Return when a window of a day begins or ends, by the sun or by a clock, and which clock."""
    event = daily.get(f"{edge}Event")
    if event is None:
        at, zone = _time(daily, f"{edge}Time", where)
        return {edge: at}, zone
    if daily.get(f"{edge}Time") is not None:
        raise ZoneFileError(f"{where}.{edge}Event", f"{event!r} stands beside {edge}Time")
    if not isinstance(event, str) or event.lower() not in EVENTS or event != event.upper():
        known = ", ".join(name.upper() for name in EVENTS)
        raise ZoneFileError(
            f"{where}.{edge}Event", f"{event!r} is no daylight event; one of {known}"
        )
    return {f"{edge}_event": event.lower()}, None


def _middle(area: Sequence[Polygon], where: str) -> tuple[float, float]:
    """Return the middle of an area that has one sun."""
    lons, lats = zip(*(place for polygon in area for place in polygon.vertices), strict=True)
    wide = max(max(lons) - min(lons), max(lats) - min(lats))
    if wide > ONE_SUN_DEG:
        raise ZoneFileError(
            where,
            f"daylight events of a zone {wide:.2f} degrees wide, whose sides do not have the sun "
            f"at one time; at most {ONE_SUN_DEG:g}: write startTime and endTime",
        )
    return (min(lons) + max(lons)) / 2.0, (min(lats) + max(lats)) / 2.0


def _time(daily: Mapping[str, Any], name: str, where: str) -> tuple[time, str]:
    value = daily.get(name)
    found = _TIME.match(value) if isinstance(value, str) else None
    try:
        if found is None:
            raise ValueError
        hour, minute, second, offset = found.groups()
        at = time(int(hour) % 24 if hour == "24" else int(hour), int(minute), int(second or 0))
    except ValueError:
        raise ZoneFileError(
            f"{where}.{name}",
            f"{value!r} is no time of day with Z or an offset of whole hours, as 16:00:00Z",
        ) from None
    if offset in ("Z", "+00:00", "-00:00"):
        return at, "UTC"
    hours = int(offset[:3])
    if not -12 <= hours <= 14:
        raise ZoneFileError(f"{where}.{name}", f"offset {offset} is out of -12:00 to +14:00")
    return at, f"Etc/GMT{-hours:+d}"  # whose signs are the other way round
