"""Places that are kept watched: a drone over each, and a relief before it must leave."""

from __future__ import annotations

from dataclasses import replace

from missions.airspace import APART_M
from missions.builder import MIN_STARE_S, Builder
from missions.conflict import Traffic
from missions.draft import Draft
from missions.errors import PlanError
from missions.planning import Planning, whenever
from missions.posts import Post, point_name, point_post, site_post
from missions.relief import ASIDE_S, EARLY_S, Station, beside, must_go
from missions.sortie import Sortie
from missions.trajectory import Trajectory
from missions.wishes import OrderWish


def stares(planning: Planning, order: OrderWish) -> None:
    """Send a drone to each place of an order, or a relief where one must leave."""
    for name in watched(order):
        if order.task is None and name not in planning.ground.sites:
            known = ", ".join(planning.ground.sites) or "none"
            planning.refuse(order.id, name, f"there is no site {name!r}; there are {known}")
            continue
        there = [sortie for sortie in planning.flying if name in sortie.sites]
        station = next((s for s in planning.stations if there and s.sortie == there[0].id), None)
        try:
            if name not in planning.taken:
                _watch(planning, order, post_of(planning, order, name))
            elif len(there) == 1 and station is not None:
                _relieve(planning, order, post_of(planning, order, name), there[0], station)
        except PlanError as error:
            words = f"no relief: {error}" if name in planning.taken else str(error)
            planning.refuse(order.id, name, words, error.constraint)


def watched(order: OrderWish) -> tuple[str, ...]:
    """Return what an order keeps watched: sites by id, or a point by its name."""
    return order.sites if order.task is None else (point_name(order.task),)


def post_of(planning: Planning, order: OrderWish, name: str) -> Post:
    """Return where one of an order's places is watched from.

    Raises
    ------
    PlanError
        If it cannot be.
    """
    ground = planning.ground
    if order.task is None:
        return site_post(ground.frame, ground.sites[name])
    if order.window is None:
        raise ValueError(f"wish {order.id} is to keep a point watched, and has no window")
    return point_post(ground.city, order.task, *order.window)


def _ends_s(planning: Planning, order: OrderWish) -> float:
    """Return in how many seconds a watch is over; a little later than it is, when all come home."""
    if order.window is None:
        return float("inf")
    return (order.window[1] - planning.now).total_seconds() + MIN_STARE_S


def _watch(planning: Planning, order: OrderWish, post: Post) -> None:
    """Send the nearest drone that can.

    Raises
    ------
    PlanError
        If none can.
    """
    ends_s = _ends_s(planning, order)

    def watch(builder: Builder) -> tuple[Draft, Trajectory] | None:
        draft = builder.stare(post, ends_s)
        trajectory = planning.timed(builder, draft, EARLY_S)
        return (draft, trajectory) if planning.clear(trajectory) else None

    planning.send(order.id, (post.place.east, post.place.north), watch, order.drones)


def _relieve(
    planning: Planning, order: OrderWish, post: Post, there: Sortie, station: Station
) -> None:
    """Send the nearest drone that can where one must leave, if it must go now.

    Raises
    ------
    PlanError
        If none can.
    """
    ends_s, leaves_s = _ends_s(planning, order), (station.leaves_at - planning.now).total_seconds()
    if leaves_s + 2 * MIN_STARE_S > ends_s:
        return  # it stays to the end
    place = post.place.east, post.place.north
    speed = min(d.cruise_m_s for d in planning.ground.drones.values())
    farthest_s = 2.0 * max(planning.away(place).values()) / speed + 120.0
    if not must_go(station, planning.now, farthest_s):
        return  # long before any could have to
    leaves_for = planning.ground.places[there.dock]
    theirs = Traffic.of([whenever(planning.ground, _from_station(there))])

    def relieve(builder: Builder) -> tuple[Draft, Trajectory] | None:
        aside = beside(place, leaves_for, planning.ground.places[builder.dock])
        whole, out = builder.relieve(post, aside, ends_s)
        if not must_go(station, planning.now, out.cost.duration_s - ASIDE_S):
            raise _NotYetError
        trajectory = planning.timed(builder, whole, EARLY_S)
        clear = theirs.clear(planning.timed(builder, out), horizontal_m=APART_M)
        clear = clear and planning.clear(trajectory, but=there.drone)
        return (whole, trajectory) if clear else None

    try:
        planning.send(order.id, place, relieve, order.drones)
    except _NotYetError:
        return


def _from_station(sortie: Sortie) -> Sortie:
    """Return what is left of a sortie on station, which may be called home at any moment."""
    stares = [index for index, leg in enumerate(sortie.legs) if leg.site is not None]
    return replace(sortie, legs=sortie.legs[stares[-1] :])


class _NotYetError(Exception):
    """A relief need not leave yet."""
