"""The failsafe matrix: event by phase to action, as data. Where two rows speak the higher rank wins.

How the ranks come about, from the top:

1. What the vehicle does whatever it is told: not heard, acts by itself, falls, has no GPS.
2. What cannot wait: a battery that just takes it home, a manned aircraft, another drone, a broken
   fence. The battery goes first, since a drone that waits on is lost for certain; the aircraft
   goes before the drone, since people sit in it.
3. What calls it home whatever it was doing: degraded GPS, the battery at the reserve.
4. A pilot's word. A word to land here goes before all but what the vehicle does by itself.
5. What the controller would do by itself: weather, nobody there, a dock that does not work.
6. What is only told.

A row that is kept by another part stands here too, so that the whole of it can be read in one
place; ``kept_by`` says where.
"""

from __future__ import annotations

from typing import NamedTuple

from fleet.flight.policy import Policy
from fleet.flight.safety import phases as p
from fleet.flight.safety.events import (
    autopilot,
    battery,
    closure,
    conflict,
    fence,
    gps,
    ground,
    hands,
    link,
    traffic,
    weather,
    words,
)
from fleet.flight.safety.phases import in_words
from fleet.flight.safety.row import Row
from fleet.flight.safety.verdict import Action
from fleet.model.states import DroneState

S = DroneState
A = Action
_TOLD = p.ALOFT | {S.TAKING_OFF}

