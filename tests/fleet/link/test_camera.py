"""The gimbal: seen to point, told where it does not, believed where it tells nothing."""

from __future__ import annotations

import asyncio
import math

import pytest
from pymavlink.dialects.v20 import development as mav

from fleet.errors import Refused
from fleet.link import asking, camera
from fleet.link.asking import NoAnswer
from fleet.link.seen import NotSeen
from fleet.model.command import LookAtPoint, PointGimbal

ROI, PITCHYAW, CONFIGURE = 195, 1000, 1001


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "WORDS_S", 0.1)
    monkeypatch.setattr(camera, "TURN_S", 0.6)
    monkeypatch.setattr(camera, "TELL_S", 0.3)


def tells(vehicle, pitch_deg: float) -> None:
    half = math.radians(pitch_deg) / 2
    q = (math.cos(half), 0.0, math.sin(half), 0.0)
    vehicle.say(mav.MAVLink_gimbal_device_attitude_status_message(0, 0, 0, 12, q, 0, 0, 0, 0))


def turns_to(vehicle, pitch_deg: float) -> None:
    """Acknowledge all, and tell of turning, from 0 to a pitch."""

    def answer(asked) -> None:
        vehicle.ack(asked)
        if asked.command in (ROI, PITCHYAW):
            loop = asyncio.get_running_loop()
            for step in range(1, 5):
                loop.call_later(0.02 * step, tells, vehicle, pitch_deg * step / 4)

    vehicle.on["COMMAND_LONG"] = vehicle.on["COMMAND_INT"] = answer


def pointing(pitch: float, yaw: float = 0.0) -> PointGimbal:
    return PointGimbal(action="gimbal", pitch_deg=pitch, yaw_deg=yaw)


async def test_it_is_pointed_by_who_took_control_and_seen_there(scripted) -> None:
    async with scripted() as (vehicle, link):
        turns_to(vehicle, -60)
        await link.point_gimbal(pointing(-60, 10))
        (take,), (turn,) = vehicle.commands(CONFIGURE), vehicle.commands(PITCHYAW)
        assert (take.param1, take.param2) == (245.0, turn.get_srcComponent())
        assert (turn.param1, turn.param2) == (-60.0, 10.0)
        assert math.isnan(turn.param3)


async def test_one_that_tells_that_it_points_elsewhere_is_not_believed(scripted) -> None:
    async with scripted() as (vehicle, link):
        turns_to(vehicle, -20)
        with pytest.raises(
            NotSeen, match=r"a1: gimbal: acknowledged; gimbal's pitch is -20, not -60"
        ):
            await link.point_gimbal(pointing(-60))


async def test_a_vehicle_without_one_gives_no_answer(scripted) -> None:
    async with scripted() as (_, link):
        with pytest.raises(NoAnswer, match="a1: gimbal: no answer"):
            await link.point_gimbal(pointing(-60))


async def test_a_refusal_is_one(scripted) -> None:
    async with scripted() as (vehicle, link):
        vehicle.on["COMMAND_LONG"] = lambda m: vehicle.ack(m, 2)
        with pytest.raises(Refused, match="a1: gimbal: DENIED"):
            await link.point_gimbal(pointing(-60))


NORTH = LookAtPoint(action="look_at", lon=117.65, lat=24.51 + 52 / 111_320)
"""The vehicle is 30 m above home, and this 52 m north on the ground: 30 degrees down."""


async def test_it_looks_at_a_point_above_home(scripted) -> None:
    async with scripted() as (vehicle, link):
        turns_to(vehicle, -30)
        await link.look_at(NORTH)
        (asked,) = vehicle.commands(ROI)
        assert (asked.frame, asked.z) == (5, 10.0)


async def test_one_that_looks_elsewhere_is_told(scripted) -> None:
    async with scripted() as (vehicle, link):
        vehicle.on["COMMAND_INT"] = lambda m: (vehicle.ack(m), tells(vehicle, -80))
        with pytest.raises(NotSeen, match=r"a1: look at: .*pitch is -80, not -30"):
            await link.look_at(NORTH)


async def test_one_that_tells_nothing_is_believed(scripted) -> None:
    async with scripted() as (vehicle, link):
        vehicle.on["COMMAND_INT"] = vehicle.ack
        await link.look_at(LookAtPoint(action="look_at", lon=117.65, lat=24.511))
