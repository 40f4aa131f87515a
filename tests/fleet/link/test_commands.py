"""Commands to a scripted vehicle over a real socket: late, lost, lying, in progress, at once."""

from __future__ import annotations

import asyncio
import math

import pytest

from fleet.errors import LinkError, Refused
from fleet.link import commands
from fleet.link.clock import SystemClock
from fleet.link.mavsdk_link import MavsdkLink
from fleet.link.mavsdk_telemetry import RATES
from fleet.link.requests import NoAnswer
from fleet.link.seen import NotSeen
from fleet.link.tap import Tap
from missions.city import Drone

SPEED, ARM, SET_RATE = 178, 400, 511


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "ANSWER_S", 0.5)
    monkeypatch.setattr(commands, "RESEND_S", 0.1)
    monkeypatch.setattr(commands, "WORDS_S", 0.3)


@pytest.mark.parametrize("late", [0, 2])
async def test_a_late_answer_does_not_settle_the_next_request(scripted, late) -> None:
    async with scripted() as (vehicle, link):
        with pytest.raises(NoAnswer, match=r"a1: set speed: no answer within 0\.5 s"):
            await link.set_speed(3.0)
        old = vehicle.commands(SPEED)[-1]
        fresh = 2 - late  # the late answer says the opposite of the true one

        def answer(asked) -> None:
            if asked.command == SPEED:
                for _ in range(3):
                    vehicle.ack(old, late)
                vehicle.ack(asked, fresh)

        vehicle.on["COMMAND_LONG"] = answer
        if fresh == 0:
            await link.set_speed(4.0)
        else:
            with pytest.raises(Refused, match="a1: set speed: DENIED"):
                await link.set_speed(4.0)
        asked = vehicle.commands(SPEED)[-1]
        assert asked.param2 == 4.0
        assert asked.get_srcComponent() != old.get_srcComponent()


async def test_an_answer_that_is_for_nobody_settles_nothing(scripted) -> None:
    async with scripted() as (vehicle, link):
        vehicle.on["COMMAND_LONG"] = lambda m: vehicle.ack(m, target_system=0, target_component=0)
        with pytest.raises(NoAnswer):
            await link.set_speed(3.0)
        vehicle.on["COMMAND_LONG"] = lambda m: vehicle.ack(m, target_system=99)
        with pytest.raises(NoAnswer):
            await link.set_speed(3.0)


async def test_a_lost_command_is_sent_again_and_counted(scripted) -> None:
    async with scripted() as (vehicle, link):
        vehicle.on["COMMAND_LONG"] = lambda m: vehicle.ack(m) if m.confirmation == 2 else None
        await link.set_speed(3.0)
        assert [m.confirmation for m in vehicle.commands(SPEED)] == [0, 1, 2]


async def test_a_command_in_progress_is_waited_for_and_not_sent_again(scripted) -> None:
    async with scripted() as (vehicle, link):
        loop = asyncio.get_running_loop()

        def answer(asked) -> None:
            if asked.command == SPEED:
                vehicle.ack(asked, 5)
                loop.call_later(0.8, vehicle.ack, asked)

        vehicle.on["COMMAND_LONG"] = answer
        await link.set_speed(3.0)
        assert len(vehicle.commands(SPEED)) == 1


async def test_progress_without_end_is_given_up(scripted, monkeypatch) -> None:
    monkeypatch.setattr(commands, "PROGRESS_S", 0.3)
    async with scripted() as (vehicle, link):
        vehicle.on["COMMAND_LONG"] = lambda m: vehicle.ack(m, 5)
        with pytest.raises(NoAnswer, match="still in progress"):
            await link.set_speed(3.0)


