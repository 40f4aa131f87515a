"""Who goes first where two drones would meet. Pure."""

from __future__ import annotations

from fleet.model.states import DroneState

S = DroneState

BY_HAND = frozenset({"MANUAL", "ALTCTL", "POSCTL", "ACRO", "STABILIZED", "RATTITUDE", "OFFBOARD"})
"""Modes (mavsdk names) in which somebody at the sticks, or another computer, flies."""

DEAF = 9
"""Cannot be told to give way: lost, acting by itself, or flown by hand."""
_STANDING = {
    S.TAKING_OFF: 8,  # in a dock's column, which it holds by the gate
    S.LANDING: 8,
    S.CLOSING: 8,
    S.RETURNING: 7,
    S.HELD: 6,
    S.ON_TASK: 5,
    S.ON_WAY: 4,
    S.AVOIDING: 3,  # has given way, and goes on doing so
}


def standing(state: DroneState, mode: str, connected: bool) -> int:
    """Return the right of way of a drone; the higher goes first."""
    if not connected or mode in BY_HAND:
        return DEAF
    return _STANDING.get(state, DEAF)


def gives_way(own: tuple[int, str], other: tuple[int, str]) -> bool:
    """Whether the first of two (standing, drone id) is the one to act.

    Of any two different drones one gives way and the other does not.
    """
    return own[0] < other[0] or (own[0] == other[0] and own[1] > other[1])
