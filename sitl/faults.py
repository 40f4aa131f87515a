"""What a scenario breaks, broken and mended at its time, and logged as it happens."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from missions.geo import move
from sitl.autopilot.port import Aircraft, SimVehicle
from sitl.autopilot.port import Fault as VehicleFault
from sitl.autopilot.vehicle import EmbeddedVehicle
from sitl.cadprocess import CadProcess
from sitl.dock_mqtt import DockLine
from sitl.errors import VehicleError
from sitl.log import JsonLog
from sitl.scenario import ALL, Fault, Traffic, Weather

TRAFFIC_S = 1.0
"""An aircraft is heard this often, as ADS-B receivers tell of one."""


class Cameras(Protocol):
    """The camera server, as far as it can be broken."""

    def fault(self, drone: str, fault: str) -> None: ...


def flown(aircraft: Traffic, ground_amsl_m: float, seconds: float) -> Aircraft:
    """Return where an aircraft is so many seconds after its start."""
    lon, lat = move(aircraft.start, aircraft.heading_deg, aircraft.speed_m_s * seconds)
    return Aircraft(
        icao=aircraft.icao,
        callsign=aircraft.callsign,
        lon=lon,
        lat=lat,
        altitude_amsl_m=ground_amsl_m
        + max(0.0, aircraft.altitude_m + aircraft.climb_m_s * seconds),
        heading_deg=aircraft.heading_deg,
        speed_m_s=aircraft.speed_m_s,
        climb_m_s=aircraft.climb_m_s,
    )


def blow(vehicle: SimVehicle, weather: Weather) -> None:
    """Let the wind at a vehicle change; PX4's SIH knows no wind, and flies on in still air."""
    if isinstance(vehicle, EmbeddedVehicle):
        wind = vehicle.core.wind
        spec = replace(wind.spec, mean_m_s=weather.wind_m_s, from_deg=weather.wind_from_deg)
        wind.change(spec)


class Faults:
    """Breaks parts of a city and mends them again.

    Parameters
    ----------
    vehicles
        By drone.
    homes
        The dock of each drone.
    docks, cads, cameras
        What else can break.
    weather
        What the weather is without a fault.
    ground_amsl_m
        Of the city.
    log
        ``faults.jsonl``: ``begins``, ``ends``, and ``impossible`` with the reason where a vehicle
        cannot be broken so.
    """

    def __init__(
        self,
        vehicles: Mapping[str, SimVehicle],
        homes: Mapping[str, str],
        docks: Sequence[DockLine],
        cads: Sequence[CadProcess],
        cameras: Cameras,
        weather: Weather,
        ground_amsl_m: float,
        log: JsonLog,
    ) -> None:
        self._vehicles = vehicles
        self._homes = homes
        self._docks = docks
        self._cads = cads
        self._cameras = cameras
        self._fair = weather
        self._ground = ground_amsl_m
        self._log = log
        self._blowing: list[Fault] = []

    async def play(self, fault: Fault) -> None:
        """Wait for a fault's time, let it last, and end it."""
        await asyncio.sleep(fault.at_s)
        told = {"fault": fault.fault, "target": fault.target, "value": fault.value}
        try:
            await self._apply(fault, active=True)
        except VehicleError as error:
            self._log.write("impossible", **told, reason=str(error))
            return
        self._log.write("begins", **told)
        if fault.aircraft is not None:
            await self._fly(fault, fault.aircraft)
        else:
            await asyncio.sleep(fault.for_s)
        await self._apply(fault, active=False)
        self._log.write("ends", **told)

    async def _apply(self, fault: Fault, *, active: bool) -> None:
        what, _, how = fault.fault.partition("_")
        match what:
            case "camera":
                self._cameras.fault(fault.target, how if active else "none")
            case "vehicle":
                self._vehicles[fault.target].set_fault(VehicleFault(how), active)
            case "weather":
                self._change_weather(fault, active=active)
            case "dock":
                self._break_dock(fault.target, how, active=active)
            case "cad":
                for cad in self._cads:
                    if cad.place.id == fault.target:
                        await cad.fault(how, active=active)

    def _break_dock(self, target: str, how: str, *, active: bool) -> None:
        line = next(line for line in self._docks if line.dock.place.id == target)
        match how:
            case "jam":
                line.dock.jam(active)
            case "lies":
                line.dock.lie(active)
            case "offline":
                line.set_offline(active)

    # --- weather -------------------------------------------------------------------------------

    def _change_weather(self, fault: Fault, *, active: bool) -> None:
        """Let the docks measure it and the vehicles fly in it; the last fault to begin counts."""
        if active:
            self._blowing.append(fault)
        else:
            self._blowing.remove(fault)
        for line in self._docks:
            line.dock.weather = self._weather(line.dock.place.id)
        for drone, vehicle in self._vehicles.items():
            weather = self._weather(self._homes[drone])
            blow(vehicle, weather)

    def _weather(self, dock: str) -> Weather:
        """Return the weather at a dock now."""
        names = {"weather_wind": "wind_m_s", "weather_rain": "rain_mm_h"}
        here = [f for f in self._blowing if f.target in (ALL, dock)]
        return self._fair.model_copy(update={names[f.fault]: f.value for f in here})

    # --- traffic -------------------------------------------------------------------------------

    async def _fly(self, fault: Fault, aircraft: Traffic) -> None:
        """Let vehicles hear an aircraft once a second while the fault lasts."""
        hear = [v for name, v in self._vehicles.items() if fault.target in (ALL, name)]
        for second in range(math.ceil(fault.for_s / TRAFFIC_S)):
            now = flown(aircraft, self._ground, second * TRAFFIC_S)
            for vehicle in hear:
                vehicle.traffic(now)
            await asyncio.sleep(min(TRAFFIC_S, fault.for_s - second * TRAFFIC_S))
