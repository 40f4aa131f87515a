"""Zones as GeoJSON: read from a collection of features, and written as one.

A feature's properties are a zone's fields (``id``, ``kind``, ``name``, ``floor_m`` with
``floor_reference``, ``ceiling_m`` with ``ceiling_reference``, ``active``); its geometry is a
Polygon, a MultiPolygon (each part a zone), or a Point with ``radius_m``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from shapely.geometry import Polygon as Area

from missions.city import Zone
from missions.geojson import Polygon
from missions.zonefile import ZoneFileError, ZonesRead, circle, collection, mapping, polygon

FIELDS = frozenset(Zone.model_fields) - {"area", "holes"}


def read(document: object) -> ZonesRead:
    """Return the zones of a GeoJSON FeatureCollection; all of it, or nothing.

    Raises
    ------
    missions.zonefile.ZoneFileError
        Naming the feature and the field.
    """
    zones: list[Zone] = []
    for index, feature in enumerate(collection(document)):
        where = f"features[{index}]"
        whole = mapping(feature, where)
        said = mapping(whole.get("properties") or {}, f"{where}.properties")
        shapes = list(_shapes(mapping(whole.get("geometry"), f"{where}.geometry"), said, where))
        for number, shape in enumerate(shapes, start=1):
            key = str(said.get("id", f"zone-{index + 1}"))
            key = key if len(shapes) == 1 else f"{key}-{number}"
            if any(zone.id == key for zone in zones):
                raise ZoneFileError(f"{where}.properties.id", f"{key!r} is there twice")
            zones.append(_zone(key, said, shape, where))
    return ZonesRead(tuple(zones))


def _shapes(geometry: Mapping[str, Any], said: Mapping[str, Any], where: str) -> Iterator[Polygon]:
    place = f"{where}.geometry"
    match geometry.get("type"):
        case "Polygon":
            yield polygon(geometry.get("coordinates"), place)
        case "MultiPolygon":
            parts = geometry.get("coordinates")
            if not isinstance(parts, list) or not parts:
                raise ZoneFileError(f"{place}.coordinates", "must be a list of polygons")
            for index, part in enumerate(parts):
                yield polygon(part, f"{place}.coordinates[{index}]")
        case "Point":
            yield circle(geometry, said.get("radius_m"), f"{where}.properties.radius_m", place)
        case other:
            raise ZoneFileError(
                f"{place}.type", f"{other!r} is none of Polygon, MultiPolygon, Point with radius_m"
            )


def _zone(key: str, said: Mapping[str, Any], shape: Polygon, where: str) -> Zone:
    fields = {"kind": "no_fly", **said, "id": key, "area": shape.vertices, "holes": shape.holes}
    fields.pop("radius_m", None)
    try:
        zone = Zone.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        steps = ".".join(str(step) for step in first["loc"])
        words = first["msg"].removeprefix("Value error, ")
        raise ZoneFileError(f"{where}.properties.{steps}", words) from error
    if zone.floor_reference == zone.ceiling_reference and zone.floor_m >= zone.ceiling_m:
        raise ZoneFileError(
            f"{where}.properties.floor_m",
            f"{zone.floor_m:g} m is not below the ceiling of {zone.ceiling_m:g} m",
        )
    return zone


def write(zones: Sequence[tuple[Zone, Mapping[str, Any]]]) -> dict[str, Any]:
    """Return zones, each with further properties, as a GeoJSON FeatureCollection (RFC 7946)."""
    return {"type": "FeatureCollection", "features": [feature(zone, more) for zone, more in zones]}


def feature(zone: Zone, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return a zone as a GeoJSON feature; its outer ring runs counterclockwise."""
    shape = Polygon.of(Area(zone.area, zone.holes))
    said = zone.model_dump(mode="json", by_alias=True, include=set(FIELDS))
    return {
        "type": "Feature",
        "geometry": shape.model_dump(mode="json"),
        "properties": {**said, **more},
    }
