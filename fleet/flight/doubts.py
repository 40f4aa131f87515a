"""Docks that are not what they say, until they say something else or a person says so."""

from __future__ import annotations

from typing import NamedTuple

import structlog

from fleet.model.live import DockLive
from fleet.model.states import DoorState

log = structlog.get_logger(__name__)


class _Doubt(NamedTuple):
    reason: str
    seen: tuple[bool, bool, frozenset[str]]


class Doubts:
    """What is held against each dock, and which docks count who stands in them."""

    def __init__(self) -> None:
        self._doubts: dict[str, _Doubt] = {}
        self._counting: set[str] = set()

    def see(self, state: DockLive) -> None:
        """Take a dock's word: a doubt ends where it was away, jams, or counts others than before.

        A door that moves at our own word says nothing new.
        """
        if state.occupants:
            self._counting.add(state.id)
        doubt = self._doubts.get(state.id)
        if doubt is not None and _seen(state) != doubt.seen:
            self.clear(state.id, "its state has changed")

    def counts(self, dock: str) -> bool:
        """Whether a dock has ever named a drone that stands in it: then it counts them."""
        return dock in self._counting

    def hold(self, state: DockLive, reason: str) -> None:
        """Hold something against a dock, as it is now."""
        self._doubts[state.id] = _Doubt(reason, _seen(state))
        log.error("dock is not believed", dock=state.id, reason=reason)

    def of(self, dock: str) -> str | None:
        """Return what is held against a dock, or None."""
        doubt = self._doubts.get(dock)
        return None if doubt is None else doubt.reason

    def clear(self, dock: str, why: str) -> None:
        """Believe a dock again."""
        if self._doubts.pop(dock, None) is not None:
            log.info("dock is believed again", dock=dock, why=why)


def _seen(state: DockLive) -> tuple[bool, bool, frozenset[str]]:
    return state.online, state.door is DoorState.JAMMED, frozenset(state.occupants)
