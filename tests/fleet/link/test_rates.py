"""Rates that a vehicle is asked for: which, how many at once, and again where it did not hear."""

from __future__ import annotations

from typing import Any

import pytest

from fleet.link import rates as asked_rates
from fleet.link.rates import AT_ONCE, MOVES_HZ, rates
from fleet.link.wire import ATTITUDE, GLOBAL_POSITION_INT

SET_RATE = 511


@pytest.mark.parametrize(("vehicles", "hz"), [(1, 20.0), (24, 20.0), (100, 10.0), (250, 4.0)])
def test_a_stream_is_no_faster_than_pictures_are_taken(vehicles: int, hz: float) -> None:
    wanted = rates(vehicles)
    assert wanted[ATTITUDE] == hz
    assert wanted[GLOBAL_POSITION_INT] == min(10.0, hz)


def test_the_heaviest_streams_come_first() -> None:
    assert list(rates(100))[: len(MOVES_HZ)] == list(MOVES_HZ)


def intervals(vehicle: Any) -> list[float]:
    return [m.param1 for m in vehicle.commands(SET_RATE)]


async def test_no_more_are_asked_for_than_an_autopilot_keeps_answers_of(scripted) -> None:
    async with scripted() as (vehicle, _):
        await vehicle.hears(lambda: len(intervals(vehicle)) >= AT_ONCE)
        before = len(intervals(vehicle))
        assert before == AT_ONCE, "asked for more before the first were answered"
        vehicle.on["COMMAND_LONG"] = vehicle.ack
        for asked in vehicle.commands(SET_RATE):
            vehicle.ack(asked)
        await vehicle.hears(lambda: len(set(intervals(vehicle))) == len(rates(1)))


async def test_what_is_not_answered_is_asked_for_again_and_the_rest_not(
    scripted, monkeypatch
) -> None:
    monkeypatch.setattr(asked_rates, "ANSWER_S", 0.2)
    monkeypatch.setattr(asked_rates, "PAUSE_S", 0.05)
    async with scripted() as (vehicle, _):
        deaf = {float(number) for number in list(rates(1))[:AT_ONCE]}

        def answer(asked: Any) -> None:
            if asked.param1 not in deaf or intervals(vehicle).count(asked.param1) > 1:
                vehicle.ack(asked)

        vehicle.on["COMMAND_LONG"] = answer
        await vehicle.hears(lambda: all(intervals(vehicle).count(n) == 2 for n in deaf))
        assert sorted(intervals(vehicle)) == sorted([*map(float, rates(1)), *deaf])


async def test_rates_are_asked_for_again_when_it_is_heard_again(scripted, monkeypatch) -> None:
    monkeypatch.setattr("fleet.link.tap.LOST_AFTER_S", 0.3)
    async with scripted() as (vehicle, link):
        vehicle.on["COMMAND_LONG"] = vehicle.ack
        await vehicle.hears(lambda: len(set(intervals(vehicle))) == len(rates(1)))
        vehicle.quiet = True
        await link._seen.until(lambda t: not t.connected, "lost", 5)
        vehicle.heard.clear()
        vehicle.quiet = False
        await vehicle.hears(lambda: len(set(intervals(vehicle))) == len(rates(1)))


async def test_rates_are_asked_for_again_of_one_that_was_started_again_meanwhile(scripted) -> None:
    """PX4 starts within 2 s, so that it is not lost in between; it has forgotten them."""
    async with scripted() as (vehicle, _):
        vehicle.on["COMMAND_LONG"] = vehicle.ack
        await vehicle.hears(lambda: len(set(intervals(vehicle))) == len(rates(1)))
        vehicle.heard.clear()
        vehicle.boot_ms = 0
        await vehicle.hears(lambda: len(set(intervals(vehicle))) == len(rates(1)), 15)
