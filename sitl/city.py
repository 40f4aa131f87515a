"""The simulated city: broker, docks, vehicles, cameras and CAD, started and stopped as one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from missions.city import City
from missions.geo import distance_m
from sitl.autopilot.port import EventKind, SimVehicle, VehicleEvent
from sitl.broker import Broker, address
from sitl.cadprocess import CadProcess, local_cads
from sitl.cadsecret import secret
from sitl.camera.process import CameraProcess
from sitl.dock import Dock
from sitl.dock_mqtt import DockLine
from sitl.errors import SimError
from sitl.faults import Faults
from sitl.log import JsonLog
from sitl.scenario import Scenario
from sitl.tracks import keep
from sitl.vehicles import vehicles

PARENT_POLL_S = 0.5
READY_TIMEOUT_S = 20.0
STOP_BROKER_S = 1.0


class CityError(SimError):
    """A simulated city that does not start."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to simulate.

    ``log`` is a folder for the truth logs, None keeps none. ``seconds`` ends the run by itself.
    ``with_parent`` ends it when the process that started it ends. Without ``broker`` the docks speak
    to one that runs already, at the city file's address.
    """

    city: City
    scenario: Scenario
    log: Path | None = None
    seconds: float | None = None
    seed: int | None = None
    autopilot: str = "embedded"
    with_parent: bool = True
    broker: bool = True


@dataclass(frozen=True, slots=True)
class Ready:
    """What listens where."""

    broker: str
    docks: tuple[str, ...]
    vehicles: dict[str, str]
    video: dict[str, str]
    cad: dict[str, str] = field(default_factory=dict)


class SimCity:
    """A city that is being simulated.

    Parameters
    ----------
    options
        What to simulate.
    """

    def __init__(self, options: Options) -> None:
        city = options.city
        scenario = options.scenario
        if options.seed is not None:
            scenario = scenario.model_copy(update={"seed": options.seed})
        self.options, self.scenario = options, scenario
        self._stop = asyncio.Event()
        # asked now: once the parent has died it is another, and stays that
        self._parent = os.getppid()
        self.broker = Broker(*address(city.broker.url))
        self.cads = [
            CadProcess(cad, self._log_path("cad", k)) for k, cad in enumerate(local_cads(city))
        ]
        self.cameras = CameraProcess(city, scenario, options.log)
        self.vehicles: dict[str, SimVehicle] = {}
        self.docks: list[DockLine] = []
        self._vehicle_log = JsonLog(self._log_path("vehicles"))
        self._track_log = JsonLog(self._log_path("tracks"))
        self._dock_log = JsonLog(self._log_path("docks"))
        self._fault_log = JsonLog(self._log_path("faults"))

    def _log_path(self, name: str, number: int = 0) -> Path | None:
        if self.options.log is None:
            return None
        return self.options.log / f"{name}{number + 1 if number else ''}.jsonl"

    def stop(self) -> None:
        """Ask :meth:`run` to end."""
        self._stop.set()

    # --- a run ---------------------------------------------------------------------------------

    async def run(self, on_ready: Callable[[Ready], None]) -> None:
        """Start everything, tell when it is ready, and run until stopped.

        Raises
        ------
        SimError
            If something cannot start, or ends by itself.
        """
        for cad in self.cads:
            secret(cad.place.secret_env)
        try:
            if self.options.broker:
                await self.broker.start()
            await _together([self.cameras.start(), *(cad.start() for cad in self.cads)])
            await self._live(on_ready)
        finally:
            await self._end()

    async def _live(self, on_ready: Callable[[Ready], None]) -> None:
        city = self.options.city
        async with (
            asyncio.TaskGroup() as group,
            vehicles(city, self.scenario, self.options.autopilot, group) as flying,
        ):
            self._adopt(flying)
            self._make_docks()
            tasks = [
                group.create_task(
                    self.cameras.follow(self.vehicles, self._lids), name="camera poses"
                ),
                group.create_task(keep(self.vehicles, self._track_log), name="tracks"),
                *(group.create_task(line.run(), name="dock") for line in self.docks),
                *(group.create_task(cad.watch(), name="cad watch") for cad in self.cads),
            ]
            await self._docks_online()
            self.cameras.begin(time.time())
            faults = self._make_faults()
            tasks += [
                group.create_task(faults.play(fault), name=f"fault {fault.fault}")
                for fault in self.scenario.faults
            ]
            if self.options.with_parent:
                tasks.append(group.create_task(self._watch_parent(), name="parent"))
            on_ready(self._ready())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.options.seconds):
                    await self._stop.wait()
            for task in tasks:
                task.cancel()

    async def _docks_online(self) -> None:
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                for line in self.docks:
                    await line.connected.wait()
        except TimeoutError:
            missing = [line.dock.place.id for line in self.docks if not line.connected.is_set()]
            raise CityError(f"docks {missing} did not reach the broker in time") from None

    def _ready(self) -> Ready:
        city = self.options.city
        return Ready(
            broker=f"mqtt://{self.broker.host}:{self.broker.port}",
            docks=tuple(line.dock.place.id for line in self.docks),
            vehicles={d.id: d.mavlink for d in city.drones},
            video=self.cameras.urls,
            cad={cad.place.id: cad.url for cad in self.cads},
        )

    async def _end(self) -> None:
        """Stop the processes and the broker, all within 3 s."""
        await asyncio.gather(
            self.cameras.stop(), *(cad.stop() for cad in self.cads), return_exceptions=True
        )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_BROKER_S):
                await self.broker.stop()
        self._vehicle_log.close()
        self._track_log.close()
        self._dock_log.close()
        self._fault_log.close()

    async def _watch_parent(self) -> None:
        """Stop when the process that started this one has ended."""
        while os.getppid() == self._parent:  # noqa: ASYNC110 - no system tells this everywhere
            await asyncio.sleep(PARENT_POLL_S)
        self.stop()

    # --- vehicles ------------------------------------------------------------------------------

    def _adopt(self, vehicles: Sequence[SimVehicle]) -> None:
        for vehicle in vehicles:
            self.vehicles[vehicle.id] = vehicle
            vehicle.on_event(self._note)

    def _note(self, event: VehicleEvent) -> None:
        """Log what a vehicle did."""
        match event.kind:
            case EventKind.TAKEOFF:
                self._vehicle_log.write("takeoff", drone=event.vehicle)
            case EventKind.MODE:
                self._vehicle_log.write("mode", drone=event.vehicle, mode=event.mode)
            case EventKind.LANDED:
                here = (event.pose.lon, event.pose.lat)
                dock = min(self.options.city.docks, key=lambda d: distance_m(d.position, here))
                self._vehicle_log.write(
                    "landed", drone=event.vehicle, lon=here[0], lat=here[1], dock=dock.id,
                    dock_distance_m=round(distance_m(dock.position, here), 2),
                )  # fmt: skip

    def _lids(self) -> dict[str, float]:
        """Return how far each dock's lid is open."""
        return {line.dock.place.id: round(line.dock.opened, 2) for line in self.docks}

    # --- docks and faults ----------------------------------------------------------------------

    def _make_faults(self) -> Faults:
        city = self.options.city
        return Faults(
            self.vehicles, {d.id: d.dock for d in city.drones}, self.docks, self.cads,
            self.cameras, self.scenario.weather, city.city.elevation_m, self._fault_log,
        )  # fmt: skip

    def _make_docks(self) -> None:
        for place in self.options.city.docks:
            dock = Dock(place, self.options.city.city.elevation_m, self.scenario.weather)
            self.docks.append(
                DockLine(dock, self.vehicles, self.broker.host, self.broker.port, self._dock_log)
            )


