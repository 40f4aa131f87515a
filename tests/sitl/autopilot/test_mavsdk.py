"""mavsdk 4 over real UDP: it takes the embedded vehicle for PX4, and flies it."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket

import pytest
from mavsdk.asyncio import ComponentType, Configuration, Mavsdk
from mavsdk.asyncio.plugins.action.action import ActionAsync
from mavsdk.asyncio.plugins.geofence.geofence import GeofenceAsync
from mavsdk.asyncio.plugins.info.info import InfoAsync
from mavsdk.asyncio.plugins.mission_raw.mission_raw import MissionRawAsync
from mavsdk.asyncio.plugins.param.param import ParamAsync
from mavsdk.asyncio.plugins.telemetry.telemetry import TelemetryAsync
from mavsdk.plugins.geofence.geofence import FenceType, GeofenceData, Point, Polygon
from mavsdk.plugins.mission_raw.mission_raw import MissionItem

from sitl.autopilot.clock import SpeedClock
from sitl.autopilot.core import VehicleSpec
from sitl.autopilot.vehicle import EmbeddedVehicle, fly

HOME = (117.6471, 24.513, 10.0)
SPEED = 10.0


def _free_port() -> int:
    """Return a port that is free, and so is the one 40 above it."""
    for _ in range(50):
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as a,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as b,
        ):
            a.bind(("0.0.0.0", 0))
            port = a.getsockname()[1]
            with contextlib.suppress(OSError, OverflowError):
                b.bind(("0.0.0.0", port + 40))
                return port
    raise AssertionError("no pair of free ports")


@contextlib.asynccontextmanager
async def _flying(vehicles):
    ready = asyncio.Event()
    task = asyncio.create_task(fly(vehicles, SpeedClock(SPEED), ready))
    try:
        await asyncio.wait_for(ready.wait(), 5.0)
        yield
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def _controller(url):
    configuration = Configuration.create_with_component_type(ComponentType.GROUND_STATION)
    async with Mavsdk(configuration) as mavsdk:
        await mavsdk.add_any_connection(url)
        system = await mavsdk.first_autopilot(15.0)
        assert system is not None, "no vehicle found"
        yield system


async def _until(condition, limit=40.0):
    async with asyncio.timeout(limit):
        while not condition():
            await asyncio.sleep(0.02)


async def _first(stream, wanted, limit=30.0):
    async with asyncio.timeout(limit):
        async for value in stream:
            if wanted(value):
                return value
    raise AssertionError("the stream ended")


def _raw(seq, command, north=0.0, east=0.0, up=0.0, p=(0.0, 0.0, 0.0, math.nan), frame=6):
    lat, lon = HOME[1] + north / 110_770.0, HOME[0] + east / 101_300.0
    x, y = (round(lat * 1e7), round(lon * 1e7)) if frame == 6 else (0, 0)
    return MissionItem(
        seq=seq, frame=frame, command=command, current=int(seq == 0), autocontinue=1,
        param1=p[0], param2=p[1], param3=p[2], param4=p[3], x=x, y=y, z=up, mission_type=0,
    )  # fmt: skip


async def test_a_whole_sortie(tmp_path):
    port = _free_port()
    vehicle = EmbeddedVehicle(VehicleSpec("d1", 5, *HOME, seed=3), f"udpin://0.0.0.0:{port}")
    async with _flying([vehicle]), _controller(f"udpin://0.0.0.0:{port}") as system:
        action, telemetry = ActionAsync(system), TelemetryAsync(system)
        mission, fence = MissionRawAsync(system), GeofenceAsync(system)
        assert await system.get_system_id() == 5
        version = await InfoAsync(system).get_version()
        assert (version.flight_sw_major, version.flight_sw_minor) == (1, 18)
        health = await _first(
            telemetry.subscribe_health(), lambda h: h.is_armable and h.is_home_position_ok
        )
        assert health.is_global_position_ok
        assert health.is_local_position_ok
        assert health.is_gyrometer_calibration_ok

        ring = [(-300, -300), (-300, 300), (300, 300), (300, -300)]
        points = [Point(HOME[1] + n / 110_770, HOME[0] + e / 101_300) for n, e in ring]
        await fence.upload_geofence(GeofenceData([Polygon(points, FenceType.INCLUSION)], []))
        none = (0.0, 0.0, 0.0, 0.0)
        items = [
            _raw(0, 22, up=25.0),
            _raw(1, 178, p=(1.0, 9.0, -1.0, 0.0), frame=2),
            _raw(2, 195, north=60.0, p=none),
            _raw(3, 16, north=100.0, up=25.0),
            _raw(4, 16, up=25.0),
        ]
        await mission.upload_mission(items)
        back = await mission.download_mission()
        assert [(i.command, i.x, i.y, i.z) for i in back] == [
            (i.command, i.x, i.y, i.z) for i in items
        ]
        await asyncio.sleep(0)
        await action.arm()
        for _ in range(20):
            await mission.start_mission()
            with contextlib.suppress(TimeoutError):
                await _until(lambda: vehicle.mode == "mission", 0.3)
                break
        await _until(lambda: not vehicle.landed and vehicle.true_pose().altitude_m > 20.0)
        await _until(lambda: vehicle.core.body.north > 40.0)
        assert vehicle.true_pose().gimbal_pitch_deg < -25.0
        await _first(mission.subscribe_mission_progress(), lambda p: p.current == p.total)
        await _until(lambda: vehicle.mode == "hold")
        await action.return_to_launch()
        await _first(telemetry.subscribe_armed(), lambda armed: not armed)
        assert vehicle.landed
        pose = vehicle.true_pose()
        assert math.hypot(vehicle.core.body.north, vehicle.core.body.east) < 1.5
        assert pose.altitude_m == pytest.approx(0.0, abs=0.01)


async def test_arming_too_early_is_refused_with_px4s_words():
    port = _free_port()
    vehicle = EmbeddedVehicle(VehicleSpec("d1", 1, *HOME), f"udpout://127.0.0.1:{port}")
    vehicle.core.faults.add("gps")  # so that it never gets ready
    async with _flying([vehicle]), _controller(f"udpout://127.0.0.1:{port}") as system:
        telemetry = TelemetryAsync(system)
        words = asyncio.create_task(
            _first(telemetry.subscribe_status_text(), lambda t: "Arming denied" in t.text)
        )
        await asyncio.sleep(0)
        with pytest.raises(Exception, match=r"DENIED|REJECTED"):
            await ActionAsync(system).arm()
        assert "Resolve system health failures first" in (await words).text


async def test_parameters_and_a_controller_that_is_started_again():
    port = _free_port()
    vehicle = EmbeddedVehicle(VehicleSpec("d1", 1, *HOME), f"udpout://127.0.0.1:{port}")
    async with _flying([vehicle]):
        async with _controller(f"udpout://127.0.0.1:{port}") as system:
            params = ParamAsync(system)
            await params.set_param_int("NAV_DLL_ACT", 2)
            assert await params.get_param_int("NAV_DLL_ACT") == 2
            await params.set_param_float("MPC_XY_CRUISE", 8.5)
            assert vehicle.core.params["MPC_XY_CRUISE"] == 8.5
        async with _controller(f"udpout://127.0.0.1:{port}") as system:
            assert await ParamAsync(system).get_param_int("NAV_DLL_ACT") == 2


async def test_many_vehicles_share_one_loop_and_one_controller():
    ports = [_free_port() for _ in range(4)]
    vehicles = [
        EmbeddedVehicle(
            VehicleSpec(f"d{i}", i + 1, HOME[0] + i * 0.01, HOME[1], 10.0, seed=i),
            f"udpin://0.0.0.0:{port}",
        )
        for i, port in enumerate(ports)
    ]
    configuration = Configuration.create_with_component_type(ComponentType.GROUND_STATION)
    async with _flying(vehicles), Mavsdk(configuration) as mavsdk:
        for port in ports:
            await mavsdk.add_any_connection(f"udpin://0.0.0.0:{port}")
        systems = {}
        async with asyncio.timeout(15.0):
            while len(systems) < len(vehicles):
                for system in await mavsdk.get_systems():
                    systems[await system.get_system_id()] = system
                await asyncio.sleep(0.02)
        assert sorted(systems) == [1, 2, 3, 4]
        for number, system in systems.items():
            telemetry = TelemetryAsync(system)
            await _first(telemetry.subscribe_health(), lambda h: h.is_armable)
            await ActionAsync(system).arm()
            await ActionAsync(system).takeoff()
            place = await _first(telemetry.subscribe_position(), lambda p: True)
            assert place.longitude_deg == pytest.approx(HOME[0] + (number - 1) * 0.01, abs=1e-4)
        await _until(lambda: all(not v.landed for v in vehicles))
