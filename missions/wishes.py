"""What the planner is asked, and what it answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from missions.diary import Booking
from missions.sortie import Sortie
from missions.task import Task

FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
"""The end of what has none."""


@dataclass(frozen=True, slots=True)
class DroneOffer:
    """A drone that could fly.

    ``dock`` is the one it stands in, be it the one it lives in or another. ``reason`` says why it
    is not ready, in words for an operator. ``home`` is the dock to fly it home to when no order
    wants it: it is a guest where it stands. ``temperature_c`` is the dock's, and so the battery's.
    """

    id: str
    dock: str
    battery_percent: float
    ready: bool = True
    reason: str = ""
    home: str | None = None
    temperature_c: float | None = None


@dataclass(frozen=True, slots=True)
class OrderWish:
    """What an order wants: cells to patrol, places to keep watched, or a task to fly once.

    Parameters
    ----------
    id
        The order; of one that has a window ``{order}#{n}``, its n-th occurrence, which is named by
        when it begins (``20261122T120000Z``), so that a change of the rule renames none.
    kind
        What is wanted.
    created
        When it was ordered; of equals the older goes first.
    beats, cells
        What a patrol keeps visited, by id.
    sites
        What is stared at, by id.
    priority
        Higher goes first.
    window
        From when to when it may be flown; None: from now on, without end.
    task
        What is flown once, of a wish of that kind; of a stare the point that is kept watched.
    drones
        Only these may fly it; empty: any.
    done
        Parts of the task that are flown or under way, by name.
    later
        Of one that is tried: its other windows, oldest first.
    booked
        Of one that is tried: whom other orders count on at those times.
    """

    id: str
    kind: Literal["patrol", "stare", "task"]
    created: datetime
    beats: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    priority: int = 0
    cells: tuple[str, ...] = ()
    drones: tuple[str, ...] = ()
    task: Task | None = None
    window: tuple[datetime, datetime] | None = None
    done: tuple[str, ...] = ()
    later: tuple[tuple[datetime, datetime], ...] = ()
    booked: tuple[Booking, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something that an order wants is not flown now. ``target`` is a cell, site or beat.

    ``constraint`` names what stands against it, as ``PlanError`` does; empty where nothing does
    but that there is no such thing.
    """

    order: str
    target: str
    reason: str
    constraint: str = ""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """What a drone is to do, from when to when; ``sortie`` where that is planned already."""

    drone: str
    dock: str
    order: str
    kind: str
    start: datetime
    end: datetime
    cells: tuple[str, ...] = ()
    sortie: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Sorties to start now, what is not flown and why, and what is to be flown later."""

    sorties: tuple[Sortie, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    scheduled: tuple[Scheduled, ...] = ()


def occurrence_name(order: str, start: datetime) -> str:
    """Return what an occurrence of an order is called: the order, and when it begins in UTC."""
    return f"{order}#{start.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def part_name(wish: str, part: int, parts: int) -> str:
    """Return what one of the parts of a task is called, from 0."""
    return f"{wish}#{part}-{parts}"


def part_of(name: str) -> tuple[str, int, int] | None:
    """Return wish, part and number of parts of a sortie's order; None where it is no part."""
    found = re.fullmatch(r"(.+)#(\d+)-(\d+)", name)
    return None if found is None else (found[1], int(found[2]), int(found[3]))


def order_of(name: str) -> str:
    """Return the order that a wish, or a part of one, is of."""
    return name.partition("#")[0]
