"""What a task flies: its tracks, cut to what is open, with where the camera looks on each.

One function a kind. Metres in the city's frame, heights above the dock.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta

import shapely
from shapely.geometry import LineString, MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry

from missions.asked import Asked, Course, Run, Sight
from missions.corridor import LEFT_DEG, bank_passes, passes, strip
from missions.cover import Cover, whole
from missions.errors import GeometryError, PlanError
from missions.footprint import DOWN, footprint, swept
from missions.ground import Ground
from missions.lawnmower import Flown, fan_deg, soonest, soonest_order
from missions.orbit import circle, orbit_speed, orbits
from missions.search import detected, expanding_square, sector, spacing_for, sweep_width_m
from missions.sortie import Aim, LegKind, LookAt
from missions.standpoint import Watch, standpoint
from missions.sun import Sun, sun_at
from missions.task import Task
from missions.tracks import Track, length_m

ROUTE_PITCH_DEG = -30.0
"""A road or river ahead, with the horizon at the picture's upper edge."""
STARE_HEIGHTS_M = (20.0, 30.0, 40.0, 55.0)
STARE_NEAREST = 0.4
"""A stare is no nearer than this part of the farthest."""
STARE_S = 1200.0
"""How long a stare without an end is taken to last, to see where the sun will be."""
SUN_EACH_S = 1800.0
"""The sun is looked at so often while a place is watched: it goes 8 degrees."""
DAY_S = 86_400.0


def course(ground: Ground, task: Task, sight: Sight) -> Course:
    """Return what a task flies.

    Raises
    ------
    PlanError
        If it cannot be flown or seen, with what stands against it.
    """
    limits = ground.city.limits
    if task.altitude_m is not None and not limits.lowest_m <= task.altitude_m <= limits.ceiling_m:
        raise PlanError(
            f"altitude {task.altitude_m:g} m; allowed are {limits.lowest_m:g} to "
            f"{limits.ceiling_m:g} m",
            "altitude",
        )
    if task.speed_m_s is not None and not 0 < task.speed_m_s <= sight.flown.speed_m_s:
        raise PlanError(
            f"speed {task.speed_m_s:g} m/s; the drone flies at up to {sight.flown.speed_m_s:g} m/s",
            "reach",
        )
    try:
        return _KINDS[task.kind](Asked(ground, task, sight))
    except GeometryError as error:
        raise PlanError(str(error), "reach") from error


def _area(asked: Asked) -> Course:
    task = asked.task
    cover, run = _lawnmower(asked, asked.polygon, LegKind.SURVEY, task.side_overlap)
    return Course((run,), cover.share, cover.words)


def _lawnmower(
    asked: Asked, shape: Polygon, kind: LegKind, side_overlap: float
) -> tuple[Cover, Run]:
    """Return parallel tracks over all of a shape that is open."""
    shut, aim = asked.shut, asked.aim(DOWN.pitch_deg)
    seen = footprint(asked.sight.camera, asked.altitude_m, aim)
    left = _polygons(shape.difference(shut.ground))
    if left.is_empty:
        raise PlanError("all of the area is closed to flight", "airspace")
    swath = min(seen.near_width_m, seen.far_width_m)
    speed = asked.speed(seen)
    flown = Flown(speed, asked.sight.flown.model, asked.sight.flown.wind)
    tracks = soonest(left, swath, side_overlap, fan_deg(left, flown.wind), flown)
    tracks = tuple(_back(track, max(0.0, seen.near_m)) for track in tracks)
    cover, _ = whole(tracks, shape, shut, seen, side_overlap)
    if not cover.tracks:
        raise PlanError("nothing of the area can be flown over", "airspace")
    order = soonest_order(cover.tracks, asked.sight.here, flown, turned=aim == DOWN)
    return cover, Run(kind, order, asked.altitude_m, speed, aim)


def _polygons(shape: BaseGeometry) -> MultiPolygon:
    parts = [p for p in shapely.get_parts(shape).tolist() if isinstance(p, Polygon)]
    return MultiPolygon([p for p in parts if p.area > 1.0])


