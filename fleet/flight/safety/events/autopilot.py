"""What the vehicle does that nobody told it to."""

from __future__ import annotations

from fleet.flight.safety.view import View
from fleet.model.states import DroneState

TILT_DEG = 52.0
"""PX4 leans over by 45 degrees to gain speed (MPC_TILTMAX_AIR); 60 is a failure to it (FD_FAIL_R, _P)."""
FALL_M_S = 8.0
"""PX4 comes down with 1.5 m/s, and with no more than 4 m/s on any setting."""


def with_words(what: str, v: View) -> str:
    """Return what is seen, with the autopilot's own grave words of the last moments."""
    words = v.words()
    return f"{what}: {words}" if words else what


def took_off(v: View) -> str | None:
    """Say that it is in the air when it should stand in its dock."""
    if v.telemetry.in_air:
        return with_words(f"in the air without our word while {v.state}", v)
    return None


def is_down(v: View) -> str | None:
    """Say that it lies on the ground when it should fly: it fell, or somebody stopped its motors."""
    if v.telemetry.in_air or v.telemetry.armed:
        return None
    return with_words(f"on the ground, motors stopped, while {v.state}", v)


def acts(v: View) -> str | None:
    """Say that it returns or lands, and was not told to."""
    mode = v.telemetry.mode
    if mode not in {"RETURN_TO_LAUNCH", "LAND"} or v.commanding:
        return None
    if v.state is DroneState.RETURNING and mode == "RETURN_TO_LAUNCH":
        return None
    does = "returns" if mode == "RETURN_TO_LAUNCH" else "lands"
    return with_words(f"autopilot {does} by its own decision", v)


def failsafe(v: View) -> str | None:
    """Say that it says that one of its failsafes is acting."""
    if v.telemetry.failsafe and not v.commanding:
        return with_words("autopilot's failsafe is acting", v)
    return None


def tilted(v: View) -> str | None:
    """Say that it lies over farther than it ever does in flight."""
    for name, angle in (("roll", v.telemetry.roll_deg), ("pitch", v.telemetry.pitch_deg)):
        if angle is not None and abs(angle) > TILT_DEG:
            return with_words(f"{name} is {angle:.0f} degrees", v)
    return None


def falls(v: View) -> str | None:
    """Say that it comes down faster than it can fly down."""
    down = v.telemetry.velocity_down_m_s
    if down > FALL_M_S and v.telemetry.in_air:
        return with_words(f"falls with {down:.0f} m/s", v)
    return None
