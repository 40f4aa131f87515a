"""What answering calls needs of the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from fleet.model.call import Call


class CallStore(Protocol):
    """Durable memory of calls. Every method returns once the change is committed.

    Raises
    ------
    fleet.errors.StoreError
        By every method, where the database cannot be reached or refuses.
    """

    async def save_call(self, call: Call) -> None:
        """Insert or replace a call by its id."""

    async def call(self, call_id: str) -> Call | None:
        """Return one call, or None."""

    async def open_calls(self) -> Sequence[Call]:
        """Return the calls that have not ended, oldest first."""


class Forgetful:
    """A memory of this process alone, for a controller that has no store for calls."""

    def __init__(self) -> None:
        self._calls: dict[str, Call] = {}

    async def save_call(self, call: Call) -> None:
        """Insert or replace a call by its id."""
        self._calls[call.id] = call

    async def call(self, call_id: str) -> Call | None:
        """Return one call, or None."""
        return self._calls.get(call_id)

    async def open_calls(self) -> Sequence[Call]:
        """Return the calls that have not ended, oldest first."""
        return [call for call in self._calls.values() if call.open]