def _back(track: Track, by_m: float) -> Track:
    """Return a straight track moved back, so that a camera that looks ahead sees its beginning."""
    (x0, y0), (x1, y1) = track[0], track[-1]
    length = math.dist(track[0], track[-1])
    if by_m == 0.0 or length == 0.0:
        return track
    dx, dy = (x1 - x0) / length * by_m, (y1 - y0) / length * by_m
    return (x0 - dx, y0 - dy), (x1 - dx, y1 - dy)


def _corridor(asked: Asked) -> Course:
    task, sight, shut = asked.task, asked.sight, asked.shut
    line = asked.line
    if math.dist(line[-1], sight.here) < math.dist(line[0], sight.here):
        line = line[::-1]
    ground = strip(line, task.width_m)
    down = footprint(sight.camera, asked.altitude_m)
    if asked.aim(DOWN.pitch_deg) == DOWN:
        aim, seen = DOWN, down
        swath = down.near_width_m
        tracks = passes(line, task.width_m, swath, task.side_overlap)
    else:
        aim = Aim(asked.aim(DOWN.pitch_deg).pitch_deg, LEFT_DEG)
        seen = footprint(sight.camera, asked.altitude_m, aim)
        tracks = bank_passes(line, task.width_m, seen, task.side_overlap)
    cover, more = whole(tracks, ground, shut, seen, task.side_overlap, patch=down)
    along = cover.tracks[: len(cover.tracks) - len(more)]
    speed = asked.speed(down)
    flown, here = Flown(speed, sight.flown.model, sight.flown.wind), sight.here
    runs = []
    kinds = ((cover.tracks, DOWN),) if aim == DOWN else ((along, aim), (more, DOWN))
    for part, looks in kinds:
        if part:
            order = soonest_order(part, here, flown, turned=looks == DOWN)
            runs.append(Run(LegKind.CORRIDOR, order, asked.altitude_m, speed, looks))
            here = order[-1][-1]
    if not runs:
        raise PlanError("nothing of the corridor can be flown over", "airspace")
    return Course(tuple(runs), cover.share, cover.words)


def _orbit(asked: Asked) -> Course:
    task, frame = asked.task, asked.ground.frame
    place = asked.place
    look_at = task.look_at or LookAt(*frame.to_lonlat(*place))
    ring = circle(place, task.radius_m, asked.sight.here, clockwise=task.clockwise)
    tracks, share = orbits(ring, asked.shut, task.turns)
    speed = asked.speed(most=orbit_speed(task.radius_m, asked.sight.flown.speed_m_s))
    run = Run(LegKind.ORBIT, tracks, asked.altitude_m, speed, look_at=look_at)
    return Course((run,), share, _flown_words("circle", share))


def _flown_words(what: str, share: float) -> str:
    if share > 0.9995:
        return f"all of the {what} is flown"
    return f"{100.0 * share:.1f} % of the {what} is flown; the rest is closed to flight"


def _stare(asked: Asked) -> Course:
    task, sight, ground = asked.task, asked.sight, asked.ground
    place = asked.place
    look_at = task.look_at or LookAt(*ground.frame.to_lonlat(*place))
    target = ground.frame.to_enu(look_at.lon, look_at.lat)
    ceiling, lowest = ground.city.limits.ceiling_m, ground.city.limits.lowest_m
    heights = tuple(h for h in STARE_HEIGHTS_M if lowest <= h <= ceiling)
    watch = Watch(
        target,
        look_at.altitude_m,
        STARE_NEAREST * task.radius_m,
        task.radius_m,
        heights or (lowest,) if task.altitude_m is None else (task.altitude_m,),
        sight.altitude_m,
        suns=tuple(_suns(look_at, sight.now, task.hold_s or STARE_S)),
        wind=sight.flown.wind,
        water=task.water,
    )
    stand = standpoint(ground.airspace, watch)
    away = math.dist(stand.place, target)
    run = Run(
        LegKind.STARE,
        ((stand.place,),),
        stand.height_m,
        sight.flown.speed_m_s,
        look_at=look_at,
        hold_s=task.hold_s or 0.0,
    )
    return Course((run,), 1.0, f"watched from {away:.0f} m away and {stand.height_m:g} m up")


