"""Leaving the ground and coming back to it: spool-up, take-off and landing detection."""

from __future__ import annotations

from collections.abc import Callable

from sitl.autopilot.core import AIR, GROUND, INFO, LANDING, TAKING_OFF, Core
from sitl.autopilot.modes import Mode
from sitl.autopilot.port import EventKind

_DETECT_TAKEOFF_S = 1.75
_DETECT_LANDING_S = 2.2

EventSink = Callable[[EventKind], None]


class GroundContact:
    """Tells when the vehicle has left the ground and when it has landed."""

    def __init__(self, core: Core, event: EventSink) -> None:
        self._core = core
        self._event = event
        self._armed_at = 0.0
        self._rising_since: float | None = None
        self._down_since: float | None = None
        self.landed_at = 0.0
        self.flown = False
        """Whether it was in the air since it was armed."""

    @property
    def armed_at(self) -> float:
        """When it was armed last, s."""
        return self._armed_at

    def armed(self) -> None:
        """Take note that the motors were armed."""
        self._armed_at = self._core.now
        self.flown = False

    def disarmed(self) -> None:
        """Take note that the motors were stopped; PX4 then says at once that it has landed."""
        core = self._core
        self._rising_since = None
        if not core.landed:
            core.falling = core.body.up > 0.0
            core.landed, core.landed_state = True, GROUND
            self._event(EventKind.LANDED)

    @property
    def lifting(self) -> bool:
        """Whether the motors have the thrust to lift (after spool-up and take-off ramp)."""
        core = self._core
        since = self._rising_since if self._rising_since is not None else self._armed_at
        ramp = core.params["COM_SPOOLUP_TIME"] + core.params["MPC_TKO_RAMP_T"]
        return core.now - since >= ramp

    def on_ground(self, *, wants_up: bool) -> None:
        """Look at an armed vehicle on the ground."""
        core = self._core
        if not wants_up:
            self._rising_since = None
            return
        if self._rising_since is None:
            self._rising_since = core.now
        if core.now - self._rising_since >= _DETECT_TAKEOFF_S:
            core.landed, self.flown = False, True
            core.landed_state = TAKING_OFF if core.mode in (Mode.TAKEOFF, Mode.MISSION) else AIR
            self._down_since = None
            core.say(INFO, "Takeoff detected\t")
            self._event(EventKind.TAKEOFF)

    def touch(self) -> bool:
        """Take note of contact with the ground; return whether this ends a landing."""
        core = self._core
        if not (core.crashed or core.landed_state == LANDING or core.mode is Mode.DESCEND):
            return False
        if self._down_since is None:
            self._down_since = core.now
        if core.now - self._down_since < _DETECT_LANDING_S:
            return False
        core.landed, core.landed_state = True, GROUND
        self.landed_at = core.now
        self._rising_since = None
        core.say(INFO, "Landing detected\t")
        self._event(EventKind.LANDED)
        return True

    def clear(self) -> None:
        """Take note that the vehicle is off the ground."""
        self._down_since = None
