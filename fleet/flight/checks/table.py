"""Every check before take-off, and what those that refuse say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fleet.flight.checks.air import NoConflict, NoTraffic, UnderCeiling
from fleet.flight.checks.dock import ColumnFree, DockReady, DoorFree, TemperatureFit, WeatherFit
from fleet.flight.checks.people import OperatorPresent
from fleet.flight.checks.situation import Check, Situation
from fleet.flight.checks.vehicle import (
    Armable,
    BatteryForSortie,
    GpsAndHome,
    LinkHealthy,
    LinkUp,
    OnItsPad,
    ParameterProfile,
)

CHECKS: tuple[Check, ...] = (
    LinkUp(),
    LinkHealthy(),
    OnItsPad(),
    GpsAndHome(),
    BatteryForSortie(),
    ParameterProfile(),
    DockReady(),
    WeatherFit(),
    TemperatureFit(),
    UnderCeiling(),
    Armable(),
    OperatorPresent(),
    NoTraffic(),
    NoConflict(),
    DoorFree(),
    ColumnFree(),
)
COMING: tuple[Check, ...] = tuple(check for check in CHECKS if check.comes)
"""Those of what the vehicle comes to by itself: a dock may open meanwhile."""
AT_HAND: tuple[Check, ...] = tuple(check for check in CHECKS if not check.comes)
"""The others: they pass before a dock opens."""
SOFT: tuple[str, ...] = tuple(check.name for check in CHECKS if not check.hard)
"""Names of the checks that a pilot may overlook for one take-off."""


class Refusal(str):
    """Why a drone may not take off, in words; and which check says so.

    Attributes
    ----------
    name
        Of the check.
    hard
        Whether nobody may overlook it.
    """

    __slots__ = ("hard", "name")

    name: str
    hard: bool

    def __new__(cls, reason: str, name: str, hard: bool) -> Refusal:
        """Return the words with their check."""
        refusal = super().__new__(cls, reason)
        refusal.name = name
        refusal.hard = hard
        return refusal


def refusals(situation: Situation, checks: Sequence[Check] = CHECKS) -> list[Refusal]:
    """Return why the drone may not take off: every reason, or none.

    Soft checks that are overridden are left out.
    """
    return list(_each(situation, checks))


def _each(situation: Situation, checks: Sequence[Check]) -> Iterator[Refusal]:
    for check in checks:
        if not check.hard and check.name in situation.overridden:
            continue
        reason = check.refuses(situation)
        if reason is not None:
            yield Refusal(reason, check.name, check.hard)
