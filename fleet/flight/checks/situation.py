"""What the checks before take-off look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from fleet.flight.flier import Flier
from fleet.flight.policy import Policy
from fleet.flight.safety.sky import Sky
from fleet.model.live import DockLive, Telemetry
from fleet.model.traffic import Aircraft
from missions.city import Drone, Limits
from missions.sortie import Sortie


@dataclass(frozen=True, slots=True)
class Situation:
    """One drone in its dock, about to leave.

    Attributes
    ----------
    pad
        The dock it stands in (lon, lat).
    gate_holder
        Who is moving through the dock's door.
    fliers
        The other drones that are in the air, or may be.
    differences
        How the autopilot's parameters differ from the profile; None while they are not read.
    trouble
        What is wrong with the link.
    aircraft
        What the ADS-B receivers of all links tell.
    sky
        Where every drone is.
    under_way
        By drone, the sorties that are being flown or are about to be.
    meets_in_time
        Whether a drone with one of these will be near the sortie at the same time as its drone.
    ground_amsl_m
        Ground of the dock above mean sea level.
    operator_absent_s
        For how long no officer was heard.
    before_start_s
        Until the motors start: the door has to open, the mission to be loaded.
    overridden
        Names of the soft checks that a pilot overlooks for this take-off.
    """

    drone: Drone
    pad: tuple[float, float]
    sortie: Sortie
    telemetry: Telemetry
    dock: DockLive
    gate_holder: str | None
    limits: Limits
    policy: Policy
    now: datetime
    differences: Sequence[str] | None = ()
    trouble: Sequence[str] = ()
    aircraft: Sequence[Aircraft] = ()
    sky: Sky = field(default_factory=Sky)
    under_way: Mapping[str, Sortie] = field(default_factory=dict)
    meets_in_time: Callable[[str], bool] = lambda _: False
    ground_amsl_m: float = 0.0
    operator_absent_s: float = 0.0
    overridden: frozenset[str] = frozenset()
    fliers: Sequence[Flier] = ()
    before_start_s: float = 0.0


class Check(Protocol):
    """One condition of taking off.

    Attributes
    ----------
    name
        One of a kind; what a pilot names to overlook it.
    hard
        Nobody may overlook it.
    comes
        It is of what the vehicle comes to by itself, on the ground and with its door open or not.
    """

    @property
    def name(self) -> str:
        """Name of the check."""

    @property
    def hard(self) -> bool:
        """Whether nobody may overlook it."""

    @property
    def comes(self) -> bool:
        """Whether it may come to pass by itself while the dock opens."""

    def refuses(self, s: Situation) -> str | None:
        """Return why the drone may not take off, or None."""
