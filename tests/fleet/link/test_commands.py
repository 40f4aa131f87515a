"""Commands to a scripted vehicle over a real socket: late, lost, lying, in progress, at once."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from fleet.errors import LinkError, Refused
from fleet.link import asking, plugins
from fleet.link.asking import NoAnswer
from fleet.link.clock import SystemClock
from fleet.link.mavsdk_link import MavsdkLink
from fleet.link.messages import Command, Place
from fleet.link.rates import rates
from fleet.link.seen import NotSeen
from fleet.link.tap import Tap
from missions.city import Drone

SPEED, SET_MODE, ARM, SET_RATE, KILL = 178, 176, 400, 511, 21196.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "WORDS_S", 0.3)


async def test_a_late_answer_settles_nothing_that_must_be_seen(scripted, monkeypatch) -> None:
    monkeypatch.setattr("fleet.link.mavsdk_link.SEEN_S", 0.5)
    async with scripted() as (vehicle, link):
        with pytest.raises(NoAnswer, match="a1: arm: no answer"):
            await link.arm()
        old = vehicle.commands(ARM)[-1]

        def answer(asked) -> None:
            if asked.command == ARM:
                vehicle.ack(old)  # of before; the true answer is lost

        vehicle.on["COMMAND_LONG"] = answer
        with pytest.raises(NotSeen, match="a1: not seen armed"):
            await link.arm()
        assert not link.telemetry.armed


async def test_an_answer_that_is_for_nobody_settles_nothing(scripted) -> None:
    async with scripted() as (vehicle, link):
        vehicle.on["COMMAND_LONG"] = lambda m: vehicle.ack(m, target_system=99)
        with pytest.raises(NoAnswer):
            await link.set_speed(3.0)


async def test_a_lost_command_is_sent_again(scripted) -> None:
    async with scripted() as (vehicle, link):

        def answer(asked) -> None:
            if asked.command == SPEED and len(vehicle.commands(SPEED)) == 3:
                vehicle.ack(asked)

        vehicle.on["COMMAND_LONG"] = answer
        await link.set_speed(3.0)
        assert len(vehicle.commands(SPEED)) == 3


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
    monkeypatch.setattr(asking, "COMMAND_S", 0.3)
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


async def test_arming_in_a_return_holds_first_and_is_seen_to(scripted, monkeypatch) -> None:
    monkeypatch.setattr("fleet.link.mavsdk_link.SEEN_S", 0.3)
    async with scripted() as (vehicle, link):
        vehicle.mode = "RETURN_TO_LAUNCH"
        await link._seen.until(lambda t: t.mode == "RETURN_TO_LAUNCH", "back", 2)

        def answer(asked) -> None:
            vehicle.ack(asked)
            if asked.command == SET_MODE:
                vehicle.mode = "HOLD"
            elif asked.command == ARM:
                vehicle.armed = True

        vehicle.on["COMMAND_LONG"] = answer
        await link.arm()
        asked = [m.command for m in vehicle.heard if m.get_type() == "COMMAND_LONG"]
        assert [n for n in asked if n in (SET_MODE, ARM)] == [SET_MODE, ARM]


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
            lambda: len({m.param1 for m in vehicle.commands(SET_RATE)}) == len(rates(1))
        )
        asked = {int(m.param1): m.param2 for m in vehicle.commands(SET_RATE)}
        assert asked == {message: 1e6 / hz if hz else -1.0 for message, hz in rates(1).items()}


async def test_a_vehicle_that_was_never_heard_is_not_asked() -> None:
    drone = Drone(id="a9", dock="d1", system_id=9, mavlink="udpin://127.0.0.1:1")
    link = MavsdkLink("a9", SystemClock(), Tap(drone, SystemClock()))
    for asked in (link.arm, link.hold, link.kill, link.return_to_launch):
        with pytest.raises(LinkError, match="a9 was never heard of"):
            await asked()


async def test_what_is_overtaken_is_not_sent_again(scripted) -> None:
    async with scripted() as (vehicle, link):
        arming = asyncio.create_task(link.arm())
        await vehicle.hears(lambda: vehicle.commands(ARM))
        began = time.monotonic()

        def answer(asked) -> None:
            if asked.command == ARM and asked.param2 == KILL:
                vehicle.ack(asked)

        vehicle.on["COMMAND_LONG"] = answer
        vehicle.armed = True
        await link._seen.until(lambda t: t.armed, "armed", 2)
        vehicle.armed = False
        await link.kill()
        assert time.monotonic() - began < 1, "kill waited for arming"
        with pytest.raises(LinkError, match="a1: arm: overtaken by kill"):
            await arming
        sent = [m.param1 for m in vehicle.commands(ARM)]
        await asyncio.sleep(0.7)  # mavsdk sends again after half a second
        assert [m.param1 for m in vehicle.commands(ARM)] == sent


async def test_ten_times_as_many_requests_keep_no_more(scripted, monkeypatch) -> None:
    monkeypatch.setattr(plugins, "QUIET_S", 0.0)
    async with scripted() as (vehicle, link):
        vehicle.on["COMMAND_LONG"] = vehicle.ack
        await vehicle.hears(
            lambda: len({m.param1 for m in vehicle.commands(SET_RATE)}) == len(rates(1))
        )
        for _ in range(1000):
            await link.set_speed(3.0)
        kept = link._asking._plugins
        assert len(kept.action._callbacks) <= plugins.RENEW_AFTER
        assert sum(map(len, kept._kept)) <= plugins.RENEW_AFTER + len(rates(1))


def test_results_have_names() -> None:
    assert asking.result_name(2) == "DENIED"
    assert asking.result_name(200) == "RESULT_200"
    place = Command(192, (1.0,), Place(24.5, 117.6, 30.0)).message(7)
    said = json.loads(place.fields_json)
    assert (said["x"], said["y"], said["frame"]) == (245000000, 1176000000, 5)
    assert said["param4"] is None, "which mavsdk sends as NaN"
