"""States of drones and docks."""

from __future__ import annotations

from enum import StrEnum


class DroneState(StrEnum):
    """Where a drone is in its life.

    A normal sortie goes through DOCKED, CHECKING, OPENING, TAKING_OFF, ON_WAY, ON_TASK, RETURNING,
    LANDING, CLOSING, CHARGING and back to DOCKED.
    """

    UNKNOWN = "unknown"
    """Not heard of since the controller started."""
    DOCKED = "docked"
    CHECKING = "checking"
    OPENING = "opening"
    TAKING_OFF = "taking_off"
    ON_WAY = "on_way"
    ON_TASK = "on_task"
    RETURNING = "returning"
    LANDING = "landing"
    CLOSING = "closing"
    CHARGING = "charging"
    HELD = "held"
    """In the air, holding its place on an operator's word."""
    AVOIDING = "avoiding"
    """Out of the way of other traffic, at the safety monitor's word; goes on by itself."""
    LOST = "lost"
    """No link. In the air or in the dock: see the last known position."""
    EMERGENCY = "emergency"
    """The autopilot is acting on a failure of its own, or landed away from its dock."""


class DoorState(StrEnum):
    """A dock's door."""

    UNKNOWN = "unknown"
    CLOSED = "closed"
    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"
    JAMMED = "jammed"
