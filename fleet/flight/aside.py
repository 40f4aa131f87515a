"""What is done with a drone that is out of its mission: held, or sent somewhere by a pilot."""

from __future__ import annotations

from fleet.errors import LinkError
from fleet.flight.adoption import Step
from fleet.flight.air import where
from fleet.flight.place import landed, speed_m_s
from fleet.flight.supervisor import Supervisor
from fleet.model.command import GoTo, Orbit
from fleet.model.states import DroneState

S = DroneState
_FLIES_ON = frozenset({"MISSION", "RETURN_TO_LAUNCH", "LAND", "PRECISION_LAND", "TAKEOFF"})
"""Modes in which the vehicle goes somewhere by itself."""
_SENT = frozenset({"hold", "goto", "orbit"})


async def held(s: Supervisor) -> Step:
    """Hold the drone's place, or fly it where a pilot's word says, until more is said.

    A word is carried out once: what the vehicle refuses is the pilot's to say again.
    """
    why = s.reason
    if s.t.in_air:
        try:
            await _follow(s)
        except LinkError as error:
            s.fail(error)
            s.say(f"{why}; {error}")
            await s.pause(s.policy.retry_s)
            return Step(S.HELD, why)
    await s.until(lambda: landed(s.t) or _next_word(s) is not None)
    word = _next_word(s)
    return Step(S.HELD, word) if word is not None else where(s, "landed by hand")


def _next_word(s: Supervisor) -> str | None:
    word = s.wanted.word
    return word.reason if word is not None and word.action in _SENT else None


async def _follow(s: Supervisor) -> None:
    """Command what the pilot's word wants, or a hold, where the vehicle does not do it already."""
    word = s.wanted.carrying
    if word is not None and not s.wanted.settled:
        match word.demand:
            case GoTo() as target:
                await s.order(s.link.go_to(target))
                s.answer(f"flies to {target.lat:.6f}, {target.lon:.6f} at {target.altitude_m:g} m")
                return
            case Orbit() as circle:
                await s.order(s.link.orbit(circle))
                s.answer(f"circles at {circle.radius_m:g} m")
                return
            case _ if word.action == "hold" and s.t.mode in {"HOLD", "ORBIT"}:
                await stop(s)
    if s.t.mode in _FLIES_ON:
        await s.order(s.link.hold())
    s.answer(f"holds at {s.t.altitude_m or 0.0:.0f} m")


async def stop(s: Supervisor) -> None:
    """Have a vehicle stay where it is now, that flies to a point or in circles in HOLD or ORBIT.

    HOLD keeps the point it was last sent to, so telling it to hold again changes nothing; it is
    sent to where it is.
    """
    t = s.t
    if t.mode == "ORBIT" or t.lon is None or t.lat is None or not t.altitude_m:
        await s.order(s.link.hold())
    elif speed_m_s(t) > s.policy.still_m_s:
        here = GoTo(action="goto", lon=t.lon, lat=t.lat, altitude_m=max(1.0, t.altitude_m))
        await s.order(s.link.go_to(here))
