"""A sortie as MAVLink mission, fence and rally items; what the vehicle read back compared with it.

Pure. Item layout follows the MAVLink common message set, MISSION_ITEM_INT: latitudes and
longitudes in 1e-7 degrees, altitudes in metres above home, times in seconds, speeds in m/s.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from missions.geo import distance_m
from missions.sortie import Aim, Leg, LegKind, LookAt, Sortie, Waypoint

NAV_WAYPOINT = 16
NAV_LOITER_TIME = 19
NAV_TAKEOFF = 22
DO_CHANGE_SPEED = 178
DO_SET_ROI_LOCATION = 195
DO_SET_ROI_NONE = 197
DO_GIMBAL_MANAGER_PITCHYAW = 1000
DO_GIMBAL_MANAGER_CONFIGURE = 1001
FENCE_INCLUSION = 5001
FENCE_EXCLUSION = 5002
RALLY_POINT = 5100

FRAME_GLOBAL = 0
FRAME_MISSION = 2
FRAME_GLOBAL_RELATIVE_ALT = 3
FRAME_GLOBAL_INT = 5
FRAME_GLOBAL_RELATIVE_ALT_INT = 6

_SAME_FRAME = {
    FRAME_GLOBAL_INT: FRAME_GLOBAL,
    FRAME_GLOBAL_RELATIVE_ALT_INT: FRAME_GLOBAL_RELATIVE_ALT,
}
"""The _INT frames mean what the plain ones do; an autopilot may answer with either."""

NAN = math.nan

ITSELF, UNCHANGED = -2.0, -1.0
"""Who commands a gimbal (MAV_CMD_DO_GIMBAL_MANAGER_CONFIGURE): the autopilot; whoever does."""

POSITION_TOLERANCE_E7 = 2
"""1e-7 degrees: PX4 keeps positions as doubles, so a round trip may move the last digit (1 cm)."""
ALTITUDE_TOLERANCE_M = 0.02
PARAM_TOLERANCE = 1e-3
"""Relative; parameters travel as 32-bit floats."""

FENCE = frozenset({FENCE_INCLUSION, FENCE_EXCLUSION})
"""Their altitudes mean nothing."""

POSITIONED = frozenset(
    {
        NAV_WAYPOINT,
        NAV_LOITER_TIME,
        NAV_TAKEOFF,
        DO_SET_ROI_LOCATION,
        FENCE_INCLUSION,
        FENCE_EXCLUSION,
        RALLY_POINT,
    }
)


AHEAD, DOWN = Aim(0.0), Aim(-90.0)

FROM_ABOVE = frozenset({LegKind.SURVEY, LegKind.CORRIDOR})
"""What is observed with the camera straight down, unless a leg says otherwise."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A point that the camera is kept on, and its pitch from where the leg ends, in whole degrees."""

    point: LookAt
    pitch_deg: float


@dataclass(frozen=True, slots=True)
class Item:
    """One MISSION_ITEM_INT. ``x`` is latitude and ``y`` longitude in 1e-7 degrees, ``z`` metres."""

    command: int
    frame: int
    params: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    x: int = 0
    y: int = 0
    z: float = 0.0

    @property
    def lon(self) -> float:
        """Longitude in degrees."""
        return self.y / 1e7

    @property
    def lat(self) -> float:
        """Latitude in degrees."""
        return self.x / 1e7


@dataclass(frozen=True, slots=True)
class Programme:
    """What is loaded into a vehicle for one sortie.

    ``legs[i]`` is the index, in ``sortie.legs``, of the leg that item ``i`` belongs to. The last
    item is the waypoint over the dock.
    """

    sortie: Sortie
    items: tuple[Item, ...]
    fence: tuple[Item, ...]
    legs: tuple[int, ...]
    rally: tuple[Item, ...] = ()
    """Where the autopilot may land by itself besides home."""

    @property
    def last(self) -> int:
        """Index of the item over the dock."""
        return len(self.items) - 1

    def leg_index(self, current: int) -> int:
        """Return the index of the leg flown while item ``current`` is the vehicle's current one.

        An index past the end (mission finished) is the last leg.
        """
        return self.legs[max(0, min(current, self.last))]

    def leg(self, current: int) -> Leg:
        """Return the leg flown while item ``current`` is the vehicle's current one."""
        return self.sortie.legs[self.leg_index(current)]


