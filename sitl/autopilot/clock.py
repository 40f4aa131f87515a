"""The time a simulation runs on."""

from __future__ import annotations

import time
from typing import Protocol

from sitl.errors import VehicleError


class Clock(Protocol):
    """Simulated time, which may run faster than the wall's."""

    def now(self) -> float:
        """Return simulated seconds since the clock was made."""

    def wall_s(self, simulated_s: float) -> float:
        """Return how many seconds on the wall a simulated span takes."""


class SpeedClock:
    """Simulated time that runs ``speed`` times as fast as the wall's.

    Parameters
    ----------
    speed
        Simulated seconds in a second; more than 0.

    Raises
    ------
    VehicleError
        If ``speed`` is not more than 0.
    """

    def __init__(self, speed: float = 1.0) -> None:
        if not speed > 0:
            raise VehicleError(f"speed {speed!r}: must be more than 0")
        self.speed = speed
        self._start = time.monotonic()

    def now(self) -> float:
        """Return simulated seconds since the clock was made."""
        return (time.monotonic() - self._start) * self.speed

    def wall_s(self, simulated_s: float) -> float:
        """Return how many seconds on the wall a simulated span takes."""
        return simulated_s / self.speed
