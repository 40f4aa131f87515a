"""The fleet as the responder sees it: what each drone does, and where it will be."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence

from fleet.flight.place import distance_m
from fleet.flight.supervisor import Supervisor
from fleet.model.live import Telemetry
from fleet.model.states import DroneState
from missions.ground import Ground
from missions.picture import Doing, DroneNow
from missions.sortie import FERRY, LegKind, Sortie
from missions.tracks import Metres

S = DroneState
PREFIX = "call:"
"""Begins the order of a sortie that is flown for a call."""
REACTS_S, BRAKES_M_S2 = 0.5, 3.0
"""PX4 flies on for about so long until it brakes, by MPC_ACC_HOR."""
_LEAVING = frozenset({S.CHECKING, S.OPENING, S.TAKING_OFF})
_FLIES = frozenset({S.ON_WAY, S.ON_TASK})


def fleet_now(
    ground: Ground,
    keepers: Sequence[Supervisor],
    answering: Mapping[str, int],
    coming_free: Collection[str],
    priority: Callable[[str], int],
    *,
    at_once: bool = True,
) -> list[DroneNow]:
    """Return every drone as it is now.

    Parameters
    ----------
    ground
        The city.
    keepers
        The drones' keepers.
    answering
        Drones that answer a call, with its priority.
    coming_free
        Drones that come home from what they were sent for, and may be sent again.
    priority
        Of an order, by its id.
    at_once
        Whether one that has to wait for another to leave its dock cannot be sent.
    """
    leaving = {s.berth: s.drone.id for s in keepers if s.is_leaving}
    fleet = []
    for s in keepers:
        call = answering.get(s.drone.id)
        doing, why = _doing(s, call, s.drone.id in coming_free)
        if at_once and doing is Doing.DOCKED and s.berth in leaving:
            doing, why = Doing.OUT, f"{leaving[s.berth]} leaves its dock"
        sortie = s.sortie or s.assigned
        urgency = priority(sortie.order) if sortie is not None else 0
        fleet.append(_now(ground, s, doing, why, urgency if call is None else call))
    return fleet


def _now(ground: Ground, s: Supervisor, doing: Doing, why: str, priority: int) -> DroneNow:
    t = s.t
    if t.battery_percent is None:
        doing, why = Doing.OUT, "its battery is not known"
    on_ground = doing in (Doing.DOCKED, Doing.LEAVING, Doing.OUT)
    if on_ground or t.lon is None or t.lat is None:
        place, height = ground.places[s.berth], 0.0
        if not on_ground:
            doing, why = Doing.OUT, "where it is is not known"
    else:
        place, height = _stops_at(ground, t), max(0.0, t.altitude_m or 0.0)
    return DroneNow(
        id=s.drone.id,
        dock=s.berth,
        doing=doing,
        battery_percent=t.battery_percent or 0.0,
        place=place,
        altitude_m=height,
        priority=priority,
        sortie=s.sortie or s.assigned,
        left=left_of(s),
        reason=why,
        temperature_c=s.dock.state.temperature_c,
        aloft=t.in_air and not s.out_of_the_air,
    )


def _stops_at(ground: Ground, t: Telemetry) -> Metres:
    """Return where a drone comes to rest that is told to fly elsewhere now.

    From 12 m/s that is 30 m on: it climbs there, and not where it was told.
    """
    east, north = ground.frame.to_enu(t.lon or 0.0, t.lat or 0.0)
    v_east, v_north = t.velocity_east_m_s, t.velocity_north_m_s
    seconds = REACTS_S + math.hypot(v_east, v_north) / (2 * BRAKES_M_S2)
    return east + seconds * v_east, north + seconds * v_north


def _doing(s: Supervisor, call: int | None, free: bool) -> tuple[Doing, str]:
    """Return what a drone does, and why it cannot be sent where it cannot."""
    if s.holder is not None:
        return Doing.OUT, f"held by {s.holder}"
    if not s.t.connected:
        return Doing.OUT, "is not heard"
    if s.state in {S.DOCKED, S.CHARGING}:
        why = s.not_ready(while_charging=True)
        return (Doing.DOCKED, "") if why is None else (Doing.OUT, why)
    if s.state in _LEAVING:
        return Doing.LEAVING, ""
    if call is not None and s.state in {*_FLIES, S.HELD, S.AVOIDING}:
        return Doing.RESPONSE, ""
    if s.state in _FLIES and s.sortie is not None:
        return kind_of(s.sortie), ""
    if s.state is S.RETURNING and (s.flown or free):
        near = distance_m(s.t, s.pad) < s.policy.near_dock_m
        return (Doing.OUT, "is about to land") if near else (Doing.RETURNING, "")
    return Doing.OUT, f"is {s.state}" + (f": {s.reason}" if s.reason else "")


def kind_of(sortie: Sortie) -> Doing:
    """Return what a drone does that flies a sortie."""
    if sortie.order == FERRY:
        return Doing.FERRY
    if sortie.order.startswith(PREFIX):
        return Doing.RESPONSE
    kinds = {leg.kind for leg in sortie.legs}
    if LegKind.STARE in kinds:
        return Doing.STARE
    return Doing.PATROL if sortie.cells else Doing.TASK


def left_of(s: Supervisor) -> tuple[str, ...]:
    """Return the cells of its sortie that a drone will still see, in order."""
    if s.answering is not None or s.state is S.RETURNING:
        return ()
    return left_by_plan(s)


def left_by_plan(s: Supervisor) -> tuple[str, ...]:
    """Return the cells of its sortie that a drone has not seen yet, in order."""
    if s.programme is None or s.state not in {*_FLIES, S.HELD, S.AVOIDING}:
        return s.assigned.cells if s.assigned is not None else ()
    legs = s.programme.sortie.legs[s.programme.leg_index(s.t.mission_current) :]
    return tuple(leg.cell for leg in legs if leg.cell is not None)
