"""What is done with a drone out of its mission: held or sent by a pilot, or out of others' way."""

from __future__ import annotations

from fleet.errors import LinkError, OrderError
from fleet.flight.adoption import Step
from fleet.flight.airways import Shut
from fleet.flight.fencing import widen
from fleet.flight.halt import FLIES_ON, stop
from fleet.flight.homing import where
from fleet.flight.outlook import view
from fleet.flight.place import landed
from fleet.flight.safety import Manoeuvre, manoeuvre
from fleet.flight.safety.avoid import CLEAR_S
from fleet.flight.supervisor import Supervisor
from fleet.model.command import GoTo, Orbit
from fleet.model.states import DroneState

S = DroneState
SAME_M = 1.0
"""Heights that are no farther apart are not commanded anew."""
_SENT = frozenset({"hold", "goto", "orbit"})


async def held(s: Supervisor) -> Step:
    """Hold the drone's place, or fly it where a pilot's word says, until more is said.

    A word is carried out once: what the vehicle refuses is the pilot's to say again.
    """
    why = s.reason
    if s.t.in_air:
        try:
            await _follow(s)
        except (LinkError, OrderError) as error:
            s.fail(error)
            s.say(f"{why}; {error}")
            await s.pause(s.policy.retry_s)
            return Step(S.HELD, why)
    await s.until(lambda: landed(s.t) or _next_word(s) is not None or _sent_into(s) is not None)
    word, shut = _next_word(s), _sent_into(s)
    if word is None and shut is not None and s.t.in_air:
        s.wanted.carrying = None  # it was sent there before that was closed
        await s.order(s.link.hold() if s.t.mode in FLIES_ON else stop(s))
        return Step(S.HELD, f"holds outside of what is closed: {shut.words}")
    return Step(S.HELD, word) if word is not None else where(s, "landed by hand")


def _sent_into(s: Supervisor) -> Shut | None:
    """Return what is closed on the way on which a pilot has sent the drone, or None."""
    word = s.wanted.carrying
    match word.demand if word is not None else None:
        case GoTo() | Orbit() as target:
            return s.concern.to(s.t, target.lon, target.lat, target.altitude_m)
        case _:
            return None


def _next_word(s: Supervisor) -> str | None:
    word = s.wanted.word
    return word.reason if word is not None and word.action in _SENT else None


async def _follow(s: Supervisor) -> None:
    """Command what the pilot's word wants, or a hold, where the vehicle does not do it already."""
    word = s.wanted.carrying
    if word is not None and not s.wanted.settled:
        match word.demand:
            case GoTo() as target:
                await widen(s, target)
                await s.order(s.link.go_to(target))
                s.answer(f"flies to {target.lat:.6f}, {target.lon:.6f} at {target.altitude_m:g} m")
                return
            case Orbit() as circle:
                await widen(s, circle)
                await s.order(s.link.orbit(circle))
                s.answer(f"circles at {circle.radius_m:g} m")
                return
            case _ if word.action == "hold" and s.t.mode in {"HOLD", "ORBIT"}:
                await stop(s)
    if s.t.mode in FLIES_ON:
        await s.order(s.link.hold())
    s.answer(f"holds at {s.t.altitude_m or 0.0:.0f} m")


async def avoiding(s: Supervisor) -> Step:
    """Get out of the way of others, and go on when the air has been clear for ``CLEAR_S``.

    What is commanded is looked at again at every change, and commanded anew only where it does
    not lead clear any more.
    """
    done: Manoeuvre | None = None

    def wanted() -> Manoeuvre | None:
        return manoeuvre(view(s), done)

    while not landed(s.t):
        want = wanted()
        if want is not None:
            s.say(want.why)
            try:
                if done is None or not _same(want, done):
                    await _get_away(s, want)
                done = want
            except LinkError as error:
                s.say(f"{want.why}; {error}")
                await s.pause(s.policy.retry_s / 5)
                continue

        def news(done: Manoeuvre | None = done) -> bool:
            now = wanted()
            clear = s.lasting("clear air", now is None) >= CLEAR_S
            return clear or landed(s.t) or (now is not None and not _same(now, done))

        await s.until(news)
        if s.lasting("clear air", wanted() is None) >= CLEAR_S:
            return _on_again(s)
    return where(s, "landed by hand")


def _same(want: Manoeuvre, done: Manoeuvre | None) -> bool:
    if done is not None and want.place != done.place:
        return False
    if done is None or want.altitude_m is None or done.altitude_m is None:
        return done is not None and want.altitude_m is done.altitude_m
    return abs(want.altitude_m - done.altitude_m) < SAME_M


async def _get_away(s: Supervisor, want: Manoeuvre) -> None:
    t = s.t
    if want.place is not None:
        height = max(1.0, want.altitude_m or t.altitude_m or 1.0)
        lon, lat = want.place
        speed = s.drone.cruise_m_s  # a vehicle's own for a place without a mission is slow
        there = GoTo(action="goto", lon=lon, lat=lat, altitude_m=height, speed_m_s=speed)
        await s.order(s.link.go_to(there))
    elif want.altitude_m is None:
        if t.mode == "HOLD":
            await stop(s)
        else:
            await s.order(s.link.hold())
    elif t.lon is not None and t.lat is not None:
        there = GoTo(action="goto", lon=t.lon, lat=t.lat, altitude_m=max(1.0, want.altitude_m))
        await s.order(s.link.go_to(there))


def _on_again(s: Supervisor) -> Step:
    """Return what the drone did before, as far as it is known."""
    coming = {S.RETURNING, S.LANDING}
    if s.before in coming:
        return Step(S.RETURNING, "the air is clear; comes home")
    knows_more = s.before in {S.ON_WAY, S.ON_TASK} or s.holder is None
    if s.before is S.HELD or s.programme is None or not knows_more:
        return Step(S.HELD, "the air is clear; was held before")
    return Step(S.ON_WAY, "the air is clear; goes on")
