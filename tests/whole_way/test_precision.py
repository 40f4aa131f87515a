"""A vehicle lands on a dock's marker: rendered picture, video with pose, vision, LANDING_TARGET, autopilot.

The controller alone is left out: what it would pass on is passed on here.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pymavlink.dialects.v20 import common as mav

from missions.city import City, Marker
from missions.cityfile import parse
from sitl.autopilot.core import VehicleSpec
from sitl.autopilot.vehicle import EmbeddedVehicle, fly
from sitl.autopilot.wind import WindSpec
from sitl.camera.process import numbers
from sitl.camera.server import CameraServer, sample
from sitl.scenario import Scenario
from vision.landing import MarkerWatcher
from vision.source import LiveSource
from vision.task import Task
from vision.wire import LandingTarget, Watch

CITY = Path(__file__).parents[2] / "sitl" / "cities" / "zhangzhou.yaml"
OFF_M = 2.5
TOO_LARGE_M = 2.0
"""Below this the marker fills more than the picture: whether it is seen says nothing."""
"""The vehicle starts so far east of the marker: that is where it lands by itself."""


class Flight(asyncio.DatagramProtocol):
    """One vehicle over its pad, what it says, and the words it is given."""

    def __init__(self) -> None:
        self.last: dict[str, Any] = {}
        self.vehicle: EmbeddedVehicle
        self._mav = mav.MAVLink(None, srcSystem=245, srcComponent=190)
        self._mav.robust_parsing = True
        self._peer: Any = None
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._peer = addr
        for message in self._mav.parse_buffer(data) or ():
            self.last[message.get_type()] = message

    def send(self, message: Any) -> None:
        if self._peer is not None:
            self._transport.sendto(message.pack(self._mav), self._peer)

    def command(self, number: int, *p: float) -> None:
        self.send(mav.MAVLink_command_long_message(1, 1, number, 0, *p, *(0.0,) * (7 - len(p))))

    async def until(self, done: Callable[[], Any], seconds: float, act: Callable[[], None]) -> None:
        """Do something again and again, four times a second, until something is so."""
        async with asyncio.timeout(seconds):
            while not done():
                act()
                await asyncio.sleep(0.25)

    async def live(self) -> None:
        while True:
            self.send(mav.MAVLink_heartbeat_message(6, 8, 0, 0, 0, 3))
            await asyncio.sleep(0.5)

    def show(self, target: LandingTarget) -> None:
        """Pass a sighting on, as the link does."""
        here = self.last["LOCAL_POSITION_NED"]
        self.send(
            mav.MAVLink_landing_target_message(
                int(target.captured_at.timestamp() * 1e6), 0, 1, 0.0, 0.0, 0.0, 0.0, 0.0,
                here.x + target.north_m, here.y + target.east_m, here.z + target.down_m,
                (1.0, 0.0, 0.0, 0.0), 2, 1,
            )
        )  # fmt: skip


@pytest.fixture(scope="module")
def city() -> City:
    whole = parse(CITY.read_text(encoding="utf-8"), str(CITY)).part(frozenset({"xc-bridge"}))
    drone = whole.drones[0].model_copy(update={"video": "tcp://127.0.0.1:0"})
    return whole.model_copy(update={"drones": (drone,)})


@pytest.fixture
async def over_the_pad(city: City) -> AsyncIterator[tuple[Flight, CameraServer]]:
    """A vehicle in the air beside its pad, its camera on the marker and served as video."""
    dock, drone = city.docks[0], city.drones[0]
    camera = CameraServer(city, Scenario())
    await camera.start()
    east, north = camera.scene.frame.to_enu(*dock.position)
    lon, lat = camera.scene.frame.to_lonlat(east + OFF_M, north)
    spec = VehicleSpec(
        id=drone.id, system_id=1, lon=lon, lat=lat, amsl_m=city.city.elevation_m,
        battery=drone.battery, cruise_m_s=12.0, wind=WindSpec(4.0, 60.0), seed=5,
    )  # fmt: skip
    flight = Flight()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: flight, local_addr=("127.0.0.1", port)
    )
    flight.vehicle = EmbeddedVehicle(spec, f"udpin://127.0.0.1:{port}")

    async def shoot() -> None:
        while True:
            poses = numbers(flight.vehicle.true_pose()) + numbers(flight.vehicle.reported_pose())
            camera.place(sample(time.time(), poses), drone.id)
            await asyncio.sleep(1 / 30)

    tasks = [asyncio.create_task(c) for c in (fly([flight.vehicle]), flight.live(), shoot())]
    nan = float("nan")
    try:
        await flight.until(lambda: flight.vehicle.armed, 60, lambda: flight.command(400, 1))
        amsl = city.city.elevation_m + 12.0
        await flight.until(
            lambda: flight.vehicle.true_pose().altitude_m > 11.0, 90,
            lambda: flight.command(22, 0, 0, 0, nan, nan, nan, amsl)
            if flight.vehicle.landed
            else None,
        )  # fmt: skip

        def look_down() -> None:
            flight.command(1001, 245, 190, -1, -1)  # control of the gimbal
            flight.command(1000, -90.0, 0.0, nan, nan)

        pose = flight.vehicle.true_pose
        await flight.until(lambda: pose().gimbal_pitch_deg < -85, 60, look_down)
        yield flight, camera
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await camera.close()
        transport.close()


@contextlib.contextmanager
def watching(city: City, url: str, tell: Callable[[LandingTarget], None]) -> Any:
    """Watch the marker in a thread, as a worker's process does, and tell every sighting."""
    dock, drone = city.docks[0], city.drones[0]
    assert isinstance(dock.marker, Marker)
    detector = {
        "kind": "marker", "marker_id": dock.marker.id, "size_m": dock.marker.size_m, "dock": dock.id,
    }  # fmt: skip
    watch = Watch.model_validate(
        {
            "key": "k", "site": "", "source": url, "drone": drone.id, "position": dock.position,
            "detector": detector,
        }
    )  # fmt: skip
    watcher, end = MarkerWatcher(Task(watch)), threading.Event()

    def run() -> None:
        with LiveSource(url) as source:
            while not end.is_set():
                for report in watcher.step(source):
                    assert report.target is not None
                    tell(report.target)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield watcher
    finally:
        end.set()
        thread.join(5)


