"""The vehicles of a simulated city: embedded ones, or real PX4 instances, each in its slot.

A PX4 that runs elsewhere on this machine, in a container say, can be attached: the simulator then
asks it where it is, and neither starts nor stops it.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import re
import tempfile
from collections.abc import AsyncIterator, Coroutine, Sequence
from pathlib import Path
from typing import Any

from missions.city import City, Drone
from sitl.autopilot.core import VehicleSpec
from sitl.autopilot.port import SimVehicle
from sitl.autopilot.px4_vehicle import Px4Vehicle
from sitl.autopilot.vehicle import EmbeddedVehicle, fly
from sitl.autopilot.wind import WindSpec
from sitl.errors import SimError
from sitl.px4 import Px4Fleet, Px4Instance, Px4Source, Px4Spec
from sitl.scenario import Scenario

SLOT_OFFSET_M = 0.6
"""Slots stand this far east and west of the pad's middle, two by two."""
ROW_M = 2.4
"""A row of slots is at most this long, so that every slot is on the pad."""
READY_TIMEOUT_S = 40.0
FIRST_PORT = 14540


class FleetError(SimError):
    """Vehicles that cannot be simulated as asked."""


def slot(city: City, drone: str) -> tuple[float, float]:
    """Return where a drone's slot is: (lon, lat).

    A dock's slots stand in a row from west to east about its position.
    """
    own = next(d for d in city.drones if d.id == drone)
    dock = next(d for d in city.docks if d.id == own.dock)
    mates = [d.id for d in city.drones if d.dock == dock.id]
    place = mates.index(drone) - (len(mates) - 1) / 2
    spread = min(2 * SLOT_OFFSET_M, ROW_M / max(1, len(mates) - 1))
    lon, lat = dock.position
    return lon + place * spread / (111_319.5 * math.cos(math.radians(lat))), lat


def px4_spec(city: City, drone: Drone) -> Px4Spec:
    """Return the PX4 instance that can be a drone.

    Its battery's drain is set so that hovering empties it in the time that the city file says.

    Raises
    ------
    FleetError
        If the drone's address and system id are not those of one instance in PX4's scheme.
    """
    match = re.fullmatch(r"udpin://[^:]+:(\d+)", drone.mavlink)
    instance = int(match[1]) - FIRST_PORT if match else -1
    if instance < 0 or drone.system_id != instance + 1:
        raise FleetError(
            f"drone {drone.id!r} has system id {drone.system_id} on {drone.mavlink}; PX4 instance i "
            f"has system id i + 1 on udpin://0.0.0.0:{FIRST_PORT} + i",
            hint="change the drone's addresses in the city file, or use --autopilot embedded",
        )
    lon, lat = slot(city, drone.id)
    hover_s = drone.battery.capacity_wh / drone.battery.hover_w * 3600
    params = {"SIM_BAT_DRAIN": round(hover_s), "SIM_BAT_MIN_PCT": 0.0, **vertical_params(drone)}
    return Px4Spec(instance, lon, lat, city.city.elevation_m, params)


def vertical_params(drone: Drone) -> dict[str, float]:
    """Return PX4's parameters that make a vehicle climb and come down as the city file says."""
    up, down = drone.climb_m_s, drone.descent_m_s
    return {
        "MPC_Z_VEL_MAX_UP": up,
        "MPC_Z_V_AUTO_UP": up,
        "MPC_Z_VEL_MAX_DN": down,
        "MPC_Z_V_AUTO_DN": down,
    }


@contextlib.asynccontextmanager
async def vehicles(
    city: City, scenario: Scenario, autopilot: str, group: asyncio.TaskGroup
) -> AsyncIterator[Sequence[SimVehicle]]:
    """Start a city's vehicles, and stop them in the end.

    Parameters
    ----------
    city, scenario
        Which vehicles, and the wind they fly in.
    autopilot
        ``embedded``; ``px4``: real ones, started here; ``attached``: real ones that run already.
    group
        Takes the tasks that keep them going; one that fails ends the group.

    Raises
    ------
    SimError
        If a vehicle cannot be started, or is not ready in time.
    """
    if autopilot == "px4":
        async with _px4(city, group) as real:
            yield real
    elif autopilot == "attached":
        specs = [px4_spec(city, drone) for drone in city.drones]
        instances = [Px4Instance(Px4Source(), spec, Path()) for spec in specs]
        async with _spoken_to(city, instances, group) as running:
            yield running
    else:
        async with _embedded(city, scenario, group) as embedded:
            yield embedded


@contextlib.asynccontextmanager
async def _embedded(
    city: City, scenario: Scenario, group: asyncio.TaskGroup
) -> AsyncIterator[Sequence[EmbeddedVehicle]]:
    weather = scenario.weather
    wind = WindSpec(mean_m_s=weather.wind_m_s, from_deg=weather.wind_from_deg)
    made: list[EmbeddedVehicle] = []
    for number, drone in enumerate(city.drones):
        lon, lat = slot(city, drone.id)
        spec = VehicleSpec(
            id=drone.id, system_id=drone.system_id, lon=lon, lat=lat,
            amsl_m=city.city.elevation_m, battery=drone.battery, cruise_m_s=drone.cruise_m_s,
            wind=wind, seed=scenario.seed * 1000 + number, params=vertical_params(drone),
        )  # fmt: skip
        made.append(EmbeddedVehicle(spec, drone.mavlink))
    ready = asyncio.Event()
    task = group.create_task(fly(made, ready=ready), name="vehicles")
    try:
        await _ready([task], [ready.wait()])
        yield made
    finally:
        task.cancel()


@contextlib.asynccontextmanager
async def _px4(city: City, group: asyncio.TaskGroup) -> AsyncIterator[Sequence[Px4Vehicle]]:
    specs = [px4_spec(city, drone) for drone in city.drones]
    with tempfile.TemporaryDirectory(prefix="skybeat-px4-", ignore_cleanup_errors=True) as scratch:
        async with (
            Px4Fleet(specs, Path(scratch)) as fleet,
            _spoken_to(city, fleet.instances, group) as made,
        ):
            yield made


@contextlib.asynccontextmanager
async def _spoken_to(
    city: City, instances: Sequence[Px4Instance], group: asyncio.TaskGroup
) -> AsyncIterator[Sequence[Px4Vehicle]]:
    """Speak to PX4 instances, one a drone, in the city's order."""
    names = [drone.id for drone in city.drones]
    made = [Px4Vehicle(n, i) for n, i in zip(names, instances, strict=True)]
    tasks = [group.create_task(v.run(), name=f"PX4 {v.id}") for v in made]
    try:
        await _ready(tasks, [v.ready() for v in made])
        yield made
    finally:
        for task in tasks:
            task.cancel()


async def _ready(
    tasks: Sequence[asyncio.Task[None]], conditions: Sequence[Coroutine[Any, Any, object]]
) -> None:
    """Wait until every condition holds, or a task ends, which is an error.

    Raises
    ------
    FleetError
        If it takes too long.
    """
    every = asyncio.gather(*conditions)
    try:
        pending: set[asyncio.Future[Any]] = {*tasks, every}
        await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED, timeout=READY_TIMEOUT_S)
        for task in tasks:
            if task.done():
                task.result()
        if not every.done():
            raise FleetError(f"the vehicles were not ready after {READY_TIMEOUT_S:g} s")
    finally:
        every.cancel()
        await asyncio.gather(every, return_exceptions=True)
