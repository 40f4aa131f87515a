"""The port to one dock: what flight may ask of it, and what it tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from fleet.model.live import DockLive

Listener = Callable[[], None]
"""Called in the event loop when the dock's state has changed."""


class Dock(Protocol):
    """A dock. Each command returns when the dock says that it is done, within a bound.

    Raises
    ------
    fleet.errors.DockError
        By every command where the dock is offline, refuses, fails or does not answer; carries
        the dock's own reason.
    """

    @property
    def id(self) -> str:
        """The dock's id."""

    @property
    def state(self) -> DockLive:
        """The dock's last word."""

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` on every change of state; return what ends it."""

    async def open(self) -> None:
        """Open the door."""

    async def close(self) -> None:
        """Close the door; refused where a drone would be in its way."""
