"""Having a vehicle stay where it is."""

from __future__ import annotations

from fleet.flight.berth import Berthed
from fleet.flight.place import speed_m_s
from fleet.model.command import GoTo

FLIES_ON = frozenset({"MISSION", "RETURN_TO_LAUNCH", "LAND", "PRECISION_LAND", "TAKEOFF"})
"""Modes in which the vehicle goes somewhere by itself."""


async def stop(s: Berthed) -> None:
    """Have a vehicle stay where it is now, that flies to a point or in circles in HOLD or ORBIT.

    HOLD keeps the point it was last sent to, so telling it to hold again changes nothing; it is
    sent to where it is.

    Raises
    ------
    LinkError
        If the vehicle does not take it.
    """
    t = s.t
    if t.mode == "ORBIT" or t.lon is None or t.lat is None or not t.altitude_m:
        await s.order(s.link.hold())
    elif speed_m_s(t) > s.policy.still_m_s:
        here = GoTo(action="goto", lon=t.lon, lat=t.lat, altitude_m=max(1.0, t.altitude_m))
        await s.order(s.link.go_to(here))
