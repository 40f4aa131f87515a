"""How long to wait before a notice is tried again."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Backoff:
    """Doubles from ``first_s`` to ``cap_s``, for ever, and scatters by up to half.

    A notice is never given up: an incident that waits is shown as waiting, one that is dropped is
    lost.
    """

    first_s: float = 0.5
    cap_s: float = 30.0
    rng: random.Random = field(default_factory=random.Random)

    def delay_s(self, failures: int) -> float:
        """Return the wait after some failures in a row, in seconds; at least half of the nominal.

        Parameters
        ----------
        failures
            How many tries in a row have failed, from 1.
        """
        nominal = min(self.cap_s, self.first_s * 2.0 ** min(failures - 1, 30))
        return nominal * self.rng.uniform(0.5, 1.0)
