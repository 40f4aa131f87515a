"""Names for the groups of states that rows of the matrix speak of."""

from __future__ import annotations

from fleet.model.states import DroneState

S = DroneState
Phases = frozenset[DroneState]

FOLLOWED: Phases = frozenset({S.ON_WAY, S.ON_TASK})
"""Flies its mission."""
ON_PAD: Phases = frozenset({S.DOCKED, S.CHECKING, S.OPENING, S.CHARGING})
HOMEWARD: Phases = frozenset({S.RETURNING, S.LANDING})
UNDER_WAY: Phases = FOLLOWED | {S.HELD, S.AVOIDING}
"""In the air, and not yet on the way home."""
ALOFT: Phases = UNDER_WAY | HOMEWARD | {S.EMERGENCY}
NONE: Phases = frozenset()

_NAMES: tuple[tuple[Phases, str], ...] = (
    (ALOFT | {S.TAKING_OFF}, "in the air"),
    (ALOFT, "in the air, once up"),
    (UNDER_WAY, "under way"),
    (ON_PAD, "on its pad"),
    (FOLLOWED, "on its mission"),
    (HOMEWARD, "coming home"),
)


def in_words(phases: Phases) -> str:
    """Return a group of states in words, the groups that have a name by their name."""
    left, words = set(phases), []
    for group, name in _NAMES:
        if group <= left:
            words.append(name)
            left -= group
    words += [state.value.replace("_", " ") for state in S if state in left]
    return ", ".join(words)
