"""What a pilot has said may be overlooked at a drone's next take-off."""

from __future__ import annotations

from dataclasses import dataclass

VALID_S = 600.0
"""An override that no take-off has used by then is void."""


@dataclass(frozen=True, slots=True)
class _Grant:
    checks: frozenset[str]
    until: float


class Overrides:
    """Overridden soft checks by drone: for one take-off, within ten minutes.

    They are in memory only, on purpose: a controller that starts again asks the pilot again. Who
    gave them, and why, is in the audit.
    """

    def __init__(self) -> None:
        self._grants: dict[str, _Grant] = {}

    def grant(self, drone: str, checks: frozenset[str], now: float) -> None:
        """Let some checks be overlooked, in place of what was granted before.

        ``now`` is the seconds of a clock that never goes back.
        """
        self._grants[drone] = _Grant(checks, now + VALID_S)

    def of(self, drone: str, now: float) -> frozenset[str]:
        """Return the names of the checks that are overridden for a drone now."""
        grant = self._grants.get(drone)
        if grant is None or grant.until <= now:
            return frozenset()
        return grant.checks

    def spend(self, drone: str) -> None:
        """End a drone's overrides: it has taken off."""
        self._grants.pop(drone, None)
