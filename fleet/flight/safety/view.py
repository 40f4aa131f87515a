"""What the safety monitor looks at: one drone, its dock, and the sky around it, at one moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from fleet.flight.policy import Policy
from fleet.flight.safety.fence import Fence
from fleet.flight.safety.sky import Sky
from fleet.flight.word import Word
from fleet.model.live import DockLive, Telemetry
from fleet.model.states import DroneState
from fleet.model.traffic import Aircraft
from missions.city import Drone, Limits


class ClosedTo(Protocol):
    """What is closed to a drone; asked only where a row speaks."""

    def here(self) -> str | None:
        """Say what is closed where the drone is; None where nothing is."""

    def ahead(self) -> str | None:
        """Say what is closed that its mission leads through; None where nothing is."""

    def way_out(self) -> tuple[float, float] | None:
        """Return the nearest place (lon, lat) out of what is closed, or None."""


def _no_words() -> str:
    return ""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One moment of one drone.

    Attributes
    ----------
    state
        Where the drone is in its life.
    pad
        The dock it stands in or is bound for (lon, lat).
    commanding
        A command to the vehicle is under way: its mode is about to be ours.
    transit_altitude_m
        Height above home at which it comes home.
    at_end
        Holding is right: the vehicle is at the last item of its mission, or on its way back to it.
    lasting
        ``lasting(name, seen)``: for how many seconds something has been seen without a break.
        See ``memory.Memory``.
    mean
        ``mean(name, value, over_s)``: mean over time; None until known. See ``memory.Memory``.
    now
        For the age of what others tell.
    now_s
        The same on the monotonic clock of ``sky``.
    sky
        Where every drone of the city is; kept by the controller (``Sky.put`` at each change).
    words
        Asked only where a row speaks: the autopilot's own grave words of the last moments.
    aircraft
        What the ADS-B receivers of all links tell.
    fence
        What the vehicle carries: its sortie's (``Fence.of``), or a wider one for where a pilot sends
        it; made once when it is loaded. None where there is none.
    video_lost_s
        For how long the site it watches has been blind; None where it watches none.
    operator_absent_s
        For how long no officer was heard.
    trouble
        What is wrong with the link.
    differences
        How the autopilot's parameters differ from the profile; None while not read.
    ground_amsl_m
        Ground of its home above mean sea level.
    alternate
        The dock (lon, lat) that takes it in place of its own, which fails or is out of reach; None
        where its own takes it, or none does.
    closed
        What is closed to it that its sortie may not know of; None where nothing is.
    """

    state: DroneState
    drone: Drone
    pad: tuple[float, float]
    telemetry: Telemetry
    dock: DockLive
    limits: Limits
    policy: Policy
    word: Word | None
    commanding: bool
    transit_altitude_m: float
    at_end: bool
    lasting: Callable[[str, bool], float]
    mean: Callable[[str, float, float], float | None]
    now: datetime
    now_s: float
    sky: Sky
    words: Callable[[], str] = _no_words
    aircraft: Sequence[Aircraft] = ()
    fence: Fence | None = None
    video_lost_s: float | None = None
    operator_absent_s: float = 0.0
    trouble: tuple[str, ...] = ()
    differences: tuple[str, ...] | None = ()
    ground_amsl_m: float = 0.0
    alternate: tuple[float, float] | None = None
    closed: ClosedTo | None = None
    worked_out: dict[str, Any] = field(default_factory=dict)
    """What an event has worked out of this view, for those that need the same."""