def _suns(place: LookAt, now: datetime | None, hold_s: float) -> list[Sun]:
    """Return where the sun is at the beginning of a watch, at its end and between.

    The sun of a day is as good as that of any other in a long one.
    """
    if now is None:
        return []
    lasts_s = min(hold_s, DAY_S)
    count = max(2, math.ceil(lasts_s / SUN_EACH_S))
    moments = [now + timedelta(seconds=lasts_s * index / count) for index in range(count + 1)]
    return [sun_at(place.lon, place.lat, moment) for moment in moments]


def _route(asked: Asked) -> Course:
    line = asked.line
    if len(line) < 2 or LineString(line).length <= 0:
        raise GeometryError(f"route of {len(line)} points: nothing to fly along")
    tracks = asked.shut.cut([line])
    if not tracks:
        raise PlanError("the whole route is closed to flight", "airspace")
    share = length_m(tracks) / length_m([line])
    aim = asked.aim(ROUTE_PITCH_DEG)
    run = Run(LegKind.ROUTE, tuple(tracks), asked.altitude_m, asked.speed(), aim)
    return Course((run,), share, _flown_words("route", share))


def _search(asked: Asked) -> Course:
    if asked.task.pattern != "parallel":
        return _search_outward(asked)
    task = asked.task
    seen = footprint(asked.sight.camera, asked.altitude_m, asked.aim(DOWN.pitch_deg))
    swath = min(seen.near_width_m, seen.far_width_m)
    width = sweep_width_m(swath, task.detection)
    spacing = spacing_for(width, task.probability, swath)
    cover, run = _lawnmower(asked, asked.polygon, LegKind.SEARCH, 1.0 - spacing / swath)
    found = detected(width, spacing) * cover.share
    return Course((run,), cover.share, f"{_found_words(found, spacing)}; {cover.words}")


def _found_words(found: float, spacing: float) -> str:
    return f"probability of detection {100.0 * found:.0f} % with tracks {spacing:.0f} m apart"


def _search_outward(asked: Asked) -> Course:
    task, place = asked.task, asked.place
    aim = asked.aim(DOWN.pitch_deg)
    seen = footprint(asked.sight.camera, asked.altitude_m, aim)
    swath = min(seen.near_width_m, seen.far_width_m)
    width = sweep_width_m(swath, task.detection)
    into_wind = asked.sight.flown.wind.from_deg or 0.0
    if task.pattern == "sector":
        spacing = task.radius_m  # between the outer ends of its legs
        track = sector(place, task.radius_m, into_wind)
    else:
        # no wider than that the outer corner of each turn is seen from the next round
        widest = (swath + seen.depth_m) / 2.0
        spacing = min(widest, spacing_for(width, task.probability, swath))
        track = expanding_square(place, task.radius_m, spacing, into_wind)
    tracks = asked.shut.cut([track])
    if not tracks:
        raise PlanError("the whole search is closed to flight", "airspace")
    disc = Point(place).buffer(task.radius_m, quad_segs=32)
    share = disc.intersection(swept(tracks, seen)).area / disc.area
    # Koopman's coverage: what is swept, over what is searched
    swept_m2 = width * sum(length_m([t]) for t in tracks)
    found = min(share, 1.0 - math.exp(-swept_m2 / disc.area))
    run = Run(LegKind.SEARCH, tuple(tracks), asked.altitude_m, asked.speed(seen), aim)
    seen_words = f"{100.0 * share:.1f} % of {task.radius_m:g} m around is seen"
    return Course((run,), share, f"{_found_words(found, spacing)}; {seen_words}")


_KINDS: dict[str, Callable[[Asked], Course]] = {
    "area": _area,
    "corridor": _corridor,
    "orbit": _orbit,
    "stare": _stare,
    "route": _route,
    "search": _search,
}
