"""Tasks as they are planned and flown: each kind in one flight, with the camera where it should be."""

from __future__ import annotations

import asyncio
import math
import time

import pytest

from fleet.link.items import programme
from missions.builder import Builder
from missions.city import Battery, Beat, Broker, City, CityInfo, Dock, Drone, Limits
from missions.energy import CALM
from missions.geo import LocalFrame
from missions.ground import ground_of
from missions.sortie import Leg, LegKind
from missions.task import Task

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

UP_M = 20.0
RADIUS_M = 12.0


def the_city(pad: tuple[float, float]) -> City:
    frame = LocalFrame(*pad)
    corners = ((-300, -300), (300, -300), (300, 300), (-300, 300))
    ring = tuple(frame.to_lonlat(*corner) for corner in corners)
    return City(
        city=CityInfo(name="Pad", origin=pad),
        broker=Broker(url="mqtt://127.0.0.1:1883"),
        limits=Limits(lowest_m=10),
        beats=(Beat(id="field", name="Field", district="field", area=ring),),
        docks=(Dock(id="d1", position=pad),),
        drones=(
            Drone(
                id="a1",
                dock="d1",
                system_id=1,
                mavlink="udpin://127.0.0.1:14540",
                battery=Battery(capacity_wh=500),
            ),
        ),
    )


def the_tasks(frame: LocalFrame) -> list[Task]:
    """Return one of each kind, outside the column over the dock."""

    def at(*places: tuple[float, float]) -> tuple[tuple[float, float], ...]:
        return tuple(frame.to_lonlat(*place) for place in places)

    return [
        Task("route", at((46, 0), (60, 4)), speed_m_s=6),
        Task("orbit", at((72, 12)), radius_m=RADIUS_M, turns=0.7, clockwise=False),
        Task("corridor", at((66, 30), (66, 45)), width_m=10, camera_pitch_deg=-45, speed_m_s=6),
        Task("search", at((45, 48), (52, 48), (52, 54), (45, 54))),
        Task("area", at((30, 44), (40, 44), (40, 52), (30, 52))),
        Task("stare", at((15, 58)), radius_m=22, altitude_m=16.0, hold_s=4.0),
    ]


class Flight:
    """What is seen of a vehicle as it flies a sortie."""

    def __init__(self, bench, frame: LocalFrame) -> None:
        self.bench, self.frame = bench, frame

    def place(self) -> tuple[float, float, float]:
        pose = self.bench.sim.true_pose()
        return (*self.frame.to_enu(pose.lon, pose.lat), pose.altitude_m)

    def camera(self) -> tuple[float, float]:
        """Return the camera's pitch, and its bearing from the nose."""
        pose = self.bench.sim.true_pose()
        return pose.gimbal_pitch_deg, math.remainder(pose.gimbal_yaw_deg - pose.yaw_deg, 360)

    def aimed(self, leg: Leg) -> bool:
        pitch, yaw = self.camera()
        if leg.look_at is None:
            return abs(pitch - leg.aim.pitch_deg) < 6 and abs(yaw - leg.aim.yaw_deg) < 8
        pose = self.bench.sim.true_pose()
        east, north = self.frame.to_enu(leg.look_at.lon, leg.look_at.lat)
        x, y, up = self.place()
        down = math.degrees(
            math.atan2(up - leg.look_at.altitude_m, math.dist((east, north), (x, y)))
        )
        bearing = math.degrees(math.atan2(east - x, north - y))
        off = abs(math.remainder(pose.gimbal_yaw_deg - bearing, 360))
        return abs(pitch + down) < 8 and off < 15


async def test_each_kind_of_task_is_flown_with_the_camera_on_it(ground):
    pad = (ground.at(0, 0).lon, ground.at(0, 0).lat)
    city = the_city(pad)
    plan_of = ground_of(city)
    builder = Builder(plan_of, city.drones[0], UP_M, 100.0, CALM)
    draft = builder.start()
    for task in the_tasks(plan_of.frame):
        draft = builder.task(draft, task)
    whole = builder.home(draft)
    sortie = builder.finish(whole, "s", "o")
    plan = programme(sortie)
    flight = Flight(ground, plan_of.frame)

    await ground.link.load(plan)
    assert await ground.link.holds(plan) is None
    await ground.link.arm()
    await ground.link.start_mission()
    since = ground.now()
    observing = [
        (index, leg)
        for index, leg in enumerate(sortie.legs)
        if leg.kind not in (LegKind.TAKEOFF, LegKind.TRANSIT, LegKind.HOME)
    ]
    assert {leg.kind for _, leg in observing} == {*LegKind} - {
        LegKind.TAKEOFF, LegKind.TRANSIT, LegKind.HOME,
    }  # fmt: skip
    for index, leg in observing:
        await ground.until(lambda t, index=index: plan.leg_index(t.mission_current) == index, 120)
        first = plan_of.frame.to_enu(leg.waypoints[0].lon, leg.waypoints[0].lat)
        await ground.true(
            lambda first=first: math.dist(flight.place()[:2], first) < 4, 60, f"start of {leg.kind}"
        )
        await ground.true(lambda leg=leg: flight.aimed(leg), 12, f"camera on {leg.kind}")
        if leg.kind is LegKind.ORBIT:
            middle = plan_of.frame.to_enu(leg.look_at.lon, leg.look_at.lat)
            radii = await _while_on(
                ground, plan, index, lambda m=middle: math.dist(flight.place()[:2], m)
            )
            arrived = next(i for i, radius in enumerate(radii) if abs(radius - RADIUS_M) < 1)
            radii = radii[arrived:]
            ground.found("orbit: nearest to its middle, of 12 m", min(radii))
            ground.found("orbit: farthest from its middle, of 12 m", max(radii))
            assert RADIUS_M - 2 < min(radii) < max(radii) < RADIUS_M + 2
        if leg.kind is LegKind.CORRIDOR:
            await ground.link.hold()
            level = flight.camera
            await ground.true(lambda level=level: abs(level()[0]) < 6, 10, "ahead where it is left")
            await ground.link.start_mission()
            await ground.true(lambda leg=leg: flight.aimed(leg), 10, "on the water again")
        if leg.kind is LegKind.STARE:
            assert flight.place()[2] == pytest.approx(16, abs=2)
    await ground.until(lambda t: t.mode == "HOLD" and ground.from_pad_m() < 5.0, 120)
    ground.took("all kinds of tasks", since)
    ground.found("planned to take, without landing, s", builder.home(draft).cost.duration_s)


async def _while_on(bench, plan, index, measure) -> list[float]:
    """Return a measure of the flight for as long as it is on a leg."""
    found, end = [], time.monotonic() + bench.wall(120)
    while plan.leg_index(bench.link.telemetry.mission_current) == index:
        found.append(measure())
        assert time.monotonic() < end
        await asyncio.sleep(0.02)
    return found
