"""The life of a drone: which state may follow which, and when. Pure.

The table is the whole of it. There is no edge into TAKING_OFF but from OPENING, none into OPENING
but from CHECKING, so that nothing takes off unchecked; and from every state there is a way to
DOCKED.
"""

from __future__ import annotations

from typing import NamedTuple

from fleet.model.states import DroneState

S = DroneState


class Edge(NamedTuple):
    """One permitted change of state, and when it happens."""

    source: DroneState
    target: DroneState
    when: str


class IllegalTransition(ValueError):
    """A change of state that the table does not permit: a fault of the program."""


TABLE: tuple[Edge, ...] = (
    Edge(S.DOCKED, S.CHECKING, "a sortie is assigned"),
    Edge(S.CHECKING, S.DOCKED, "a check refuses, or the sortie is called off"),
    Edge(S.CHECKING, S.OPENING, "every check has passed; for a call, but those of the vehicle"),
    Edge(
        S.OPENING,
        S.TAKING_OFF,
        "door open and clear, fence and mission read back equal, every check passes",
    ),
    Edge(S.OPENING, S.CLOSING, "door, plan or a check failed, or the sortie is called off"),
    Edge(S.TAKING_OFF, S.ON_WAY, "seen in the air"),
    Edge(S.TAKING_OFF, S.CLOSING, "refused on the ground"),
    Edge(S.ON_WAY, S.ON_TASK, "a leg that observes has begun"),
    Edge(S.ON_TASK, S.ON_WAY, "the leg that observes has ended"),
    Edge(S.ON_WAY, S.RETURNING, "flown, recalled, battery at the reserve, weather"),
    Edge(S.ON_TASK, S.RETURNING, "flown, recalled, battery at the reserve, weather"),
    Edge(
        S.RETURNING, S.LANDING, "over the dock, or on its way there by itself; door open and clear"
    ),
    Edge(S.LANDING, S.RETURNING, "the dock is no longer open under the drone"),
    Edge(S.RETURNING, S.CLOSING, "already landed in its dock"),
    Edge(S.LANDING, S.CLOSING, "landed and disarmed in its dock"),
    Edge(S.CLOSING, S.CHARGING, "door closed, or given up with the reason shown"),
    Edge(S.CHARGING, S.DOCKED, "battery is high enough"),
    Edge(S.CHARGING, S.CHECKING, "a call's sortie is assigned"),
    Edge(S.DOCKED, S.CHARGING, "battery is no longer high enough"),
    Edge(S.ON_WAY, S.HELD, "a pilot's word, or the vehicle holds by itself"),
    Edge(S.ON_TASK, S.HELD, "a pilot's word, or the vehicle holds by itself"),
    Edge(S.RETURNING, S.HELD, "a pilot's word, or a pilot's hand"),
    Edge(S.LANDING, S.HELD, "a pilot's word, or a pilot's hand"),
    Edge(S.HELD, S.ON_WAY, "a pilot's word"),
    Edge(S.HELD, S.RETURNING, "a pilot's word, battery at the reserve"),
    Edge(S.HELD, S.CLOSING, "landed in its dock by a pilot"),
    Edge(S.ON_WAY, S.AVOIDING, "other traffic is near"),
    Edge(S.ON_TASK, S.AVOIDING, "other traffic is near"),
    Edge(S.HELD, S.AVOIDING, "other traffic is near"),
    Edge(S.RETURNING, S.AVOIDING, "other traffic is near"),
    Edge(S.LANDING, S.AVOIDING, "other traffic is near, and it is still high"),
    Edge(S.AVOIDING, S.ON_WAY, "the air is clear, or a pilot's word"),
    Edge(S.AVOIDING, S.RETURNING, "the air is clear, and it was coming home; or it must"),
    Edge(S.AVOIDING, S.HELD, "the air is clear, and it was held; or a pilot's word"),
    Edge(S.AVOIDING, S.CLOSING, "landed in its dock by a pilot"),
    Edge(S.EMERGENCY, S.RETURNING, "a pilot's word"),
    Edge(S.EMERGENCY, S.HELD, "in the air, and the autopilot has stopped acting by itself"),
    Edge(S.EMERGENCY, S.CLOSING, "on the ground in its dock"),
)

_HEARD = (
    S.DOCKED,
    S.CHARGING,
    S.CLOSING,
    S.ON_WAY,
    S.RETURNING,
    S.LANDING,
    S.HELD,
    S.AVOIDING,
    S.EMERGENCY,
)
_LOSABLE = tuple(s for s in S if s not in {S.UNKNOWN, S.LOST, S.CLOSING})
_ACTS_ALONE = tuple(s for s in S if s not in {S.UNKNOWN, S.LOST, S.EMERGENCY})

TABLE += tuple(
    Edge(source, target, "heard of, or heard again: adopted as it is found")
    for source in (S.UNKNOWN, S.LOST)
    for target in _HEARD
)
TABLE += tuple(Edge(source, S.LOST, "no heartbeat") for source in _LOSABLE)
TABLE += (Edge(S.UNKNOWN, S.LOST, "was in the air when last recorded, and is not heard"),)
TABLE += tuple(
    Edge(source, S.EMERGENCY, "the autopilot acts by itself, or is not where it should be")
    for source in _ACTS_ALONE
)

_PERMITTED = frozenset((edge.source, edge.target) for edge in TABLE)


def successors(state: DroneState) -> frozenset[DroneState]:
    """Return the states that may follow one."""
    return frozenset(target for source, target in _PERMITTED if source is state)


def check(source: DroneState, target: DroneState) -> None:
    """Hold a change of state to the table. Staying is no change.

    Raises
    ------
    IllegalTransition
        If the table has no such edge.
    """
    if source is not target and (source, target) not in _PERMITTED:
        allowed = ", ".join(sorted(successors(source)))
        raise IllegalTransition(f"{source} -> {target}; from {source} only: {allowed}")
