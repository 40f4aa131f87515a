"""Which action the failsafes take (PX4's ``commander/failsafe``).

Every cause that holds adds an action. The gravest one is flown; one that is not urgent after a
hold of COM_FAIL_ACT_T, in which a pilot may choose a mode instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from sitl.autopilot.core import CRITICAL, Core
from sitl.autopilot.modes import Mode


class Action(IntEnum):
    """What a failsafe does; a higher one outranks a lower one (PX4's order)."""

    NONE = 0
    WARN = 1
    HOLD = 2
    RTL = 3
    LAND = 4
    DESCEND = 5
    TERMINATE = 6


MODE_OF = {
    Action.HOLD: Mode.HOLD,
    Action.RTL: Mode.RTL,
    Action.LAND: Mode.LAND,
    Action.DESCEND: Mode.DESCEND,
}


class Clear(Enum):
    """When an action ends."""

    WITH_CAUSE = "with its cause"
    ON_MODE_CHANGE = "when a pilot chooses a mode, or on disarming"
    NEVER = "never"


class Takeover(IntEnum):
    """Whether a pilot may choose another mode against an action."""

    AUTO = 0
    """Always, and the action waits for COM_FAIL_ACT_T so that there is time to."""
    ALWAYS = 1
    NEVER = 2


@dataclass(frozen=True, slots=True)
class Cause:
    """A reason for an action, at this moment."""

    name: str
    action: Action
    clear: Clear = Clear.WITH_CAUSE
    takeover: Takeover = Takeover.AUTO


@dataclass(slots=True)
class _Held:
    """An action that is in force: its cause may have gone already."""

    action: Action
    clear: Clear
    takeover: Takeover
    present: bool = True


@dataclass(slots=True)
class Failsafe:
    """The actions in force, and which of them is flown.

    Parameters
    ----------
    core
        The vehicle.
    can_run
        Whether a mode can be flown now.
    """

    core: Core
    can_run: Callable[[Mode], bool]
    action: Action = Action.NONE
    """What is done now; more than WARN means that a failsafe has the vehicle."""
    _held: dict[str, _Held] = field(default_factory=dict)
    _delay: float = 0.0
    _start_delay: float | None = None
    _taken_over: bool = False

    def clear(self) -> None:
        """Forget every action: the vehicle was armed or disarmed."""
        self._held = {n: h for n, h in self._held.items() if h.clear is Clear.NEVER}
        self._taken_over = False
        self.action = Action.NONE
        self._delay = 0.0

    def update(self, dt: float, found: Iterable[Cause], intended: Mode, *, chosen: bool) -> Mode:
        """Judge the causes again; return the mode to fly.

        Parameters
        ----------
        dt
            Seconds since the last judgement.
        found
            Every cause that holds now.
        intended
            The mode that a pilot or the mission asked for last.
        chosen
            Whether it was asked for since the last judgement.
        """
        if chosen or self._taken_over:
            for name in [n for n, h in self._held.items() if _ends_by_choice(h)]:
                del self._held[name]
        self._delay = max(0.0, self._delay - dt)
        self._take(found)
        if self.action > Action.HOLD or not self.can_run(Mode.HOLD) or self._taken_over:
            self._delay = 0.0
        action, waiting = self._select(intended, chosen=chosen)
        self._rest(dt, waiting=waiting)
        if action > self.action and action is not Action.WARN:
            wait = f": entering Hold for {round(self._delay)} seconds" if waiting else ""
            self.core.say(CRITICAL, f"Failsafe activated{wait}\t")
        self.action = action
        self.core.failsafe = action > Action.WARN
        return MODE_OF.get(action, intended)

    def _take(self, found: Iterable[Cause]) -> None:
        """Add the actions of new causes; end those of causes that are gone."""
        names = set()
        for cause in found:
            names.add(cause.name)
            held = self._held.get(cause.name)
            if held is not None:
                held.action, held.present = cause.action, True
                continue
            takeover = cause.takeover
            if takeover is Takeover.AUTO:
                if cause.action > Action.WARN and self._delay == 0.0:
                    self._delay = self._full_delay()
                takeover = Takeover.ALWAYS
            if cause.action >= Action.HOLD:
                self._taken_over = False
            self._held[cause.name] = _Held(cause.action, cause.clear, takeover)
        for name, held in list(self._held.items()):
            if name not in names:
                held.present = False
                if held.clear is Clear.WITH_CAUSE:
                    del self._held[name]

    def _select(self, intended: Mode, *, chosen: bool) -> tuple[Action, bool]:
        """Return the action to take now, and whether it only waits for a graver one."""
        worst = max((h.action for h in self._held.values()), default=Action.NONE)
        if self.action is Action.TERMINATE or worst is Action.TERMINATE:
            return Action.TERMINATE, False
        never = any(h.takeover is Takeover.NEVER for h in self._held.values())
        waiting = self._delay > 0 and not self._taken_over and worst > Action.HOLD and not never
        action: Action = Action.HOLD if waiting else worst
        wants = self._taken_over or (chosen and self.action > Action.WARN)
        if action > Action.WARN and wants and not never:
            self._taken_over = True
            action, waiting = Action.WARN, False
        else:
            self._taken_over = False
        flown = MODE_OF.get(action, intended)
        if not self.can_run(flown):
            action = self._possible(max(action, Action.RTL))
        elif worst is Action.RTL and intended in (Mode.RTL, Mode.LAND, Mode.PRECLAND):
            action, waiting = Action.WARN, False  # it comes down already
        elif worst is Action.LAND and intended is Mode.PRECLAND:
            action, waiting = Action.WARN, False
        return action, waiting and action is Action.HOLD

    def _possible(self, action: Action) -> Action:
        for candidate in (Action.RTL, Action.LAND):
            if candidate >= action and self.can_run(MODE_OF[candidate]):
                return candidate
        return Action.DESCEND

    def _full_delay(self) -> float:
        if self._start_delay is None:
            self._start_delay = self.core.params["COM_FAIL_ACT_T"]
        return self._start_delay

    def _rest(self, dt: float, *, waiting: bool) -> None:
        """Shorten the next wait by what was waited; give it back four times as slowly."""
        full = self.core.params["COM_FAIL_ACT_T"]
        left = self._full_delay()
        self._start_delay = max(0.0, left - dt) if waiting else min(full, left + dt / 4.0)


def _ends_by_choice(held: _Held) -> bool:
    return held.clear is Clear.ON_MODE_CHANGE and not held.present
