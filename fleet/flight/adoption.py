"""What to take a vehicle for when it is heard of for the first time, or again. Pure.

A controller that was killed may have died after the store knew of a step and before the vehicle
was told, or the other way round. So the vehicle's own telemetry decides; the record only says
whose flight it is.
"""

from __future__ import annotations

from typing import NamedTuple

from fleet.flight.place import distance_m, landed
from fleet.flight.policy import Policy
from fleet.model.live import Telemetry
from fleet.model.states import DroneState

_FLEW = frozenset(
    {
        DroneState.OPENING,
        DroneState.TAKING_OFF,
        DroneState.ON_WAY,
        DroneState.ON_TASK,
        DroneState.RETURNING,
        DroneState.LANDING,
        DroneState.CLOSING,
        DroneState.HELD,
        DroneState.AVOIDING,
        DroneState.LOST,
        DroneState.EMERGENCY,
    }
)
"""Records after which a drone found in its dock may have left the door open."""


class Step(NamedTuple):
    """A state to go to, and why, in words for an operator."""

    state: DroneState
    reason: str = ""


class Found(NamedTuple):
    """A vehicle as it is found."""

    recorded: DroneState
    """By the store, or the last before the link was lost."""
    telemetry: Telemetry
    ours: str | None
    """None where the vehicle's mission is the sortie's; else why it is not, or that there is none."""
    in_dock: bool
    """Whether the dock counts it among its occupants."""


def adopt(found: Found, pad: tuple[float, float], policy: Policy) -> Step | None:
    """Return the state to take a vehicle in; None while it cannot be told (armed on the ground)."""
    if landed(found.telemetry):
        return _on_ground(found, pad, policy)
    if not found.telemetry.in_air:
        return None
    if found.ours is not None:
        return Step(DroneState.EMERGENCY, f"in the air, and not on a sortie of ours: {found.ours}")
    return _in_air(found)


def _on_ground(found: Found, pad: tuple[float, float], policy: Policy) -> Step:
    away = distance_m(found.telemetry, pad)
    if away > policy.on_pad_m and not found.in_dock:
        return Step(DroneState.EMERGENCY, f"on the ground {away:.0f} m from its dock")
    if found.recorded in _FLEW:
        return Step(DroneState.CLOSING, "found on the ground in its dock")
    return Step(DroneState.CHARGING, "found in its dock")


def _in_air(found: Found) -> Step:
    mode, recorded = found.telemetry.mode, found.recorded
    coming = recorded in {DroneState.RETURNING, DroneState.LANDING, DroneState.LOST}
    match mode:
        case "RETURN_TO_LAUNCH" if coming:
            return Step(DroneState.RETURNING, "found on its way home")
        case "PRECISION_LAND" if coming:  # PX4 does not enter it by itself
            return Step(DroneState.LANDING, "found landing")
        case "RETURN_TO_LAUNCH" | "LAND" | "PRECISION_LAND":
            return Step(DroneState.EMERGENCY, f"found in {mode} by the autopilot's own decision")
        case _ if recorded in {DroneState.RETURNING, DroneState.LANDING}:
            return Step(DroneState.RETURNING, "was called home")
        case "HOLD" if recorded is DroneState.AVOIDING:
            return Step(DroneState.AVOIDING, "found out of the way of others")
        case "HOLD" | "ORBIT" if recorded in {DroneState.HELD, DroneState.AVOIDING}:
            does = "holding" if mode == "HOLD" else "flying in circles"
            return Step(DroneState.HELD, f"found {does}")
        case _:
            return Step(DroneState.ON_WAY, "found on its sortie")
