"""Any two drones of one plan keep apart, sampled in space and time: at their docks too."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from missions.airspace import KEEP_M, LAYER_M
from missions.city import City, Dock, Drone
from missions.cityrules import DOCKS_APART_M
from missions.energy import CLIMB_M_S, DESCENT_M_S
from missions.geo import LocalFrame
from missions.planner import DroneOffer, OrderWish, plan
from missions.sortie import Sortie

NOW = datetime(2025, 5, 1, 12, tzinfo=UTC)
GATE_M = 40.0
"""A drone holds its dock's gate while it is nearer than this, as the controller has it."""
STEP_S = 0.5

Timed = npt.NDArray[np.float64]
"""Rows of (seconds, east, north, altitude)."""


def flown(sortie: Sortie, frame: LocalFrame) -> Timed:
    """Return the sortie as flown from its start, until it is over its dock again."""
    here = (*frame.to_enu(sortie.home_lon, sortie.home_lat), 0.0)
    seconds, rows = 0.0, [(0.0, *here)]
    for leg in sortie.legs:
        for w in leg.waypoints:
            there = (*frame.to_enu(w.lon, w.lat), w.altitude_m)
            up = there[2] - here[2]
            vertical = up / CLIMB_M_S if up > 0 else -up / DESCENT_M_S
            seconds += max(math.dist(here[:2], there[:2]) / leg.speed_m_s, vertical)
            rows += [(seconds, *there), (seconds + w.hold_s, *there)]
            seconds, here = seconds + w.hold_s, there
    return np.array(rows, dtype=np.float64)


def at(way: Timed, seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.column_stack([np.interp(seconds, way[:, 0], way[:, k]) for k in (1, 2, 3)])


def in_turn(ways: list[Timed], starts: list[float]) -> list[Timed]:
    """Return the ways of one dock's drones with the true times: one at a time in its column.

    One that wants to leave waits on its pad; one that comes home waits at the column's edge.
    """
    free, asked, out = 0.0, [], dict[int, Timed]()
    leaves, back = [], []
    for index, (way, start) in enumerate(zip(ways, starts, strict=True)):
        fine = np.arange(0.0, way[-1, 0], 0.25)
        away = np.hypot(*(at(way, fine)[:, :2] - way[0, 1:3]).T) >= GATE_M
        leaves.append(float(fine[np.argmax(away)]))
        back.append(float(fine[len(fine) - 1 - np.argmax(away[::-1])]))
        asked.append((start, index, "out"))
    while asked:
        asked.sort()
        when, index, wants = asked.pop(0)
        way, now = ways[index], max(when, free)
        if wants == "out":
            free = now + leaves[index]
            begun = way[way[:, 0] <= back[index]] + (now, 0, 0, 0)
            out[index] = begun
            asked.append((now + back[index], index, "in"))
        else:
            edge = at(way, np.array([back[index]]))[0]
            over = now + way[-1, 0] - back[index]
            free = over + way[-1, 3] / DESCENT_M_S
            rest = [(when, *edge), (now, *edge), (over, *way[-1, 1:]), (free, *way[-1, 1:3], 0.0)]
            out[index] = np.vstack([out[index], rest])
    return [out[index] for index in range(len(ways))]


def too_near(city: City, sorties: tuple[Sortie, ...], starts: list[float]) -> list[str]:
    """Return who comes too near to whom, and where, when the sorties start when they like."""
    frame = LocalFrame(*city.city.origin)
    docks = defaultdict(list)
    for index, sortie in enumerate(sorties):
        docks[sortie.dock].append(index)
    ways: dict[int, Timed] = {}
    for mates in docks.values():
        turns = in_turn([flown(sorties[i], frame) for i in mates], [starts[i] for i in mates])
        ways |= dict(zip(mates, turns, strict=True))
    end = max(way[-1, 0] for way in ways.values())
    places = {index: at(way, np.arange(0.0, end, STEP_S)) for index, way in ways.items()}
    found = []
    for a, b in itertools.combinations(places, 2):
        one, two = places[a], places[b]
        level = np.hypot(*(one[:, :2] - two[:, :2]).T)
        near = (level < KEEP_M) & (np.abs(one[:, 2] - two[:, 2]) < LAYER_M - 1e-3)
        near &= (one[:, 2] > 0.5) & (two[:, 2] > 0.5)  # not in their slots
        if near.any():
            when = int(np.argmax(near))
            found.append(
                f"{sorties[a].drone} at {sorties[a].altitude_m:g} m and {sorties[b].drone} at "
                f"{sorties[b].altitude_m:g} m: {level[near].min():.0f} m apart, at {one[when]}"
            )
    return found


def with_docks(city: City, places: list[tuple[float, float]], each: int) -> City:
    """Return the city with docks at places (metres), some drones in each."""
    frame = LocalFrame(*city.city.origin)
    docks = tuple(
        Dock(id=f"d{i}", position=frame.to_lonlat(*place), slots=each)
        for i, place in enumerate(places)
    )
    drones = tuple(
        Drone(
            id=f"{dock.id}-{letter}",
            dock=dock.id,
            system_id=1 + i * each + number,
            mavlink=f"udpin://0.0.0.0:{14540 + i * each + number}",
            video=f"rtsp://127.0.0.1:8554/{dock.id}-{letter}",
        )
        for i, dock in enumerate(docks)
        for number, letter in enumerate("abc"[:each])
    )
    limits = city.limits.model_copy(update={"max_airborne": 24})
    return city.model_copy(update={"docks": docks, "drones": drones, "limits": limits})


def planned(city: City, seen: frozenset[int] = frozenset()) -> tuple[Sortie, ...]:
    numbers = itertools.count()
    orders = [
        OrderWish("watch", "stare", NOW, sites=tuple(s.id for s in city.sites)),
        OrderWish("patrol", "patrol", NOW, beats=tuple(b.id for b in city.beats)),
    ]
    offers = [DroneOffer(d.id, d.dock, 100 - i % 7) for i, d in enumerate(city.drones)]
    more: dict[str, Any] = {"new_id": lambda: f"s{next(numbers)}"}
    return plan(city, NOW, orders, offers, dict.fromkeys(map(str, seen), NOW), **more).sorties


def apart(docks: list[tuple[float, float]]) -> bool:
    """Whether docks stand as far from each other as a city file asks."""
    return all(math.dist(a, b) >= DOCKS_APART_M for a, b in itertools.combinations(docks, 2))


@settings(max_examples=10, deadline=None)
@given(
    docks=st.lists(
        st.tuples(st.floats(-600, 600), st.floats(-600, 600)), min_size=1, max_size=4
    ).filter(apart),
    each=st.integers(1, 3),
    starts=st.lists(st.floats(0, 600), min_size=12, max_size=12),
)
def test_two_drones_of_a_plan_keep_30_m_or_15_m_whenever_they_start(
    small: City, docks: list[tuple[float, float]], each: int, starts: list[float]
) -> None:
    city = with_docks(small, docks, each)
    sorties = planned(city)
    if sorties:
        assert too_near(city, sorties, starts[: len(sorties)]) == []
