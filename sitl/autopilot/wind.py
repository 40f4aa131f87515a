"""Wind: a mean and gusts that come and go."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WindSpec:
    """The wind of a place.

    ``mean_m_s`` blows from ``from_deg`` (degrees clockwise from true north, as weather reports
    say). ``gust_m_s`` is the standard deviation of each horizontal component of the gusts, whose
    memory is ``gust_s``; the vertical one has a third of it.
    """

    mean_m_s: float = 0.0
    from_deg: float = 0.0
    gust_m_s: float = 0.3
    gust_s: float = 4.0


class Wind:
    """Wind at one vehicle, north, east and up, m/s.

    Gusts are first-order Gauss-Markov processes: Dryden's longitudinal spectrum (MIL-F-8785C) with
    a fixed time constant in place of one that follows height and airspeed.
    """

    __slots__ = (
        "_gust_e",
        "_gust_n",
        "_gust_u",
        "_random",
        "_spec",
        "east",
        "mean_east",
        "mean_north",
        "north",
        "up",
    )

    def __init__(self, spec: WindSpec, seed: int) -> None:
        self.change(spec)
        self._random = random.Random(seed)
        self._gust_n = self._gust_e = self._gust_u = 0.0
        self.north = self.east = self.up = 0.0
        self.step(0.0)

    @property
    def spec(self) -> WindSpec:
        """The wind of the place."""
        return self._spec

    def change(self, spec: WindSpec) -> None:
        """Let another wind blow from now on."""
        self._spec = spec
        toward = math.radians(spec.from_deg) + math.pi
        self.mean_north = spec.mean_m_s * math.cos(toward)
        self.mean_east = spec.mean_m_s * math.sin(toward)

    def step(self, dt: float) -> None:
        """Go on by ``dt`` seconds."""
        spec = self._spec
        keep = math.exp(-dt / spec.gust_s)
        spread = spec.gust_m_s * math.sqrt(1.0 - keep * keep)
        gauss = self._random.gauss
        self._gust_n = keep * self._gust_n + spread * gauss(0.0, 1.0)
        self._gust_e = keep * self._gust_e + spread * gauss(0.0, 1.0)
        self._gust_u = keep * self._gust_u + spread / 3.0 * gauss(0.0, 1.0)
        self.north = self.mean_north + self._gust_n
        self.east = self.mean_east + self._gust_e
        self.up = self._gust_u
