"""The column of air over a dock, through which every drone of it climbs and sinks. Pure.

Drones that fly together keep different altitudes, but over their dock they pass through each
other's. So the column is entered only with the dock's gate, and only where nobody is in the way.
"""

from __future__ import annotations

from fleet.flight.place import distance_m
from fleet.model.live import Telemetry

RADIUS_M = 40.0
"""30 m are kept between drones, and 10 m for what GPS does not know."""
VERTICAL_M = 15.0


def is_in(t: Telemetry, pad: tuple[float, float], top_m: float) -> bool:
    """Whether a drone is in the air over a pad below a height, by its last word."""
    return t.in_air and (t.altitude_m or 0.0) < top_m and distance_m(t, pad) < RADIUS_M
