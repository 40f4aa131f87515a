"""The controller over the real wires: MAVLink over UDP, MQTT through a broker.

The vehicles are the simulator's embedded ones, at a multiple of real time; the controller is not
told.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from fleet.docks.mqtt import MqttDocks
from fleet.flight.controller import FlightController
from fleet.flight.policy import Policy
from fleet.flight.response.memory import Forgetful
from fleet.link.mavsdk_pool import MavsdkPool
from fleet.live import LiveHub
from fleet.model.call import Call, CallStatus, SentStatus
from fleet.model.closure import Closure
from fleet.model.order import OrderRequest
from fleet.model.records import SortieStatus
from fleet.model.states import DoorState, DroneState
from missions.city import City, Zone
from missions.geo import LocalFrame, distance_m, move
from sitl.autopilot.clock import SpeedClock
from sitl.autopilot.core import VehicleSpec
from sitl.autopilot.vehicle import EmbeddedVehicle, fly
from sitl.broker import Broker
from sitl.dock import Dock
from sitl.dock_mqtt import DockLine
from sitl.log import JsonLog
from sitl.scenario import Weather

S = DroneState
PAD = (117.65, 24.51)
SPEED = 8.0
DOOR_S = 4.0


def udp_ports(count: int) -> list[int]:
    """Ports whose partner 40 above is free as well: the vehicle binds that one."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket(type=socket.SOCK_DGRAM) as a, socket.socket(type=socket.SOCK_DGRAM) as b:
            a.bind(("0.0.0.0", 0))
            port = a.getsockname()[1]
            with contextlib.suppress(OSError, OverflowError):
                b.bind(("0.0.0.0", port + 40))
                if not any(abs(port - other) in {0, 40} for other in found):
                    found.append(port)
    return found


def city_on(broker_port: int, ports: list[int]) -> City:
    lon, lat = PAD
    near = [
        (lon - 0.002, lat - 0.002),
        (lon + 0.002, lat - 0.002),
        (lon + 0.002, lat + 0.002),
        (lon - 0.002, lat + 0.002),
    ]
    return City.model_validate(
        {
            "city": {"name": "Test", "origin": PAD, "elevation_m": 10},
            "broker": {"url": f"mqtt://127.0.0.1:{broker_port}"},
            "districts": [{"id": "x", "name": "X", "area": near}],
            "beats": [{"id": "b1", "name": "B", "district": "x", "area": near, "cell_m": 200}],
            "docks": [{"id": "d1", "position": PAD, "door_s": DOOR_S}],
            "drones": [
                {
                    "id": f"a{n}",
                    "dock": "d1",
                    "system_id": n,
                    "mavlink": f"udpin://127.0.0.1:{port}",
                }
                for n, port in enumerate(ports, start=1)
            ],
        }
    )


class Rig:
    """Vehicles, dock and broker on real sockets; the controller comes and goes."""

    def __init__(
        self, city: City, store: Any, vehicles: dict[str, EmbeddedVehicle], dock: Dock
    ) -> None:
        self.city, self.store, self.vehicles, self.dock = city, store, vehicles, dock
        self.hub = LiveHub()
        self.calls = Forgetful()

    @asynccontextmanager
    async def controller(self) -> AsyncIterator[FlightController]:
        async with (
            MqttDocks(self.city.broker, ["d1"], self.hub) as docks,
            MavsdkPool(self.city.drones) as pool,
        ):
            controller = FlightController(
                self.city,
                self.store,
                pool.links,
                docks.docks,
                self.hub,
                policy=Policy(ready_percent=40.0),
                calls=self.calls,
            )
            await controller.start()
            try:
                yield controller
            finally:
                await controller.stop()

    async def until(self, seen: Callable[[], bool], bound_s: float = 60.0) -> None:
        try:
            async with asyncio.timeout(bound_s):
                with self.hub.subscribe() as changes:
                    if seen():
                        return
                    async for _ in changes:
                        if seen():
                            return
        except TimeoutError:
            pytest.fail(
                f"not seen within {bound_s} s: {self.hub.all('drone')} {self.hub.all('dock')}"
            )


@asynccontextmanager
async def rig(store: Any, drones: int, flying: int) -> AsyncIterator[Rig]:
    broker = Broker("127.0.0.1", 0)
    await broker.start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(broker.stop)
        city = city_on(broker.port, udp_ports(drones))
        vehicles = {
            d.id: EmbeddedVehicle(
                VehicleSpec(id=d.id, system_id=d.system_id, lon=PAD[0], lat=PAD[1], amsl_m=10.0),
                d.mavlink,
            )
            for d in city.drones[:flying]
        }
        place = city.docks[0].model_copy(update={"door_s": DOOR_S / SPEED})
        dock = Dock(place, 10.0, Weather())
        line = DockLine(dock, vehicles, "127.0.0.1", broker.port, JsonLog(None))
        tasks = [
            asyncio.create_task(fly(list(vehicles.values()), clock=SpeedClock(SPEED))),
            asyncio.create_task(line.run()),
        ]
        try:
            yield Rig(city, store, vehicles, dock)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_sortie_over_the_wires_through_a_restart(
    memory_store: Any,
) -> None:
    async with rig(memory_store, drones=2, flying=1) as world:
        async with world.controller() as controller:
            await world.until(lambda: controller.supervisors["a1"].state is S.DOCKED)
            await controller.submit(OrderRequest(kind="patrol", beats=("b1",)), "test")
            await world.until(lambda: controller.supervisors["a1"].state is S.ON_TASK)
            assert (
                controller.supervisors["a2"].state is S.UNKNOWN
            )  # nobody is there, and nobody waits
            first = controller.supervisors["a1"].sortie
        async with world.controller() as controller:
            keeper = controller.supervisors["a1"]
            await world.until(lambda: keeper.state in {S.ON_WAY, S.ON_TASK})
            assert keeper.sortie == first
            await controller.recall_all("end of test", "test")
            await world.until(lambda: keeper.state in {S.CHARGING, S.DOCKED})
        assert world.vehicles["a1"].landed
        assert world.dock.door.value == DoorState.CLOSED.value
        assert world.dock.occupants == {"a1"}
        assert [r.status for r in world.store.sorties.values()] == [SortieStatus.ABORTED]


