"""Who may be over a dock: those seen there, those on their way, and those that nobody hears."""

from __future__ import annotations

import math
from collections.abc import Iterator

from fleet.flight.berths import returns_to
from fleet.flight.column import VERTICAL_M, is_in
from fleet.flight.flier import Flier, comes_s
from fleet.flight.mate import Mate
from fleet.flight.place import distance_m, endurance_s
from fleet.flight.world import World
from fleet.link.items import NAV_LOITER_TIME, NAV_TAKEOFF, NAV_WAYPOINT, Programme
from fleet.model.states import DroneState
from missions.geo import distance_m as between_m
from missions.sortie import Waypoint

S = DroneState
STOOD = frozenset({S.UNKNOWN, S.DOCKED, S.CHARGING, S.CHECKING})
"""Records (none among them) of drones that were in their dock."""
LANDS_S = 60.0
"""PX4 (measured) comes down from 40 m in about so long."""
AT_M = 10.0
NOISE_M = 3.0
"""Two heights by barometer may be measured this much nearer than they are flown."""
_FLOWN_TO = frozenset({NAV_TAKEOFF, NAV_WAYPOINT, NAV_LOITER_TIME})


def may_be_aloft(mate: Mate) -> bool:
    """Whether a drone that is not heard, or was not yet since the start, may be in the air.

    Not one that its dock counts in, nor one whose battery must have ended.
    """
    if mate.in_dock or mate.spent:
        return False
    if mate.state is S.UNKNOWN:
        return mate.before not in STOOD
    if mate.state is not S.LOST or not mate.lost_aloft:
        return False
    return mate.sortie is not None or mate.silent_s < endurance_s(mate.drone)


def _is_nowhere(mate: Mate) -> bool:
    """Whether a drone in the air is heard and does not tell where it is."""
    return mate.t.connected and mate.t.in_air and (mate.t.lon is None or mate.t.lat is None)


def fliers(world: World, but: str) -> Iterator[Flier]:
    """Yield every drone, but one, that is in the air, or may be."""
    for drone, mate in world.keepers.items():
        if drone != but and (may_be_aloft(mate) or (mate.t.in_air and not mate.spent)):
            yield flier(world, mate)


def flier(world: World, mate: Mate) -> Flier:
    """Return a drone as one sees it that wants the air over a dock."""
    sortie, t = mate.sortie, mate.t
    speeds = (leg.speed_m_s for leg in sortie.legs) if sortie is not None else ()
    heard = t.connected
    docks = {mate.berth}
    if not heard and sortie is not None:
        docks.add(sortie.dock)
    own = returns_to(t, sortie, {dock: world.pad(dock) for dock in world.docks}) if heard else None
    if own is not None:
        docks.add(own)
    speed = max((mate.drone.cruise_m_s, *speeds))
    return Flier(
        drone=mate.drone.id,
        state=mate.state,
        telemetry=t,
        speed_m_s=speed,
        pads=frozenset(world.pad(dock) for dock in docks),
        way=_way(mate, mate.programme, speed) if mate.programme is not None else (),
        unheard_s=None if heard else mate.silent_s,
    )


def _way(mate: Mate, plan: Programme, speed_m_s: float) -> tuple[Waypoint, ...]:
    """Return what is left of a mission, with how long the vehicle stays at least at each point.

    Where it waits already it stays until its plan, flown at its fastest, has it leave.
    """
    passed_s = 0.0
    way: list[Waypoint] = []
    last: tuple[float, float] | None = None
    for index, item in enumerate(plan.items):
        if item.command not in _FLOWN_TO:
            continue
        here = item.lon, item.lat
        hold_s = 0.0 if item.command == NAV_TAKEOFF else item.params[0]
        passed_s += hold_s + (between_m(last, here) / speed_m_s if last is not None else 0.0)
        last = here
        if index < mate.t.mission_current:
            continue
        if not way and distance_m(mate.t, here) < AT_M and hold_s > 0:
            hold_s = min(hold_s, max(0.0, passed_s - mate.flown_s))
        way.append(Waypoint(*here, item.z, hold_s))
    return tuple(way)


def unheard_over(world: World, dock: str, within_s: float = LANDS_S) -> frozenset[str]:
    """Return the drones that may be over a dock, or may come within so long, and nobody knows.

    They are not heard, or do not tell where they are.
    """
    pad = world.pad(dock)
    return frozenset(
        drone
        for drone, mate in world.keepers.items()
        if (may_be_aloft(mate) or _is_nowhere(mate))
        and comes_s(flier(world, mate), pad, math.inf) <= within_s
    )


def in_its_way_down(world: World, mate: Mate) -> str | None:
    """Say who is, or may be, over its dock in the way of a drone that comes down; None where nobody."""
    t, pad = mate.t, world.pad(mate.berth)
    height, inside = t.altitude_m or 0.0, is_in(t, pad, math.inf)
    # of two over the dock the lower goes first; one that is not there yet keeps out from under too
    top_m = height if inside else height + VERTICAL_M - NOISE_M
    for drone, other in world.keepers.items():
        if other is not mate and not other.spent and is_in(other.t, pad, top_m):
            where = "below" if (other.t.altitude_m or 0.0) < height else "just above"
            return f"{drone} is {where} it over the dock"
    unheard = unheard_over(world, mate.berth) - {mate.drone.id}
    if not unheard:
        return None
    first = min(unheard)
    if world.keepers[first].t.connected:
        return f"where {first} is nobody knows: it may be over the dock"
    return f"{first} is not heard and may be over the dock"
