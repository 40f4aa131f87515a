"""Many embedded vehicles at PX4's own rates and real time, their docks and a broker: one process.

Run as a program: ``flock.py CITY.json PLANS.json``. Takes one JSON object a line on standard input
and answers each; ends with its input. Every vehicle that has a plan is put on it in the air, as
one that a controller had started before it died.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import math
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from missions.cityfile import parse
from sitl.autopilot.core import VehicleSpec
from sitl.autopilot.items import FENCE, MISSION, Item
from sitl.autopilot.modes import Mode
from sitl.autopilot.port import Aircraft, Fault
from sitl.autopilot.vehicle import EmbeddedVehicle, fly
from sitl.broker import Broker, address
from sitl.dock import Dock
from sitl.dock_mqtt import DockLine
from sitl.log import JsonLog
from sitl.scenario import Weather
from sitl.vehicles import slot

COMMANDS = ("COMMAND_LONG", "COMMAND_INT", "SET_MODE", "MISSION_SET_CURRENT")
SET_MESSAGE_INTERVAL = 511
RATES = frozenset({SET_MESSAGE_INTERVAL, 512, 520})
"""Commands about messages, not about flying."""


class Flock:
    """The vehicles and what they hear."""

    def __init__(self, city_file: Path, plans: Path) -> None:
        self.city = parse(city_file.read_text(encoding="utf-8"), city_file.name)
        self.plans: dict[str, Any] = json.loads(plans.read_text())
        self.vehicles: dict[str, EmbeddedVehicle] = {}
        self.heard: dict[str, list[tuple[float, str]]] = {}
        self.steps: list[tuple[float, str, str]] = []
        self.own_rates = False
        for number, drone in enumerate(self.city.drones):
            lon, lat = slot(self.city, drone.id)
            spec = VehicleSpec(
                id=drone.id, system_id=drone.system_id, lon=lon, lat=lat,
                amsl_m=self.city.city.elevation_m, battery=drone.battery,
                cruise_m_s=drone.cruise_m_s, seed=number,
            )  # fmt: skip
            vehicle = self.vehicles[drone.id] = EmbeddedVehicle(spec, drone.mavlink)
            self._tap(drone.id, vehicle)

    def _tap(self, name: str, vehicle: EmbeddedVehicle) -> None:
        link = vehicle.links[0]
        handle, heard = link._handle, self.heard.setdefault(name, [])

        def seen(message: Any) -> None:
            kind = message.get_type()
            if self.own_rates and getattr(message, "command", 0) == SET_MESSAGE_INTERVAL:
                return
            if kind in COMMANDS and getattr(message, "command", 0) not in RATES:
                heard.append((time.time(), f"{kind} {getattr(message, 'command', '')}"))
            handle(message)

        link._handle = seen  # type: ignore[method-assign]
        vehicle.on_event(lambda event: self.steps.append((time.time(), name, event.kind.value)))

    async def run(self) -> None:
        """Live until standard input ends."""
        broker = Broker(*address(self.city.broker.url))
        await broker.start()
        ready = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(fly(list(self.vehicles.values()), None, ready))]
            lines = []
            for place in self.city.docks:
                dock = Dock(place, self.city.city.elevation_m, Weather())
                mine = {d.id: self.vehicles[d.id] for d in self.city.drones if d.dock == place.id}
                line = DockLine(dock, mine, broker.host, broker.port, JsonLog(None))
                lines.append(line)
                self._tap_dock(line)
                tasks.append(group.create_task(line.run()))
            await ready.wait()
            for line in lines:
                await line.connected.wait()
            print(json.dumps({"ready": True}), flush=True)
            await self._serve()
            for task in tasks:
                task.cancel()
        await broker.stop()

    def _tap_dock(self, line: DockLine) -> None:
        obey, advance, name = line.dock.obey, line.dock.advance, line.dock.place.id

        def obeyed(command: Any, wall: Any) -> Any:
            self.steps.append((time.time(), name, f"told {command.action}"))
            return obey(command, wall)

        def advanced(now: float) -> Any:
            before = line.dock.door
            replies = advance(now)
            if line.dock.door is not before:
                self.steps.append((time.time(), name, line.dock.door.value))
            return replies

        line.dock.obey, line.dock.advance = obeyed, advanced  # type: ignore[method-assign]

    async def _serve(self) -> None:
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            asked = json.loads(line)
            answer = getattr(self, asked.pop("do"))(**asked)
            print(json.dumps(answer or {}), flush=True)

    # what may be asked

    def load(self) -> None:
        """Give every vehicle that flies its plan; PX4 checks one a while after it has it."""
        for name, plan in self.plans.items():
            held = self.vehicles[name].core.plan
            for kind, of in ((FENCE, "fence"), (MISSION, "mission")):
                held.replace(kind, [_item(raw) for raw in plan[of]])

    def keep_rates(self) -> None:
        """Have no vehicle hear how often it is to send what: all send at PX4's default rates."""
        self.own_rates = True

    def radio(self, on: bool) -> None:
        """Let the vehicles be heard, or not; who is not costs this machine less."""
        for vehicle in self.vehicles.values():
            vehicle.set_fault(Fault.LINK, active=not on)

    def launch(self) -> dict[str, int]:
        """Arm whoever has a plan that was found good, and put it on it; return how many are."""
        armed = 0
        for name in self.plans:
            vehicle = self.vehicles[name]
            commander = vehicle._commander
            if vehicle.core.plan.valid and not vehicle.armed:
                commander.arm()
                commander.set_mode(Mode.MISSION)
            armed += vehicle.armed
        return {"armed": armed}

    def state(self) -> dict[str, Any]:
        """Return how many fly how high, and what this process takes."""
        aloft = {n: v.core.altitude for n, v in self.vehicles.items() if not v.core.landed}
        missions = sum(v.core.mode is Mode.MISSION for v in self.vehicles.values())
        return {
            "aloft": len(aloft), "lowest": min(aloft.values(), default=0.0), "mission": missions,
            "cpu": time.process_time(), "now": next(v.core.now for v in self.vehicles.values()),
            "dropped": sum(link.socket.dropped for v in self.vehicles.values() for link in v.links),
            "plans": {n: v.core.plan.ids[0] for n, v in self.vehicles.items()},
        }  # fmt: skip

    def told(self) -> dict[str, Any]:
        """Return what happened and what was heard, and forget it."""
        answer = {"heard": dict(self.heard), "steps": self.steps[:]}
        answer["heard"] = {name: heard[:] for name, heard in self.heard.items() if heard}
        for heard in self.heard.values():
            heard.clear()
        self.steps.clear()
        return answer

    def drain(self, drones: list[str], percent: float) -> None:
        """Have batteries be so low, for the streams to say."""
        for name in drones:
            self.vehicles[name].core.battery.set_percent(percent)

    def battery(self, drone: str, percent: float) -> dict[str, float]:
        """Have a vehicle's battery be so low, and say so at once; return when it said so."""
        vehicle = self.vehicles[drone]
        vehicle.core.battery.set_percent(percent)
        self.heard[drone].clear()
        link = vehicle.links[0]
        for number in (1, 147):  # SYS_STATUS, BATTERY_STATUS
            found = link.telemetry.once(number)
            if found is not None:
                link._put(link._encoder.frame(*found))
        at = time.time()
        link.flush()
        return {"at": at}

    def aircraft(self, drone: str, icao: int) -> dict[str, Any]:
        """Have a vehicle hear an aircraft 300 m off at its height; return when it told of it.

        And who is well within 1 km of it then.
        """
        vehicle = self.vehicles[drone]
        pose = vehicle.true_pose()
        for heard in self.heard.values():
            heard.clear()
        at = time.time()
        vehicle.traffic(
            Aircraft(
                icao=icao,
                callsign="BENCH",
                lon=pose.lon + 0.003,
                lat=pose.lat,
                altitude_amsl_m=pose.altitude_amsl_m,
                heading_deg=270.0,
                speed_m_s=40.0,
            )
        )
        vehicle.links[0].flush()
        scale = 111_320 * math.cos(math.radians(pose.lat))
        near = []
        for name, other in self.vehicles.items():
            place = other.true_pose()
            east, north = (place.lon - pose.lon - 0.003) * scale, (place.lat - pose.lat) * 111_320
            if not other.core.landed and math.hypot(east, north) < 950:
                near.append(name)
        return {"at": at, "near": near}


def _item(raw: list[Any]) -> Item:
    command, frame, params, x, y, z = raw
    return Item(frame, command, tuple(params), x, y, z)


if __name__ == "__main__":
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    asyncio.run(Flock(Path(sys.argv[1]), Path(sys.argv[2])).run())
