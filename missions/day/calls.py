"""The calls of a simulated day: when they come, where, of what kind, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import shapely

from missions.callmap import CallMap, call_map
from missions.cells import Cell, city_cells, city_frame
from missions.city import City
from missions.geo import Floats
from missions.profile import share_per_hour

CALLS_A_DAY: Final = 143.3
"""In the core of Zhangzhou, as its police report it, like the shares of the kinds."""
ON_SCENE_S: Final = 600.0
STEP: Final = timedelta(minutes=15)
"""Every clock on the wall is a multiple of this off UTC, so no hour begins within a step."""
MOST_DAYS: Final = 3660


@dataclass(frozen=True, slots=True)
class CallKind:
    """A kind of call, its share of all, and how it goes before others (0 to 9, higher first)."""

    name: str
    share: float
    priority: int


KINDS: Final = (
    CallKind("criminal", 0.046, 8),
    CallKind("public_order", 0.134, 6),
    CallKind("help", 0.736, 5),
    CallKind("other", 0.084, 4),
)
"""``help``: disputes and requests for help."""


@dataclass(frozen=True, slots=True)
class DayCall:
    """One call. ``at`` is UTC; ``on_scene_s`` is for how long a drone is wanted there."""

    at: datetime
    lon: float
    lat: float
    kind: str
    priority: int
    on_scene_s: float = ON_SCENE_S


def draw(
    city: City,
    rng: np.random.Generator,
    start: datetime,
    days: float,
    per_day: float = CALLS_A_DAY,
) -> list[DayCall]:
    """Return the calls of some days, in order: an inhomogeneous Poisson process.

    Parameters
    ----------
    city
        Where: ``missions.callmap``; when: ``missions.profile`` by the city's clock.
    rng
        Where chance comes from; an equal one gives equal calls.
    start
        From when, aware.
    days
        For how long, above 0 and at most 3660.
    per_day
        Calls on a mean day of the week.

    Raises
    ------
    ValueError
        If ``start`` has no zone, or a number is out of range.
    """
    if start.tzinfo is None:
        raise ValueError(f"start {start.isoformat()} has no time zone")
    if not (0 < days <= MOST_DAYS and 0 <= per_day < float("inf")):
        raise ValueError(
            f"{days!r} days must be above 0 and at most {MOST_DAYS}, and {per_day!r} calls a day "
            "at least 0 and finite"
        )
    known = call_map(city)
    cells = city_cells(city)
    steps = _steps(start.astimezone(UTC), days)
    seconds, where = _when_and_where(known, rng, steps, per_day)
    kinds = rng.choice(len(KINDS), size=len(seconds), p=[kind.share for kind in KINDS])
    frame = city_frame(city)
    begin = steps[0][0]
    drawn = []
    for at_s, cell, number in zip(seconds, where, kinds, strict=True):
        place = frame.to_lonlat(*_within(cells[cell], rng))
        kind = KINDS[number]
        at = begin + timedelta(seconds=float(at_s))
        drawn.append(DayCall(at, place.lon, place.lat, kind.name, kind.priority))
    return drawn


def _steps(start: datetime, days: float) -> list[tuple[datetime, datetime]]:
    """Return the time as pieces of 15 minutes of the clock, but for the first and last."""
    end = start + timedelta(days=days)
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    edges = [start]
    following = midnight + ((start - midnight) // STEP + 1) * STEP
    while following < end:
        edges.append(following)
        following += STEP
    return list(zip(edges, [*edges[1:], end], strict=True))


def _when_and_where(
    known: CallMap, rng: np.random.Generator, steps: list[tuple[datetime, datetime]], per_day: float
) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.intp]]]:
    """Return seconds from the begin, in order, and the number of the cell of each."""
    begins = np.array([(low - steps[0][0]).total_seconds() for low, _ in steps])
    lengths = np.array([(high - low).total_seconds() for low, high in steps])
    walls = [low.astimezone(known.zone) for low, _ in steps]
    more = per_day / known.per_day
    times, places = [], []
    for profile, calls in known.by_profile.items():
        if not calls.any():
            continue
        shares = np.array([share_per_hour(profile, w.weekday(), w.hour) for w in walls])
        counts = rng.poisson(shares * lengths / 3600.0 * calls.sum() * more)
        total = int(counts.sum())
        times.append(np.repeat(begins, counts) + np.repeat(lengths, counts) * rng.random(total))
        places.append(rng.choice(len(calls), size=total, p=calls / calls.sum()))
    seconds, where = np.concatenate(times), np.concatenate(places)
    order = np.argsort(seconds, kind="stable")
    return seconds[order], where[order]


def _within(cell: Cell, rng: np.random.Generator) -> tuple[float, float]:
    """Return a place in a cell, each as likely as the other."""
    west, south, east, north = cell.shape.bounds
    for _ in range(100):  # a cell fills 15 % of its bounds or more: it fails once in 10 million
        x, y = rng.uniform(west, east), rng.uniform(south, north)
        if shapely.contains_xy(cell.shape, x, y):
            return float(x), float(y)
    return cell.center
