"""What the drone depends on beside itself: its dock, its picture, somebody who watches."""

from __future__ import annotations

from fleet.flight.safety.view import View
from fleet.model.states import DoorState

VIDEO_S = 10.0


def dock_fails(v: View) -> str | None:
    """Say that the dock it is bound for cannot take it now."""
    other = "; another dock can take it" if v.alternate else ""
    if not v.dock.online:
        return f"dock: {v.dock.reason or 'offline'}{other}"
    return f"dock's door is jammed{other}" if v.dock.door is DoorState.JAMMED else None


def video_lost(v: View) -> str | None:
    """Say that the site that it watches is not seen."""
    if v.video_lost_s is None or v.video_lost_s <= VIDEO_S:
        return None
    return f"no picture of its site for {v.video_lost_s:.0f} s"


def nobody_there(v: View) -> str | None:
    """Say that no officer was heard for longer than the city allows."""
    if v.operator_absent_s <= v.limits.operator_absent_min * 60.0:
        return None
    return (
        f"no officer heard for {v.operator_absent_s / 60.0:.0f} min; "
        f"{v.limits.operator_absent_min:g} min are allowed"
    )
