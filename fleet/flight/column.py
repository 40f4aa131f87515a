"""The column of air over a dock, through which every drone of it climbs and sinks. Pure.

Drones that fly together keep different altitudes, but over their dock they pass through each
other's. So the column is entered only with the dock's gate, and only where nobody is in the way.
"""

from __future__ import annotations

from collections.abc import Mapping

from fleet.flight.place import distance_m
from fleet.model.live import Telemetry

RADIUS_M = 40.0
"""30 m are kept between drones, and 10 m for what GPS does not know."""
VERTICAL_M = 15.0


def blocker(
    drone: str, top_m: float, others: Mapping[str, Telemetry], pad: tuple[float, float]
) -> str | None:
    """Return who is in the air over a pad below a height, or None.

    Parameters
    ----------
    drone
        Who asks; never in its own way.
    top_m
        Height over the pad, metres, up to which the column is wanted.
    others
        Last word of every drone of the city. One that is lost counts where it was last seen.
    pad
        The dock (lon, lat).
    """
    for name, t in others.items():
        if name == drone or not t.in_air:
            continue
        if (t.altitude_m or 0.0) < top_m and distance_m(t, pad) < RADIUS_M:
            return name
    return None
