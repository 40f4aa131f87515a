"""The radio link, and the autopilot at its end."""

from __future__ import annotations

from fleet.flight.safety.view import View


def lost(v: View) -> str | None:
    """Say that the vehicle is not heard."""
    if v.telemetry.connected:
        return None
    return f"no heartbeat since {v.telemetry.at:%H:%M:%S} UTC, was {v.state}"


def troubled(v: View) -> str | None:
    """Something is wrong with the link itself."""
    return f"link: {'; '.join(v.trouble)}" if v.trouble else None


def profile_differs(v: View) -> str | None:
    """Say that the autopilot's parameters are not those of the profile."""
    if not v.differences:
        return None
    return f"autopilot's parameters differ from the profile: {'; '.join(v.differences)}"
