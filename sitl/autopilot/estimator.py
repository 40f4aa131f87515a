"""What the vehicle believes: GPS noise, a filter that needs time to settle, home."""

from __future__ import annotations

import math
import random

from sitl.autopilot.wind import Wind

SETTLE_S = 3.9
"""Seconds after boot at which PX4 could be armed in the recordings."""
_GPS_LOST_S = 5.0
"""Seconds without a fix after which the position is no longer good enough to fly by."""

_WIND_S = 5.0
"""How slowly the wind estimate follows the wind."""
_GPS_BACK_S = 2.6
"""Seconds with a fix after which a lost position is good enough again."""

_NOISES = 4099
_NOISE = tuple(random.Random(20).gauss(0.0, 1.0) for _ in range(_NOISES))
"""Noise for sensors: drawn once, since drawing it took more time than flying."""


class Estimator:
    """The difference between true and believed position, and its health.

    GPS errors are Gauss-Markov (0.35 m horizontally, 0.6 m vertically, memory 20 s) with white
    noise on top; the filter follows them weakened to a third.
    """

    __slots__ = (
        "_next",
        "_random",
        "back_for",
        "east",
        "fix",
        "gps_east",
        "gps_north",
        "gps_up",
        "lost_for",
        "north",
        "satellites",
        "settled",
        "up",
        "wind",
    )

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._next = self._random.randrange(len(_NOISE))
        gauss = self._random.gauss
        self.gps_north, self.gps_east = gauss(0.0, 0.35), gauss(0.0, 0.35)
        self.gps_up = gauss(0.0, 0.6)
        self.north, self.east, self.up = (
            x / 3 for x in (self.gps_north, self.gps_east, self.gps_up)
        )
        self.fix = 3
        self.satellites = 10
        self.settled = False
        self.lost_for = 0.0
        self.back_for = 0.0
        self.wind: tuple[float, float] | None = None
        """The wind that it believes in, m/s to north and east; None until it was in the air."""

    @property
    def position_ok(self) -> bool:
        """Whether the position is good enough to fly by."""
        return self.settled and self.lost_for < _GPS_LOST_S

    def step(self, dt: float, now: float, *, gps: bool) -> None:
        """Go on by ``dt`` seconds; ``now`` is seconds since boot."""
        self.settled = self.settled or (now >= SETTLE_S and gps)
        self.fix, self.satellites = (3, 10) if gps else (0, 0)
        self.back_for = self.back_for + dt if gps else 0.0
        if not gps:
            self.lost_for += dt
        elif self.lost_for < _GPS_LOST_S or self.back_for >= _GPS_BACK_S:
            self.lost_for = 0.0
        keep = math.exp(-dt / 20.0)
        spread = math.sqrt(1.0 - keep * keep)
        gauss = self._random.gauss
        self.gps_north = keep * self.gps_north + 0.35 * spread * gauss(0.0, 1.0)
        self.gps_east = keep * self.gps_east + 0.35 * spread * gauss(0.0, 1.0)
        self.gps_up = keep * self.gps_up + 0.6 * spread * gauss(0.0, 1.0)
        if gps:
            follow = min(1.0, dt / 2.0)
            self.north += (self.gps_north / 3.0 - self.north) * follow
            self.east += (self.gps_east / 3.0 - self.east) * follow
            self.up += (self.gps_up / 3.0 - self.up) * follow

    def feel(self, dt: float, wind: Wind, *, on: bool) -> None:
        """Follow the wind in the air; on the ground and where it is not to, keep the last one."""
        if not on:
            return
        north, east = self.wind or (0.0, 0.0)
        share = dt / (_WIND_S + dt)
        self.wind = north + (wind.north - north) * share, east + (wind.east - east) * share

    def white(self, sigma: float) -> float:
        """Return one sample of white measurement noise."""
        self._next = place = (self._next + 1) % _NOISES
        return sigma * _NOISE[place]