async def test_a_refusal_waits_for_the_words_that_follow_it(scripted) -> None:
    async with scripted() as (vehicle, link):
        loop = asyncio.get_running_loop()

        def answer(asked) -> None:
            if asked.command == ARM:
                vehicle.ack(asked, 1)
                loop.call_later(0.1, vehicle.text, "Arming denied: no GPS")

        vehicle.on["COMMAND_LONG"] = answer
        with pytest.raises(Refused, match="a1: arm: TEMPORARILY_REJECTED: Arming denied: no GPS"):
            await link.arm()


async def test_words_of_before_are_not_the_reason(scripted, until) -> None:
    async with scripted() as (vehicle, link):
        vehicle.text("something old")
        await until(link, lambda _: len(link.texts) == 1)
        vehicle.on["COMMAND_LONG"] = lambda m: vehicle.ack(m, 2)
        with pytest.raises(Refused) as caught:
            await link.arm()
        assert str(caught.value) == "a1: arm: DENIED"


async def test_arming_that_is_only_acknowledged_is_not_believed(scripted, monkeypatch) -> None:
    monkeypatch.setattr("fleet.link.mavsdk_link.SEEN_S", 0.3)
    async with scripted() as (vehicle, link):
        vehicle.on["COMMAND_LONG"] = vehicle.ack
        with pytest.raises(NotSeen, match="not seen armed"):
            await link.arm()
        with pytest.raises(NotSeen, match="not seen disarmed"):
            vehicle.armed = True
            await link._seen.until(lambda t: t.armed, "armed", 2)
            await link.kill()
        kill = vehicle.commands(ARM)[-1]
        assert (kill.param1, kill.param2) == (0.0, 21196.0)


async def test_two_of_a_kind_are_carried_out_in_order(scripted) -> None:
    async with scripted() as (vehicle, link):
        loop = asyncio.get_running_loop()
        open_now: list[float] = []

        def answer(asked) -> None:
            if asked.command != SPEED:
                return
            assert not open_now or open_now == [asked.param2], "two at once"
            open_now[:] = [asked.param2]

            def done() -> None:
                open_now.clear()
                vehicle.ack(asked)

            loop.call_later(0.05, done)

        vehicle.on["COMMAND_LONG"] = answer
        await asyncio.gather(*(link.set_speed(float(v)) for v in range(1, 6)))
        assert [m.param2 for m in vehicle.commands(SPEED)] == [1.0, 2.0, 3.0, 4.0, 5.0]


async def test_a_request_that_is_cancelled_leaves_the_way_free(scripted) -> None:
    async with scripted() as (vehicle, link):
        first = asyncio.create_task(link.set_speed(3.0))
        await vehicle.hears(lambda: vehicle.commands(SPEED))
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        vehicle.on["COMMAND_LONG"] = vehicle.ack
        await link.set_speed(4.0)


async def test_rates_are_asked_for_on_every_connection(scripted) -> None:
    async with scripted() as (vehicle, _):
        vehicle.on["COMMAND_LONG"] = vehicle.ack
        await vehicle.hears(
            lambda: len({m.param1 for m in vehicle.commands(SET_RATE)}) == len(RATES)
        )
        asked = {int(m.param1): m.param2 for m in vehicle.commands(SET_RATE)}
        assert asked == {message: 1e6 / hz if hz else -1.0 for message, hz in RATES.items()}


async def test_a_vehicle_that_was_never_heard_is_not_asked() -> None:
    drone = Drone(id="a9", dock="d1", system_id=9, mavlink="udpin://127.0.0.1:1")
    link = MavsdkLink("a9", SystemClock(), Tap(drone, SystemClock()))
    for asked in (link.arm, link.hold, link.kill, link.return_to_launch):
        with pytest.raises(LinkError, match="a9 was never heard of"):
            await asked()


def test_results_have_names() -> None:
    assert commands.result_name(2) == "DENIED"
    assert commands.result_name(200) == "RESULT_200"
    place = commands.Command(192, (1.0,), commands.Place(24.5, 117.6, 30.0)).message(7)
    assert (place.x, place.y, place.frame) == (245000000, 1176000000, 5)
    assert math.isnan(place.param4)
