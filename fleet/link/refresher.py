"""Takes the pictures of many links: soon after a change, and never all at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Protocol

import structlog

from fleet.link.news import NOTABLE
from fleet.model.live import Telemetry

SOON_S = 0.02
"""Changes that may be decided upon are told within this, however many come one after another."""
MOTION_S = 0.05
"""A vehicle that only moves on is told of so often, ..."""
PICTURES_HZ = 1000.0
"""... or as often as this many pictures a second in all allow, ..."""
PARKED_S = 0.2
"""... and one that stands disarmed so often."""
SLICE_S = 0.005
"""Then the event loop has its turn."""

LEAST = 16
"""Pictures taken in a slice at any rate: on a busy machine the time goes without us."""

log = structlog.get_logger(__name__)


class Link(Protocol):
    """A link whose picture is taken."""

    @property
    def drone(self) -> str:
        """The drone's id."""

    @property
    def telemetry(self) -> Telemetry:
        """The last picture."""

    def refresh(self) -> None:
        """Take a picture and tell those who listen."""


class Refresher:
    """Refreshes links when they have changed. Used in the event loop only.

    Parameters
    ----------
    links
        By drone id.
    """

    def __init__(self, links: Mapping[str, Link]) -> None:
        self._links = links
        self._motion_s = max(MOTION_S, len(links) / PICTURES_HZ)
        self._due: dict[str, float] = {}
        self._last: dict[str, float] = {}
        self._timer: asyncio.TimerHandle | asyncio.Handle | None = None
        self._closed = False

    def mark(self, drone: str, news: int) -> None:
        """Have a link refreshed: soon where the change is notable, in its turn where it is not."""
        if news & NOTABLE:
            after = SOON_S
        elif drone in self._due:
            return
        else:
            after = self._motion_s if self._links[drone].telemetry.armed else PARKED_S
        due = self._last.get(drone, 0.0) + after
        if due < self._due.get(drone, due + 1.0):
            self._due[drone] = due

    def work(self) -> None:
        """Refresh what is due, for at most a slice; have the rest done in its time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = started = time.monotonic()
        ready = [drone for drone, due in self._due.items() if due <= started]
        for done, drone in enumerate(ready):
            if done >= LEAST and now - started > SLICE_S:
                break
            del self._due[drone]
            self._last[drone] = now
            try:
                self._links[drone].refresh()
            except Exception:  # one vehicle's nonsense must not freeze what is known of the others
                log.exception("telemetry not taken", drone=drone)
            now = time.monotonic()
        if self._due and not self._closed:
            wait = max(0.0, min(self._due.values()) - now)
            self._timer = asyncio.get_running_loop().call_later(wait, self.work)

    def close(self) -> None:
        """Refresh no more."""
        self._closed = True
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
