"""The world in a process of its own: broker, docks and embedded vehicles, at a multiple of real time.

Run as a program: ``world.py CITY.json LOG.jsonl SPEED``. Takes one JSON object a line on standard
input, answers each with one on standard output, and ends with its input.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from judge import Assassin, Judge

from missions.cityfile import parse
from sitl.autopilot.clock import SpeedClock
from sitl.autopilot.core import VehicleSpec
from sitl.autopilot.endpoint import MavlinkLink
from sitl.autopilot.modes import Mode
from sitl.autopilot.port import Fault
from sitl.autopilot.telemetry import ONBOARD_HZ
from sitl.autopilot.vehicle import EmbeddedVehicle, fly
from sitl.broker import Broker, address
from sitl.dock import SLOT_M, Dock, Door
from sitl.dock_mqtt import DockLine
from sitl.log import JsonLog
from sitl.scenario import Weather
from sitl.vehicles import slot

DOOR_S = 1.0
LOOK_S = 0.05
HELP_S = 2.0
UNUSED = {"HIGHRES_IMU", "ATTITUDE_QUATERNION", "ODOMETRY", "SERVO_OUTPUT_RAW", "DISTANCE_SENSOR"}
"""High-rate streams that the controller does not look at: left out to save this machine."""


class World:
    """Everything but the controller."""

    def __init__(self, city_file: Path, log: Path, speed: float) -> None:
        self.city = parse(city_file.read_text(encoding="utf-8"), city_file.name)
        self.speed = speed
        self.log = log.open("a", encoding="utf-8")
        self.vehicles: dict[str, EmbeddedVehicle] = {}
        self.docks: dict[str, DockLine] = {}
        self._lies: dict[str, float] = {}
        """By vehicle on a lid: since when."""
        self.assassin = Assassin()
        for number, drone in enumerate(self.city.drones):
            lon, lat = slot(self.city, drone.id)
            spec = VehicleSpec(
                id=drone.id, system_id=drone.system_id, lon=lon, lat=lat,
                amsl_m=self.city.city.elevation_m, battery=drone.battery,
                cruise_m_s=drone.cruise_m_s, seed=1000 + number,
            )  # fmt: skip
            self.vehicles[drone.id] = EmbeddedVehicle(spec, drone.mavlink)
        self.judge = Judge(self.city, self.vehicles, self.docks, self.write, self.assassin)
        for name, vehicle in self.vehicles.items():
            for link in vehicle.links:
                self._tap(name, link)

    def write(self, kind: str, **fields: Any) -> None:
        """Append to the log."""
        self.log.write(json.dumps({"at": time.time(), "kind": kind, **fields}, default=str) + "\n")
        self.log.flush()

    def _tap(self, drone: str, link: MavlinkLink) -> None:
        handle = link._handle

        def judged(message: Any) -> None:
            self.judge.received_by(drone, message)
            handle(message)

        link._handle = judged  # type: ignore[method-assign]
        for stream in link.telemetry._streams.values():
            hz = ONBOARD_HZ.get(stream.shape.name, 0.0)
            if stream.shape.name in UNUSED:
                link.telemetry.set_interval(stream.shape.msgid, -1)
            elif hz > 2:
                link.telemetry.set_interval(stream.shape.msgid, 1e6 * self.speed / min(hz, 10.0))

    async def run(self) -> None:
        """Live until standard input ends."""
        broker = Broker(*address(self.city.broker.url))
        await broker.start()
        ready = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(fly(list(self.vehicles.values()), SpeedClock(self.speed), ready)),
                group.create_task(self._look()),
            ]
            for place in self.city.docks:
                quick = place.model_copy(update={"door_s": DOOR_S})
                dock = Dock(quick, self.city.city.elevation_m, Weather())
                line = DockLine(dock, self.vehicles, broker.host, broker.port, JsonLog(None))
                self.docks[place.id] = line
                self._tap_dock(line)
                tasks.append(group.create_task(line.run()))
            await ready.wait()
            for line in self.docks.values():
                await line.connected.wait()
            print(json.dumps({"ready": True}), flush=True)
            await self._serve()
            for task in tasks:
                task.cancel()
        await broker.stop()

    def _tap_dock(self, line: DockLine) -> None:
        obey = line.dock.obey

        def seen(command: Any, wall: Any) -> Any:
            replies = obey(command, wall)
            self.write(
                "dock", dock=line.dock.place.id, action=command.action,
                replies=[f"{r.result} {r.reason}" for r in replies], door=line.dock.door.value,
            )  # fmt: skip
            if command.action == "close":
                self.judge.closing(line.dock.place.id)
            self.assassin.see(f"DOCK {command.action}")
            return replies

        line.dock.obey = seen  # type: ignore[method-assign]

    async def _look(self) -> None:
        while True:
            self.judge.look()
            self._centre()
            self._help()
            await asyncio.sleep(LOOK_S)

    def _centre(self) -> None:
        """Push what lies in a closed dock into its slot, as docks do.

        Home is where a vehicle arms: without this each landing would begin where the last one ended.
        """
        for name, vehicle in self.vehicles.items():
            dock, away = self.judge.nearest(name)
            body, line = vehicle.core.body, self.docks[dock]
            rests = vehicle.landed and not vehicle.armed and line.dock.door.value == "closed"
            if rests and away <= SLOT_M and (body.north, body.east) != (0.0, 0.0):
                body.north = body.east = 0.0

    def _help(self) -> None:
        """Open a dock by hand where a vehicle lies on its lid, as people would."""
        now = time.time()
        for name, vehicle in self.vehicles.items():
            dock, away = self.judge.nearest(name)
            line = self.docks[dock].dock
            out = name not in line.occupants and away <= SLOT_M
            lies = vehicle.landed and not vehicle.armed and out and line.door.value == "closed"
            since = self._lies.setdefault(name, now) if lies else self._lies.pop(name, now)
            if lies and now - since > HELP_S:
                line.door = Door.OPENING
                self.write("helped", drone=name, dock=dock)

    async def _serve(self) -> None:
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            print(json.dumps(self._do(json.loads(line))), flush=True)

    def _do(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Do what is asked: the method of that name, with the rest as what it takes."""
        answer = getattr(self, f"_ask_{asked.pop('do')}")(**asked)
        return answer if isinstance(answer, dict) else {}

    def _ask_jam(self, dock: str, on: bool) -> None:
        self.docks[dock].dock.jam(on)

    def _ask_silence(self, drone: str, on: bool) -> None:
        self.vehicles[drone].set_fault(Fault.LINK, on)

    def _ask_return(self, drone: str) -> None:
        vehicle = self.vehicles[drone]
        if not vehicle.landed:
            vehicle._commander.set_mode(Mode.RTL)

    def _ask_kill(self, pid: int, what: str, skip: int) -> None:
        self.assassin.arm(pid, what, skip)

    def _ask_spare(self) -> None:
        self.assassin.disarm()

    def _ask_may_land(self, drone: str) -> None:
        self.judge.told_to_land.add(drone)

    def _ask_started(self, **fields: Any) -> None:
        self.judge.started, self.judge.alive = time.time(), True
        self.write("started", **fields)

    def _ask_died(self) -> None:
        self.judge.alive = False

    def _ask_note(self, **fields: Any) -> None:
        self.write("note", **fields)

    def _ask_truth(self) -> dict[str, Any]:
        judge = self.judge
        return {
            "vehicles": judge.truth(),
            "docks": {
                d: {"door": k.dock.door.value, "inside": sorted(k.dock.occupants)}
                for d, k in self.docks.items()
            },
            "wrong": judge.wrong, "near_misses": judge.near_misses,
            "takeoffs": judge.takeoffs, "landings": judge.landings,
            "received": judge.received,
            "killed": {str(pid): at for pid, at in self.assassin.killed.items()},
        }  # fmt: skip


def die_with_parent() -> None:
    """Have Linux end this process when the one that started it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)


if __name__ == "__main__":
    die_with_parent()
    asyncio.run(World(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])).run())
