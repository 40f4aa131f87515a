"""Standing patrol policy: how often each cell is owed a visit, and how many drones may fly for it.

It is part of the city file and of ``PUT /api/v1/policy``. The rules are few and plain: each names
places, days and hours, and an interval. Where several rules meet in a cell the shortest interval
counts, and that of its beat (``revisit_min``) always does; so a beat's interval is the longest,
and rules make it shorter.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from missions.fields import Model, Position, Slug
from missions.when import Calendar, When


def _as_written(value: object) -> object:
    """Refuse a number, which would be taken for seconds since 1970."""
    if isinstance(value, int | float):
        raise ValueError(f"{value} is no day; one is written 2026-10-01")
    return value


Day = Annotated[date, BeforeValidator(_as_written)]
FlagName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,38}$")]
Path = tuple[str | int, ...]
Minutes = Annotated[float, Field(ge=1, le=100_000)]
SHOWN = 12
"""Names that a finding lists."""


class Where(Model):
    """Cells: those named, and those that lie within a distance of what is named.

    Empty: all.
    """

    beats: tuple[Slug, ...] = Field(default=(), max_length=1000)
    cells: tuple[str, ...] = Field(default=(), max_length=5000)
    targets: tuple[Slug, ...] = Field(
        default=(), max_length=1000, description="kinds of key targets, or ids of single ones"
    )
    hot_spots: tuple[Slug, ...] = Field(default=(), max_length=1000)
    sites: tuple[Slug, ...] = Field(default=(), max_length=1000)
    line: tuple[Position, ...] | None = Field(
        default=None, min_length=2, max_length=1000, description="e.g. the middle of a river"
    )
    within_m: float = Field(
        default=150, gt=0, le=10_000, description="of targets, hot spots, sites and the line"
    )

    @property
    def everywhere(self) -> bool:
        """Whether it names nothing, and so means all cells."""
        return not (
            self.beats or self.cells or self.targets or self.hot_spots or self.sites or self.line
        )


class Rule(Model):
    """Cells that are owed a visit each so many minutes, always or at some times."""

    id: Slug
    name: str = Field(default="", max_length=200)
    every_min: Minutes = Field(description="a visit is owed this often")
    where: Where = Where()
    when: tuple[When, ...] = Field(
        default=(), max_length=20, description="any of these; empty: always"
    )
    flag: FlagName | None = Field(
        default=None, description="only while somebody has set this flag, e.g. flood_warning"
    )


class Shift(Model):
    """How many drones may be in the air at some times, and how many stay ready in their docks.

    Where several hold, the lowest ceiling and the greatest reserve count. Patrols leave the reserve
    in the docks; calls, and what an officer orders to be watched or flown, may take from it.
    """

    id: Slug
    name: str = Field(default="", max_length=200)
    when: tuple[When, ...] = Field(default=(), max_length=20)
    airborne: int = Field(ge=0, le=10_000, description="drones on patrol in the air at once")
    reserve: int = Field(default=0, ge=0, le=10_000, description="charged drones kept in docks")


class History(Model):
    """What past calls do to intervals.

    Each call counts half after ``half_life_days``, and is spread over the cells around by a normal
    distribution (kernel density). A cell with ``r`` times the city's mean of calls for its area is
    owed a visit ``sqrt(r)`` times as often, no more than ``strongest`` times, and never less often:
    the square root makes the mean age that a call finds least for the visits there are.
    """

    days: float = Field(default=28, gt=0, le=3660, description="older calls are forgotten")
    half_life_days: float = Field(default=7, gt=0, le=3660)
    radius_m: float = Field(default=250, ge=20, le=5000, description="standard deviation")
    strongest: float = Field(default=1, ge=1, le=10, description="1: intervals stay as they are")
    prior_days: float = Field(
        default=14,
        gt=0,
        le=3660,
        description="what the city file says of calls counts as much as this many days of them",
    )


class Policy(Model):
    """Everything that is standing."""

    holidays: tuple[Day, ...] = Field(default=(), max_length=2000)
    worked: tuple[Day, ...] = Field(
        default=(), max_length=2000, description="days of a weekend that are worked"
    )
    rules: tuple[Rule, ...] = Field(default=(), max_length=100)
    shifts: tuple[Shift, ...] = Field(default=(), max_length=50)
    history: History = History()

    @model_validator(mode="after")
    def _one_kind_a_day(self) -> Policy:
        both = sorted(set(self.holidays) & set(self.worked))
        if both:
            raise ValueError(f"{both[0].isoformat()} is both a holiday and worked")
        return self

    @property
    def flags(self) -> frozenset[str]:
        """The flags that its rules ask for."""
        return frozenset(rule.flag for rule in self.rules if rule.flag is not None)

    def calendar(self, zone: str) -> Calendar:
        """Return its days by the clock of a time zone."""
        return Calendar(zone, frozenset(self.holidays), frozenset(self.worked))


@dataclass(frozen=True)
class Known:
    """What a policy may name in a city."""

    beats: Collection[str]
    cells: Collection[str]
    targets: Collection[str]
    """Kinds and ids."""
    hot_spots: Collection[str]
    sites: Collection[str]
    airborne: int
    """Drones that may be in the air at once."""
    drones: int


def faults(policy: Policy, known: Known) -> Iterator[tuple[Path, str]]:
    """Yield what in a policy does not fit a city: where, and in words.

    Parameters
    ----------
    policy
        One that is sound alone.
    known
        What there is.
    """
    yield from _twice("rules", [rule.id for rule in policy.rules])
    yield from _twice("shifts", [shift.id for shift in policy.shifts])
    kinds: Mapping[str, tuple[str, Collection[str]]] = {
        "beats": ("beat", known.beats),
        "cells": ("cell", known.cells),
        "targets": ("key target, or kind of them,", known.targets),
        "hot_spots": ("hot spot", known.hot_spots),
        "sites": ("site", known.sites),
    }
    for number, rule in enumerate(policy.rules):
        for key, (what, there) in kinds.items():
            for index, name in enumerate(getattr(rule.where, key)):
                if name not in there:
                    yield ("rules", number, "where", key, index), _unknown(what, name, there)
    for number, shift in enumerate(policy.shifts):
        if shift.airborne > known.airborne:
            yield (
                ("shifts", number, "airborne"),
                f"{shift.airborne} is above the city's limit max_airborne of {known.airborne}",
            )
        if shift.reserve > known.drones:
            yield (
                ("shifts", number, "reserve"),
                f"{shift.reserve} charged drones stay in docks; the city has {known.drones}",
            )


def _twice(key: str, ids: list[str]) -> Iterator[tuple[Path, str]]:
    for number, name in enumerate(ids):
        if name in ids[:number]:
            yield (key, number, "id"), f"id {name!r} is already used in {key}[{ids.index(name)}]"


def _unknown(what: str, name: str, there: Collection[str]) -> str:
    names = sorted(there)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (
        f"there is no {what} {name!r}; there are {', '.join(names[:SHOWN]) or 'none'}{more}{hint}"
    )
