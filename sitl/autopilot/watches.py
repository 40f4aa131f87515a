"""What the commander watches for: battery, ground station, fence, wind; and what each calls for."""

from __future__ import annotations

import math
from collections.abc import Iterator

from sitl.autopilot.core import CRITICAL, EMERGENCY, INFO, Core
from sitl.autopilot.failsafe import Action, Cause, Clear, Takeover
from sitl.autopilot.modes import Mode

_GF_ACTION = {
    1: (Action.WARN, Clear.WITH_CAUSE, Takeover.AUTO),
    2: (Action.HOLD, Clear.ON_MODE_CHANGE, Takeover.ALWAYS),
    3: (Action.RTL, Clear.ON_MODE_CHANGE, Takeover.AUTO),
    4: (Action.TERMINATE, Clear.NEVER, Takeover.NEVER),
    5: (Action.LAND, Clear.ON_MODE_CHANGE, Takeover.AUTO),
}
_WIND_ACTION = {
    2: (Action.HOLD, Clear.ON_MODE_CHANGE, Takeover.ALWAYS),
    3: (Action.RTL, Clear.ON_MODE_CHANGE, Takeover.AUTO),
    4: (Action.TERMINATE, Clear.NEVER, Takeover.NEVER),
    5: (Action.LAND, Clear.ON_MODE_CHANGE, Takeover.AUTO),
}
_DLL_ACTION = {1: Action.HOLD, 2: Action.RTL, 3: Action.LAND, 5: Action.TERMINATE}
_EXCEPT_MISSION, _EXCEPT_AUTO = 1, 2
"""COM_DLL_EXCEPT's bits for missions, and for hold and the modes like it."""


class BatteryWatch:
    """PX4's battery warnings: none 0, low 1, critical 2, emergency 3."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.level = 0
        self.at_arming = 0

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
            self._core.say(INFO, "GCS connection regained\t")

    def step(self) -> None:
        """Judge the silence."""
        core = self._core
        if self.last_heard is not None:
            core.gcs_lost = core.now - self.last_heard > core.params["COM_DL_LOSS_T"]


def breach(core: Core) -> str | None:
    """Return PX4's words for how the vehicle is out of bounds, or None where it is not."""
    fence = core.plan.fence
    most, high = core.params["GF_MAX_HOR_DIST"], core.params["GF_MAX_VER_DIST"]
    if 0 < most < math.hypot(core.north - core.home_north, core.east - core.home_east):
        return "Geofence: exceeding maximum distance to Home"
    if 0 < high < core.altitude:
        return "Geofence: exceeding maximum altitude above Home"
    if fence and not fence.allows(*core.frame.to_lonlat(core.north, core.east)):
        return "Geofence: approaching or outside geofence"
    return None


def too_windy(core: Core) -> bool:
    """Return whether the wind that the estimator believes in is above COM_WIND_MAX."""
    most = core.params["COM_WIND_MAX"]
    wind = core.estimator.wind
    return most > 0 and wind is not None and math.hypot(*wind) > most


def causes(core: Core, battery: BatteryWatch, *, breached: bool) -> Iterator[Cause]:
    """Give every reason for a failsafe action, at this moment."""
    loss = _DLL_ACTION.get(core.params.integer("NAV_DLL_ACT"))
    if core.gcs_lost and loss is not None and not _loss_ignored(core):
        yield Cause("link", loss, Clear.ON_MODE_CHANGE)
    wind = _WIND_ACTION.get(core.params.integer("COM_WIND_MAX_ACT"))
    if wind is not None and too_windy(core):
        yield Cause("wind", *wind)
    fence = _GF_ACTION.get(core.params.integer("GF_ACTION"))
    if breached and fence is not None:
        yield Cause("fence", *fence)
    yield from _battery(core, battery)


def _battery(core: Core, battery: BatteryWatch) -> Iterator[Cause]:
    act = core.params.integer("COM_LOW_BAT_ACT") if battery.level > battery.at_arming else 0
    if battery.level == 1:
        yield Cause("battery-1", Action.WARN)
    elif battery.level == 2:
        yield Cause("battery-2", {2: Action.LAND, 3: Action.RTL}.get(act, Action.WARN))
    elif battery.level == 3:
        yield Cause("battery-3", Action.LAND if act in (2, 3) else Action.WARN)


def _loss_ignored(core: Core) -> bool:
    if core.intended in (Mode.LAND, Mode.PRECLAND):
        return True
    bit = _EXCEPT_MISSION if core.intended is Mode.MISSION else _EXCEPT_AUTO
    return bool(core.params.integer("COM_DLL_EXCEPT") & bit)
