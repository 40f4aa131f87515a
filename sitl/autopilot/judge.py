"""The checks that PX4 makes of a plan after it has acknowledged it."""

from __future__ import annotations

from sitl.autopilot.core import CRITICAL, Core
from sitl.autopilot.feasibility import fault
from sitl.autopilot.items import ALL, FENCE, MISSION
from sitl.autopilot.modes import Mode
from sitl.autopilot.navigator import Navigator

_VALIDATE_S = 0.05


class PlanJudge:
    """Judges each mission and fence that was uploaded, a moment later."""

    def __init__(self, core: Core, navigator: Navigator) -> None:
        self._core = core
        self._nav = navigator
        self._due: float | None = None
        core.plan.on_change = self._changed

    @property
    def pending(self) -> bool:
        """Whether a mission waits for its judgement."""
        return self._due is not None

    def step(self) -> None:
        """Judge what is due."""
        if self._due is not None and self._core.now >= self._due:
            self._due = None
            self._judge_mission()

    def _changed(self, mission_type: int) -> None:
        core = self._core
        if mission_type == FENCE:
            self._judge_fence()
        if mission_type in (MISSION, FENCE):
            if mission_type == MISSION:
                core.plan.valid = False
            self._due = core.now + _VALIDATE_S
        if mission_type in (MISSION, ALL):
            self._nav.mission.replaced()

    def _judge_mission(self) -> None:
        core = self._core
        words = fault(
            core.plan.mission, core.plan.fence, home_amsl=core.home_alt, landed=core.landed
        )
        core.plan.valid = words is None
        if words:
            core.say(CRITICAL, words)
        elif words is None and core.mode is Mode.MISSION:
            self._nav.enter(Mode.MISSION)

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
