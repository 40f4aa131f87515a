"""The failsafe matrix applied to one moment of one drone. Pure but for the memory of the view."""

from __future__ import annotations

from typing import NamedTuple

import structlog

from fleet.flight.safety.matrix import MATRIX
from fleet.flight.safety.row import COMMANDS, Row
from fleet.flight.safety.standing import BY_HAND
from fleet.flight.safety.verdict import QUIET, Verdict
from fleet.flight.safety.view import View
from fleet.model.states import DroneState

log = structlog.get_logger(__name__)


class _Asked(NamedTuple):
    """The rows that speak in one state, the highest first, and the timers of those that do not."""

    rows: tuple[tuple[Row, bool], ...]
    """Each with whether it may act, or is only told."""
    idle: tuple[str, ...]


def _asked(state: DroneState) -> _Asked:
    live = [row for row in MATRIX if row.event is not None]
    rows = [
        (row, state in row.phases | row.stays_in)
        for row in sorted(live, key=lambda row: -row.rank)
        if state in row.phases | row.stays_in | row.told_in
    ]
    there = {row.name for row, _ in rows}
    idle = [row.name for row in live if row.for_s and row.name not in there]
    return _Asked(tuple(rows), tuple(idle))


_BY_STATE = {state: _asked(state) for state in DroneState}


def judge(view: View) -> Verdict:
    """Return what is to be done now.

    The highest row that speaks decides, even where that is to stay. Every other row that speaks is
    told. While somebody flies the drone by hand, what would command it is only told. A row that
    fails is told, and the others decide.
    """
    rows, idle = _BY_STATE[view.state]
    by_hand = view.telemetry.mode in BY_HAND and not view.commanding
    won: tuple[Row, str] | None = None
    told: list[str] = []
    for row, acts in rows:
        try:
            words = _words(row, view)
        except Exception as error:  # noqa: BLE001 - told; the other rows go on
            told.append(_fault(row, view, error))
            continue
        if words is None:
            continue
        if acts and won is None and not (by_hand and row.action in COMMANDS and not row.word):
            won = (row, words)
        elif not row.word:
            told.append(words)
    for name in idle:
        view.lasting(name, False)  # a row that is not asked begins anew
    if won is None and not told:
        return QUIET
    warnings = tuple(dict.fromkeys(told))
    if won is None:
        return Verdict(warnings=warnings)
    row, words = won
    step = row.step(view.state, words)
    if step is None:
        warnings = (words, *(w for w in warnings if w != words)) if not row.word else warnings
    return Verdict(step, row.rank, row.name, warnings, row.action)


def _fault(row: Row, view: View, error: Exception) -> str:
    if view.lasting(f"fault in {row.name}", True) == 0.0:
        log.error("fault in a row", row=row.name, drone=view.drone.id, exc_info=error)
    return f"fault in the safety monitor: {row.name!r} is not watched: {error!r}"


def _words(row: Row, view: View) -> str | None:
    """Return what a row says, once it has been seen for long enough."""
    words = row.event(view) if row.event is not None else None
    if not row.for_s:
        return words
    seen_s = view.lasting(row.name, words is not None)
    return words if words is not None and seen_s > row.bound_s(view.policy) else None