async def _together(parts: Sequence[Any]) -> None:
    """Run coroutines at once; the first error ends them all and is raised bare."""
    try:
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(part)
    except BaseExceptionGroup as errors:
        raise first(errors) from errors


def first(error: BaseException) -> BaseException:
    """Return the first error in nested groups of them: a SimError where there is one."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    inner = [first(e) for e in error.exceptions]
    return next((e for e in inner if isinstance(e, SimError)), inner[0])


def stop_on_signals(city: SimCity) -> None:
    """Stop the city on SIGINT, SIGTERM and SIGHUP."""
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(name, city.stop)


async def simulate(options: Options, on_ready: Callable[[Ready], None]) -> None:
    """Run a city until a signal, the time limit or the parent's end.

    Raises
    ------
    SimError
        If something cannot start, or ends by itself.
    """
    city = SimCity(options)
    stop_on_signals(city)
    running = asyncio.create_task(city.run(on_ready), name="city")
    stopping = asyncio.create_task(city._stop.wait(), name="stop")
    try:
        # a signal while things are still starting ends the start too
        await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait([running], timeout=0.5)
        if not running.done():
            running.cancel()
        await running
    except asyncio.CancelledError:
        if not stopping.done():
            raise
    except BaseExceptionGroup as errors:
        raise first(errors) from errors
    finally:
        stopping.cancel()
