"""Which failsafe action the state of a vehicle calls for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from sitl.autopilot.core import CRITICAL, EMERGENCY, Core
from sitl.autopilot.modes import Mode


class Action(IntEnum):
    """What a failsafe does; a higher one outranks a lower one (PX4's order)."""

    NONE = 0
    WARN = 1
    HOLD = 2
    RTL = 3
    LAND = 4
    DESCEND = 5


MODE_OF = {
    Action.HOLD: Mode.HOLD,
    Action.RTL: Mode.RTL,
    Action.LAND: Mode.LAND,
    Action.DESCEND: Mode.DESCEND,
}


@dataclass(frozen=True, slots=True)
class Cause:
    """A reason for an action; deferred ones are preceded by a hold of COM_FAIL_ACT_T."""

    name: str
    action: Action
    deferred: bool = True


class BatteryWatch:
    """PX4's battery warnings: none 0, low 1, critical 2, emergency 3."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.level = 0

    def step(self) -> None:
        """Judge the charge again, and say so where it has become worse."""
        core = self._core
        share = core.battery.percent / 100.0
        level = 0
        for bound, name in enumerate(("BAT_LOW_THR", "BAT_CRIT_THR", "BAT_EMERGEN_THR"), start=1):
            if share < core.params[name]:
                level = bound
        if level > self.level:
            text = ("Low battery\t", "Critical battery\t", "Emergency battery level\t")[level - 1]
            core.say(EMERGENCY if level == 3 else CRITICAL, text)
        if level > self.level or not core.armed:
            # in the air a warning stays: the load alone moves the measured charge up and down
            self.level = level


class GroundStationWatch:
    """Whether a ground station's heartbeat is heard (COM_DL_LOSS_T)."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.last_heard: float | None = None

    def heard(self) -> None:
        """Take note of a heartbeat."""
        self.last_heard = self._core.now
        if self._core.gcs_lost:
            self._core.gcs_lost = False
            self._core.say(6, "GCS connection regained\t")

    def step(self) -> None:
        """Judge the silence."""
        core = self._core
        if self.last_heard is not None:
            core.gcs_lost = core.now - self.last_heard > core.params["COM_DL_LOSS_T"]


def causes(core: Core, battery_level: int, breached: bool) -> list[Cause]:
    """Return every reason for a failsafe action, at this moment."""
    found = []
    if not core.estimator.position_ok:
        found.append(Cause("position", Action.DESCEND, deferred=False))
    if breached:
        action = {1: Action.WARN, 2: Action.HOLD, 3: Action.RTL, 5: Action.LAND}
        chosen = action.get(core.params.integer("GF_ACTION"), Action.NONE)
        found.append(Cause("fence", chosen, deferred=False))
    act = core.params.integer("COM_LOW_BAT_ACT")
    if battery_level == 2:
        found.append(Cause("battery-2", {2: Action.LAND, 3: Action.RTL}.get(act, Action.WARN)))
    elif battery_level == 3:
        found.append(Cause("battery-3", Action.LAND if act in (2, 3) else Action.WARN))
    loss = {1: Action.HOLD, 2: Action.RTL, 3: Action.LAND}
    action_on_loss = loss.get(core.params.integer("NAV_DLL_ACT"), Action.NONE)
    ignored = core.intended is Mode.LAND
    if core.gcs_lost and action_on_loss is not Action.NONE and not ignored:
        found.append(Cause("link", action_on_loss))
    return found
