"""The way that vehicles really flew, as a log: where each one is that is in the air."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from sitl.autopilot.port import SimVehicle
from sitl.log import JsonLog

PERIOD_S = 0.25
"""At 15 m/s a vehicle goes 4 m in it: two may come 8 m nearer between two lines."""


async def keep(vehicles: Mapping[str, SimVehicle], log: JsonLog) -> None:
    """Log where every vehicle in the air is, until cancelled.

    Parameters
    ----------
    vehicles
        By drone.
    log
        ``tracks.jsonl``. A line has ``drones``: by drone its longitude and latitude in degrees and
        its height in metres above mean sea level, all true, not as it believes. None is written
        while all stand on the ground, but for the first then: it is empty.
    """
    aloft = True
    while True:
        poses = {name: v.true_pose() for name, v in vehicles.items() if not v.landed}
        if poses or aloft:
            places = {
                name: (round(p.lon, 7), round(p.lat, 7), round(p.altitude_amsl_m, 2))
                for name, p in poses.items()
            }
            log.write("positions", drones=places)
        aloft = bool(poses)
        await asyncio.sleep(PERIOD_S)
