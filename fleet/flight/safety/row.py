"""One row of the failsafe matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fleet.flight.adoption import Step
from fleet.flight.policy import Policy
from fleet.flight.safety.phases import NONE, Phases
from fleet.flight.safety.verdict import Action
from fleet.flight.safety.view import View
from fleet.model.states import DroneState

S = DroneState
Event = Callable[[View], str | None]
"""Says what is seen, in words for an operator; None where it is not."""

_LEADS_TO = {
    Action.HOLD: S.HELD,
    Action.OBEY: S.HELD,
    Action.RESUME: S.ON_WAY,
    Action.AVOID: S.AVOIDING,
    Action.RETURN: S.RETURNING,
    Action.ALTERNATE: S.RETURNING,
    Action.LAND: S.EMERGENCY,
    Action.STAND_BY: S.EMERGENCY,
    Action.WAIT: S.LOST,
}
_ABORTED = {S.CHECKING: S.DOCKED, S.OPENING: S.CLOSING}
COMMANDS = frozenset({Action.AVOID, Action.RETURN, Action.ALTERNATE})
"""What the monitor does not do to a drone that somebody flies by hand."""


@dataclass(frozen=True, slots=True)
class Row:
    """One rule: what is looked for, in which states, and what is done about it.

    Attributes
    ----------
    name
        Of the row; one of a kind.
    says
        The event, in words for whoever reads the matrix.
    event
        Looks for it; None in a row that is kept by another part (``kept_by``).
    phases
        States in which the row acts.
    action
        What it does.
    rank
        The higher goes first; one of a kind.
    for_s
        For how long it must be seen without a break, seconds, or the name of such a bound in
        ``Policy``. Shorter is a false alarm.
    told_in
        States in which it is only told.
    stays_in
        States in which the drone already does what the row wants: it stays, and no row of a lower
        rank takes it out.
    word
        It carries out what a pilot or the controller said.
    kept_by
        What keeps the row, where this monitor does not.
    """

    name: str
    says: str
    event: Event | None
    phases: Phases
    action: Action
    rank: int
    for_s: float | str = 0.0
    told_in: Phases = NONE
    stays_in: Phases = NONE
    word: bool = False
    kept_by: str = ""

    def bound_s(self, policy: Policy) -> float:
        """Return for how long the event must be seen, seconds."""
        return float(getattr(policy, self.for_s)) if isinstance(self.for_s, str) else self.for_s

    def step(self, state: DroneState, words: str) -> Step | None:
        """Return the step that the row makes from a state; None where the drone may stay in it."""
        if self.action is Action.ABORT:
            return Step(_ABORTED[state], words)
        target = _LEADS_TO.get(self.action)
        if target is None or target is state or state in self.stays_in:
            return None
        return Step(target, words)
