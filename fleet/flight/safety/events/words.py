"""What a pilot, or the controller itself, has said."""

from __future__ import annotations

from fleet.flight.safety.view import View


def _said(v: View, *actions: str) -> str | None:
    return v.word.reason if v.word is not None and v.word.action in actions else None


def land(v: View) -> str | None:
    """Down, here."""
    reason = _said(v, "land") if v.telemetry.in_air else None
    return None if reason is None else f"lands where it is: {reason}"


def come_home(v: View) -> str | None:
    """Home, to its dock."""
    return _said(v, "return") if v.telemetry.in_air else None


def call_off(v: View) -> str | None:
    """Home, said of a drone that has not left."""
    return _said(v, "return")


def hold(v: View) -> str | None:
    """Stay here."""
    return _said(v, "hold") if v.telemetry.in_air else None


def fly(v: View) -> str | None:
    """Say: to a point, or around one."""
    return _said(v, "goto", "orbit") if v.telemetry.in_air else None


def resume(v: View) -> str | None:
    """On with the mission."""
    return _said(v, "resume")
