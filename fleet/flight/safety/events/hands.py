"""A pilot at the sticks, or a vehicle that holds for a reason of its own."""

from __future__ import annotations

from fleet.flight.safety.events.autopilot import with_words
from fleet.flight.safety.standing import BY_HAND
from fleet.flight.safety.view import View


def by_hand(v: View) -> str | None:
    """Somebody flies it by hand."""
    mode = v.telemetry.mode
    if mode in BY_HAND and not v.commanding:
        return with_words(f"flown by hand ({mode})", v)
    return None


def holds(v: View) -> str | None:
    """Say that it does not fly its mission: it is flown by hand, or holds where its mission does not."""
    mode = v.telemetry.mode
    if v.commanding:
        return None
    if mode in BY_HAND:
        return with_words(f"flown by hand ({mode})", v)
    if mode == "HOLD" and not v.at_end:
        return with_words("vehicle holds by its own decision", v)
    return None
