"""The fence in a vehicle follows where it is sent by a pilot, or to another dock.

A wider one is there before it goes, its sortie's again before its mission goes on. The keeper knows
of it: ``carried``, where it is another than the sortie's, and ``fence_unsure`` from before a fence
is sent until it was read back.
"""

from __future__ import annotations

import structlog

from fleet.errors import FleetError, LinkError, OrderError
from fleet.flight import bounds
from fleet.flight.carried import Carried
from fleet.flight.halt import FLIES_ON, stop
from fleet.flight.place import distance_m, endurance_s
from fleet.flight.supervisor import Supervisor
from fleet.link.items import POSITIONED
from fleet.model.command import GoTo, Orbit
from fleet.model.states import DroneState

S = DroneState
READ_TRIES = 2
_COMES = frozenset({"RETURN_TO_LAUNCH", "LAND", "PRECISION_LAND"})
SLOW_M_S = 3.0
"""A drone that flies back to its sortie's fence is waited for as if it were no faster."""
WELL_IN_M = 25.0
"""Kept of its sortie's fence before that is loaded: braking from 12 m/s takes 18 m."""
log = structlog.get_logger(__name__)


async def widen(s: Supervisor, demand: GoTo | Orbit) -> None:
    """See that the fence in the vehicle lets it fly where it is sent.

    Raises
    ------
    OrderError
        Where no fence may.
    LinkError
        If the vehicle does not take it; it stays where it is then.
    """
    reach_m = s.drone.cruise_m_s * endurance_s(s.drone) / 2
    space, carried = s.world.space, None if s.fence_unsure else s.carried
    wide = bounds.fence_for(demand, s.t, space, s.sortie, reach_m, carried)
    if wide is None and s.fence_unsure:
        wide = bounds.around(demand, s.t, space, s.sortie)
    if wide is None:
        return
    await _stand(s)
    why = s.reason.split("; loading")[0]
    s.say(f"{why}; loading a wider fence")
    await _load(s, wide)
    s.say(why)


async def _stand(s: Supervisor) -> None:
    """Stop the drone: it must not leave the one fence while the other is sent."""
    if s.t.mode in FLIES_ON:
        await s.order(s.link.hold())
    else:
        await stop(s)


async def _load(s: Supervisor, fence: Carried) -> None:
    s.fence_unsure = True
    await s.order(s.link.load_fence(fence.items))
    own = Carried.of(s.sortie)
    s.carry(None if own is not None and own.same(fence) else fence)
    log.info("fence", drone=s.drone.id, corners=len(fence.items), wider=s.carried is not None)


async def load_round(s: Supervisor, fence: Carried) -> None:
    """Load the fence that a way around something needs; the drone stands meanwhile.

    Raises
    ------
    LinkError
        If the vehicle does not take it.
    """
    await _stand(s)
    await _load(s, fence)


async def put_back(s: Supervisor) -> None:
    """Load the sortie's own fence before its mission goes on; fly back into it first.

    Raises
    ------
    FleetError
        If there is no straight way back, or the vehicle does not take it.
    """
    own = Carried.of(s.sortie)
    if own is None or (s.carried is None and not s.fence_unsure):
        return
    space = s.world.space
    if not bounds.inside(space, s.t, own, WELL_IN_M):
        await _fly_back(s, own)
    await _stand(s)
    await _load(s, own)
    s.fenced_at = -1


async def _fly_back(s: Supervisor, own: Carried) -> None:
    item = _next_place(s)
    if item is None:
        raise OrderError(f"{s.drone.id}: its mission has no place to go back to")
    words = bounds.straight(s.world.space, s.t, item, s.carried or own)
    if words is not None:
        raise OrderError(f"the straight way back to its mission: {words}")
    transit = s.sortie.altitude_m if s.sortie is not None else 0.0
    height = max(s.t.altitude_m or 0.0, transit)
    target = GoTo(action="goto", lon=item[0], lat=item[1], altitude_m=height)
    s.goes_back = True
    try:
        await s.order(s.link.go_to(target))
        s.answer("flies back into its sortie's fence, then on with its mission")
        bound = 60.0 + distance_m(s.t, item) / SLOW_M_S
        there = await s.until(
            lambda: bounds.inside(s.world.space, s.t, own, WELL_IN_M) or s.t.mode != "HOLD", bound
        )
        if not there or s.t.mode != "HOLD":
            raise LinkError(f"{s.drone.id} did not come back into its sortie's fence")
    finally:
        s.goes_back = False


def _next_place(s: Supervisor) -> tuple[float, float] | None:
    """Return the first place that the mission flies to from where it was left (lon, lat)."""
    if s.programme is None:
        return None
    for item in s.programme.items[min(s.t.mission_current, s.programme.last) :]:
        if item.command in POSITIONED:
            return item.lon, item.lat
    return None


async def learn(s: Supervisor) -> None:
    """Read which fence a drone carries that was found in the air.

    One that was on its mission carries its sortie's. Where the fence is not read, and the drone is
    outside its sortie's or bound for another dock, it is held against the city's, so that nothing
    is called a breach that is none; the vehicle keeps to its own whatever is known of it.
    """
    own = Carried.of(s.sortie)
    if own is None or (s.before in {S.ON_WAY, S.ON_TASK} and s.t.mode == "MISSION"):
        return
    # one that comes home is not kept waiting: its dock must know of it before a door is shut
    coming = s.before in {S.RETURNING, S.LANDING} or s.t.mode in _COMES
    for _ in range(0 if coming else READ_TRIES):
        try:
            held = Carried.read(await s.link.held_fence())
        except FleetError as error:
            log.warning("fence not read", drone=s.drone.id, error=str(error))
            continue
        if held is not None and held.same(own):
            s.carry(None)
        else:
            s.carry(held or Carried(()))
            s.fence_unsure = held is None
        return
    bound_out = s.sortie is not None and s.berth != s.sortie.dock
    if bound_out or not bounds.inside(s.world.space, s.t, own, 0.0):
        s.carry(_citys(s))
    s.fence_unsure = True


def was_sent_back(s: Supervisor) -> bool:
    """Whether a drone that was found in the air had been told to go on, and its mission was not.

    It still carries the wider fence of where it was sent, and holds.
    """
    own = Carried.of(s.sortie)
    told = s.before in {S.ON_WAY, S.ON_TASK} and s.t.mode == "HOLD"
    if not told or s.fence_unsure or s.carried is None or own is None:
        return False
    return not Carried(s.carried.ring).same(Carried(own.ring))


def _citys(s: Supervisor) -> Carried:
    space = s.world.space
    ring = space.frame.ring(space.bounds) if space.bounds is not None else ()
    return Carried(ring, tuple(space.frame.ring(zone.area) for zone in space.no_fly))