def degrees_e7(value: float) -> int:
    """Return degrees as the integer that MAVLink carries."""
    return round(value * 1e7)


def programme(sortie: Sortie) -> Programme:
    """Return the mission, fence and rally items of a sortie.

    Parameters
    ----------
    sortie
        Its first leg must be TAKEOFF and its last HOME, each with at least one waypoint.

    Raises
    ------
    ValueError
        Where the sortie does not begin and end so, or a leg has no waypoint.
    """
    kinds = [leg.kind for leg in sortie.legs]
    if not kinds or kinds[0] is not LegKind.TAKEOFF or kinds[-1] is not LegKind.HOME:
        raise ValueError(
            f"sortie {sortie.id}: legs are {kinds}; the first must be takeoff and the last home"
        )
    items: list[Item] = []
    legs: list[int] = []
    speed = NAN
    aim: Kept | Aim = AHEAD
    for index, leg in enumerate(sortie.legs):
        if not leg.waypoints:
            raise ValueError(f"sortie {sortie.id}: leg {index} ({leg.kind}) has no waypoint")
        before, aim = aim, _aim(leg, aim)
        made = list(_leg_items(leg, speed, _camera_items(aim, before)))
        items += made
        legs += [index] * len(made)
        speed = leg.speed_m_s
    fence = tuple(fence_items(sortie.fence, sortie.exclusions))
    rally = tuple(map(rally_item, sortie.alternates))
    return Programme(sortie, tuple(items), fence, tuple(legs), rally)


def _aim(leg: Leg, before: Kept | Aim) -> Kept | Aim:
    """Return where the camera looks on a leg; once turned it stays so, on the way between too."""
    if leg.look_at is not None:
        point, here = leg.look_at, leg.waypoints[-1]
        away = distance_m((here.lon, here.lat), (point.lon, point.lat))
        pitch = math.degrees(math.atan2(point.altitude_m - here.altitude_m, away))
        return Kept(point, float(round(pitch)))
    if leg.aim is not None:
        return leg.aim
    if leg.kind in FROM_ABOVE:
        return DOWN
    return before if isinstance(before, Aim) else AHEAD


def _camera_items(aim: Kept | Aim, before: Kept | Aim) -> Iterator[Item]:
    """Yield what turns the camera.

    It is turned by the gimbal manager's two commands, which PX4 gives again by itself where a
    mission that was left is taken up; it does not with DO_MOUNT_CONTROL, nor with a point. So a
    point's pitch is given before the point, and its bearing is the nose's, which PX4 does keep on
    the point. No axis is locked to the earth: PX4 moves a gimbal on servo outputs that it does not
    stabilise itself (MNT_DO_STAB 0) along none that is.
    """
    if aim == before:
        return
    if isinstance(before, Kept) and isinstance(aim, Aim):
        yield Item(DO_SET_ROI_NONE, FRAME_MISSION)
    if aim != AHEAD or isinstance(before, Aim):
        control = (ITSELF, ITSELF, UNCHANGED, UNCHANGED)
        yaw = aim.yaw_deg if isinstance(aim, Aim) else 0.0
        yield Item(DO_GIMBAL_MANAGER_CONFIGURE, FRAME_MISSION, control)
        yield Item(DO_GIMBAL_MANAGER_PITCHYAW, FRAME_MISSION, (aim.pitch_deg, yaw, NAN, NAN))
    if isinstance(aim, Kept):
        yield _at(DO_SET_ROI_LOCATION, aim.point, (0.0, 0.0, 0.0, 0.0))


def _leg_items(leg: Leg, speed: float, camera: Iterator[Item]) -> Iterator[Item]:
    points = list(leg.waypoints)
    if leg.kind is LegKind.TAKEOFF:
        first = points.pop(0)
        yield _at(NAV_TAKEOFF, first, (0.0, 0.0, 0.0, NAN))
    if leg.speed_m_s != speed:
        yield Item(DO_CHANGE_SPEED, FRAME_MISSION, (1.0, float(leg.speed_m_s), -1.0, 0.0))
    yield from camera
    for point in points:
        if leg.kind is LegKind.STARE and point.hold_s > 0:
            yield _at(NAV_LOITER_TIME, point, (float(point.hold_s), 0.0, 0.0, NAN))
        else:
            yield _at(NAV_WAYPOINT, point, (float(point.hold_s), 0.0, 0.0, NAN))


