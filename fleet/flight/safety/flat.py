"""A plane of metres about a point, cheap enough for every change of telemetry. Pure.

East and north are longitude and latitude times the radii of curvature at the origin, which is the
local form of the equirectangular projection (Snyder 1987, USGS 1395, section 12; radii: section
3, on WGS-84). A distance between two points 10 km from the origin is wrong by 0.07 % at latitude
24.5 and by 0.3 % at latitude 60: 9 cm in the 30 m that drones keep. What needs more asks
``missions.geo.LocalFrame``.
"""

from __future__ import annotations

import math
from typing import NamedTuple

_A = 6_378_137.0
_E2 = 6.69437999014e-3


class Flat(NamedTuple):
    """Origin in degrees, and metres a degree there."""

    lon: float
    lat: float
    east_m: float
    north_m: float

    @classmethod
    def at(cls, position: tuple[float, float]) -> Flat:
        """Return the plane about a position (lon, lat)."""
        lon, lat = position
        phi = math.radians(lat)
        w2 = 1.0 - _E2 * math.sin(phi) ** 2
        prime = _A / math.sqrt(w2)
        meridian = _A * (1.0 - _E2) / w2**1.5
        return cls(lon, lat, math.radians(prime * math.cos(phi)), math.radians(meridian))

    def to(self, lon: float, lat: float) -> tuple[float, float]:
        """Return (east, north) in metres of a position."""
        turn = (lon - self.lon + 180.0) % 360.0 - 180.0
        return turn * self.east_m, (lat - self.lat) * self.north_m
