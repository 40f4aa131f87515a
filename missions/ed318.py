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

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from missions.city import Zone
from missions.ed318hours import active
from missions.geojson import Polygon
from missions.hours import Hours
from missions.zonefile import ZoneFileError, ZonesRead, circle, collection, mapping, polygon

FOOT_M = 0.3048
MOST_LAYERS = 50
"""Of one feature."""
CLOSES = frozenset({"PROHIBITED"})
ASKS = frozenset({"REQ_AUTHORIZATION", "CONDITIONAL", "USPACE"})
FREE = frozenset({"NO_RESTRICTION"})


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


def _feature(reader: _Reader, feature: object, where: str) -> None:
    whole = mapping(feature, where)
    if whole.get("type") != "Feature":
        raise ZoneFileError(f"{where}.type", f"{whole.get('type')!r} is not 'Feature'")
    said = mapping(whole.get("properties"), f"{where}.properties")
    where_said = f"{where}.properties"
    identifier, country = _text(said, "identifier", where_said), _text(said, "country", where_said)
    kind = said.get("type")
    known = CLOSES | ASKS | FREE
    if not isinstance(kind, str) or kind not in known:
        raise ZoneFileError(
            f"{where_said}.type", f"{kind!r} is no zone type; one of {', '.join(sorted(known))}"
        )
    name = _name(said) or f"{country} {identifier}"
    layers = list(_layers(whole.get("geometry"), f"{where}.geometry"))
    hours = active(said, [shape for shape, _, _ in layers], where_said)
    if kind in FREE:
        reader.left_out.append(f"{identifier}: {kind} closes nothing")
        return
    if kind in ASKS and {identifier, f"{country}/{identifier}"} & reader.authorised:
        reader.left_out.append(f"{identifier}: {kind}, and authorised")
        return
    base = re.sub(r"[^a-z0-9]+", "-", f"{country}-{identifier}".lower()).strip("-")
    for number, (shape, layer, place) in enumerate(layers, start=1):
        key = base if len(layers) == 1 else f"{base}-{number}"
        if key in reader.ids:
            raise ZoneFileError(f"{where_said}.identifier", f"{identifier!r} is there twice")
        reader.ids.add(key)
        reader.zones.append(_zone(key, name, shape, layer, hours, place))


def _zone(
    key: str,
    name: str,
    shape: Polygon,
    layer: Mapping[str, Any],
    hours: tuple[Hours, ...] | None,
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
            area=shape.vertices,
            holes=shape.holes,
            floor_m=lower,
            floor_reference=lower_reference,
            ceiling_m=upper,
            ceiling_reference=upper_reference,
            active=hours,
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