def _at(command: int, point: Waypoint | LookAt, params: tuple[float, float, float, float]) -> Item:
    return Item(
        command,
        FRAME_GLOBAL_RELATIVE_ALT_INT,
        params,
        degrees_e7(point.lat),
        degrees_e7(point.lon),
        float(point.altitude_m),
    )


def rally_item(place: Waypoint) -> Item:
    """Return a place that the autopilot may land at by itself.

    Its altitude is 0, that of the ground at home: PX4 takes a rally point's for the ground there,
    and returns ``RTL_RETURN_ALT`` above it, so the waypoint's own would send the vehicle up to the
    sum of both. PX4 stores an _INT frame for a rally point, and then cannot return to it.
    """
    x, y = degrees_e7(place.lat), degrees_e7(place.lon)
    return Item(RALLY_POINT, FRAME_GLOBAL_RELATIVE_ALT, (0.0,) * 4, x, y, 0.0)


def fence_items(
    inclusion: Sequence[tuple[float, float]],
    exclusions: Sequence[Sequence[tuple[float, float]]],
) -> Iterator[Item]:
    """Yield the fence's vertices; ``param1`` of each is its polygon's number of vertices.

    A ring that repeats its first point at the end is taken without it.
    """
    rings = [(FENCE_INCLUSION, inclusion)] if inclusion else []
    rings += [(FENCE_EXCLUSION, ring) for ring in exclusions]
    for command, ring in rings:
        open_ring = list(ring[:-1] if len(ring) > 1 and tuple(ring[0]) == tuple(ring[-1]) else ring)
        for lon, lat in open_ring:
            size = float(len(open_ring))
            yield Item(
                command, FRAME_GLOBAL, (size, 0.0, 0.0, 0.0), degrees_e7(lat), degrees_e7(lon)
            )


def difference(sent: Sequence[Item], held: Sequence[Item]) -> str | None:
    """Say where what a vehicle holds differs from what was sent; None where it does not.

    Compared are the command, the frame and what the command uses: positions within
    ``POSITION_TOLERANCE_E7``, altitudes within ``ALTITUDE_TOLERANCE_M``, parameters within
    ``PARAM_TOLERANCE``. An unused parameter (NaN or 0) may come back as the other of the two.
    """
    for index, (a, b) in enumerate(zip_longest(sent, held)):
        if a is None or b is None:
            return f"{len(held)} items are held, {len(sent)} were sent"
        why = _item_difference(a, b)
        if why is not None:
            return f"item {index}: {why}"
    return None


def _item_difference(a: Item, b: Item) -> str | None:
    if a.command != b.command:
        return f"command {b.command} is held, {a.command} was sent"
    if a.command in POSITIONED:
        if _SAME_FRAME.get(a.frame, a.frame) != _SAME_FRAME.get(b.frame, b.frame):
            return f"frame {b.frame} is held, {a.frame} was sent"
        if max(abs(a.x - b.x), abs(a.y - b.y)) > POSITION_TOLERANCE_E7:
            return f"position {b.lat:.7f}, {b.lon:.7f} is held, {a.lat:.7f}, {a.lon:.7f} was sent"
        if a.command not in FENCE and abs(a.z - b.z) > ALTITUDE_TOLERANCE_M:
            return f"altitude {b.z:.2f} m is held, {a.z:.2f} m was sent"
    for number, (p, q) in enumerate(zip(a.params, b.params, strict=True), start=1):
        if not _same_parameter(p, q):
            return f"param{number} {q:g} is held, {p:g} was sent"
    return None


def _same_parameter(p: float, q: float) -> bool:
    p, q = (0.0 if math.isnan(v) else v for v in (p, q))
    return math.isclose(p, q, rel_tol=PARAM_TOLERANCE, abs_tol=PARAM_TOLERANCE)
