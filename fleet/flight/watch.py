"""The failsafe matrix: what takes a drone out of its state, whatever it was doing. Pure.

One row is one rule: in which states it holds, and what it makes of what is seen. The first rule
that speaks wins, so their order is their rank. What is lost beside the drone itself:

- the dock: RETURNING holds over it and asks again (see ``air.returning``);
- the video: nothing of the flight depends on it; the site is shown blind;
- the controller: the vehicle goes on with its mission and holds over its dock (see ``adoption``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from fleet.flight.adoption import Step
from fleet.flight.place import must_come_home
from fleet.flight.policy import Policy
from fleet.flight.word import Word
from fleet.model.live import DockLive, Telemetry
from fleet.model.states import DroneState
from missions.city import Drone, Limits

S = DroneState

_FOLLOWED = frozenset({S.ON_WAY, S.ON_TASK})
_ON_PAD = frozenset({S.DOCKED, S.CHECKING, S.OPENING, S.CHARGING})
_ALOFT = frozenset({S.ON_WAY, S.ON_TASK, S.RETURNING, S.LANDING, S.HELD, S.EMERGENCY})
_BY_HAND = frozenset({"MANUAL", "ALTCTL", "POSCTL", "ACRO", "STABILIZED", "RATTITUDE", "OFFBOARD"})


@dataclass(frozen=True, slots=True)
class View:
    """What the rules look at."""

    state: DroneState
    drone: Drone
    pad: tuple[float, float]
    telemetry: Telemetry
    dock: DockLive
    limits: Limits
    policy: Policy
    word: Word | None
    commanding: bool
    """A command to the vehicle is under way: its mode is about to be ours."""
    transit_altitude_m: float
    at_end: bool
    """The vehicle is at the last item of its mission, where holding is right."""
    words: str
    """The autopilot's own grave words of the last moments."""
    lasting: Callable[[str, bool], float]
    """``lasting(name, seen)``: for how many seconds something has been seen without a break."""


class Rule(NamedTuple):
    """One row of the matrix."""

    name: str
    states: frozenset[DroneState]
    judge: Callable[[View], Step | None]


def _link_lost(v: View) -> Step | None:
    if v.telemetry.connected:
        return None
    return Step(S.LOST, f"no heartbeat since {v.telemetry.at:%H:%M:%S} UTC, was {v.state}")


def _took_off_alone(v: View) -> Step | None:
    if v.telemetry.in_air:
        return Step(S.EMERGENCY, _with(f"in the air without our word while {v.state}", v.words))
    return None


def _land_here(v: View) -> Step | None:
    if v.word is not None and v.word.action == "land" and v.telemetry.in_air:
        return Step(S.EMERGENCY, f"lands where it is: {v.word.reason}")
    return None


def _autopilot_acts(v: View) -> Step | None:
    if v.commanding or v.telemetry.mode not in {"RETURN_TO_LAUNCH", "LAND"}:
        return None
    if v.state is S.RETURNING and v.telemetry.mode == "RETURN_TO_LAUNCH":
        return None
    does = "returns" if v.telemetry.mode == "RETURN_TO_LAUNCH" else "lands"
    return Step(S.EMERGENCY, _with(f"autopilot {does} by its own decision", v.words))


def _gps_lost(v: View) -> Step | None:
    if v.lasting("gps", v.telemetry.gps_fix < 3) > v.policy.gps_s:
        return Step(S.EMERGENCY, _with(f"GPS fix is {v.telemetry.gps_fix}", v.words))
    return None


def _battery(v: View) -> Step | None:
    if v.telemetry.mode in _BY_HAND:
        return None  # a pilot at the sticks outranks this; the autopilot's own failsafe stays
    wind = v.dock.wind_m_s or 0.0
    why = must_come_home(
        v.drone, v.telemetry, v.pad, v.transit_altitude_m, wind, v.limits.reserve_percent, v.policy
    )
    return None if why is None else Step(S.RETURNING, why)


def _recalled(v: View) -> Step | None:
    if v.word is not None and v.word.action == "return" and v.telemetry.in_air:
        return Step(S.RETURNING, v.word.reason)
    return None


def _called_off(v: View) -> Step | None:
    if v.word is not None and v.word.action == "return":
        return Step(S.DOCKED if v.state is S.CHECKING else S.CLOSING, v.word.reason)
    return None


def _held(v: View) -> Step | None:
    if v.word is not None and v.word.action in {"hold", "goto", "orbit"} and v.telemetry.in_air:
        return Step(S.HELD, v.word.reason)
    return None


def _resumed(v: View) -> Step | None:
    if v.word is not None and v.word.action == "resume":
        return Step(S.ON_WAY, v.word.reason)
    return None


def _by_hand(v: View) -> Step | None:
    mode = v.telemetry.mode
    if v.commanding or mode not in _BY_HAND:
        return None
    return Step(S.HELD, _with(f"flown by hand ({mode})", v.words))


def _holds_alone(v: View) -> Step | None:
    mode = v.telemetry.mode
    by_hand = mode in _BY_HAND
    strays = not v.commanding and (by_hand or (mode == "HOLD" and not v.at_end))
    if v.lasting("hold", strays) > v.policy.hold_s:
        what = f"flown by hand ({mode})" if by_hand else "vehicle holds by its own decision"
        return Step(S.HELD, _with(what, v.words))
    return None


def _weather(v: View) -> Step | None:
    wind, rain = v.dock.wind_m_s or 0.0, v.dock.rain_mm_h or 0.0
    over = wind > v.limits.wind_m_s or rain > v.limits.rain_mm_h
    if v.lasting("weather", over) > v.policy.weather_s:
        return Step(
            S.RETURNING, f"wind {wind:g} m/s, rain {rain:g} mm/h at the dock: over the limits"
        )
    return None


def _with(what: str, words: str) -> str:
    return f"{what}: {words}" if words else what


RULES: tuple[Rule, ...] = (
    Rule("link lost", _ON_PAD | _ALOFT | {S.TAKING_OFF}, _link_lost),
    Rule("in the air unasked", _ON_PAD | {S.CLOSING}, _took_off_alone),
    Rule("pilot: land", _ALOFT, _land_here),
    Rule("autopilot acts", _FOLLOWED | {S.HELD, S.RETURNING}, _autopilot_acts),
    Rule("gps lost", _FOLLOWED | {S.HELD}, _gps_lost),
    Rule("battery at reserve", _FOLLOWED | {S.HELD}, _battery),
    Rule("called off", frozenset({S.CHECKING, S.OPENING}), _called_off),
    Rule("recalled", _FOLLOWED | {S.HELD, S.EMERGENCY}, _recalled),
    Rule("pilot: hold", _ALOFT, _held),
    Rule("pilot: resume", frozenset({S.HELD}), _resumed),
    Rule("holds alone", _FOLLOWED, _holds_alone),
    Rule("by hand on the way home", frozenset({S.RETURNING, S.LANDING}), _by_hand),
    Rule("weather", _FOLLOWED, _weather),
)


def judge(view: View) -> Step | None:
    """Return what the first rule that speaks wants; None where the drone may go on."""
    for rule in RULES:
        if view.state in rule.states:
            step = rule.judge(view)
            if step is not None and step.state is not view.state:
                return step
    return None