def off_the_marker(city: City, flight: Flight, camera: CameraServer) -> float:
    east, north = camera.scene.frame.to_enu(*city.docks[0].position)
    pose = flight.vehicle.true_pose()
    x, y = camera.scene.frame.to_enu(pose.lon, pose.lat)
    return math.hypot(x - east, y - north)


@pytest.mark.long
@pytest.mark.parametrize("lid", ["open", "closed"])
async def test_it_lands_on_the_marker_that_it_sees_and_where_it_is_without(
    city: City, over_the_pad: tuple[Flight, CameraServer], lid: str
) -> None:
    flight, camera = over_the_pad
    camera.scene.set_door(city.docks[0].id, 1.0 if lid == "open" else 0.0)
    ages: list[float] = []
    loop = asyncio.get_running_loop()

    def tell(target: LandingTarget) -> None:
        age = (datetime.now(UTC) - target.captured_at).total_seconds()
        ages.append(age)
        if age < 0.5:
            loop.call_soon_threadsafe(flight.show, target)

    with watching(city, camera.urls[city.drones[0].id], tell) as watcher:
        await flight.until(lambda: watcher.frames > 5, 60, lambda: None)
        await flight.until(
            lambda: flight.vehicle.mode == "precland", 30, lambda: flight.command(176, 1, 4, 9)
        )
        await flight.until(
            lambda: flight.vehicle.true_pose().altitude_m < TOO_LARGE_M, 90, lambda: None
        )
        seen, frames = len(ages), watcher.frames
        await flight.until(lambda: flight.vehicle.landed, 90, lambda: None)
    away = off_the_marker(city, flight, camera)
    if lid == "closed":
        assert not ages
        assert away > 1.0
        return
    print(f"landed {away:.2f} m off the marker; {seen} sightings in {frames} frames")
    assert away < 0.5
    assert seen > 0.7 * frames
