"""mavsdk links against the simulator's vehicle over real UDP."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mavsdk.plugins.action import Action
from pymavlink.dialects.v20 import common as mav

from fleet.errors import LinkError, Refused
from fleet.link import maneuvers
from fleet.link.items import programme
from fleet.link.mavsdk_pool import MavsdkPool
from fleet.link.port import LandingTarget
from fleet.link.wire import HEARTBEAT, PING, message_id, target
from fleet.model.live import Telemetry
from missions.city import Drone
from missions.sortie import Leg, LegKind, LookAt, Sortie, SortieEnergy, Waypoint
from sitl.autopilot.clock import SpeedClock
from sitl.autopilot.core import VehicleSpec
from sitl.autopilot.port import Fault
from sitl.autopilot.vehicle import EmbeddedVehicle, fly

PAD = (117.65, 24.51)
SPEED = 6.0
LANDING_TARGET = mav.MAVLINK_MSG_ID_LANDING_TARGET


def udp_port() -> int:
    """Return a port whose partner 40 above is free as well: the vehicle binds that one."""
    while True:
        with socket.socket(type=socket.SOCK_DGRAM) as a, socket.socket(type=socket.SOCK_DGRAM) as b:
            a.bind(("0.0.0.0", 0))
            port = int(a.getsockname()[1])
            with contextlib.suppress(OSError, OverflowError):
                b.bind(("0.0.0.0", port + 40))
                return port


def drone(number: int, port: int) -> Drone:
    return Drone(id=f"a{number}", dock="d1", system_id=number, mavlink=f"udpin://127.0.0.1:{port}")


@asynccontextmanager
async def flying(
    *drones: Drone, params: dict[str, float] | None = None
) -> AsyncIterator[list[EmbeddedVehicle]]:
    vehicles = [
        EmbeddedVehicle(
            VehicleSpec(
                id=d.id, system_id=d.system_id, lon=PAD[0], lat=PAD[1], amsl_m=10.0, params=params
            ),
            d.mavlink,
        )
        for d in drones
    ]
    task = asyncio.create_task(fly(vehicles, clock=SpeedClock(SPEED)))
    try:
        yield vehicles
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def north_m(t: Telemetry) -> float:
    return ((t.lat or PAD[1]) - PAD[1]) * 111_320


def wp(north: float, east: float, hold: float = 0.0) -> Waypoint:
    scale = 111_320 * math.cos(math.radians(PAD[1]))
    return Waypoint(PAD[0] + east / scale, PAD[1] + north / 111_320, 30.0, hold)


def sortie(reach_m: float = 40.0) -> Sortie:
    legs = (
        Leg(LegKind.TAKEOFF, (wp(0, 0),), 8.0),
        Leg(LegKind.SURVEY, (wp(reach_m, 0), wp(reach_m, 20)), 6.0, cell="c"),
        Leg(
            LegKind.STARE, (wp(20, 20, 5.0),), 8.0, look_at=LookAt(PAD[0] + 0.001, PAD[1]), site="s"
        ),
        Leg(LegKind.HOME, (wp(0, 0),), 8.0),
    )
    fence = tuple(
        (wp(n, e).lon, wp(n, e).lat)
        for n, e in ((-200, -200), (-200, 200), (200, 200), (200, -200))
    )
    hole = tuple((wp(n, e).lon, wp(n, e).lat) for n, e in ((100, 100), (120, 100), (110, 120)))
    return Sortie(
        "s", "o", "a1", "d1", *PAD, 30.0, legs, SortieEnergy(1, 1, 1, 1, 10), fence, (hole,)
    )


async def test_a_flight_with_a_silent_neighbour(until: Callable[..., Any]) -> None:
    """Load, read back, arm, fly, hold, jump to the last item, return; beside one nobody answers for."""
    here, ghost = drone(1, udp_port()), drone(9, udp_port())
    async with MavsdkPool([here, ghost]) as pool, flying(here):
        link = pool.links["a1"]
        await until(link, lambda t: t.armable and t.home_lat is not None)
        plan = programme(sortie())
        await link.load(plan)
        assert await link.holds(plan) is None
        assert "item" in (await link.holds(programme(sortie(reach_m=50.0))) or "")
        await link.arm()
        await link.start_mission()
        await until(link, lambda t: t.mission_current >= 3 and north_m(t) > 10)
        await link.hold()
        assert link.telemetry.mode == "HOLD"
        await link.fly_to_item(plan.last)
        assert link.telemetry.mission_current >= plan.last
        with pytest.raises(Refused, match="disarm"):
            await link.disarm()
        await link.return_to_launch()
        await until(link, lambda t: not t.armed and not t.in_air)
        assert link.telemetry.battery_percent is not None
        assert link.telemetry.lat == pytest.approx(PAD[1], abs=3 / 111_320)
        assert not pool.links["a9"].telemetry.connected
        with pytest.raises(LinkError, match="a9 was never heard of"):
            await pool.links["a9"].arm()


async def test_the_same_mission_again_begins_at_its_first_item(until: Callable[..., Any]) -> None:
    here = drone(1, udp_port())
    async with MavsdkPool([here]) as pool, flying(here):
        link = pool.links["a1"]
        await until(link, lambda t: t.armable)
        plan = programme(sortie())
        await link.load(plan)
        await link.arm()
        await link.fly_to_item(plan.last)
        await link.return_to_launch()
        await until(link, lambda t: not t.armed)
        await link.load(plan)
        assert link.telemetry.mission_current == 0


async def test_refusals_carry_the_vehicles_own_words(
    monkeypatch: pytest.MonkeyPatch, until: Callable[..., Any]
) -> None:
    monkeypatch.setattr(maneuvers, "MISSION_TRIES", 2)
    here = drone(1, udp_port())
    stays_armed = {"COM_DISARM_PRFLT": -1.0}
    async with MavsdkPool([here]) as pool, flying(here, params=stays_armed) as vehicles:
        link = pool.links["a1"]
        await until(link, lambda t: t.armable)
        with pytest.raises(Refused, match="start mission: vehicle is not armed"):
            await link.start_mission()
        await link.arm()
        with pytest.raises(Refused, match=r"start mission: .*Switching to Mission"):
            await link.start_mission()
        await link.disarm()
        vehicles[0].set_fault(Fault.GPS, True)
        await until(link, lambda t: not t.armable)
        with pytest.raises(Refused, match=r"arm: TEMPORARILY_REJECTED: .*[Aa]rm"):
            await link.arm()


async def test_a_lost_vehicle_is_disconnected_after_five_seconds_and_comes_back(
    until: Callable[..., Any],
) -> None:
    here = drone(1, udp_port())
    async with MavsdkPool([here]) as pool:
        link = pool.links["a1"]
        async with flying(here):
            await until(link, lambda t: t.connected)
        await until(link, lambda t: not t.connected, 10)
        with pytest.raises(LinkError, match="no answer"):
            await link.arm()
        async with flying(here):  # switched on again
            await until(link, lambda t: t.connected, 20)
            await until(link, lambda t: t.armable)
            await link.arm()


async def test_a_port_that_is_taken_is_one_clear_error() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        url = drone(1, taken.getsockname()[1])
        with pytest.raises(
            LinkError, match=r"drone a1: cannot open udpin://127\.0\.0\.1"
        ) as caught:
            async with MavsdkPool([url]):
                pytest.fail("opened a port that is taken")
        assert "taken" in caught.value.hint


async def test_a_port_that_another_controller_shares_is_refused_too() -> None:
    here = drone(1, udp_port())
    async with MavsdkPool([here]):
        with pytest.raises(
            LinkError, match=r"drone a1: cannot open udpin://127\.0\.0\.1"
        ) as caught:
            async with MavsdkPool([here]):
                pytest.fail("two controllers would command one vehicle")
    assert "taken" in caught.value.hint
    async with MavsdkPool([here]):  # free again at once
        pass


class Ears:
    """A vehicle that says only that it is there, and keeps all that it is told."""

    def __init__(self, drone: Drone, system: int | None = None) -> None:
        self.socket = socket.socket(type=socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.to = ("127.0.0.1", int(drone.mavlink.rpartition(":")[2]))
        self.packer = mav.MAVLink(None, system or drone.system_id, 1)
        self.told: list[tuple[int, int]] = []
        self.everything: set[tuple[int, int]] = set()

    def place(self) -> None:
        """Say where it is in its own frame."""
        self._say(mav.MAVLink_local_position_ned_message(100, 5.0, 6.0, -7.0, 0.0, 0.0, 0.0))

    def _say(self, message: mav.MAVLink_message) -> None:
        raw = message.pack(self.packer)
        self.packer.seq = (self.packer.seq + 1) % 256
        self.socket.sendto(raw, self.to)

    def beat(self) -> None:
        """Send a heartbeat, and hear what came: (message id, target system)."""
        self._say(mav.MAVLink_heartbeat_message(2, 12, 81, 0x03040000, 3, 3))
        with contextlib.suppress(BlockingIOError):
            while True:
                raw = self.socket.recv(2000)
                self.told.append((message_id(raw), target(raw)))
                self.everything.add(self.told[-1])


async def beating(*ears: Ears, until: Callable[[], object], bound_s: float = 20.0) -> None:
    async with asyncio.timeout(bound_s):
        while not until():
            for each in ears:
                each.beat()
            await asyncio.sleep(0.05)


async def test_what_is_for_one_vehicle_reaches_no_other() -> None:
    """Orders of the link and of mavsdk alike; a heartbeat is for all, a ping for nobody."""
    drones = [drone(n, udp_port()) for n in (1, 2, 3)]
    ears = [Ears(d) for d in drones]
    async with MavsdkPool(drones) as pool:
        links = [pool.links[d.id] for d in drones]
        await beating(*ears, until=lambda: all(link.attached for link in links))
        assert pool.mavsdk is not None
        (second,) = (s for s in pool.mavsdk.get_systems() if s.get_system_id() == 2)
        action = Action(second)
        action.arm_async(lambda *_: None)
        order = asyncio.create_task(links[2].hold())
        await beating(*ears, until=lambda: (76, 2) in ears[1].told and (76, 3) in ears[2].told)
        order.cancel()
        await asyncio.gather(order, return_exceptions=True)
        for number, ear in enumerate(ears, 1):
            await beating(*ears, until=lambda ear=ear: (HEARTBEAT, 0) in ear.told)
            assert {system for _, system in ear.told} <= {0, number}
            assert (PING, 0) not in ear.told
    for ear in ears:
        ear.socket.close()


async def test_the_marker_that_one_vehicle_sees_is_told_to_no_other() -> None:
    """LANDING_TARGET names no system, and means another place to each vehicle."""
    drones = [drone(n, udp_port()) for n in (1, 2)]
    ears = [Ears(d) for d in drones]
    async with MavsdkPool(drones) as pool:
        first, second = (pool.links[d.id] for d in drones)
        await beating(*ears, until=lambda: first.attached and second.attached)

        def placed() -> bool:
            ears[0].place()
            return first.telemetry.local_north_m is not None

        await beating(*ears, until=placed)
        first.show_target(LandingTarget(first.telemetry.at, 1.0, 2.0, 3.0))
        await beating(*ears, until=lambda: (LANDING_TARGET, 0) in ears[0].told)
        ears[1].told.clear()  # what was sent to both at once is here by the next heartbeat
        heard = len(ears[0].told)
        await beating(*ears, until=lambda: (HEARTBEAT, 0) in ears[1].told)
        assert ears[0].told[:heard].count((LANDING_TARGET, 0)) == 1
        assert (LANDING_TARGET, 0) not in ears[1].everything
    for ear in ears:
        ear.socket.close()


async def test_a_vehicle_on_anothers_port_is_neither_taken_for_it_nor_heard() -> None:
    one, two = drone(1, udp_port()), drone(2, udp_port())
    right, wrong = Ears(one), Ears(two, system=1)
    async with MavsdkPool([one, two]) as pool:
        await beating(right, wrong, until=lambda: pool.links["a1"].telemetry.connected)
        await beating(right, wrong, until=lambda: pool.links["a2"].troubles)
        assert "system id 1 (a1) speaks on this link" in pool.links["a2"].troubles[0]
        assert not pool.links["a2"].telemetry.connected
        assert wrong.told == [], "and it is told nothing"
        with pytest.raises(LinkError, match="a2"):
            await pool.links["a2"].hold()
    right.socket.close()
    wrong.socket.close()


async def test_a_vehicle_flies_on_whatever_an_impostor_says(until: Callable[..., Any]) -> None:
    """One that has its system id and says that it is armed and comes home; and noise."""
    here = drone(1, udp_port())
    async with MavsdkPool([here]) as pool, flying(here):
        link = pool.links["a1"]
        await until(link, lambda t: t.armable)
        seen: set[tuple[str, bool]] = set()
        stop = link.listen(lambda: seen.add((link.telemetry.mode, link.telemetry.armed)))
        impostor = Ears(here)
        lie = mav.MAVLink_heartbeat_message(2, 12, 81 | 128, 0x05040000, 5, 3)

        async def lying() -> None:
            while True:
                impostor.socket.sendto(lie.pack(impostor.packer), impostor.to)
                impostor.socket.sendto(b"\xfdnoise" * 50, impostor.to)
                impostor.packer.seq = (impostor.packer.seq + 1) % 256
                await asyncio.sleep(0.005)

        liar = asyncio.create_task(lying())
        plan = programme(sortie())
        await link.load(plan)
        await link.arm()
        await link.start_mission()
        await until(link, lambda t: t.in_air)
        await link.hold()
        liar.cancel()
        stop()
        assert seen <= {("HOLD", False), ("HOLD", True), ("MISSION", True), ("TAKEOFF", True)}
        assert any("second vehicle with system id 1" in words for words in link.troubles)
        assert impostor.told == []
        impostor.socket.close()


async def test_a_city_with_a_drone_of_mavsdks_own_id_gets_a_station_of_another() -> None:
    here = drone(245, udp_port())
    ear = Ears(here)
    async with MavsdkPool([here]) as pool:
        await beating(ear, until=lambda: pool.links["a245"].telemetry.connected)
        assert pool.mavsdk is not None
        await beating(ear, until=lambda: ear.told)
    ear.socket.close()
