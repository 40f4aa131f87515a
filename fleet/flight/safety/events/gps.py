"""Whether the vehicle knows where it is: lost is one thing, degraded another."""

from __future__ import annotations

from fleet.flight.safety.events.autopilot import with_words
from fleet.flight.safety.sky import placed
from fleet.flight.safety.view import View
from fleet.model.live import Telemetry

SATELLITES = 6
"""Below this the position may be tens of metres off."""
JUMPS = 3
"""Jumps of the position within ``sky.JUMPS_KEPT_S`` that are no single slip of the estimator."""
JUMP_TOLD_S = 10.0


def lost(v: View) -> str | None:
    """There is no 3D fix: PX4 comes down by itself about 5 s later."""
    if v.telemetry.gps_fix < 3:
        return with_words(f"GPS fix is {v.telemetry.gps_fix}", v)
    return None


def degraded(v: View) -> str | None:
    """There is a fix, from too few satellites, or no position all the same."""
    t = v.telemetry
    if t.gps_fix >= 3 and (t.lon is None or t.lat is None or not placed(t.lon, t.lat)):
        return "position is not known, though GPS has a fix"
    return few_satellites(t)


def few_satellites(t: Telemetry) -> str | None:
    """There is a fix, from too few satellites. None at all with a fix means: not told."""
    if t.gps_fix >= 3 and 0 < t.satellites < SATELLITES:
        return f"GPS is degraded: {t.satellites} satellites; {SATELLITES} are needed"
    return None


def jumps(v: View) -> str | None:
    """Say that the position jumps again and again."""
    mover = v.sky.of(v.drone.id)
    if mover is None or len(mover.jumps) < JUMPS:
        return None
    return f"position has jumped {len(mover.jumps)} times in half a minute"


def jumped(v: View) -> str | None:
    """Say that the position has just jumped."""
    mover = v.sky.of(v.drone.id)
    if mover is None or not mover.jumps or v.now_s - mover.jumps[-1] > JUMP_TOLD_S:
        return None
    return "position has jumped: it may be wrong"
