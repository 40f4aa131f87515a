"""Tasks: flown once, in as many parts as it takes, each by the nearest drone that can."""

from __future__ import annotations

import math
from datetime import timedelta
from functools import lru_cache

from shapely.geometry import LineString, Polygon

from missions.builder import Builder
from missions.city import City
from missions.diary import in_the_way
from missions.draft import Draft
from missions.energy import CALM, PowerModel
from missions.errors import PlanError
from missions.footprint import swath_m
from missions.ground import Ground, ground_of
from missions.planning import Planning
from missions.relief import DOCK_S
from missions.split import MOST_PARTS, split
from missions.task import Task
from missions.tracks import Metres
from missions.trajectory import Trajectory
from missions.wishes import OrderWish, part_name

PART_PERCENT = (80.0, 100.0)
"""Of a battery that a part may count on; of a full one where it takes that."""


def tasks(planning: Planning, order: OrderWish) -> None:
    """Send a drone to each part of a task that is not flown, and that nobody flies."""
    if order.task is None:
        raise ValueError(f"wish {order.id} is for a task, and has none")
    try:
        parts = parts_of(planning.city, order)
    except PlanError as error:
        planning.refuse(order.id, "", str(error), error.constraint)
        return
    names = [part_name(order.id, number, len(parts)) for number in range(len(parts))]
    left = [n for n in names if n not in order.done and n not in planning.served]
    for name, part in zip(names, parts, strict=True):
        if name not in left:
            continue
        nobody = planning.nobody()
        if nobody is not None:
            waiting = len(left) - left.index(name)
            target = f"{waiting} of {len(parts)} parts" if len(parts) > 1 else ""
            planning.refuse(order.id, target, nobody, "fleet")
            return
        target = f"part {names.index(name) + 1} of {len(parts)}" if len(parts) > 1 else ""
        try:
            _send(planning, order, name, part)
        except PlanError as error:
            planning.refuse(order.id, target, str(error), error.constraint)


def parts_of(city: City, order: OrderWish) -> tuple[Task, ...]:
    """Return the parts that a task is flown in: the same ones whenever it is asked.

    They are cut for a drone of the nearest dock and a battery that is not quite full, in calm air.

    Raises
    ------
    PlanError
        If it cannot be cut to parts that a battery holds.
    """
    assert order.task is not None
    _check_size(ground_of(city), order.task)
    parts = _cut(city, order.task, order.drones)
    if isinstance(parts, PlanError):
        raise parts
    return parts


@lru_cache(maxsize=256)
def _cut(city: City, task: Task, drones: tuple[str, ...]) -> tuple[Task, ...] | PlanError:
    """Return the parts, or why there are none; kept, for it takes long to find."""
    ground = ground_of(city)
    place = middle(ground, task)
    able = [drone for drone in city.drones if not drones or drone.id in drones]
    drone = min(able, key=lambda d: (math.dist(ground.places[d.dock], place), d.id))
    refused = PlanError("no altitude is allowed", "altitude")
    for percent in PART_PERCENT:
        for altitude in ground.layers:
            try:
                return split(Builder(ground, drone, altitude, percent, CALM), task)
            except PlanError as error:
                refused = error
                if error.constraint not in ("airspace", "altitude"):
                    break
    return refused


def _check_size(ground: Ground, task: Task) -> None:
    """Refuse what would take more parts than there may be, before it is looked at closely.

    By the widest view from the highest altitude, at full speed and the least power.

    Raises
    ------
    PlanError
        With how many batteries it takes at least.
    """
    if task.kind not in ("area", "corridor") or len(task.shape) < 2:
        return
    metres = ground.frame.points_to_enu(task.shape)
    holes = [ground.frame.points_to_enu(hole) for hole in task.holes]
    line = task.kind == "corridor"
    area = LineString(metres).length * task.width_m if line else Polygon(metres, holes).area
    limits, most = ground.city.limits, 0.0
    for drone in ground.drones.values():
        model = PowerModel.of(drone)
        seconds = model.capacity_wh * 3600 * (1 - limits.reserve_percent / 100)
        seconds /= min(model.hover_w, model.cruise_w)
        most = max(most, seconds * drone.cruise_m_s * swath_m(drone.camera, limits.ceiling_m))
    if area > most * MOST_PARTS:
        raise PlanError(
            f"{area / 1e6:.0f} km² take at least {math.ceil(area / most)} batteries; a task is "
            f"flown in at most {MOST_PARTS} parts",
            "energy",
        )


def _send(planning: Planning, order: OrderWish, name: str, part: Task) -> None:
    """Send the nearest drone that can.

    Raises
    ------
    PlanError
        If none can.
    """

    def fly(builder: Builder) -> tuple[Draft, Trajectory] | None:
        draft = builder.home(builder.task(builder.start(), part, planning.now))
        builder.check_energy(draft)
        _check_window(planning, order, draft)
        _check_promised(planning, order, builder.drone.id, draft)
        trajectory = planning.timed(builder, draft)
        return (draft, trajectory) if planning.clear(trajectory) else None

    planning.send(name, middle(planning.ground, part), fly, order.drones)


def _check_window(planning: Planning, order: OrderWish, draft: Draft) -> None:
    """Refuse a sortie that would not be home when the window closes.

    Raises
    ------
    PlanError
        With when it would be, and when it must.
    """
    if order.window is None:
        return
    takes = timedelta(seconds=DOCK_S + draft.cost.duration_s)
    home = planning.now + takes
    if home > order.window[1]:
        raise PlanError(
            f"takes {takes.total_seconds() / 60:.0f} min, and would be home at "
            f"{home:%H:%M:%S} UTC; the window ends at {order.window[1]:%H:%M:%S}",
            "window",
        )


def _check_promised(planning: Planning, order: OrderWish, drone: str, draft: Draft) -> None:
    """Refuse a drone that would not be home when an order that comes first counts on it.

    Raises
    ------
    PlanError
        With that order.
    """
    home = planning.now + timedelta(seconds=DOCK_S + draft.cost.duration_s)
    theirs = [
        b for b in order.booked if b.first and b.drone == drone and b.meets(planning.now, home)
    ]
    if theirs:
        raise PlanError(f"counted on by orders that come first: {in_the_way(theirs)}", "drones")


def middle(ground: Ground, task: Task) -> Metres:
    """Return the middle of a task's places, metres."""
    places = ground.frame.points_to_enu(task.shape)
    east, north = places.mean(axis=0)
    return float(east), float(north)