@pytest.mark.long
async def test_two_calls_over_the_wires_one_from_the_air_one_from_the_dock_through_a_restart(
    memory_store: Any,
) -> None:

    def call(name: str, bearing: float, away_m: float) -> Call:
        lon, lat = move(PAD, bearing, away_m)
        return Call(
            id=name, lon=lon, lat=lat, kind="sos", priority=7, want=1, on_scene_s=600.0,
            source="sos", received_at=datetime.now(UTC), received_by="test",
        )  # fmt: skip

    def is_over(world: Rig, made: Call) -> bool:
        (sent,) = made.flying
        t = world.hub.get("drone", sent.drone).telemetry
        return distance_m((t.lon, t.lat), (made.lon, made.lat)) < 25

    async with rig(memory_store, drones=2, flying=2) as world:
        async with world.controller() as controller:
            a1, a2 = (controller.supervisors[drone] for drone in ("a1", "a2"))
            await world.until(lambda: a1.state is S.DOCKED and a2.state is S.DOCKED)
            await controller.submit(OrderRequest(kind="patrol", beats=("b1",)), "test")
            flying = lambda: [s for s in (a1, a2) if s.state is S.ON_TASK]  # noqa: E731
            await world.until(lambda: bool(flying()))
            (flyer,) = flying()
            near = distance_m(PAD, (flyer.t.lon, flyer.t.lat))
            first = await controller.calls.take(call("near", 45.0, near + 120))
            await world.until(lambda: any(c.flying for c in controller.calls.all()))
            (sent,) = first.sent
            assert (sent.drone, sent.from_dock) == (flyer.drone.id, False)
            await world.until(lambda: flyer.state is S.HELD)
        # the controller died with the one diverted, and before it heard of the other call
        second = call("far", 225.0, 300.0)
        await world.calls.save_call(second)
        async with world.controller() as controller:
            known = lambda: {c.id: c for c in controller.calls.all()}  # noqa: E731
            both = lambda: [known()[name].status for name in ("near", "far")]  # noqa: E731
            await world.until(lambda: both() == [CallStatus.ON_SCENE] * 2, 90)
            assert all(is_over(world, made) for made in known().values())
            assert known()["far"].flying[0].from_dock
            for name in ("near", "far"):
                await controller.calls.close(name, "over")
            await controller.recall_all("end of test", "test")
            keepers = controller.supervisors.values()
            home = {S.CHARGING, S.DOCKED}
            await world.until(lambda: all(s.state in home for s in keepers), 90)
            assert [made.sent[0].status for made in known().values()] == [SentStatus.LEFT] * 2
        assert world.dock.occupants == {"a1", "a2"}


@pytest.mark.long
async def test_a_closure_over_the_wires_diverts_who_is_inside(
    memory_store: Any,
) -> None:
    frame = LocalFrame(*PAD)
    async with rig(memory_store, drones=1, flying=1) as world, world.controller() as controller:
        keeper = controller.supervisors["a1"]
        await world.until(lambda: keeper.state is S.DOCKED)
        await controller.submit(OrderRequest(kind="patrol", beats=("b1",)), "test")
        await world.until(lambda: keeper.state is S.ON_TASK)

        def place() -> tuple[float, float]:
            return frame.to_enu(keeper.t.lon or PAD[0], keeper.t.lat or PAD[1])

        await world.until(lambda: math.hypot(*place()) > 100.0)
        east, north = place()
        ring = [(east - 50, north - 50), (east + 50, north - 50), (east + 50, north + 50)]
        area = tuple(tuple(frame.to_lonlat(*corner)) for corner in [*ring, (east - 50, north + 50)])
        now = datetime.now(UTC)
        one = Closure(
            id=uuid4(),
            kind="closure",
            zone=Zone.model_validate({"id": "closure-1", "kind": "no_fly", "area": area}),
            reason="fire",
            created_at=now,
            created_by="wang",
        )
        await controller.closures.add([one])
        await world.until(lambda: keeper.t.mode == "HOLD", 30)  # in 2 s, of which a bench tells
        assert keeper.state is S.AVOIDING
        await world.until(lambda: keeper.concern.here(keeper.t) is None, 20)
        await world.until(lambda: keeper.state in {S.CHARGING, S.DOCKED}, 60)
        assert world.vehicles["a1"].landed
        assert world.dock.occupants == {"a1"}
