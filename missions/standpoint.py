"""A place to watch a target from: where the sun, the buildings and the airspace allow.

Places all around the target are tried, at several distances and heights; of those that nothing
stands against, the best is taken. Metres in the city's frame.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import shapely
from shapely.geometry import Point as Spot
from shapely.geometry.base import BaseGeometry

from missions.airspace import Airspace
from missions.cover import Shut
from missions.energy import CALM, Wind
from missions.errors import PlanError
from missions.sun import Sun, Vector
from missions.tracks import Metres

BEARINGS = 24
DISTANCES = 4
FLATTEST_DEG, STEEPEST_DEG = 12.0, 75.0
"""Below the horizon: flatter, and what stands in front hides it; steeper, and only its top shows."""
BEST_DEG = 35.0
SUN_DEG = 45.0
"""Kept between the middle of the picture and the sun: half the diagonal of a wide picture (37
degrees at 16:9 and 65 across) and what a lens flares beyond it."""
DOWNWIND_WEIGHT, SUN_WEIGHT = 0.5, 0.3


@dataclass(frozen=True, slots=True)
class Watch:
    """What is to be watched.

    Parameters
    ----------
    target, target_m
        Where it is, and how high above ground.
    nearest_m, farthest_m
        From it to the drone, along the ground.
    heights_m
        To try.
    transit_m
        Height that the drone comes and leaves at, straight over its place.
    suns
        Where the sun stands while it is watched; none by night.
    wind
        Mean wind.
    water
        Whether the sun glares in it.
    """

    target: Metres
    target_m: float
    nearest_m: float
    farthest_m: float
    heights_m: tuple[float, ...]
    transit_m: float
    suns: tuple[Sun, ...] = ()
    wind: Wind = CALM
    water: bool = False


@dataclass(frozen=True, slots=True)
class Standpoint:
    """A place to watch from, and its height."""

    place: Metres
    height_m: float


def standpoint(air: Airspace, watch: Watch) -> Standpoint:
    """Return the best place to watch from.

    Best is a view 35 degrees down, from the lee of the target (so that a drone which fails, and
    its noise, drift away from it), with the sun behind.

    Raises
    ------
    PlanError
        With what stands against how many of the places, if there is none.
    """
    shut = {h: Shut.at(air, h).tracks for h in {*watch.heights_m, watch.transit_m}}
    for closed in shut.values():
        shapely.prepare(closed)
    against: Counter[str] = Counter()
    best: tuple[float, int, Standpoint] | None = None
    for number, stand in enumerate(_places(watch)):
        reason = _closed(air, shut, watch, stand) or _unseen(air, watch, stand)
        if reason is not None:
            against[reason] += 1
            continue
        rank = (round(_badness(watch, stand), 9), number, stand)
        best = rank if best is None or rank[:2] < best[:2] else best
    if best is not None:
        return best[2]
    lon, lat = air.frame.to_lonlat(*watch.target)
    why = "; ".join(f"{count}: {reason}" for reason, count in against.most_common(4))
    raise PlanError(
        f"no place to watch ({lon:.5f}, {lat:.5f}) from, {watch.nearest_m:g} to "
        f"{watch.farthest_m:g} m away and {_heights(watch.heights_m)} m high: of "
        f"{against.total()} tried {why or 'none looks down on it at 12 to 75 degrees'}",
        "reach",
    )


def _heights(heights: Sequence[float]) -> str:
    return " or ".join(f"{h:g}" for h in heights)


def _places(watch: Watch) -> Iterator[Standpoint]:
    """Yield what may be tried: all around, at a fair angle."""
    gap = (watch.farthest_m - watch.nearest_m) / (DISTANCES - 1)
    distances = dict.fromkeys(watch.nearest_m + gap * index for index in range(DISTANCES))
    for height in watch.heights_m:
        for distance in distances:
            down = math.degrees(math.atan2(height - watch.target_m, distance))
            if not FLATTEST_DEG <= down <= STEEPEST_DEG:
                continue
            for index in range(BEARINGS):
                turn = 2.0 * math.pi * index / BEARINGS
                east = watch.target[0] + distance * math.sin(turn)
                north = watch.target[1] + distance * math.cos(turn)
                yield Standpoint((east, north), height)


def _closed(
    air: Airspace, shut: dict[float, BaseGeometry], watch: Watch, stand: Standpoint
) -> str | None:
    """Return what keeps a drone from a place, or from coming straight down to it."""
    spot = Spot(stand.place)
    low, high = sorted((stand.height_m, watch.transit_m))
    zone = next((z for z in air.no_fly if z.reaches(low, high) and z.wide.intersects(spot)), None)
    if zone is not None:
        return f"in no-fly zone {zone.zone.id!r}"
    if air.bounds is not None and not air.bounds.contains(spot):
        return "outside the city's fence"
    if any(ground.contains(spot) for ground in air.skyline.closed_at(low)):
        return "at or over a building"
    if shut[stand.height_m].intersects(spot) or shut[watch.transit_m].intersects(spot):
        return "over a dock, or at the edge of the city's fence"
    return None


def _unseen(air: Airspace, watch: Watch, stand: Standpoint) -> str | None:
    """Return what keeps the camera from seeing the target."""
    view = _view(watch, stand)
    for sun in watch.suns:
        if sun.up and sun.off_axis_deg(view) < SUN_DEG:
            return (
                f"within {SUN_DEG:g} degrees of the sun, which stands at {sun.azimuth_deg:.0f}, "
                f"{sun.elevation_deg:.0f} up"
            )
        if watch.water and sun.glares(view, watch.wind.speed_m_s):
            return "in the glare of the sun on the water"
    eye = (*stand.place, stand.height_m)
    building = air.skyline.hides(eye, (*watch.target, watch.target_m))
    return None if building is None else f"hidden by building {building!r}"


def _view(watch: Watch, stand: Standpoint) -> Vector:
    east, north = watch.target[0] - stand.place[0], watch.target[1] - stand.place[1]
    up = watch.target_m - stand.height_m
    length = math.sqrt(east * east + north * north + up * up)
    return east / length, north / length, up / length


def _badness(watch: Watch, stand: Standpoint) -> float:
    view = _view(watch, stand)
    down = math.degrees(math.asin(-view[2]))
    bad = abs(down - BEST_DEG) / BEST_DEG
    if watch.wind.from_deg is not None and watch.wind.speed_m_s > 1.0:
        drift = math.radians(watch.wind.from_deg + 180.0)
        level = math.hypot(view[0], view[1])
        lee = -(view[0] * math.sin(drift) + view[1] * math.cos(drift)) / level
        bad += DOWNWIND_WEIGHT * (1.0 - lee) / 2.0
    for sun in watch.suns:
        if sun.up:
            bad += SUN_WEIGHT * (1.0 - sun.off_axis_deg(view) / 180.0) / len(watch.suns)
    return bad
