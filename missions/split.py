"""A task that one battery cannot fly, cut into parts that it can: each a task, flown by a sortie.

Areas are cut across their longer side into strips of equal area, lines into pieces of equal
length, orbits by their turns.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import numpy as np
import shapely
from shapely import affinity
from shapely.geometry import LineString, Polygon, box
from shapely.ops import substring

from missions.builder import MARGIN_PERCENT, Builder
from missions.draft import Draft
from missions.errors import PlanError
from missions.geo import LocalFrame
from missions.lawnmower import sides_deg
from missions.task import LonLats, Task

MOST_PARTS = 64
SMALLEST_M2 = 100.0
"""A scrap of an area that is smaller is not flown for itself."""
HALVINGS = 40


def split(builder: Builder, task: Task, now: datetime | None = None) -> tuple[Task, ...]:
    """Return a task as parts that a drone with its battery can each fly from its dock and back.

    Parameters
    ----------
    builder
        Of the drone that is to fly them, with the battery that each part may count on.
    task
        What is asked.
    now
        When it is flown; None: the sun is not looked at.

    Raises
    ------
    PlanError
        If it cannot be flown at all, or takes more than 64 parts.
    """
    count = 1
    while count <= MOST_PARTS:
        parts = list(_parts(task, count, builder.ground.frame))
        flown, most = [], 0.0
        for part in parts:
            whole = _flown(builder, part, now, alone=count == 1)
            if whole is None:
                continue
            most = max(most, _load(builder, whole))
            if not builder.fits(whole):
                break
            flown.append(part)
        else:
            if not flown:
                raise PlanError("every part of it is closed to flight", "airspace")
            return tuple(flown)
        if len(parts) < count or task.kind == "stare":
            builder.check_energy(whole)
        # the way there and back is the same for any part, so never too many
        count = max(count + 1, math.ceil(count * min(most, MOST_PARTS + 1.0) - 1e-6))
    raise PlanError(
        f"takes more than the {MOST_PARTS} flights that are allowed of the battery of "
        f"{builder.drone.id!r} ({builder.battery_percent:g} %)",
        "energy",
    )


def _flown(builder: Builder, part: Task, now: datetime | None, *, alone: bool) -> Draft | None:
    """Return the sortie of a part; None where all of it is closed, unless it is the whole."""
    try:
        return builder.home(builder.task(builder.start(), part, now))
    except PlanError as error:
        if error.constraint != "airspace" or alone:
            raise
        return None


def _load(builder: Builder, whole: Draft) -> float:
    """Return what a sortie takes, as a share of what the battery has for flying."""
    energy = builder.energy(whole)
    left = builder.battery_percent - MARGIN_PERCENT
    usable = energy.available_wh * left / builder.battery_percent - energy.reserve_wh
    return energy.needed_wh / usable if usable > 0 else math.inf


def _parts(task: Task, count: int, frame: LocalFrame) -> Iterator[Task]:
    """Yield a task in about so many parts; whole, where its kind is not cut."""
    if count == 1:
        yield task
    elif task.kind == "area" or (task.kind == "search" and task.pattern == "parallel"):
        yield from _strips(task, count, frame)
    elif task.kind in ("corridor", "route"):
        yield from _pieces(task, count, frame)
    elif task.kind == "orbit":
        for _ in range(count):
            yield replace(task, turns=task.turns / count)
    else:
        yield task


def _strips(task: Task, count: int, frame: LocalFrame) -> Iterator[Task]:
    holes = [frame.polygon(hole).exterior for hole in task.holes]
    shape = Polygon(frame.polygon(task.shape).exterior, holes)
    angle, pivot = sides_deg(shape)[0], shape.centroid
    turned = affinity.rotate(shape, -angle, origin=pivot)
    west, south, east, north = turned.bounds
    cuts = [west, *(_cut_at(turned, k / count) for k in range(1, count)), east]
    for left, right in pairwise(cuts):
        strip = turned.intersection(box(left, south - 1.0, right, north + 1.0))
        for piece in shapely.get_parts(affinity.rotate(strip, angle, origin=pivot)).tolist():
            if isinstance(piece, Polygon) and piece.area >= SMALLEST_M2:
                inner = tuple(_lonlat(frame, list(r.coords)[:-1]) for r in piece.interiors)
                yield replace(task, shape=frame.ring(piece), holes=inner)


def _cut_at(shape: Polygon, share: float) -> float:
    """Return where a line from south to north leaves so much of a shape to its west."""
    low, south, high, north = shape.bounds
    west = low - 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        if shape.intersection(box(west, south, middle, north)).area < share * shape.area:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def _pieces(task: Task, count: int, frame: LocalFrame) -> Iterator[Task]:
    """Yield pieces of a line; those of a corridor overlap by its width, for the bends they end in."""
    line = LineString(frame.points_to_enu(task.shape))
    step = line.length / count
    more = task.width_m / 2.0 if task.kind == "corridor" else 0.0
    for index in range(count):
        piece = substring(line, max(0.0, index * step - more), (index + 1) * step + more)
        yield replace(task, shape=_lonlat(frame, list(piece.coords)))


def _lonlat(frame: LocalFrame, places: list[tuple[float, ...]]) -> LonLats:
    array = frame.points_to_lonlat(np.array(places)[:, :2])
    return tuple((float(lon), float(lat)) for lon, lat in array)
