"""Positions on the ellipsoid, a local frame in metres, polygons, WGS-84 <-> GCJ-02.

Positions are ``(longitude, latitude)`` in degrees, WGS-84, unless a name says otherwise. Bearings
are degrees clockwise from true north. ``vision`` imports this module and nothing else of
``missions``, so it needs numpy, pyproj and shapely only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pyproj import Geod, Transformer
from shapely.geometry import Polygon
from shapely.validation import explain_validity

# named again, so that whoever imports this module alone can catch what it raises
from missions.errors import GeometryError as GeometryError

_GEOD = Geod(ellps="WGS84")

Floats = npt.NDArray[np.float64]


class LonLat(NamedTuple):
    """A position, degrees."""

    lon: float
    lat: float


PositionLike = tuple[float, float]


def position(value: PositionLike) -> LonLat:
    """Return a checked position.

    Raises
    ------
    GeometryError
        If a number is not finite or out of range.
    """
    lon, lat = float(value[0]), float(value[1])
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):  # also false for NaN
        raise GeometryError(
            f"position ({lon!r}, {lat!r}): longitude must be in -180..180 and latitude in -90..90"
        )
    return LonLat(lon, lat)


def distance_m(a: PositionLike, b: PositionLike) -> float:
    """Return the geodesic distance in metres (Karney 2013, through PROJ)."""
    return float(_GEOD.inv(a[0], a[1], b[0], b[1])[2])


def bearing_deg(a: PositionLike, b: PositionLike) -> float:
    """Return the initial bearing from ``a`` to ``b``, 0 <= bearing < 360."""
    return float(_GEOD.inv(a[0], a[1], b[0], b[1])[0]) % 360.0


def move(start: PositionLike, bearing: float, distance: float) -> LonLat:
    """Return the position ``distance`` metres from ``start`` on a bearing in degrees."""
    lon, lat, _ = _GEOD.fwd(start[0], start[1], bearing, distance)
    return LonLat(float(lon), float(lat))


@lru_cache(maxsize=256)
def _projection(lon: float, lat: float) -> Transformer:
    return Transformer.from_pipeline(
        "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad "
        f"+step +proj=aeqd +lon_0={lon!r} +lat_0={lat!r} +ellps=WGS84"
    )


@dataclass(frozen=True, slots=True)
class LocalFrame:
    """A flat east-north frame in metres around an origin.

    It is the azimuthal equidistant projection on WGS-84 (Snyder 1987, USGS 1395, section 25):
    distances and bearings from the origin are those of the geodesic. Between two other points the
    scale is wrong by less than ``(d / R)**2 / 6``, with ``d`` the distance from the origin: 0.4 mm
    in a kilometre at 10 km, 1 cm in a kilometre at 50 km. North of the frame turns away from true
    north by ``east * tan(latitude) / R``: 0.04 degrees 10 km to the east at latitude 24.5. Up is
    plain altitude; the ground falls away from the plane by ``d**2 / (2 R)``, 8 cm at 1 km. There
    and back is exact to a micrometre; only what lies within 0.7 mm of the origin becomes it.

    Parameters
    ----------
    lon, lat
        The origin, degrees.
    """

    lon: float
    lat: float

    def __post_init__(self) -> None:
        position((self.lon, self.lat))

    def to_enu(self, lon: float, lat: float) -> tuple[float, float]:
        """Return (east, north) in metres of a position."""
        east, north = _projection(self.lon, self.lat).transform(lon, lat)
        return float(east), float(north)

    def to_lonlat(self, east: float, north: float) -> LonLat:
        """Return the position of (east, north) in metres."""
        lon, lat = _projection(self.lon, self.lat).transform(east, north, direction="INVERSE")
        return LonLat(float(lon), float(lat))

    def points_to_enu(self, points: Iterable[PositionLike] | Floats) -> Floats:
        """Return an (N, 2) array of (east, north) in metres for N (lon, lat)."""
        array = _pairs(points)
        east, north = _projection(self.lon, self.lat).transform(array[:, 0], array[:, 1])
        return np.column_stack([east, north])

    def points_to_lonlat(self, points: Iterable[PositionLike] | Floats) -> Floats:
        """Return an (N, 2) array of (lon, lat) for N (east, north) in metres."""
        array = _pairs(points)
        lon, lat = _projection(self.lon, self.lat).transform(
            array[:, 0], array[:, 1], direction="INVERSE"
        )
        return np.column_stack([lon, lat])

    def polygon(self, ring: Sequence[PositionLike]) -> Polygon:
        """Return a ring of (lon, lat) as a polygon in metres.

        Raises
        ------
        GeometryError
            If the ring has fewer than 3 corners, crosses itself or has no area.
        """
        fault = ring_fault(ring)
        if fault is not None:
            raise GeometryError(f"ring {fault}")
        return Polygon(self.points_to_enu(ring))

    def ring(self, polygon: Polygon) -> tuple[tuple[float, float], ...]:
        """Return the outer ring of a polygon in metres as (lon, lat), not closed."""
        points = self.points_to_lonlat(np.asarray(polygon.exterior.coords)[:-1, :2])
        return tuple((float(lon), float(lat)) for lon, lat in points)


def _pairs(points: Iterable[PositionLike] | Floats) -> Floats:
    """Return points as an (N, 2) array."""
    raw: Any = points if isinstance(points, np.ndarray) else list(points)
    return np.asarray(raw, dtype=np.float64).reshape(-1, 2)


def ring_fault(ring: Sequence[PositionLike]) -> str | None:
    """Return what is wrong with a ring of (lon, lat), or None.

    A ring may or may not repeat its first corner at its end.
    """
    corners = [(float(x), float(y)) for x, y in ring]
    if len(corners) > 1 and corners[0] == corners[-1]:
        corners.pop()
    if len(set(corners)) < 3:
        return f"has {len(set(corners))} different corners; at least 3 are needed"
    if not all(math.isfinite(value) for corner in corners for value in corner):
        return "has a corner that is not a finite number"
    shape = Polygon(corners)
    if shape.is_valid:
        return "has no area" if shape.area == 0 else None
    reason = explain_validity(shape)
    _, _, where = reason.partition("[")
    numbers = where.rstrip("]").split()
    if len(numbers) >= 2:
        return f"crosses or touches itself near ({float(numbers[0]):.6f}, {float(numbers[1]):.6f})"
    return "crosses or touches itself"


def area_m2(ring: Sequence[PositionLike]) -> float:
    """Return the area of a ring of (lon, lat) on the ellipsoid, in square metres, never negative."""
    points = _pairs(ring)
    area, _ = _GEOD.polygon_area_perimeter(points[:, 0], points[:, 1])
    return abs(float(area))


# WGS-84 <-> GCJ-02, the datum of published Chinese maps. The formulas are those of the public
# reimplementation of the "China shift" (eviltransform and its many ports); there is no official
# text. Accuracy of the shift against published maps: about a metre.
_GCJ_A = 6378245.0  # Krasovsky 1940
_GCJ_E2 = 0.00669342162296594323


def in_gcj02_area(lon: float, lat: float) -> bool:
    """Return whether GCJ-02 applies: the usual box around mainland China."""
    return 72.004 <= lon <= 137.8347 and 0.8293 <= lat <= 55.8271


def _waves(value: float, amplitudes: Sequence[tuple[float, float]]) -> float:
    return sum(a * math.sin(k * value * math.pi) for a, k in amplitudes) * 2.0 / 3.0


def _gcj_shift(lon: float, lat: float) -> tuple[float, float]:
    """Return GCJ-02 minus WGS-84 at a WGS-84 position, degrees (lon, lat)."""
    x, y = lon - 105.0, lat - 35.0
    root = math.sqrt(abs(x))
    common = _waves(x, ((20.0, 6.0), (20.0, 2.0)))
    d_lat = (
        -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + common
        + _waves(y, ((20.0, 1.0), (40.0, 1.0 / 3.0)))
        + _waves(y, ((160.0, 1.0 / 12.0), (320.0, 1.0 / 30.0)))
    )  # fmt: skip
    d_lon = (
        300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + common
        + _waves(x, ((20.0, 1.0), (40.0, 1.0 / 3.0)))
        + _waves(x, ((150.0, 1.0 / 12.0), (300.0, 1.0 / 30.0)))
    )  # fmt: skip
    phi = math.radians(lat)
    w2 = 1.0 - _GCJ_E2 * math.sin(phi) ** 2
    w = math.sqrt(w2)
    meridian = _GCJ_A * (1.0 - _GCJ_E2) / (w2 * w)
    normal = _GCJ_A / w
    return math.degrees(d_lon / (normal * math.cos(phi))), math.degrees(d_lat / meridian)


def wgs84_to_gcj02(lon: float, lat: float) -> LonLat:
    """Return the GCJ-02 position of a WGS-84 one; outside China it is returned as it is."""
    if not in_gcj02_area(lon, lat):
        return LonLat(lon, lat)
    d_lon, d_lat = _gcj_shift(lon, lat)
    return LonLat(lon + d_lon, lat + d_lat)


def gcj02_to_wgs84(lon: float, lat: float) -> LonLat:
    """Return the WGS-84 position of a GCJ-02 one, by fixed-point iteration.

    The shift changes by less than 0.1 % of a step, so each round gains three digits; 10 rounds
    at most are made and the result is exact to 1e-9 degrees (0.1 mm).

    Raises
    ------
    GeometryError
        If it does not converge.
    """
    if not in_gcj02_area(lon, lat):
        return LonLat(lon, lat)
    guess = LonLat(lon, lat)
    for _ in range(10):
        d_lon, d_lat = _gcj_shift(guess.lon, guess.lat)
        better = LonLat(lon - d_lon, lat - d_lat)
        if abs(better.lon - guess.lon) < 1e-10 and abs(better.lat - guess.lat) < 1e-10:
            return better
        guess = better
    raise GeometryError(f"GCJ-02 ({lon!r}, {lat!r}) has no WGS-84 position: no convergence")
