"""What must hold before a drone takes off. Each check is one class that says why it refuses. Pure."""

from fleet.flight.checks.air import NoConflict, NoTraffic, UnderCeiling
from fleet.flight.checks.dock import ColumnFree, DockReady, DoorFree, TemperatureFit, WeatherFit
from fleet.flight.checks.people import OperatorPresent
from fleet.flight.checks.situation import Check, Situation
from fleet.flight.checks.table import AT_HAND, CHECKS, COMING, SOFT, Refusal, refusals
from fleet.flight.checks.vehicle import (
    Armable,
    BatteryForSortie,
    GpsAndHome,
    LinkHealthy,
    LinkUp,
    OnItsPad,
    ParameterProfile,
)

__all__ = [
    "AT_HAND",
    "CHECKS",
    "COMING",
    "SOFT",
    "Armable",
    "BatteryForSortie",
    "Check",
    "ColumnFree",
    "DockReady",
    "DoorFree",
    "GpsAndHome",
    "LinkHealthy",
    "LinkUp",
    "NoConflict",
    "NoTraffic",
    "OnItsPad",
    "OperatorPresent",
    "ParameterProfile",
    "Refusal",
    "Situation",
    "TemperatureFit",
    "UnderCeiling",
    "WeatherFit",
    "refusals",
]
