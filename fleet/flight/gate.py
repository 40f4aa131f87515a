"""A dock's one door: one drone moves through it at a time."""

from __future__ import annotations


class Gate:
    """Held by at most one drone, from before the door opens until it is closed again.

    Nobody queues: who wants it looks again when something changes. One that leaves gives up where
    the gate is taken, and one that comes home waits over the dock; so those who come home are
    served first.
    """

    def __init__(self) -> None:
        self._holder: str | None = None

    @property
    def holder(self) -> str | None:
        """The drone that moves through the door, or None."""
        return self._holder

    def take(self, drone: str) -> bool:
        """Take the gate if it is free or one's own; say whether it is one's own now."""
        if self._holder is None:
            self._holder = drone
        return self._holder == drone

    def release(self, drone: str) -> None:
        """Give the gate back. Nothing happens where it is another's."""
        if self._holder == drone:
            self._holder = None
