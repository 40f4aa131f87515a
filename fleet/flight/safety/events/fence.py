"""The fence, the no-fly zones and the ceiling. GPS is metres off, so a border is no thin line."""

from __future__ import annotations

from fleet.flight.safety.sky import placed
from fleet.flight.safety.view import View

NEAR_M = 5.0
AHEAD_S = 3.0
"""A drone that would be out after so long is near its fence; 12 m/s are stopped in 2 s."""
NOISE_M = 5.0
"""Out by no more may be GPS, which is known to some 2 m (and in a street to 5)."""
HIGH_M = 10.0
"""Over the ceiling by no more may be the barometer after a long flight."""


def breached(v: View) -> str | None:
    """Say that the drone is outside its fence, in a no-fly zone, or above the ceiling."""
    t = v.telemetry
    if t.altitude_m is not None and t.altitude_m > v.limits.ceiling_m + HIGH_M:
        return f"altitude {t.altitude_m:.0f} m: the ceiling is {v.limits.ceiling_m:g} m"
    place = _place(v)
    if place is None or v.fence is None or v.fence.deeper_than(*place, -NOISE_M):
        return None
    return f"outside its fence by {-v.fence.depth_m(*place):.0f} m"


def near(v: View) -> str | None:
    """Say that the drone is at its fence, or would be out of it in a moment."""
    place = _place(v)
    if place is None or v.fence is None:
        return None
    t = v.telemetry
    ahead_m = AHEAD_S * (abs(t.velocity_east_m_s) + abs(t.velocity_north_m_s))
    if v.fence.deeper_than(*place, NEAR_M + ahead_m):
        return None
    depth = v.fence.depth_m(*place)
    if depth <= -NOISE_M:
        return None  # that is breached, not near
    if depth < NEAR_M:
        return f"{max(depth, 0.0):.0f} m from its fence"
    there = v.fence.moved(*place, AHEAD_S * t.velocity_east_m_s, AHEAD_S * t.velocity_north_m_s)
    if v.fence.depth_m(*there) >= 0:
        return None
    return f"{depth:.0f} m from its fence and flying towards it"


def _place(v: View) -> tuple[float, float] | None:
    """Return where it is, where that can be trusted; a lost GPS has a row of its own."""
    t = v.telemetry
    if t.gps_fix < 3 or t.lon is None or t.lat is None or not placed(t.lon, t.lat):
        return None
    return t.lon, t.lat
