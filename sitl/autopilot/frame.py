"""A flat north-east frame around home, in scalars: cheap enough for every tick of every vehicle."""

from __future__ import annotations

import math

_A = 6378137.0
_E2 = 6.69437999014e-3


class HomeFrame:
    """Metres north and east of home.

    The scale is that of the ellipsoid at home (radii of curvature in the meridian and the prime
    vertical, Snyder 1987, section 12): at latitude 25 it is wrong by less than 1 m at 5 km.

    Parameters
    ----------
    lon, lat
        Home, degrees, WGS-84.
    """

    __slots__ = ("_east", "_north", "lat", "lon")

    def __init__(self, lon: float, lat: float) -> None:
        self.lon = lon
        self.lat = lat
        phi = math.radians(lat)
        w2 = 1.0 - _E2 * math.sin(phi) ** 2
        self._north = math.radians(1.0) * _A * (1.0 - _E2) / w2**1.5
        self._east = math.radians(1.0) * _A / math.sqrt(w2) * math.cos(phi)

    def to_ne(self, lon: float, lat: float) -> tuple[float, float]:
        """Return (north, east) in metres of a position in degrees."""
        return (lat - self.lat) * self._north, (lon - self.lon) * self._east

    def to_lonlat(self, north: float, east: float) -> tuple[float, float]:
        """Return (lon, lat) in degrees of a point in metres."""
        return self.lon + east / self._east, self.lat + north / self._north


def wrap_pi(angle: float) -> float:
    """Return an angle in radians wrapped to -pi..pi."""
    return (angle + math.pi) % (2.0 * math.pi) - math.pi


def clamp(value: float, low: float, high: float) -> float:
    """Return ``value`` kept between two limits."""
    return low if value < low else high if value > high else value
