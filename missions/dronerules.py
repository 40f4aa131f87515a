"""What no drone is like: figures of the city file that contradict each other.

Each bound is wide: beyond it is a slip of the pen (a unit, a comma), not an odd drone.
"""

from __future__ import annotations

from collections.abc import Iterator

from missions.city import Drone
from missions.power import LEAST_CRUISE, W_PER_KG
from missions.yamltree import Path

MOST_CRUISE = 4.0
"""Power at cruise speed over that in a hover."""
HOVER_MIN = (3.0, 240.0)
"""Minutes that a full battery hovers: racing drones 3, the best of fuel cells and hybrids 4 h."""
W_A_KG = (40.0, 400.0)
"""Hover power of a kilogram: large slow rotors, and small ones that turn fast."""


def nonsense(drone: Drone) -> Iterator[tuple[Path, str]]:
    """Yield each figure of a drone that cannot be, by its key below the drone's, and why."""
    top = drone.max_air_speed_m_s
    if top is not None and top < drone.cruise_m_s:
        yield (
            ("max_air_speed_m_s",),
            f"{top:g} m/s through the air are less than the {drone.cruise_m_s:g} m/s of cruise_m_s",
        )
    battery = drone.battery
    hover, cruise = battery.hover_w, battery.cruise_w
    if not LEAST_CRUISE * hover <= cruise <= MOST_CRUISE * hover:
        yield (
            ("battery", "cruise_w"),
            f"{cruise:g} W at cruise speed is not within {LEAST_CRUISE:g} to {MOST_CRUISE:g} of the "
            f"{hover:g} W in a hover ({LEAST_CRUISE * hover:g} to {MOST_CRUISE * hover:g} W)",
        )
    minutes = 60.0 * battery.capacity_wh * battery.health_percent / 100.0 / hover
    if not HOVER_MIN[0] <= minutes <= HOVER_MIN[1]:
        yield (
            ("battery", "capacity_wh"),
            f"{battery.capacity_wh:g} Wh at {battery.health_percent:g} % of health hover for "
            f"{minutes:.3g} min at {hover:g} W; {HOVER_MIN[0]:g} to {HOVER_MIN[1]:g} min are allowed",
        )
    if drone.mass_kg is not None and not W_A_KG[0] <= hover / drone.mass_kg <= W_A_KG[1]:
        yield (
            ("mass_kg",),
            f"{drone.mass_kg:g} kg and {hover:g} W in a hover are {hover / drone.mass_kg:.3g} W/kg; "
            f"{W_A_KG[0]:g} to {W_A_KG[1]:g} W/kg are allowed",
        )
    mass = drone.mass_kg if drone.mass_kg is not None else hover / W_PER_KG
    if drone.payload_kg > mass:
        guessed = "" if drone.mass_kg is not None else " (guessed from hover_w)"
        yield (
            ("payload_kg",),
            f"{drone.payload_kg:g} kg are more than the drone's own {mass:.3g} kg{guessed}",
        )
