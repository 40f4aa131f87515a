"""Sites that are stared at: a drone over each, and a relief before it must leave."""

from __future__ import annotations

from missions.airspace import APART_M
from missions.builder import Builder
from missions.city import Site
from missions.conflict import Traffic
from missions.draft import Draft
from missions.errors import PlanError
from missions.planning import Planning, whenever
from missions.relief import ASIDE_S, EARLY_S, Station, beside, must_go
from missions.sortie import Sortie
from missions.tracks import Metres
from missions.trajectory import Trajectory
from missions.wishes import OrderWish


def stares(planning: Planning, order: OrderWish) -> None:
    """Send a drone to each site of an order, or a relief where one must leave."""
    for name in order.sites:
        if name in planning.taken:
            _relieve(planning, order, name)
            continue
        site = planning.ground.sites.get(name)
        if site is None:
            known = ", ".join(planning.ground.sites) or "none"
            planning.refuse(order.id, name, f"there is no site {name!r}; there are {known}")
            continue
        nobody = planning.nobody()
        if nobody is not None:
            planning.refuse(order.id, name, nobody, "fleet")
        elif (error := _stare(planning, order, site)) is not None:
            planning.refuse(order.id, name, str(error), error.constraint)


def _stare(planning: Planning, order: OrderWish, site: Site) -> PlanError | None:
    """Send the nearest drone that can; return why not where none can."""
    target = site.stare.position if site.stare is not None else site.position
    place = planning.ground.frame.to_enu(*target)

    def watch(builder: Builder) -> tuple[Draft, Trajectory] | None:
        draft = builder.stare(site)
        trajectory = planning.timed(builder, draft, EARLY_S)
        return (draft, trajectory) if planning.clear(trajectory) else None

    return planning.nearest(order.id, place, watch)


def _relieve(planning: Planning, order: OrderWish, name: str) -> None:
    """Send a relief to a site that one drone stares at, where it must leave now."""
    there = [sortie for sortie in planning.flying if name in sortie.sites]
    station = next((s for s in planning.stations if there and s.sortie == there[0].id), None)
    site = planning.ground.sites.get(name)
    if len(there) != 1 or station is None or site is None or site.stare is None:
        return
    place = planning.ground.frame.to_enu(*site.stare.position)
    away = planning.away(place)
    speed = min((d.cruise_m_s for d in planning.ground.drones.values()), default=1.0)
    farthest_s = 2.0 * max(away.values()) / speed + 120.0
    if not must_go(station, planning.now, farthest_s):
        return  # long before any could have to
    nobody = planning.nobody()
    if nobody is not None:
        planning.refuse(order.id, name, f"no relief: {nobody}", "fleet")
        return
    error = _send_relief(planning, order, site, there[0], station, place)
    if error is not None:
        planning.refuse(order.id, name, f"no relief: {error}", error.constraint)


def _send_relief(
    planning: Planning,
    order: OrderWish,
    site: Site,
    there: Sortie,
    station: Station,
    place: Metres,
) -> PlanError | None:
    """Send the nearest drone that can, where it must go now; return why none can."""
    leaves_for = planning.ground.places[there.dock]
    theirs = Traffic.of([whenever(planning.ground, there)])  # it may be called home at any moment

    def relieve(builder: Builder) -> tuple[Draft, Trajectory] | None:
        aside = beside(place, leaves_for, planning.ground.places[builder.dock])
        whole, out = builder.relieve(site, aside)
        if not must_go(station, planning.now, out.cost.duration_s - ASIDE_S):
            raise _NotYetError
        trajectory = planning.timed(builder, whole, EARLY_S)
        clear = theirs.clear(planning.timed(builder, out), horizontal_m=APART_M)
        clear = clear and planning.clear(trajectory, but=there.drone)
        return (whole, trajectory) if clear else None

    try:
        return planning.nearest(order.id, place, relieve)
    except _NotYetError:
        return None


class _NotYetError(Exception):
    """A relief need not leave yet."""
