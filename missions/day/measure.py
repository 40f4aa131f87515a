"""What is counted in a simulated day."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from missions.geo import Floats

SAMPLE_S = 60.0
"""Overdue cells are counted so often."""
BOUNDS_S = (60.0, 120.0, 300.0)


@dataclass
class Answered:
    """One call: when it came, and when a drone was overhead; None while none was."""

    at_s: float
    kind: str
    overhead_s: float | None = None
    drone: str = ""
    reliefs: int = 0

    @property
    def took_s(self) -> float:
        """Until a drone was overhead, seconds; infinite where none ever was."""
        return float("inf") if self.overhead_s is None else self.overhead_s - self.at_s


@dataclass
class Measured:
    """Everything that is counted in one run.

    Parameters
    ----------
    cells
        How many there are.
    """

    cells: int
    calls: list[Answered] = field(default_factory=list)
    intervals: list[list[float]] = field(init=False)
    """Between two visits, by cell, seconds."""
    overdue_s: Floats = field(init=False)
    """How long each cell was overdue, seconds."""
    owed_rate: Floats = field(init=False)
    """Visits owed so far, by cell."""
    flight_s: float = 0.0
    sorties: int = 0
    energy_wh: float = 0.0
    charges: int = 0
    preemptions: int = 0
    reliefs: int = 0
    faults: int = 0
    closures: int = 0
    diverted: int = 0
    """Drones that changed their way, or did not leave, because it was closed."""
    lowest_percent: float = 100.0
    """What a battery held at least when it landed."""
    aloft: list[int] = field(default_factory=list)
    """Drones in the air, by sample."""
    covered: list[float] = field(default_factory=list)
    """Share of calls that somebody who may be sent would reach in time, by sample."""

    def __post_init__(self) -> None:
        """Begin with nothing."""
        self.intervals = [[] for _ in range(self.cells)]
        self.overdue_s = np.zeros(self.cells)
        self.owed_rate = np.zeros(self.cells)

    def sample(self, ages: Floats, owed: Floats, aloft: int, covered: float) -> None:
        """Count a minute."""
        wanted = np.isfinite(owed)
        self.overdue_s += SAMPLE_S * (wanted & (ages > owed))
        self.owed_rate += np.where(wanted, SAMPLE_S / np.where(wanted, owed, 1.0), 0.0)
        self.aloft.append(aloft)
        self.covered.append(covered)

    def times(self) -> Floats:
        """Return how long each call waited for a drone, seconds, shape (calls,)."""
        return np.array([call.took_s for call in self.calls])

    def within(self, bound_s: float) -> float:
        """Return the share of calls with a drone overhead within a bound."""
        times = self.times()
        return float((times <= bound_s).mean()) if len(times) else 1.0
