"""What a scenario breaks, as it is seen on the wire: MAVLink over UDP and MQTT through a broker."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import socket
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiomqtt
import pytest
from pymavlink.dialects.v20 import common as mav

from missions.city import Battery
from missions.city import Dock as DockPlace
from missions.geo import distance_m
from sitl.autopilot.clock import SpeedClock
from sitl.autopilot.core import VehicleSpec
from sitl.autopilot.vehicle import EmbeddedVehicle, fly
from sitl.autopilot.wind import WindSpec
from sitl.broker import Broker
from sitl.dock import Dock
from sitl.dock_mqtt import DockLine
from sitl.errors import VehicleError
from sitl.faults import Faults, flown
from sitl.log import JsonLog
from sitl.scenario import Fault, Traffic, Weather

PAD = (117.66, 24.5)
OTHER = (117.67, 24.5)
SPEED = 6.0
FAIR = Weather(wind_m_s=2.0, wind_from_deg=90)


def free_port() -> int:
    """Return a UDP port that is free, and the one 40 higher too."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as a:
            a.bind(("127.0.0.1", 0))
            port = int(a.getsockname()[1])
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as b:
                try:
                    b.bind(("0.0.0.0", port + 40))
                except (OSError, OverflowError):
                    continue
                return port


class Station(asyncio.DatagramProtocol):
    """Hears one vehicle on the controller's port, and speaks to it."""

    def __init__(self, system: int) -> None:
        self.system = system
        self.last: dict[str, Any] = {}
        self.count = 0
        self.aircraft: list[Any] = []
        self._mav = mav.MAVLink(None, srcSystem=245, srcComponent=190)
        self._mav.robust_parsing = True
        self._transport: Any = None
        self._peer: Any = None
        self._news = asyncio.Event()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._peer = addr
        self.count += 1
        for message in self._mav.parse_buffer(data) or ():
            self.last[message.get_type()] = message
            if message.get_type() == "ADSB_VEHICLE":
                self.aircraft.append(message)
        self._news.set()

    def send(self, message: Any) -> None:
        if self._peer is not None:
            self._transport.sendto(message.pack(self._mav), self._peer)

    def command(self, number: int, *p: float) -> None:
        seven = (*p, *(0.0,) * (7 - len(p)))
        self.send(mav.MAVLink_command_long_message(self.system, 1, number, 0, *seven))

    async def until(self, condition: Callable[[], Any], seconds: float = 20.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                self._news.clear()
                await self._news.wait()

    def get(self, kind: str, field: str) -> Any:
        message = self.last.get(kind)
        return None if message is None else getattr(message, field)

    async def beat(self) -> None:
        while True:
            self.send(mav.MAVLink_heartbeat_message(6, 8, 0, 0, 0, 3))
            await asyncio.sleep(0.15)

    async def take_off(self) -> None:
        """Arm and climb to 25 m."""
        nan = float("nan")
        amsl = 35.0

        async def ask(number: int, *p: float, done: Callable[[], Any]) -> None:
            for _ in range(50):
                self.command(number, *p)
                with contextlib.suppress(TimeoutError):
                    await self.until(done, 0.3)
                    return
            raise AssertionError(f"command {number} had no effect: {self.last.get('COMMAND_ACK')}")

        await ask(400, 1, done=lambda: (self.get("HEARTBEAT", "base_mode") or 0) & 128)
        await ask(22, 0, 0, 0, nan, nan, nan, amsl, done=lambda: self.height() > 1)
        await self.until(lambda: self.height() > 24)

    def height(self) -> float:
        return float((self.get("GLOBAL_POSITION_INT", "relative_alt") or 0) / 1000)


class Town:
    """Two drones of two docks, a broker, and what they say."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.vehicles: dict[str, EmbeddedVehicle] = {}
        self.stations: dict[str, Station] = {}
        self.docks: list[DockLine] = []
        self.states: dict[str, dict[str, Any]] = {}
        self.replies: list[dict[str, Any]] = []
        self.cameras: list[tuple[str, str]] = []
        self._news = asyncio.Event()
        self.client: aiomqtt.Client

    def faults(self) -> Faults:
        cameras = SimpleNamespace(fault=lambda drone, how: self.cameras.append((drone, how)))
        homes = {"a": "pad", "b": "other"}
        log = JsonLog(self.folder / "faults.jsonl")
        return Faults(self.vehicles, homes, self.docks, [], cameras, FAIR, 10.0, log)

    def play(self, **fault: Any) -> asyncio.Task[None]:
        raw = {"at_s": 0.0, "for_s": 1.5} | fault
        return asyncio.create_task(self.faults().play(Fault.model_validate(raw)))

    def logged(self) -> list[tuple[str, str]]:
        lines = (self.folder / "faults.jsonl").read_text().splitlines()
        return [(e["kind"], e["fault"]) for e in map(json.loads, lines)]

    def doors(self) -> list[tuple[str, str]]:
        lines = (self.folder / "docks.jsonl").read_text().splitlines()
        entries = [e for e in map(json.loads, lines) if e["kind"] == "door" and e["dock"] == "pad"]
        return [(e["door"], e["told"]) for e in entries]

    async def listen(self) -> None:
        async for message in self.client.messages:
            dock, name = message.topic.value.split("/")[3:5]
            if name == "state":
                self.states[dock] = json.loads(bytes(message.payload))
            elif name == "reply":
                self.replies.append(json.loads(bytes(message.payload)))
            self._news.set()

    async def until(self, condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(15):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def order(self, action: str) -> None:
        now = datetime.now(UTC)
        body = {
            "id": f"{action}-{now.timestamp()}", "action": action, "issued_at": now.isoformat(),
            "expires_at": (now + timedelta(seconds=20)).isoformat(),
        }  # fmt: skip
        await self.client.publish("skybeat/v1/docks/pad/command", json.dumps(body), qos=1)


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    it = Town(tmp_path)
    broker = Broker("127.0.0.1", 0)
    await broker.start()
    log = JsonLog(tmp_path / "docks.jsonl")
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(broker.stop)
        tasks: list[asyncio.Task[Any]] = []

        async def end() -> None:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        for number, (name, place) in enumerate((("a", PAD), ("b", OTHER)), 1):
            port = free_port()
            station = it.stations[name] = Station(number)
            transport, _ = await loop.create_datagram_endpoint(
                lambda s=station: s, local_addr=("127.0.0.1", port)
            )
            stack.callback(transport.close)
            spec = VehicleSpec(
                id=name, system_id=number, lon=place[0], lat=place[1], amsl_m=10.0,
                battery=Battery(), cruise_m_s=12.0, wind=WindSpec(FAIR.wind_m_s, 90.0), seed=number,
            )  # fmt: skip
            it.vehicles[name] = EmbeddedVehicle(spec, f"udpin://127.0.0.1:{port}")
            named = DockPlace(id="pad" if name == "a" else "other", position=place, door_s=0.4)
            dock = Dock(named, 10.0, FAIR)
            it.docks.append(DockLine(dock, it.vehicles, "127.0.0.1", broker.port, log))
            tasks.append(asyncio.create_task(station.beat()))
        it.client = await stack.enter_async_context(
            aiomqtt.Client(
                "127.0.0.1", broker.port, protocol=aiomqtt.ProtocolVersion.V311, timeout=5
            )
        )
        await it.client.subscribe("skybeat/v1/docks/#", qos=1)
        stack.push_async_callback(end)
        ready = asyncio.Event()
        tasks += [
            asyncio.create_task(fly(list(it.vehicles.values()), SpeedClock(SPEED), ready)),
            asyncio.create_task(it.listen()),
            *(asyncio.create_task(line.run()) for line in it.docks),
        ]
        await asyncio.wait_for(ready.wait(), 10)
        await it.until(lambda: len(it.states) == 2)
        await it.stations["a"].until(lambda: "HEARTBEAT" in it.stations["a"].last)
        yield it


# --- vehicles --------------------------------------------------------------------------------------


async def test_gps_is_lost_and_found_again(town: Town) -> None:
    one, other = town.stations["a"], town.stations["b"]
    await one.until(lambda: (one.get("GPS_RAW_INT", "fix_type") or 0) >= 3)
    playing = town.play(fault="vehicle_gps", target="a")
    await one.until(lambda: one.get("GPS_RAW_INT", "fix_type") < 2)
    assert other.get("GPS_RAW_INT", "fix_type") >= 3
    await asyncio.wait_for(playing, 10)
    await one.until(lambda: one.get("GPS_RAW_INT", "fix_type") >= 3)
    assert town.logged() == [("begins", "vehicle_gps"), ("ends", "vehicle_gps")]


async def test_the_battery_collapses(town: Town) -> None:
    one = town.stations["a"]
    await one.until(lambda: (one.get("BATTERY_STATUS", "battery_remaining") or 0) > 50)
    playing = town.play(fault="vehicle_battery", target="a")
    await one.until(lambda: one.get("BATTERY_STATUS", "battery_remaining") <= 10)
    await asyncio.wait_for(playing, 10)


async def test_a_radio_is_silent_and_comes_back(town: Town) -> None:
    one, other = town.stations["a"], town.stations["b"]
    playing = town.play(fault="vehicle_link", target="a", for_s=1.0)
    await other.until(lambda: town.logged() == [("begins", "vehicle_link")])
    heard = other.count
    await other.until(lambda: other.count > heard + 10)  # what was on its way has arrived
    silent, heard = one.count, other.count
    await other.until(lambda: other.count > heard + 20)
    assert not playing.done()
    assert one.count == silent
    await asyncio.wait_for(playing, 10)
    await one.until(lambda: one.count > silent + 5)


async def test_a_drone_without_a_motor_falls(town: Town) -> None:
    one = town.stations["a"]
    await one.take_off()
    playing = town.play(fault="vehicle_motor", target="a", for_s=4.0)
    await one.until(lambda: town.vehicles["a"].true_pose().altitude_m < 0.5)
    await asyncio.wait_for(playing, 10)


async def test_an_aircraft_is_heard_and_moves(town: Town) -> None:
    one, other = town.stations["a"], town.stations["b"]
    aircraft = {
        "start": PAD, "heading_deg": 90, "speed_m_s": 60, "altitude_m": 150, "callsign": "B-7041",
    }  # fmt: skip
    playing = town.play(fault="traffic", target="a", for_s=2.4, aircraft=aircraft)
    await asyncio.wait_for(playing, 10)
    await one.until(lambda: len(one.aircraft) == 3)
    assert not other.aircraft
    first, last = one.aircraft[0], one.aircraft[-1]
    assert first.callsign.strip("\x00 ") == "B-7041"
    assert first.altitude / 1000 == pytest.approx(160)
    gone = distance_m((first.lon * 1e-7, first.lat * 1e-7), (last.lon * 1e-7, last.lat * 1e-7))
    assert gone == pytest.approx(120, rel=0.01)
    assert last.lon > first.lon
    playing = town.play(fault="traffic", target="all", for_s=0.2, aircraft=aircraft)
    await asyncio.wait_for(playing, 10)
    await other.until(lambda: other.aircraft)


def test_an_aircraft_does_not_fly_into_the_ground() -> None:
    falling = Traffic(start=PAD, heading_deg=0, speed_m_s=50, altitude_m=100, climb_m_s=-10)
    assert flown(falling, 10.0, 5).altitude_amsl_m == pytest.approx(60)
    assert flown(falling, 10.0, 60).altitude_amsl_m == pytest.approx(10)


# --- weather ---------------------------------------------------------------------------------------


def lean_deg(station: Station) -> float:
    turn = station.last["ATTITUDE"]
    return math.degrees(math.hypot(turn.roll, turn.pitch))


async def test_wind_is_measured_by_the_docks_and_leaned_into_by_the_drones(town: Town) -> None:
    one = town.stations["a"]
    await one.take_off()
    await one.until(lambda: one.get("HEARTBEAT", "custom_mode") == 0x03040000)  # AUTO, LOITER
    playing = town.play(fault="weather_wind", target="all", value=15.0, for_s=3.0)
    await town.until(lambda: all(s["wind_m_s"] == 15.0 for s in town.states.values()))
    await one.until(lambda: lean_deg(one) > 10)
    await asyncio.wait_for(playing, 10)
    await town.until(lambda: all(s["wind_m_s"] == 2.0 for s in town.states.values()))
    await one.until(lambda: lean_deg(one) < 4)


async def test_rain_at_one_dock_is_measured_there_alone(town: Town) -> None:
    playing = town.play(fault="weather_rain", target="pad", value=6.5, for_s=1.0)
    await town.until(lambda: town.states["pad"]["rain_mm_h"] == 6.5)
    assert town.states["other"]["rain_mm_h"] == 0.0
    await asyncio.wait_for(playing, 10)
    await town.until(lambda: town.states["pad"]["rain_mm_h"] == 0.0)


async def test_weather_on_weather_ends_with_the_fair(town: Town) -> None:
    faults = town.faults()
    for value, at_s, for_s in ((8.0, 0.0, 1.2), (14.0, 0.3, 0.3)):
        raw = {"at_s": at_s, "for_s": for_s, "fault": "weather_wind", "target": "all"}
        fault = Fault.model_validate(raw | {"value": value})
        town_task = asyncio.create_task(faults.play(fault))
    await town.until(lambda: town.states["pad"]["wind_m_s"] == 8.0)
    await town.until(lambda: town.states["pad"]["wind_m_s"] == 14.0)
    await asyncio.wait_for(town_task, 10)
    await town.until(lambda: town.states["pad"]["wind_m_s"] == 8.0)
    await town.until(lambda: town.states["pad"]["wind_m_s"] == 2.0)


# --- docks and cameras -----------------------------------------------------------------------------


async def test_a_dock_lies_about_its_door(town: Town) -> None:
    dock = town.docks[0].dock
    playing = town.play(fault="dock_lies", target="pad", for_s=2.0)
    await town.order("open")
    await town.until(lambda: town.states["pad"]["door"] == "open")
    await town.until(lambda: any(r["result"] == "done" for r in town.replies))
    assert dock.opened == 0.0
    assert town.doors()[-1] == ("closed", "open")
    await asyncio.wait_for(playing, 10)
    await town.until(lambda: True)
    await town.stations["a"].until(lambda: dock.opened == 1.0)
    assert dock.lid.value == "open"


async def test_who_takes_off_under_a_lid_strikes_it_and_who_lands_on_it_is_not_in(
    town: Town,
) -> None:
    one = town.stations["a"]
    dock = town.docks[0].dock
    assert dock.occupants == {"a"}
    playing = town.play(fault="dock_lies", target="pad", for_s=60.0)
    await town.order("open")
    await town.until(lambda: town.states["pad"]["door"] == "open")
    await one.take_off()
    log = town.folder / "docks.jsonl"
    struck = [json.loads(line) for line in log.read_text().splitlines() if "struck" in line]
    assert [(e["dock"], e["drone"]) for e in struck] == [("pad", "a")]
    one.command(21)  # NAV_LAND
    await one.until(lambda: town.vehicles["a"].landed, 40)
    await town.until(lambda: town.states["pad"]["clear"] is False)
    assert dock.occupants == frozenset()
    playing.cancel()


async def test_a_camera_is_broken_and_mended(town: Town) -> None:
    await asyncio.wait_for(town.play(fault="camera_freeze", target="a", for_s=0.1), 10)
    assert town.cameras == [("a", "freeze"), ("a", "none")]


async def test_a_vehicle_that_cannot_be_broken_so_is_told_and_the_city_goes_on(town: Town) -> None:
    def refuse(fault: Any, active: bool = True) -> None:
        raise VehicleError("this one has no such part")

    town.vehicles["a"] = SimpleNamespace(set_fault=refuse)  # type: ignore[assignment]
    await asyncio.wait_for(town.play(fault="vehicle_motor", target="a"), 10)
    (entry,) = [json.loads(e) for e in (town.folder / "faults.jsonl").read_text().splitlines()]
    assert (entry["kind"], entry["reason"]) == ("impossible", "this one has no such part")
