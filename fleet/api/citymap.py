"""``/api/v1/map``: the city as GeoJSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast

from fastapi import APIRouter, Request, Response

from fleet.api.auth import Viewer
from fleet.api.context import context_of
from missions.cells import city_cells
from missions.city import City

router = APIRouter(prefix="/api/v1", tags=["live"])

Points = Sequence[tuple[float, float]]


@router.get("/map", response_class=Response)
async def city_map(request: Request, _caller: Viewer) -> Response:
    """Return districts, beats, cells, docks, sites and zones as one FeatureCollection."""
    kept = cast(Kept, request.app.state.city_map)
    city = context_of(request).flight.closures.airways.city
    return Response(kept.of(city), media_type="application/geo+json")


class Kept:
    """The GeoJSON of a city in bytes, made anew where what is closed has changed."""

    def __init__(self) -> None:
        self._city: City | None = None
        self._bytes = b""

    def of(self, city: City) -> bytes:
        """Return a city's."""
        if city is not self._city:
            self._city, self._bytes = city, encoded(city)
        return self._bytes


def encoded(city: City) -> bytes:
    """Return the GeoJSON of a city in bytes."""
    return json.dumps(collection(city), ensure_ascii=False, separators=(",", ":")).encode()


def collection(city: City) -> dict[str, Any]:
    """Return a city as a GeoJSON FeatureCollection (RFC 7946) with a ``city`` member."""
    features = [
        *(_area("district", d.id, d.name, d.name_zh, d.area) for d in city.districts),
        *(_area("beat", b.id, b.name, b.name_zh, b.area) for b in city.beats),
        *(_area("cell", c.id, c.id, "", c.ring) for c in city_cells(city)),
        *(_area("zone", z.id, z.name, "", z.area, kind=z.kind) for z in city.zones),
        *(_point("dock", d.id, d.name, "", d.position) for d in city.docks),
        *(
            _point("site", s.id, s.name, s.name_zh, s.position, kind=s.detector.kind)
            for s in city.sites
        ),
    ]
    info = city.city
    return {
        "type": "FeatureCollection",
        "features": features,
        "city": {
            "name": info.name,
            "name_zh": info.name_zh,
            "note": info.note,
            "origin": info.origin,
            "timezone": info.timezone,
        },
    }


def _area(
    layer: str, key: str, name: str, name_zh: str, ring: Points, **more: str
) -> dict[str, Any]:
    return _feature("Polygon", [_closed(ring)], layer, key, name, name_zh, more)


def _point(
    layer: str, key: str, name: str, name_zh: str, at: tuple[float, float], **more: str
) -> dict[str, Any]:
    return _feature("Point", at, layer, key, name, name_zh, more)


def _feature(
    shape: str,
    coordinates: object,
    layer: str,
    key: str,
    name: str,
    name_zh: str,
    more: dict[str, str],
) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": shape, "coordinates": coordinates},
        "properties": {"layer": layer, "id": key, "name": name or key, "name_zh": name_zh, **more},
    }


def _closed(ring: Points) -> list[tuple[float, float]]:
    """Return a ring that ends where it begins and runs counterclockwise, as RFC 7946 has it."""
    points = [(float(lon), float(lat)) for lon, lat in ring]
    if points[0] == points[-1]:
        points.pop()
    twice_area = sum(
        a[0] * b[1] - b[0] * a[1] for a, b in zip(points, [*points[1:], points[0]], strict=True)
    )
    if twice_area < 0:
        points.reverse()
    return [*points, points[0]]
