"""Arming, modes and failsafes: what PX4's commander decides."""

from __future__ import annotations

from sitl.autopilot.contact import EventSink, GroundContact
from sitl.autopilot.core import AIR, CRITICAL, INFO, Core
from sitl.autopilot.failsafe import Action, Cause, Failsafe, Takeover
from sitl.autopilot.judge import PlanJudge
from sitl.autopilot.modes import AUTO, Mode
from sitl.autopilot.navigator import Navigator
from sitl.autopilot.orbit import Circle
from sitl.autopilot.port import EventKind, Fault
from sitl.autopilot.watches import BatteryWatch, GroundStationWatch, breach, causes, too_windy

ACCEPTED, TEMPORARILY_REJECTED, DENIED = 0, 1, 2
"""MAV_RESULT."""

CHECK_S = 0.1
"""Time between two looks at the vehicle's health."""
_PREVENT_ARMING = frozenset({Mode.RTL, Mode.LAND, Mode.DESCEND, Mode.ORBIT, Mode.PRECLAND})
_FULL_CHARGE = 100.0


class Commander:
    """Decides what the vehicle does; the navigator does it."""

    def __init__(self, core: Core, navigator: Navigator, event: EventSink) -> None:
        self._core = core
        self._nav = navigator
        self._event = event
        self.battery = BatteryWatch(core)
        self.station = GroundStationWatch(core)
        self.contact = GroundContact(core, event)
        self._failsafe = Failsafe(core, self.can_run)
        self._judge = PlanJudge(core, navigator)
        self._after_disarm = Mode.HOLD
        self._chosen = False
        self._decided = 0.0
        self._complained = 0.0
        self._breach: str | None = None

    # --- arming -------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether the checks before arming pass (the pre-arm bit of SYS_STATUS)."""
        core = self._core
        windy = core.params.integer("COM_WIND_MAX_ACT") > 1 and too_windy(core)
        return (
            core.estimator.position_ok
            and core.home_amsl is not None
            and self.battery.level < 2
            and not (core.crashed or core.falling or windy)
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
        self.contact.armed()
        self.battery.at_arming = self.battery.level
        self._failsafe.clear()
        core.set_home()
        core.say(INFO, "Armed by external command\t")
        if self._nav.wants_up(core.mode):
            self._nav.enter(core.mode)
        return ACCEPTED

    def disarm(self, *, force: bool = False, reason: str = "external command") -> int:
        """Stop the motors; return the MAV_RESULT. In the air only by force: then it falls."""
        core = self._core
        if not core.armed:
            return ACCEPTED
        if not core.landed and not force:
            core.say(CRITICAL, "Disarming denied: not landed\t")
            return TEMPORARILY_REJECTED
        core.armed = False
        core.say(INFO, f"Disarmed by {reason}\t")
        self.contact.disarmed()
        self._nav.mission.disarmed()
        self._failsafe.clear()
        core.failsafe = False
        if "SIM_BAT_DRAIN" in core.params.written:
            core.battery.set_percent(_FULL_CHARGE)  # PX4's battery simulation fills it up again
        core.intended = self._after_disarm
        self._switch(self._after_disarm)
        return ACCEPTED

    # --- modes --------------------------------------------------------------------------------

    def set_mode(self, mode: Mode) -> bool:
        """Change to a mode that a user asks for; False where it cannot be flown now."""
        core = self._core
        if core.armed and not (self.can_run(mode) and self._planned(mode)):
            core.say(CRITICAL, f"Switching to {mode.words} is currently not available\t")
            return False
        core.intended = mode
        if mode not in _PREVENT_ARMING and mode is not Mode.TAKEOFF:
            self._after_disarm = mode
        self._chosen = True
        # PX4 does not start a mode anew that it is in; a take-off or reposition does start again
        self._decide(again=mode in (Mode.HOLD, Mode.TAKEOFF))
        return True

    def can_run(self, mode: Mode) -> bool:
        """Return whether a mode can be flown now."""
        core = self._core
        if mode is Mode.DESCEND:
            return True
        if mode not in AUTO or not core.estimator.position_ok:
            return False
        return self._planned(mode) or self._judge.pending

    def _planned(self, mode: Mode) -> bool:
        return mode is not Mode.MISSION or self._core.plan.valid

    def _decide(self, *, again: bool = False) -> None:
        """Fly what was asked for, or what a failsafe demands."""
        core = self._core
        chosen, self._chosen = self._chosen, False
        if not core.armed or core.landed:
            mode = core.intended
        else:
            dt, before = core.now - self._decided, self._failsafe.action
            mode = self._failsafe.update(dt, self._causes(), core.intended, chosen=chosen)
            if mode is Mode.ORBIT and before > Action.WARN and not chosen:
                mode = core.intended = Mode.HOLD  # PX4 does not go back into an orbit
        self._decided = core.now
        if self._failsafe.action is Action.TERMINATE and core.armed:
            self.disarm(force=True, reason="flight termination")
            return
        self._switch(mode, again=again and mode is core.intended)

    def _causes(self) -> list[Cause]:
        core = self._core
        words, told = breach(core), self._breach
        self._breach = words
        if words is not None and words != told and core.params.integer("GF_ACTION"):
            core.say(CRITICAL, words)
        found = list(causes(core, self.battery, breached=words is not None))
        if not self.can_run(core.intended):
            found.append(Cause("mode", Action.RTL, takeover=Takeover.ALWAYS))
        return found

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
        self._judge.step()
        if core.mode is not Mode.RTL:
            self._nav.rtl.look()
        if not core.armed:
            self._complain()
            return
        if self._nav.finished and core.mode is Mode.TAKEOFF:
            self.set_mode(Mode.HOLD)
        if core.mode is Mode.MISSION and not core.landed:
            self._leave_mission()
        if self._nav.mission.wants_rtl:
            self._nav.mission.wants_rtl = False
            self.set_mode(Mode.RTL)
        if core.landed:
            self._on_ground()
        else:
            self._decide()

    def _leave_mission(self) -> None:
        """Hold, as PX4 does, where the mission is over, or can be flown no more: no failsafe to it."""
        if not (self._core.plan.valid or self._judge.pending):
            self._core.say(CRITICAL, "No valid mission available, loitering\t")
        elif not self._core.plan.finished:
            return
        self.set_mode(Mode.HOLD)

    def _complain(self) -> None:
        """Say on the ground, now and then, why the checks fail."""
        core = self._core
        if core.now - self._complained < 2.0:
            return
        if core.estimator.settled and not core.gps:
            self._complained = core.now
            core.say(CRITICAL, "Preflight Fail: GPS fix too low\t")
            if not core.estimator.position_ok:
                core.say(CRITICAL, "Preflight Fail: Global position estimate required\t")
        elif not core.estimator.settled and self._complained == 0.0 and core.now > 2.6:
            self._complained = core.now
            core.say(CRITICAL, "Preflight Fail: heading estimate not stable")

    def _on_ground(self) -> None:
        core, contact = self._core, self.contact
        wants_up = self._nav.wants_up(core.mode)
        contact.on_ground(wants_up=wants_up)
        if wants_up:
            return
        if contact.flown:
            if core.now - contact.landed_at >= core.params["COM_DISARM_LAND"] > 0:
                self.disarm(reason="landing")
        elif core.now - contact.armed_at >= core.params["COM_DISARM_PRFLT"] > 0:
            self.disarm(reason="auto preflight disarming")

    def touch(self) -> None:
        """Take note of contact with the ground."""
        core = self._core
        if self.contact.touch():
            self._nav.mission.touched_down()
            if core.crashed:
                self.disarm(force=True, reason="failure detector")

    # --- plan and faults ----------------------------------------------------------------------

    @property
    def circle(self) -> Circle | None:
        """The circle of the last orbit."""
        return self._nav.orbit.circle

    @property
    def mission_available(self) -> bool:
        """Whether there is a mission that passed its check."""
        return self._core.plan.valid

    def break_motor(self) -> None:
        """Take note that a motor is gone: in the air this ends in a crash."""
        core = self._core
        if not core.landed:
            core.crashed = True
            core.landed_state = AIR
            core.say(0, "Failure detector: attitude (roll)")

    def mend(self, fault: Fault) -> None:
        """Take note that a fault was mended."""
        if fault is Fault.MOTOR:
            self._core.crashed = False
