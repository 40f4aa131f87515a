"""What becomes of a sortie's record when its drone changes its state. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from fleet.flight.adoption import Step
from fleet.model.records import SortieRecord, SortieStatus
from fleet.model.states import DroneState

S = DroneState
FLOWN = "mission flown"
"""Reason of a return that ends a whole sortie, and of a sortie that is flown and not yet home.

A controller that is started again reads it in the sortie's record: the drone's own reason is soon
another, as when it is found, or was lost for a while.
"""
ON_GROUND = frozenset({S.DOCKED, S.CHARGING, S.CLOSING})
_OPEN = frozenset({SortieStatus.PLANNED, SortieStatus.FLYING})
_TELLS_BY_STEP = frozenset({S.CHECKING, S.OPENING, S.TAKING_OFF, S.UNKNOWN, S.LOST})
"""Left for the ground, the step says why the sortie ended; otherwise the state that is left does."""


def after(
    record: SortieRecord | None,
    *,
    begun: bool,
    flown: bool,
    state: DroneState,
    reason: str,
    step: Step,
    now: datetime,
) -> SortieRecord | None:
    """Return the sortie's new record where a step begins it, ends it or finds it flown, else None.

    Parameters
    ----------
    record
        Of the sortie the drone flies or was given, or None.
    begun, flown
        Whether the drone has taken it up; whether all of it was flown.
    state, reason
        What the drone leaves.
    step
        What it enters.
    now
        When.
    """
    if record is None or record.status not in _OPEN:
        return None
    if not begun and step.state is not S.CHECKING:
        return replace(record, status=SortieStatus.ABORTED, reason=step.reason, ended_at=now)
    if step.state is S.TAKING_OFF:
        return replace(record, status=SortieStatus.FLYING, reason="")
    if step.state in ON_GROUND:
        done = flown and record.status is SortieStatus.FLYING
        return replace(
            record,
            status=SortieStatus.COMPLETED if done else SortieStatus.ABORTED,
            reason=step.reason if state in _TELLS_BY_STEP else reason,
            ended_at=now,
        )
    if flown and record.status is SortieStatus.FLYING and record.reason != FLOWN:
        return replace(record, reason=FLOWN)
    return None
