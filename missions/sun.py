"""Where the sun stands, and where it glares.

The position is that of NOAA's solar calculator (Global Monitoring Laboratory, "Solar Calculation
Details"; the low-accuracy formulas of J. Meeus, Astronomical Algorithms, 2nd ed., chapters 22, 25
and 28), good to 0.01 degrees between 1800 and 2100. Refraction is theirs too.

Glitter on water is that of C. Cox and W. Munk, "Measurement of the roughness of the sea surface
from photographs of the sun's glitter", J. Opt. Soc. Am. 44 (1954), 838-850: the slopes of waves
have a mean square of 0.003 + 0.00512 w, with w the wind in m/s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

CALMEST_SLOPE2 = 0.003
SLOPE2_PER_WIND = 0.00512
GLITTER_SIGMAS = 2.0
"""Waves steeper than this many deviations are too few to glare."""
RISES_DEG = -0.833
"""Of the sun's middle, where its upper edge is on the horizon: 34' of refraction, 16' of radius."""
TWILIGHT_DEG = -6.0
"""Civil twilight."""
ROUNDS = 4
"""Of working out when the sun is at a height: each is some hundred times nearer."""
J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)

Vector = tuple[float, float, float]
"""East, north, up; of length 1."""


@dataclass(frozen=True, slots=True)
class Sun:
    """Where the sun stands: clockwise from true north, and above the horizon, degrees."""

    azimuth_deg: float
    elevation_deg: float

    @property
    def up(self) -> bool:
        """Whether it is day."""
        return self.elevation_deg > 0

    @property
    def direction(self) -> Vector:
        """Return the direction to it."""
        azimuth, elevation = math.radians(self.azimuth_deg), math.radians(self.elevation_deg)
        level = math.cos(elevation)
        return level * math.sin(azimuth), level * math.cos(azimuth), math.sin(elevation)

    def off_axis_deg(self, view: Vector) -> float:
        """Return the angle between a view and the sun."""
        return _angle_deg(view, self.direction)

    def glares(self, view: Vector, wind_m_s: float) -> bool:
        """Whether water that is looked at mirrors the sun: waves slope enough towards both.

        Parameters
        ----------
        view
            From the camera to the water, length 1, downwards.
        wind_m_s
            Wind over the water.
        """
        if not self.up:
            return False
        facing = tuple(s - v for s, v in zip(self.direction, view, strict=True))
        slope = math.hypot(facing[0], facing[1]) / facing[2]
        mean_square = CALMEST_SLOPE2 + SLOPE2_PER_WIND * wind_m_s
        return slope < GLITTER_SIGMAS * math.sqrt(mean_square)


def _angle_deg(a: Vector, b: Vector) -> float:
    cosine = sum(p * q for p, q in zip(a, b, strict=True))
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


@dataclass(frozen=True, slots=True)
class Ephemeris:
    """The sun at a moment: declination, degrees, and the equation of time, minutes."""

    declination_deg: float
    equation_min: float

    @classmethod
    def at(cls, when: datetime) -> Ephemeris:
        """Return it for a moment with a time zone."""
        century = (when - J2000).total_seconds() / 86_400.0 / 36_525.0
        mean_longitude = math.radians(
            (280.46646 + century * (36_000.76983 + century * 0.0003032)) % 360.0
        )
        anomaly = math.radians(357.52911 + century * (35_999.05029 - 0.0001537 * century))
        eccentricity = 0.016708634 - century * (0.000042037 + 0.0000001267 * century)
        centre = (
            math.sin(anomaly) * (1.914602 - century * (0.004817 + 0.000014 * century))
            + math.sin(2.0 * anomaly) * (0.019993 - 0.000101 * century)
            + math.sin(3.0 * anomaly) * 0.000289
        )
        node = math.radians(125.04 - 1934.136 * century)
        longitude = mean_longitude + math.radians(centre - 0.00569 - 0.00478 * math.sin(node))
        mean_obliquity = (
            23.0
            + (
                26.0
                + (21.448 - century * (46.815 + century * (0.00059 - century * 0.001813))) / 60.0
            )
            / 60.0
        )
        obliquity = math.radians(mean_obliquity + 0.00256 * math.cos(node))
        y = math.tan(obliquity / 2.0) ** 2
        equation = (
            y * math.sin(2.0 * mean_longitude)
            - 2.0 * eccentricity * math.sin(anomaly)
            + 4.0 * eccentricity * y * math.sin(anomaly) * math.cos(2.0 * mean_longitude)
            - 0.5 * y * y * math.sin(4.0 * mean_longitude)
            - 1.25 * eccentricity**2 * math.sin(2.0 * anomaly)
        )
        return cls(
            math.degrees(math.asin(math.sin(obliquity) * math.sin(longitude))),
            4.0 * math.degrees(equation),
        )


