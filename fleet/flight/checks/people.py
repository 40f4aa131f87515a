"""Checks of who is there to watch."""

from __future__ import annotations

from fleet.flight.checks.situation import Situation


class OperatorPresent:
    """An officer was heard not long ago."""

    name = "operator-present"
    hard = False
    comes = False

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""
        if s.operator_absent_s <= s.limits.operator_absent_min * 60.0:
            return None
        return (
            f"no officer heard for {s.operator_absent_s / 60.0:.0f} min; "
            f"{s.limits.operator_absent_min:g} min are allowed"
        )
