"""The responder: who is sent to a call, decided within milliseconds.

Drones are ranked by a bound, straight and with the wind, for all at once. Exact ways are made in
that order, and only while the next could still be there before the best so far.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

from missions.airspace import Airspace
from missions.energy import PowerModel, Wind
from missions.ground import Ground
from missions.overhead import BOUND_S
from missions.patrol.ready import standing
from missions.picture import Doing, DroneNow
from missions.responder.answer import Call, GivesUp, Pick, Refused, Response
from missions.responder.candidates import Candidate, candidates, free_docks
from missions.responder.place import off_m
from missions.responder.way import Flight, Others, Scene
from missions.trajectory import Trajectory

TOGETHER_S = 5.0
"""Arrivals that are no farther apart are decided by what is given up, but for one that would be in
time and one that would not."""
_NOTHING_TO_LEAVE = frozenset({Doing.DOCKED, Doing.RETURNING, Doing.FERRY})


def respond(
    ground: Ground,
    call: Call,
    fleet: Sequence[DroneNow],
    wind: Wind,
    now: datetime,
    *,
    want: int = 1,
    airspace: Airspace | None = None,
    others: Mapping[str, Trajectory] | None = None,
    overdue_s: Mapping[str, float] | None = None,
) -> Response:
    """Return the drones that are overhead first, and what each gives up for it.

    A drone is sent only where it flies for a lower priority than the call's, keeps clear of what is
    closed and of the ways of others, and its battery holds the way there, ``call.min_stay_s`` over
    it, the way home to the best dock that can take it, and the reserve.

    Parameters
    ----------
    ground
        The city.
    call
        Where a drone is wanted.
    fleet
        Every drone, now.
    wind
        Mean wind.
    now
        When; the answer's seconds count from it.
    want
        How many drones.
    airspace
        What is closed now; the city's own where none is given.
    others
        Where drones are and will be, by drone, in seconds from now; its own is not held against
        a drone.
    overdue_s
        By how long each cell is overdue now, seconds; less than 0 where it is not yet. Of others
        nothing is owed.
    """
    space = airspace if airspace is not None else ground.airspace
    docks = free_docks(ground, fleet)
    scene = Scene(ground, space, call, wind, now, Others(others or {}), docks, fleet)
    left, refused = candidates(scene, fleet)
    most = ground.city.limits.max_airborne
    room = most - sum(d.takes_room for d in fleet)
    picks: list[Pick] = []
    for _ in range(want):
        if room <= 0:
            words = f"{most - room} drones are in the air; {most} are allowed"
            stay = [c.now.id for c in left if c.now.doing is Doing.DOCKED]
            refused += [Refused(drone, "fleet", words) for drone in stay]
            left = [c for c in left if c.now.doing is not Doing.DOCKED]
        best = _best(scene, left, refused, overdue_s or {})
        if best is None:
            break
        pick, chosen, flight = best
        picks.append(pick)
        room -= chosen.now.doing is Doing.DOCKED
        left.remove(chosen)
        scene.others.send(pick.drone, flight.trajectory)
    place = picks[0].place if picks else call.place
    chosen_ids = {pick.drone for pick in picks}
    kept = {r.drone: r for r in refused if r.drone not in chosen_ids}
    return Response(call, tuple(picks), tuple(kept.values()), place, off_m(call.place, place))


def order(pick: Pick) -> tuple[tuple[int, int, float], float, str]:
    """Return by what picks that arrive together are put in order; no two are equal."""
    return pick.gives_up.weight, pick.eta_s, pick.drone


def _best(
    scene: Scene,
    ranked: Sequence[Candidate],
    refused: list[Refused],
    overdue_s: Mapping[str, float],
) -> tuple[Pick, Candidate, Flight] | None:
    """Return who is there first; of those who are as good as first, who gives up least."""
    found: list[tuple[Pick, Candidate, Flight]] = []
    first = math.inf
    for candidate in ranked:
        if candidate.least_s > _latest_s(first, scene.call):
            break
        flight = scene.flight(candidate.now)
        if isinstance(flight, Refused):
            refused.append(flight)
            continue
        found.append((_pick(scene, candidate.now, flight, overdue_s), candidate, flight))
        first = min(first, flight.eta_s)
    latest = _latest_s(first, scene.call)
    together = [one for one in found if one[0].eta_s <= latest]
    return min(together, key=lambda one: (_spends(scene, one), order(one[0])), default=None)


def _latest_s(first_s: float, call: Call) -> float:
    """Return the latest arrival that is as good as the first."""
    latest = first_s + TOGETHER_S
    return max(min(latest, BOUND_S) if first_s <= BOUND_S else latest, call.by_s)


def _spends(scene: Scene, found: tuple[Pick, Candidate, Flight]) -> tuple[bool, bool]:
    """Return what a relief takes from the calls to come: a further relief, a dock's last drone.

    A first answer is not weighed so: there nothing counts but who is there first.
    """
    call, (pick, candidate, _) = scene.call, found
    if not call.by_s:
        return False, False
    now = candidate.now
    mates = {d.id for d in scene.fleet if d.dock == now.dock and d.doing is Doing.DOCKED}
    last = now.id in mates and not mates - {now.id} & standing(scene.ground, scene.fleet)
    return pick.stay_s < call.on_scene_s, last


def _pick(scene: Scene, now: DroneNow, flight: Flight, overdue_s: Mapping[str, float]) -> Pick:
    model = PowerModel.of(scene.ground.drones[now.id], now.temperature_c)
    busy_s = flight.eta_s + min(flight.stay_s, scene.call.on_scene_s)
    return Pick(
        drone=now.id,
        eta_s=flight.eta_s,
        from_="air" if now.in_air else "dock",
        altitude_m=flight.out[-1].altitude_m,
        way=flight.out,
        home=flight.home,
        gives_up=_gives_up(now, busy_s, overdue_s),
        battery_on_arrival=now.battery_percent - 100.0 * flight.out_wh / model.capacity_wh,
        stay_s=flight.stay_s,
        ends_at=flight.ends_at,
    )


def _gives_up(now: DroneNow, busy_s: float, overdue_s: Mapping[str, float]) -> GivesUp:
    if now.doing in _NOTHING_TO_LEAVE:
        return GivesUp("", now.doing, 0)
    name = now.sortie.order if now.sortie is not None else str(now.doing)
    owed = (cell for cell in now.left if cell in overdue_s)
    late = {cell: max(0.0, overdue_s[cell] + busy_s) for cell in owed}
    return GivesUp(name, now.doing, now.priority, now.left, late)
