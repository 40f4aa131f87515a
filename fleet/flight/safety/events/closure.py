"""Airspace that was closed while the drone flew, or before it left."""

from __future__ import annotations

from fleet.flight.safety.view import View


def inside(v: View) -> str | None:
    """Say that the drone is in it."""
    return v.closed.here() if v.closed is not None else None


def ahead(v: View) -> str | None:
    """Say that its mission leads through it."""
    return v.closed.ahead() if v.closed is not None else None
