"""Another drone of the city that comes too near, where it is this one that gives way."""

from __future__ import annotations

from typing import NamedTuple

from fleet.flight.safety.separation import CLEAR, KEPT, conflict, may_meet, seen_from
from fleet.flight.safety.sky import Mover
from fleet.flight.safety.standing import DEAF, gives_way
from fleet.flight.safety.view import View
from fleet.model.states import DroneState


class Conflict(NamedTuple):
    """Another drone, and in how many seconds it is too near."""

    other: Mover
    in_s: float


def conflicts(v: View, own: Mover) -> list[Conflict]:
    """Return the drones that this one must give way to, the soonest first.

    One that nobody can tell anything is told of all of them.
    """
    known = v.worked_out.get("conflicts")
    if isinstance(known, list):
        return known
    room = CLEAR if v.state is DroneState.AVOIDING else KEPT
    found = []
    for other in may_meet(own, v.sky.near(own), room):
        in_s = conflict(own, other, v.now_s, room)
        if in_s is not None and (
            own.standing == DEAF
            or gives_way((own.standing, own.drone), (other.standing, other.drone))
        ):
            found.append(Conflict(other, in_s))
    found.sort(key=lambda c: (c.in_s, c.other.drone))
    v.worked_out["conflicts"] = found
    return found


def too_near(v: View) -> str | None:
    """Another drone is too near, or will be in a moment, and goes first."""
    own = v.sky.of(v.drone.id)
    if own is None:
        return None
    found = conflicts(v, own)
    if not found:
        return None
    seen = seen_from(own, found[0].other, v.now_s)
    if seen is None:
        return None
    relative, spread = seen
    about = f" (not heard, within {spread:.0f} m)" if spread > 0 else ""
    return f"{found[0].other.drone} is {relative.distance_m:.0f} m away, {_height(relative.up_m)}{about}"


def _height(up_m: float | None) -> str:
    if up_m is None:
        return "at a height that is not known"
    return f"{abs(up_m):.0f} m {'above' if up_m >= 0 else 'below'}"
