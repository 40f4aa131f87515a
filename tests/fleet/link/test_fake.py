"""The vehicle in memory does what the port says."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from fleet.errors import LinkError, Refused
from fleet.link import fake, fake_body
from fleet.link.clock import SystemClock
from fleet.link.fake import FakeVehicle
from fleet.link.items import programme
from fleet.link.port import DroneLink, LandingTarget
from fleet.model.command import GoTo, LookAtPoint, Orbit, PointGimbal
from missions.geo import distance_m

PAD = (117.65, 24.51)
THERE = (117.6505, 24.5103)


@pytest.fixture
async def vehicle(monkeypatch: pytest.MonkeyPatch):
    """A vehicle that is told in no time, and moved by the test."""
    monkeypatch.setattr(fake, "STEP_S", 0.0)
    made = FakeVehicle("a1", SystemClock(), PAD)
    link: DroneLink = made  # it is one, by type
    assert link.drone == "a1"
    return made


def fly(vehicle: FakeVehicle, seconds: float) -> None:
    for _ in range(int(seconds / fake_body.STEP_S)):
        vehicle.move()


def airborne(vehicle: FakeVehicle, height: float = 30.0) -> None:
    vehicle.set(armed=True, in_air=True, landed_state="IN_AIR", altitude_m=height)


async def test_it_goes_to_a_point_and_stays(vehicle) -> None:
    airborne(vehicle)
    await vehicle.go_to(GoTo(action="goto", lon=THERE[0], lat=THERE[1], altitude_m=40, speed_m_s=8))
    fly(vehicle, 30)
    t = vehicle.truth
    assert distance_m((t.lon, t.lat), THERE) < 0.5
    assert (t.mode, t.altitude_m) == ("HOLD", pytest.approx(40, abs=0.1))
    assert t.velocity_north_m_s == 0


async def test_it_flies_circles(vehicle) -> None:
    airborne(vehicle)
    await vehicle.orbit(
        Orbit(action="orbit", lon=PAD[0], lat=PAD[1], altitude_m=30, radius_m=50, speed_m_s=10)
    )
    fly(vehicle, 60)
    bearings = set()
    for _ in range(40):
        fly(vehicle, 1)
        t = vehicle.truth
        assert distance_m((t.lon, t.lat), PAD) == pytest.approx(50, abs=3)
        bearings.add((t.lon > PAD[0], t.lat > PAD[1]))
    assert len(bearings) == 4
    assert vehicle.truth.mode == "ORBIT"


async def test_killed_it_falls(vehicle) -> None:
    airborne(vehicle)
    await vehicle.kill()
    assert not vehicle.truth.armed
    fly(vehicle, 3)
    assert vehicle.truth.landed_state == "ON_GROUND"


async def test_it_lands_in_the_mode_that_looks_for_a_target(vehicle) -> None:
    airborne(vehicle, 3.0)
    await vehicle.precision_land()
    assert vehicle.telemetry.mode == "PRECISION_LAND"
    target = LandingTarget(datetime(2026, 1, 1, tzinfo=UTC), 0.1, 0.2, 3.0)
    vehicle.show_target(target)
    fly(vehicle, 10)
    assert not vehicle.truth.armed
    assert list(vehicle.targets) == [target]


async def test_it_keeps_what_it_was_given(vehicle, sortie, place, tmp_path) -> None:
    plan = programme(sortie())
    await vehicle.load(plan)
    assert (vehicle.mission, vehicle.fence, vehicle.rally) == (plan.items, plan.fence, plan.rally)
    point = LookAtPoint(action="look_at", lon=1, lat=2)
    await vehicle.look_at(point)
    assert vehicle.camera == point
    await vehicle.point_gimbal(PointGimbal(action="gimbal", pitch_deg=-30))
    assert vehicle.camera.pitch_deg == -30
    await vehicle.set_speed(3.5)
    assert vehicle.speed_m_s == 3.5
    vehicle.record(tmp_path / "a.tlog")
    assert (tmp_path / "a.tlog").exists()
    assert vehicle.commands == ["load", "look_at", "gimbal", "speed"]


@pytest.mark.parametrize(
    ("name", "ask"),
    [
        ("goto", lambda v: v.go_to(GoTo(action="goto", lon=1, lat=1, altitude_m=10))),
        ("kill", lambda v: v.kill()),
        ("gimbal", lambda v: v.point_gimbal(PointGimbal(action="gimbal", pitch_deg=0))),
        ("speed", lambda v: v.set_speed(1.0)),
        ("precision_land", lambda v: v.precision_land()),
        ("return", lambda v: v.return_to_launch()),
    ],
)
async def test_it_refuses_and_is_mute_as_told(vehicle, name, ask) -> None:
    airborne(vehicle)
    before = vehicle.truth
    vehicle.refuse[name] = "because"
    with pytest.raises(Refused, match=f"a1: {name}: COMMAND_DENIED: because"):
        await ask(vehicle)
    vehicle.mute.add(name)
    with pytest.raises(LinkError, match=f"a1: {name}: no answer"):
        await ask(vehicle)
    assert vehicle.truth == before


async def test_on_the_ground_it_goes_nowhere(vehicle) -> None:
    with pytest.raises(Refused, match="not in the air"):
        await vehicle.go_to(GoTo(action="goto", lon=1, lat=1, altitude_m=10))


async def test_it_is_told_of_once_it_runs() -> None:
    async with FakeVehicle("a1", SystemClock(), PAD) as vehicle:
        told = asyncio.Event()
        stop = vehicle.listen(told.set)
        async with asyncio.timeout(5):
            await told.wait()
        stop()
        assert vehicle.telemetry.connected
