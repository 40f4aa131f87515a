"""Arming, modes, landing and failsafes: what PX4's commander decides."""

from __future__ import annotations

import math
from collections.abc import Callable

from sitl.autopilot.core import AIR, CRITICAL, GROUND, INFO, LANDING, TAKING_OFF, Core
from sitl.autopilot.failsafe import (
    MODE_OF,
    Action,
    BatteryWatch,
    Cause,
    GroundStationWatch,
    causes,
)
from sitl.autopilot.feasibility import fault
from sitl.autopilot.items import ALL, FENCE, MISSION
from sitl.autopilot.modes import AUTO, Mode
from sitl.autopilot.navigator import Navigator
from sitl.autopilot.port import EventKind, Fault

ACCEPTED, TEMPORARILY_REJECTED, DENIED = 0, 1, 2
"""MAV_RESULT."""

CHECK_S = 0.1
"""Time between two looks at the vehicle's health."""
_DETECT_TAKEOFF_S = 1.9
_DETECT_LANDING_S = 1.5
_VALIDATE_S = 0.05
_PREVENT_ARMING = frozenset({Mode.RTL, Mode.LAND, Mode.DESCEND, Mode.ORBIT})

EventSink = Callable[[EventKind], None]


class Commander:
    """Decides what the vehicle does; the navigator does it."""

    def __init__(self, core: Core, navigator: Navigator, event: EventSink) -> None:
        self._core = core
        self._nav = navigator
        self._event = event
        self.battery = BatteryWatch(core)
        self.station = GroundStationWatch(core)
        self._after_disarm = Mode.HOLD
        self._armed_at = 0.0
        self._rising_since: float | None = None
        self._on_ground_since: float | None = None
        self._landed_at = 0.0
        self._flown = False
        self._action = Action.NONE
        self._hold_until: float | None = None
        self._overridden: set[str] = set()
        self._breached = False
        self._validate_at: float | None = None
        self._complained = 0.0
        core.plan.on_change = self._on_plan_change

    # --- arming -------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether the checks before arming pass (the pre-arm bit of SYS_STATUS)."""
        core = self._core
        return (
            core.estimator.position_ok
            and core.home_amsl is not None
            and self.battery.level < 2
            and not core.crashed
            and core.mode not in _PREVENT_ARMING
        )

    def arm(self, *, force: bool = False) -> int:
        """Arm the motors; return the MAV_RESULT."""
        core = self._core
        if core.armed:
            return ACCEPTED
        if not self.ready and not force:
            core.say(CRITICAL, "Arming denied: Resolve system health failures first\t")
            return TEMPORARILY_REJECTED
        core.armed = True
        core.battery.charging_w = 0.0
        self._armed_at = core.now
        self._flown = False
        self._overridden.clear()
        core.set_home()
        core.say(INFO, "Armed by external command\t")
        if self._nav.wants_up(core.mode):
            self._nav.enter(core.mode)
        return ACCEPTED

    def disarm(self, *, force: bool = False, reason: str = "external command") -> int:
        """Stop the motors; return the MAV_RESULT."""
        core = self._core
        if not core.armed:
            return ACCEPTED
        if not core.landed and not force:
            core.say(CRITICAL, "Disarming denied: not landed\t")
            return TEMPORARILY_REJECTED
        core.armed = False
        core.say(INFO, f"Disarmed by {reason}\t")
        self._rising_since = None
        self._nav.mission.disarmed()
        self._clear_failsafe()
        if "SIM_BAT_DRAIN" in core.params.written:
            core.battery.set_percent(100.0)  # PX4's battery simulation fills it up again
        core.intended = self._after_disarm
        self._switch(self._after_disarm)
        return ACCEPTED

    # --- modes --------------------------------------------------------------------------------

    def set_mode(self, mode: Mode) -> bool:
        """Change to a mode that a user asks for; False where it cannot be flown now."""
        core = self._core
        if core.armed and not self._can_run(mode):
            core.say(CRITICAL, f"Switching to {mode.words} is currently not available\t")
            return False
        core.intended = mode
        if mode not in _PREVENT_ARMING and mode is not Mode.TAKEOFF:
            self._after_disarm = mode
        if core.failsafe:
            self._overridden = {c.name for c in self._causes()}
            self._clear_failsafe()
        # PX4 does not start a mode anew that it is in; a take-off or reposition does start again
        self._switch(mode, again=mode in (Mode.HOLD, Mode.TAKEOFF, Mode.ORBIT))
        return True

    def _can_run(self, mode: Mode) -> bool:
        core = self._core
        if mode not in AUTO or not core.estimator.position_ok:
            return False
        return mode is not Mode.MISSION or core.plan.valid

    def _switch(self, mode: Mode, *, again: bool = False) -> None:
        core = self._core
        changed = core.mode is not mode
        core.mode = mode
        if changed or again:
            self._nav.enter(mode)
        if changed:
            self._event(EventKind.MODE)

    # --- time ---------------------------------------------------------------------------------

    def check(self) -> None:
        """Look at the vehicle's health and act on it; called each ``CHECK_S``."""
        core = self._core
        if core.home_amsl is None and core.estimator.settled:
            core.set_home()
        self.battery.step()
        self.station.step()
        if self._validate_at is not None and core.now >= self._validate_at:
            self._validate()
        if not core.armed:
            self._complain()
            return
        if self._nav.finished and core.mode is Mode.TAKEOFF:
            self.set_mode(Mode.HOLD)
        if core.mode is Mode.MISSION and core.plan.finished and not core.landed:
            self.set_mode(Mode.HOLD)  # PX4 leaves mission mode when the mission is over
        if self._nav.mission.wants_rtl:
            self._nav.mission.wants_rtl = False
            self.set_mode(Mode.RTL)
        if core.landed:
            self._on_ground()
        else:
            self._breached = self._outside()
            self._failsafe()

    def _complain(self) -> None:
        """Say on the ground, now and then, why the checks fail."""
        core = self._core
        if core.now - self._complained < 2.0:
            return
        if core.estimator.settled and not core.gps:
            self._complained = core.now
            core.say(4, "Preflight: GPS fix too low")
        elif not core.estimator.settled and self._complained == 0.0 and core.now > 2.6:
            self._complained = core.now
            core.say(CRITICAL, "Preflight Fail: heading estimate not stable")

    def _on_ground(self) -> None:
        core = self._core
        if self._nav.wants_up(core.mode):
            if self._rising_since is None:
                self._rising_since = core.now
                core.landed_state = TAKING_OFF if core.landed_state == GROUND else core.landed_state
            if core.now - self._rising_since >= _DETECT_TAKEOFF_S:
                self._took_off()
            return
        self._rising_since = None
        if self._flown:
            if core.now - self._landed_at >= core.params["COM_DISARM_LAND"] > 0:
                self.disarm(reason="landing")
        elif core.now - self._armed_at >= core.params["COM_DISARM_PRFLT"] > 0:
            self.disarm(reason="auto preflight disarming")

    def _took_off(self) -> None:
        core = self._core
        core.landed, self._flown = False, True
        core.landed_state = TAKING_OFF
        self._on_ground_since = None
        core.say(INFO, "Takeoff detected\t")
        self._event(EventKind.TAKEOFF)

    @property
    def lifting(self) -> bool:
        """Whether the motors have the thrust to lift (after spool-up and take-off ramp)."""
        core = self._core
        since = self._rising_since if self._rising_since is not None else self._armed_at
        ramp = core.params["COM_SPOOLUP_TIME"] + core.params["MPC_TKO_RAMP_T"]
        return core.now - since >= ramp

    def touch(self) -> None:
        """Take note of contact with the ground; a vehicle that stays there has landed."""
        core = self._core
        if core.crashed or core.landed_state == LANDING or core.mode is Mode.DESCEND:
            if self._on_ground_since is None:
                self._on_ground_since = core.now
            if core.now - self._on_ground_since >= _DETECT_LANDING_S:
                self._land()

    def clear_of_ground(self) -> None:
        """Take note that the vehicle is off the ground."""
        self._on_ground_since = None

    def _land(self) -> None:
        core = self._core
        core.landed, core.landed_state = True, GROUND
        self._landed_at = core.now
        self._rising_since = None
        core.say(INFO, "Landing detected\t")
        self._nav.mission.touched_down()
        self._event(EventKind.LANDED)
        if core.crashed:
            self.disarm(force=True, reason="failure detector")

    # --- plan ---------------------------------------------------------------------------------

    def _on_plan_change(self, mission_type: int) -> None:
        core = self._core
        if mission_type == FENCE:
            self._judge_fence()
        if mission_type in (MISSION, FENCE):
            if mission_type == MISSION:
                core.plan.valid = False
            self._validate_at = core.now + _VALIDATE_S
        if mission_type in (MISSION, ALL):
            self._nav.mission.replaced()

    def _validate(self) -> None:
        """Check the mission, a moment after it was acknowledged."""
        core = self._core
        self._validate_at = None
        words = fault(
            core.plan.mission,
            core.plan.fence,
            home_amsl=core.home_alt,
            landed=core.landed,
        )
        core.plan.valid = words is None
        if words:
            core.say(CRITICAL, words)
        elif words is None and core.mode is Mode.MISSION:
            self._nav.enter(Mode.MISSION)

    @property
    def mission_available(self) -> bool:
        """Whether there is a mission that passed its check."""
        return self._core.plan.valid

    # --- failsafe -----------------------------------------------------------------------------

    def _outside(self) -> bool:
        core = self._core
        fence = core.plan.fence
        most, high = core.params["GF_MAX_HOR_DIST"], core.params["GF_MAX_VER_DIST"]
        far = math.hypot(core.north - core.home_north, core.east - core.home_east)
        if (0 < most < far) or (0 < high < core.altitude):
            return True
        return bool(fence) and not fence.allows(*core.frame.to_lonlat(core.north, core.east))

    def _judge_fence(self) -> None:
        """Leave out, as PX4 does, each fence that home or a flying vehicle would break at once."""
        core = self._core
        home = core.frame.to_lonlat(core.home_north, core.home_east)
        here = core.frame.to_lonlat(core.north, core.east)
        flying = not core.landed and core.params.integer("GF_ACTION") != 0
        kept = []
        for shape in core.plan.fence.shapes:
            if core.home_amsl is not None and not shape.allows(*home):
                core.say(CRITICAL, "Geofence invalid, doesn't contain Home position\t")
            elif flying and not shape.allows(*here):
                core.say(CRITICAL, "Geofence invalid, doesn't contain current vehicle position\t")
            else:
                kept.append(shape)
        core.plan.fence.shapes = kept

    def _causes(self) -> list[Cause]:
        return causes(self._core, self.battery.level, self._breached)

    def _failsafe(self) -> None:
        core = self._core
        present = self._causes()
        self._overridden &= {c.name for c in present}
        active = [c for c in present if c.name not in self._overridden]
        worst = max(active, key=lambda c: c.action, default=Cause("none", Action.NONE))
        if worst.action <= Action.WARN and not core.failsafe:
            return
        if core.failsafe and self._action is Action.DESCEND and worst.action < Action.DESCEND:
            self._clear_failsafe()
            self._switch(core.intended if self._can_run(core.intended) else Mode.HOLD)
            return
        if worst.action > self._action:
            self._action = worst.action
            self._raise(worst)
        elif self._hold_until is not None and core.now >= self._hold_until:
            self._hold_until = None
            core.say(CRITICAL, "Failsafe activated\t")
            self._switch(MODE_OF[self._action])

    def _raise(self, cause: Cause) -> None:
        """Begin an action, or raise the one that is under way."""
        core = self._core
        delay = core.params["COM_FAIL_ACT_T"]
        first = not core.failsafe
        core.failsafe = True
        if first and cause.deferred and cause.action > Action.HOLD and delay > 0:
            self._hold_until = core.now + delay
            core.say(CRITICAL, f"Failsafe activated: entering Hold for {int(delay)} seconds\t")
            self._switch(Mode.HOLD)
        elif self._hold_until is None or not cause.deferred:
            self._hold_until = None
            core.say(CRITICAL, "Failsafe activated\t")
            self._switch(MODE_OF[cause.action])

    def _clear_failsafe(self) -> None:
        self._core.failsafe = False
        self._action = Action.NONE
        self._hold_until = None

    def break_motor(self) -> None:
        """Take note that a motor is gone: in the air this ends in a crash."""
        core = self._core
        if not core.landed:
            core.crashed = True
            core.landed_state = AIR
            core.say(0, "Failure detector: attitude (roll)")

    def mend(self, fault_: Fault) -> None:
        """Take note that a fault was mended."""
        if fault_ is Fault.MOTOR:
            self._core.crashed = False