def sun_at(lon: float, lat: float, when: datetime) -> Sun:
    """Return where the sun stands over a place, refraction included.

    Parameters
    ----------
    lon, lat
        The place, degrees.
    when
        The moment; it must have a time zone.

    Raises
    ------
    ValueError
        If the moment has no time zone.
    """
    if when.tzinfo is None:
        raise ValueError(f"{when.isoformat()} has no time zone")
    utc = when.astimezone(UTC)
    sun = Ephemeris.at(utc)
    midnight = utc.replace(hour=0, minute=0, second=0, microsecond=0)
    minutes = (utc - midnight).total_seconds() / 60.0
    hour_angle = math.radians((minutes + sun.equation_min + 4.0 * lon) / 4.0 - 180.0)
    declination, latitude = math.radians(sun.declination_deg), math.radians(lat)
    east = -math.cos(declination) * math.sin(hour_angle)
    north = math.sin(declination) * math.cos(latitude) - math.cos(declination) * math.cos(
        hour_angle
    ) * math.sin(latitude)
    up = math.sin(declination) * math.sin(latitude) + math.cos(declination) * math.cos(
        hour_angle
    ) * math.cos(latitude)
    elevation = math.degrees(math.atan2(up, math.hypot(east, north)))
    azimuth = math.degrees(math.atan2(east, north)) % 360.0
    return Sun(azimuth, elevation + _refraction_deg(elevation))


SunEvent = Literal["bmct", "sr", "ss", "eect"]
"""Begin of morning civil twilight, sunrise, sunset, end of evening civil twilight."""


def event_at(event: SunEvent, lon: float, lat: float, day: date) -> datetime | None:
    """Return when the sun does so on a day, UTC; None where it does not, near the poles.

    Good to a minute or so up to 72 degrees of latitude: the air bends light differently each day,
    and what stands on the horizon is not looked at.

    Parameters
    ----------
    event
        What it does.
    lon, lat
        The place, degrees.
    day
        By the place's own sun: the day about its noon.
    """
    height = math.radians(RISES_DEG if event in ("sr", "ss") else TWILIGHT_DEG)
    side = -1.0 if event in ("bmct", "sr") else 1.0
    midnight = datetime.combine(day, time(), UTC)
    latitude, minutes = math.radians(lat), 720.0 - 4.0 * lon
    for _ in range(ROUNDS):
        sun = Ephemeris.at(midnight + timedelta(minutes=minutes))
        declination = math.radians(sun.declination_deg)
        cosine = (math.sin(height) - math.sin(latitude) * math.sin(declination)) / (
            math.cos(latitude) * math.cos(declination)
        )
        if not -1.0 <= cosine <= 1.0:
            return None
        turned = math.degrees(math.acos(cosine))
        minutes = 720.0 - 4.0 * lon - sun.equation_min + side * 4.0 * turned
    return midnight + timedelta(minutes=minutes)


def _refraction_deg(elevation_deg: float) -> float:
    """Return how much the air lifts the sun, by NOAA's approximation."""
    if elevation_deg > 85.0:
        return 0.0
    tangent = math.tan(math.radians(elevation_deg))
    if elevation_deg > 5.0:
        seconds = 58.1 / tangent - 0.07 / tangent**3 + 0.000086 / tangent**5
    elif elevation_deg > -0.575:
        seconds = 1735.0 + elevation_deg * (
            -518.2 + elevation_deg * (103.4 + elevation_deg * (-12.79 + elevation_deg * 0.711))
        )
    else:
        seconds = -20.774 / tangent
    return seconds / 3600.0
