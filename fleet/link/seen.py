"""What is seen of one vehicle, and waiting until something is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from fleet.errors import LinkError
from fleet.link.clock import Clock
from fleet.link.port import Listener, VehicleText, why
from fleet.model.live import Telemetry


class NotSeen(LinkError):
    """Acknowledged, and not seen to take effect."""


class Seen:
    """A vehicle's telemetry and words, for those who wait for them.

    Parameters
    ----------
    drone
        Its id, for messages.
    clock
        Times its words.
    telemetry, texts
        Return the last of these.
    listen
        Calls back on every change of telemetry until what it returns is called.
    """

    def __init__(
        self,
        drone: str,
        clock: Clock,
        telemetry: Callable[[], Telemetry],
        texts: Callable[[], Sequence[VehicleText]],
        listen: Callable[[Listener], Callable[[], None]],
    ) -> None:
        self.drone = drone
        self.clock = clock
        self._telemetry = telemetry
        self._texts = texts
        self._listen = listen

    @property
    def now(self) -> Telemetry:
        """The vehicle's last word."""
        return self._telemetry()

    @property
    def texts(self) -> Sequence[VehicleText]:
        """What it said, oldest first."""
        return self._texts()

    def words(self, since: datetime) -> str:
        """Return its grave words since a time."""
        return why(self._texts(), since)

    async def until(self, seen: Callable[[Telemetry], bool], what: str, bound_s: float) -> None:
        """Wait until telemetry shows something.

        Raises
        ------
        NotSeen
            If it does not within ``bound_s`` seconds.
        """
        changed = asyncio.Event()
        stop = self._listen(changed.set)
        try:
            async with asyncio.timeout(bound_s):
                while not seen(self._telemetry()):
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            raise NotSeen(f"{self.drone}: not seen {what} within {bound_s:g} s") from None
        finally:
            stop()
