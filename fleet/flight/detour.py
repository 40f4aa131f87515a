"""A drone that comes home goes around what is closed, or holds outside until its way is free."""

from __future__ import annotations

import math

import structlog

from fleet.errors import LinkError, OrderError
from fleet.flight.carried import Carried, wider
from fleet.flight.fencing import load_round
from fleet.flight.halt import FLIES_ON, stop
from fleet.flight.place import distance_m, endurance_s
from fleet.flight.supervisor import Supervisor
from fleet.model.command import GoTo
from missions.errors import GeometryError, PlanError
from missions.zones import Place

TURN_M = 10.0
"""A corner of the way around is flown when it is so near."""
AGAIN_S = 0.2
ROOM_M = 10.0
"""Kept of the vehicle's fence by a way around."""
LAST_ROWS = frozenset({"energy to come home"})
"""Rows for which a drone comes home through what is closed: it would fall else."""
log = structlog.get_logger(__name__)


def shut_home(s: Supervisor) -> bool:
    """Whether the drone's way home is closed, and it has the battery to go around or wait."""
    if not s.t.in_air or s.verdict.row in LAST_ROWS:
        return False
    return s.concern.home(s.t, s.programme, s.pad) is not None


async def come_round(s: Supervisor, why: str) -> None:
    """Fly around what is closed until the way home is free; hold where there is no way.

    It ends too where the dock it is bound for fails and another takes it, and where the battery
    just takes it home.

    Raises
    ------
    LinkError, OrderError
        If the vehicle does not take a point of the way.
    """
    while shut_home(s) and s.diverts_to() is None:
        shut = s.concern.home(s.t, s.programme, s.pad)
        words = shut.words if shut is not None else "closed"
        version = s.world.airways.version
        corners = _corners(s)
        if corners is None:
            await _hold(s)
            s.answer(f"holds outside of what is closed: {words}")
            s.say(f"{why}; holds: no way home around {words}")
        else:
            s.say(f"{why}; flies around {words}")
            await _fly(s, corners)
            await s.pause(AGAIN_S)

        def news(version: int = version) -> bool:
            changed = s.world.airways.version != version
            return changed or not shut_home(s) or s.diverts_to() is not None

        if corners is None:
            await s.until(news)


def _corners(s: Supervisor) -> list[Place] | None:
    """Return the places to fly over before the straight way home is free; None where none leads."""
    airways = s.world.airways
    here = s.concern.place(s.t)
    if here is None:
        return None
    height = max(here[2], s.sortie.altitude_m if s.sortie is not None else 0.0)
    height = min(height, airways.space.ceiling_m)
    out = airways.space.way_out((*here[:2], height))
    if out is None:
        return None
    goal = airways.place(*s.pad, height)[:2]
    try:
        way = airways.space.route(out, goal, height)
    except PlanError as error:
        log.info("no way around", drone=s.drone.id, reason=str(error))
        return None
    climbs = height > here[2] + ROOM_M
    first = [out] if climbs or math.dist(out, here[:2]) > TURN_M else []
    return [(*place, height) for place in (*first, *way[1:-1])] or None


async def _fly(s: Supervisor, corners: list[Place]) -> None:
    """Fly over places one after the other, until the way home is free or what is closed changes."""
    await _see_fence(s, corners)
    version = s.world.airways.version
    for place in corners:
        lon, lat = s.world.airways.known.frame.to_lonlat(*place[:2])
        speed = s.drone.cruise_m_s
        target = GoTo(
            action="goto", lon=lon, lat=lat, altitude_m=max(place[2], 1.0), speed_m_s=speed
        )
        await s.order(s.link.go_to(target))
        s.answer("flies around what is closed")

        def there(goal: tuple[float, float] = (lon, lat)) -> bool:
            return distance_m(s.t, goal) < TURN_M

        def over() -> bool:
            changed = s.world.airways.version != version
            return changed or not s.t.in_air or s.t.mode != "HOLD" or not shut_home(s)

        bound = 60.0 + min(distance_m(s.t, (lon, lat)), endurance_s(s.drone))
        await s.until(lambda: there() or over(), bound)
        if over():
            return
        if not there():
            raise LinkError(f"{s.drone.id} does not come to {lat:.6f}, {lon:.6f}")


async def _see_fence(s: Supervisor, corners: list[Place]) -> None:
    """See that the fence in the vehicle holds the way around; load a wider one where it does not."""
    own = Carried.of(s.sortie)
    if own is None or s.sortie is None:
        return
    airways = s.world.airways
    known = airways.known
    guard = (s.carried or own).guard
    lonlat = [known.frame.to_lonlat(*place[:2]) for place in corners]
    if not s.fence_unsure and all(guard.deeper_than(*place, ROOM_M) for place in lonlat):
        return
    here = s.concern.place(s.t)
    if here is None:
        return
    try:
        # of what is closed the vehicle is told nothing: it would refuse the mission that crosses it
        wide = wider(known, s.sortie, here, corners)
    except (PlanError, GeometryError) as error:
        raise OrderError(str(error)) from error
    await load_round(s, wide)


async def _hold(s: Supervisor) -> None:
    if s.t.mode in FLIES_ON:
        await s.order(s.link.hold())
    else:
        await stop(s)
