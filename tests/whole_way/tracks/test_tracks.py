"""What flies by the plan never comes too near to another, nor stays where the air was closed.

Judged by where the vehicles really were, four times a second and on straight lines in between, with
no exception over a dock: the gate leaves its air to one, and the next waits 25 m above. In real
time: at a multiple of it a controller would have less time than it has.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from shapely import Point, Polygon

from missions.geo import LocalFrame

APART_M, ABOVE_M = 30.0, 15.0
KNOWN_M = 1.0
"""Two vehicles are where they believe to be within 0.6 m (three of the estimator's deviations, both)
and hold a height to 0.3 m; so much nearer may two be that were kept apart."""
DIVERTED_S = 2.0
IN_DOCK_M = 1.5
"""From the middle of a dock's pad to a drone that stands in one of its two slots."""
BRAKES_M_S2, SLOWEST_M_S = 2.0, 4.0
"""What PX4 brakes and gains speed with, and what it flies over ground without a mission, into the
wind (MPC_ACC_HOR with MPC_JERK_AUTO, MPC_XY_CRUISE)."""

Place = tuple[float, float, float]
"""East and north of the city's middle and height, metres."""


class Look(NamedTuple):
    """Where the drones in the air were at a time, seconds of the epoch."""

    at: float
    drones: dict[str, Place]


class Near(NamedTuple):
    """Two that were nearer than allowed, at their nearest."""

    at: float
    drones: tuple[str, str]
    apart_m: float
    above_m: float


def looks(log: Sequence[dict[str, Any]], origin: tuple[float, float]) -> list[Look]:
    """Return a simulator's log of positions in metres."""
    frame = LocalFrame(*origin)
    return [
        Look(
            datetime.fromisoformat(line["at"]).timestamp(),
            {d: (*frame.to_enu(lon, lat)[:2], up) for d, (lon, lat, up) in line["drones"].items()},
        )
        for line in log
    ]


def nearest(
    a: tuple[Place, Place], b: tuple[Place, Place], apart_m: float, above_m: float
) -> tuple[float, float] | None:
    """Return how near two come on straight lines, flat and in height, where both are undercut.

    Each goes evenly from its first place to its second, both in the same time. Of the moments
    at which both distances are undercut it is the one that is nearest in space.
    """
    first, last = ([q - p for p, q in zip(a[k], b[k], strict=True)] for k in (0, 1))
    x, y, z = first
    vx, vy, vz = (q - p for p, q in zip(first, last, strict=True))
    since, until = 0.0, 1.0
    for v2, half, beyond in (
        (vx * vx + vy * vy, x * vx + y * vy, x * x + y * y - apart_m**2),
        (vz * vz, z * vz, z * z - above_m**2),
    ):
        root2 = half * half - v2 * beyond
        if v2 < 1e-12 or root2 <= 0:
            if beyond >= 0:
                return None
            continue
        root = math.sqrt(root2)
        since, until = max(since, (-half - root) / v2), min(until, (-half + root) / v2)
    if since >= until:
        return None
    v2 = vx * vx + vy * vy + vz * vz
    t = since if v2 < 1e-12 else min(until, max(since, -(x * vx + y * vy + z * vz) / v2))
    return math.hypot(x + t * vx, y + t * vy), abs(z + t * vz)


def too_near(flown: Sequence[Look]) -> list[Near]:
    """Return every two that were nearer than allowed, once for each time that they met."""
    met: dict[tuple[str, str], Near] = {}
    found: list[Near] = []
    for before, after in itertools.pairwise(flown):
        both = sorted(before.drones.keys() & after.drones.keys())
        for pair in itertools.combinations(both, 2):
            a, b = ((before.drones[d], after.drones[d]) for d in pair)
            near = nearest(a, b, APART_M - KNOWN_M, ABOVE_M - KNOWN_M)
            if near is not None:
                now = Near(after.at, pair, *near)
                met[pair] = min(met.get(pair, now), now, key=lambda n: math.hypot(*n[2:]))
            elif pair in met:
                found.append(met.pop(pair))
    return found + list(met.values())


def trespasses(flown: Sequence[Look], closed: Polygon, since: float, until: float) -> list[str]:
    """Return in words who was in closed air for longer than it takes to leave it.

    From where it is and as it flies ``DIVERTED_S`` after the closing, a drone may brake, come back
    what it needed for that, gain speed and fly the shortest way to the edge.
    """
    heard = next(k for k, look in enumerate(flown) if look.at >= since + DIVERTED_S)
    may = {
        drone: leave_s(flown[heard - 4].drones.get(drone, place), place, closed)
        for drone, place in flown[heard].drones.items()
    }
    worst: dict[str, tuple[float, float]] = {}
    for look in flown[heard:]:
        for drone, place in look.drones.items():
            late = look.at - flown[heard].at - may.get(drone, 0.0)
            if look.at < until and late > 0 and closed.contains(Point(place[:2])):
                deep = closed.exterior.distance(Point(place[:2]))
                worst[drone] = max(worst.get(drone, (0.0, 0.0)), (late, deep))
    return [
        f"{drone}: {late:.1f} s longer than it takes to leave, {deep:.0f} m from the edge"
        for drone, (late, deep) in worst.items()
    ]


def leave_s(a_second_ago: Place, now: Place, closed: Polygon) -> float:
    """Return how long it takes to be out of an area; 0 where one is, and stays, outside."""
    speed = math.dist(a_second_ago[:2], now[:2])
    brakes_m = speed * speed / (2 * BRAKES_M_S2)
    here = Point(now[:2])
    if closed.distance(here) > brakes_m:
        return 0.0
    inside_m = closed.exterior.distance(here) if closed.contains(here) else 0.0
    return (speed + SLOWEST_M_S) / BRAKES_M_S2 + (inside_m + brakes_m) / SLOWEST_M_S


def test_the_judge_knows_who_was_too_near() -> None:
    def flown(*heights: float) -> list[Look]:
        # towards each other at 15 m/s each, seen four times a second
        return [
            Look(t / 4, {"a": (-100 + 3.75 * t, 0, 50), "b": (100 - 3.75 * t, 5, 50 + h)})
            for t, h in enumerate(heights)
        ]

    (near,) = too_near(flown(*[10] * 60))
    assert near.drones == ("a", "b")
    assert near.apart_m == pytest.approx(5, abs=0.01)
    assert near.above_m == pytest.approx(10)
    assert too_near(flown(*[15] * 60)) == []
    # low enough only while they are far apart
    assert too_near(flown(*[0] * 20, *[15] * 20, *[0] * 20)) == []
    # between two looks alone: past each other in a quarter of a second
    swift = [
        Look(0, {"a": (-50, 0, 50), "b": (50, 0, 50)}),
        Look(1, {"a": (50, 0, 50), "b": (-50, 0, 50)}),
    ]
    assert [round(n.apart_m) for n in too_near(swift)] == [0]


def test_the_judge_knows_who_stayed_in_closed_air() -> None:
    closed = Polygon([(0, -100), (200, -100), (200, 100), (0, 100)])

    def flown(turns_at: float, back: float = 0.0) -> list[Look]:
        # eastwards at 10 m/s, 20 m in when it is closed at 10 s; there and back
        places = []
        for k in range(240):
            t = k / 4
            east = -80 + 10 * min(t, turns_at) - 10 * max(0.0, t - turns_at)
            places.append(Look(t, {"a": (max(east, back - 80), 0, 50)}))
        return places

    assert trespasses(flown(11.5), closed, 10, 60) == []
    assert len(trespasses(flown(22), closed, 10, 60)) == 1
    assert len(trespasses(flown(11.5, back=90), closed, 10, 60)) == 1
    assert trespasses(flown(5), closed, 10, 60) == []
    # one that was far off, and comes in later
    late = [Look(t / 4, {"b": (-400 + 2.5 * t, 0, 50)}) for t in range(240)]
    assert len(trespasses(late, closed, 10, 60)) == 1


def order_some_of_everything(traffic: Any, place: Any, ring: Any) -> None:
    until = (datetime.now(UTC) + timedelta(minutes=20)).isoformat()
    once = {"priority": 4, "window": {"until": until}}
    area = {"type": "Polygon", "coordinates": [ring(-700, -450, -1000, -700)]}
    bank = {"type": "LineString", "coordinates": [place(0, -1000), place(60, 0), place(0, 1000)]}
    tower = {"type": "Point", "coordinates": place(-350, 700)}
    beats = [beat["id"] for beat in traffic.city["beats"]]
    traffic.ask("POST", "missions", kind="stare", sites=["market"], priority=6)
    traffic.ask("POST", "missions", kind="patrol", beats=beats)
    traffic.ask("POST", "missions", kind="area", geometry=area, **once)
    traffic.ask("POST", "missions", kind="corridor", geometry=bank, **once)
    traffic.ask("POST", "missions", kind="orbit", geometry=tower, radius_m=60, turns=4, **once)


def close_over_somebody(
    traffic: Any, south: float, north: float, west: float, east: float, ring: Any
) -> float:
    """Close a box, metres, while a drone flies in its middle; return when, seconds of the epoch."""

    def somebody_inside() -> bool:
        return any(
            south + 50 < n < north - 50 and west + 50 < e < east - 50
            for n, e in traffic.aloft().values()
        )

    traffic.until(somebody_inside, 240, "a drone flies where it is to be closed")
    closure = traffic.ask(
        "POST",
        "zones/closures",
        geometry={"type": "Polygon", "coordinates": [ring(south, north, west, east)]},
        until=(datetime.now(UTC) + timedelta(hours=1)).isoformat(),
        reason="a fire",
    )
    return datetime.fromisoformat(closure["created_at"]).timestamp()


def landings(traffic: Any) -> list[dict[str, Any]]:
    return [e for e in traffic.log("vehicles") if e["kind"] == "landed"]


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_planned_sorties_keep_apart_and_out_of_what_is_closed(
    traffic: Any, place: Any, ring: Any
) -> None:
    order_some_of_everything(traffic, place, ring)
    traffic.until(lambda: len(traffic.aloft()) >= 6, 180, "six in the air at once")
    for lon, lat in (place(-100, 100), place(500, -900)):
        traffic.ask("POST", "calls", lon=lon, lat=lat, on_scene_s=60)
    middle = (-350.0, 350.0, -350.0, 50.0)
    closed_at = close_over_somebody(traffic, *middle, ring)
    for lon, lat in (place(450, 450), place(-600, -500), place(100, 1050)):
        traffic.ask("POST", "calls", lon=lon, lat=lat, on_scene_s=60, want=2)
    traffic.until(lambda: len(landings(traffic)) >= 6, 600, "six came home by themselves")
    traffic.ask("POST", "recall", reason="the end of the trial")
    traffic.until(lambda: not traffic.aloft(), 420, "all have come down")

    origin = tuple(traffic.city["city"]["origin"])
    flown = looks(traffic.log("tracks"), origin)
    assert too_near(flown) == []
    square = Polygon([LocalFrame(*origin).to_enu(*corner)[:2] for corner in ring(*middle)])
    assert trespasses(flown, square, closed_at, flown[-1].at + 1) == []
    most = traffic.city["limits"]["max_airborne"]
    assert 6 <= max(len(look.drones) for look in flown) <= most
    down = landings(traffic)
    assert len(down) == sum(e["kind"] == "takeoff" for e in traffic.log("vehicles"))
    assert [e for e in down if e["dock_distance_m"] > IN_DOCK_M] == []

    def all_told() -> bool:
        flights = traffic.ask("GET", "flights?limit=1000")
        over = [f for f in flights if f["landed_at"] is not None and f["landed_dock"] is not None]
        return len(flights) == len(over) == len(down)

    traffic.until(all_told, 30, "each flight's end is in the flight log")