MATRIX: tuple[Row, ...] = (
    # what the vehicle does whatever it is told
    Row("link lost", "no heartbeat for 5 s", link.lost, p.ON_PAD | p.ALOFT | {S.TAKING_OFF},
        A.WAIT, 1000),
    Row("controller lost", "the controller has died", None, p.ALOFT | {S.TAKING_OFF}, A.WAIT, 990,
        kept_by="the vehicle: goes on with its mission and holds over its dock; the next start "
        "takes it as it is found"),
    Row("in the air unasked", "in the air when it should stand in its dock", autopilot.took_off,
        p.ON_PAD | {S.CLOSING}, A.STAND_BY, 980),
    Row("on the ground unasked", "on the ground with its motors stopped when it should fly",
        autopilot.is_down, p.FOLLOWED | {S.AVOIDING}, A.STAND_BY, 975, for_s=1.0),
    Row("pilot: breaks a bound", "a word that leads over the ceiling, out of the fence or into a "
        "no-fly zone", None, p.ALOFT, A.REFUSE, 970,
        kept_by="the word is held against the bounds before the drone hears of it"),
    Row("pilot: land", "a pilot says: land here", words.land, p.ALOFT, A.LAND, 960, word=True),
    Row("autopilot acts", "returns or lands, and was not told to", autopilot.acts,
        p.UNDER_WAY | {S.RETURNING}, A.STAND_BY, 950),
    Row("autopilot failsafe", "says that one of its failsafes is acting", autopilot.failsafe,
        p.FOLLOWED | {S.AVOIDING}, A.STAND_BY, 940,
        told_in=p.HOMEWARD | {S.HELD, S.EMERGENCY, S.TAKING_OFF}),
    Row("attitude abnormal", "roll or pitch over 52 degrees", autopilot.tilted,
        p.UNDER_WAY | p.HOMEWARD | {S.TAKING_OFF}, A.STAND_BY, 930, for_s=1.0,
        told_in=frozenset({S.EMERGENCY})),
    Row("falls", "comes down faster than 8 m/s", autopilot.falls,
        p.UNDER_WAY | p.HOMEWARD | {S.TAKING_OFF}, A.STAND_BY, 920, for_s=0.2,
        told_in=frozenset({S.EMERGENCY})),
    Row("gps lost", "no 3D fix", gps.lost, p.UNDER_WAY, A.STAND_BY, 910, for_s="gps_s",
        told_in=p.HOMEWARD | {S.EMERGENCY, S.TAKING_OFF}),
    # what cannot wait
    Row("energy to come home", "the battery just takes it home, with wind", battery.only_just,
        p.UNDER_WAY, A.RETURN, 860, stays_in=p.HOMEWARD),
    Row("traffic", "a manned aircraft within 1 km and 300 m of height, or within 30 s of that",
        traffic.near, p.UNDER_WAY | p.HOMEWARD, A.AVOID, 850,
        told_in=frozenset({S.EMERGENCY, S.TAKING_OFF})),
    Row("traffic before take-off", "the same, with the dock opening", traffic.near,
        frozenset({S.OPENING}), A.ABORT, 845),
    Row("conflict", "another drone within 30 m and 15 m of height, or within 6.5 s of that, "
        "that goes first", conflict.too_near, p.UNDER_WAY | {S.RETURNING}, A.AVOID, 840,
        told_in=frozenset({S.EMERGENCY, S.LANDING, S.TAKING_OFF})),
    Row("in a closure", "in airspace that was closed while it flew", closure.inside,
        p.UNDER_WAY | {S.RETURNING}, A.AVOID, 835,
        told_in=frozenset({S.EMERGENCY, S.LANDING, S.TAKING_OFF})),
    Row("fence breached", "out of its fence or in a no-fly zone by 5 m, over the ceiling by 10 m",
        fence.breached, p.UNDER_WAY, A.RETURN, 830, for_s=1.0,
        told_in=p.HOMEWARD | {S.EMERGENCY, S.TAKING_OFF}),
    # what calls it home whatever it was doing
    Row("battery at reserve", "at the city's reserve, or at what coming home takes and a quarter "
        "more", battery.at_reserve, p.UNDER_WAY, A.RETURN, 760,
        told_in=frozenset({S.EMERGENCY})),
    Row("battery untold", "the vehicle does not tell its battery", battery.unknown, p.UNDER_WAY,
        A.RETURN, 755, for_s=60.0),
    Row("gps degraded", "a fix from fewer than 6 satellites, or no position", gps.degraded,
        p.FOLLOWED | {S.AVOIDING}, A.RETURN, 750, for_s=5.0,
        told_in=p.HOMEWARD | {S.HELD, S.EMERGENCY}),
    Row("position jumps", "the position jumps three times in half a minute", gps.jumps,
        p.FOLLOWED | {S.AVOIDING}, A.RETURN, 740, told_in=p.HOMEWARD | {S.HELD, S.EMERGENCY}),
    Row("way closed", "its mission leads through airspace that was closed", closure.ahead,
        p.FOLLOWED, A.RETURN, 735, told_in=frozenset({S.HELD, S.AVOIDING, S.TAKING_OFF})),
    # a pilot's word
    Row("called off", "called home before it has left", words.call_off,
        frozenset({S.CHECKING, S.OPENING}), A.ABORT, 690, word=True),
    Row("recalled", "a pilot, or the end of its order, says: come home", words.come_home,
        p.UNDER_WAY | {S.EMERGENCY}, A.RETURN, 680, word=True),
    Row("pilot: hold", "a pilot says: stay here", words.hold, p.ALOFT, A.HOLD, 670, word=True),
    Row("pilot: fly", "a pilot says: go to a point, or around one", words.fly, p.ALOFT, A.OBEY,
        660, word=True),
    Row("pilot: resume", "a pilot says: go on", words.resume, frozenset({S.HELD}), A.RESUME, 650,
        word=True),
    Row("holds alone", "flown by hand, or holds where its mission does not", hands.holds,
        p.FOLLOWED, A.HOLD, 640, for_s="hold_s"),
    Row("by hand on the way home", "flown by hand while it comes home or gets out of the way",
        hands.by_hand, p.HOMEWARD | {S.AVOIDING}, A.HOLD, 630),
    # what the controller would do by itself
    Row("wind", "mean wind of 10 s over the limit; the vehicle's estimate where the dock has none",
        weather.windy, p.FOLLOWED, A.RETURN, 590,
        told_in=p.HOMEWARD | {S.HELD, S.AVOIDING, S.EMERGENCY}),
    Row("rain", "rain at the dock over the limit", weather.rainy, p.FOLLOWED, A.RETURN, 580,
        for_s="weather_s", told_in=p.HOMEWARD | {S.HELD, S.AVOIDING, S.EMERGENCY}),
    Row("wind before take-off", "the same wind, with the dock opening", weather.windy,
        frozenset({S.OPENING}), A.ABORT, 570),
    Row("rain before take-off", "the same rain, with the dock opening", weather.rainy,
        frozenset({S.OPENING}), A.ABORT, 560, for_s=3.0),
    Row("way closed before take-off", "the same, before it has left", closure.ahead,
        frozenset({S.CHECKING, S.OPENING}), A.ABORT, 555),
    Row("operator absent", "no officer was heard for 30 min (limits.operator_absent_min)",
        ground.nobody_there, p.FOLLOWED, A.RETURN, 550,
        told_in=frozenset({S.HELD, S.AVOIDING, S.EMERGENCY})),
    Row("dock fault", "its dock is offline or its door jammed", ground.dock_fails,
        frozenset({S.RETURNING}), A.ALTERNATE, 540, told_in=_TOLD - {S.RETURNING}),
    # what is only told
    Row("fence near", "5 m from its fence, or 3 s from it", fence.near, p.ALOFT, A.WARN, 390,
        for_s=0.5),
    Row("battery low", "comes home within 5 % more", battery.soon_at_reserve, p.UNDER_WAY, A.WARN,
        380),
    Row("battery unknown", "the vehicle does not tell its battery", battery.unknown, _TOLD, A.WARN,
        370, for_s=5.0),
    Row("position jumped", "the position has jumped once", gps.jumped, _TOLD, A.WARN, 360),
    Row("wind aloft", "mean wind of 10 s by the vehicle's estimate over the limit, the dock's not",
        weather.windy_aloft, _TOLD, A.WARN, 350),
    Row("video lost", "no picture of the site it watches for 10 s", ground.video_lost,
        frozenset({S.ON_TASK}), A.WARN, 340),
    Row("link troubled", "a second vehicle with its system id, rubbish or old packets",
        link.troubled, _TOLD | p.ON_PAD, A.WARN, 330),
    Row("profile differs", "the autopilot's parameters are not those of the profile",
        link.profile_differs, _TOLD | p.ON_PAD, A.WARN, 320),
)  # fmt: skip


class Described(NamedTuple):
    """A row as it is printed."""

    name: str
    event: str
    phases: str
    action: str
    rank: int
    told_in: str


def describe(policy: Policy | None = None) -> tuple[Described, ...]:
    """Return the matrix in words, the highest rank first."""
    bounds = policy or Policy()
    return tuple(_described(row, bounds) for row in sorted(MATRIX, key=lambda row: -row.rank))


def _described(row: Row, policy: Policy) -> Described:
    bound = row.bound_s(policy)
    event = row.says + (f", for {bound:g} s" if bound else "")
    action = row.action.value + (f" ({row.kept_by})" if row.kept_by else "")
    return Described(row.name, event, in_words(row.phases), action, row.rank, in_words(row.told_in))
