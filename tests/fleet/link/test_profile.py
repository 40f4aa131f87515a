"""The expected parameters: what differs in words, and reading them from a vehicle."""

from __future__ import annotations

import asyncio
import math
import re
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymavlink.dialects.v20 import development as mav
from pymavlink.generator.mavcrc import x25crc

from fleet.errors import Refused
from fleet.link import parameters, profile_keeper
from fleet.link.profile import (
    COMMON,
    Below,
    Between,
    Expected,
    OneOf,
    differences,
    names,
    profile,
)
from missions.city import City

GOOD = {
    "COM_RC_IN_MODE": 4.0,
    "COM_LOW_BAT_ACT": 3.0,
    "BAT_LOW_THR": 0.15,
    "BAT_CRIT_THR": 0.07,
    "BAT_EMERGEN_THR": 0.05,
    "GF_ACTION": 2.0,
    "COM_ARM_WO_GPS": 0.0,
    "RTL_TYPE": 0.0,
    "RTL_LAND_DELAY": 0.0,
    "RTL_PLD_MD": 0.0,
    "COM_DISARM_LAND": 2.0,
    "COM_DISARM_PRFLT": 10.0,
    "COM_HOME_EN": 1.0,
    "COM_HOME_IN_AIR": 0.0,
    "NAV_TRAFF_AVOID": 1.0,
    "CBRK_SUPPLY_CHK": 0.0,
    "NAV_DLL_ACT": 0.0,
    "RTL_RETURN_ALT": 30.0,
}


def city(**limits) -> City:
    area = [(0.0, 0.0), (0.1, 0.0), (0.1, 0.1)]
    return City.model_validate(
        {
            "city": {"name": "T", "origin": (0, 0)},
            "broker": {"url": "mqtt://127.0.0.1:1"},
            "limits": limits,
            "districts": [{"id": "x", "name": "X", "area": area}],
            "beats": [{"id": "b", "name": "B", "district": "x", "area": area}],
            "docks": [{"id": "d", "position": (0.05, 0.02)}],
            "drones": [{"id": "a", "dock": "d", "system_id": 1, "mavlink": "udpin://0.0.0.0:1"}],
        }
    )


def test_a_vehicle_as_it_must_be_differs_in_nothing() -> None:
    expected = profile(city())
    assert differences(expected, GOOD) == ()
    assert set(names(expected)) == set(GOOD)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("COM_RC_IN_MODE", 1, "COM_RC_IN_MODE is 1; it must be 4: no stick"),
        ("GF_ACTION", 4, "GF_ACTION is 4; it must be 2 or 3: outside the fence"),
        ("RTL_RETURN_ALT", 130, "RTL_RETURN_ALT is 130; it must be 5 to 120: .*ceiling of 120 m"),
        ("BAT_CRIT_THR", 0.2, "BAT_CRIT_THR is 0.2; it must be above 0 and below BAT_LOW_THR"),
        ("BAT_LOW_THR", 0.3, "BAT_LOW_THR is 0.3; it must be 0.01 to 0.25: .*reserve of 25 %"),
        ("NAV_DLL_ACT", 2, "NAV_DLL_ACT is 2; it must be 0: a drone that hears nobody is to cont"),
        ("COM_HOME_EN", math.nan, "COM_HOME_EN is nan; it must be 1"),
        ("COM_ARM_WO_GPS", None, "COM_ARM_WO_GPS cannot be read; it must be 0: it must not take"),
    ],
)
def test_each_difference_is_told_with_value_allowed_and_why(name, value, said) -> None:
    (words,) = differences(profile(city()), GOOD | {name: value})
    assert re.match(said, words), words


def test_the_city_decides_some() -> None:
    expected = profile(city(on_link_loss="return", ceiling_m=60))
    told = differences(expected, GOOD | {"RTL_RETURN_ALT": 70.0})
    assert [words.split(" is ")[0] for words in told] == ["NAV_DLL_ACT", "RTL_RETURN_ALT"]


@given(st.sampled_from(COMMON), st.floats(allow_nan=True))
def test_words_are_there_exactly_where_a_value_is_not_allowed(one: Expected, value: float) -> None:
    told = differences((one,), GOOD | {one.name: value})
    allowed = math.isfinite(value) and one.allowed.allows(value, GOOD)
    assert bool(told) != allowed
    assert all(one.why in words and str(one.allowed) in words for words in told)


def test_what_may_be() -> None:
    assert OneOf((0.1,)).allows(struct.unpack("f", struct.pack("f", 0.1))[0], {})
    assert not OneOf((0,)).allows(1, {})
    assert Between(1, 2).allows(2, {})
    assert not Between(1, 2).allows(2.1, {})
    assert not Below("B").allows(3, {"B": 3})
    assert Below("B").allows(3, {})


class ParamServer:
    """Answers for some parameters; integers bytewise, as PX4 does."""

    def __init__(self, vehicle, values: dict[str, tuple[int, float]]) -> None:
        self.vehicle = vehicle
        self.values = values
        self.asked: list[str] = []
        self.lose = 0
        vehicle.on["PARAM_REQUEST_READ"] = self.take

    def take(self, asked) -> None:
        name = asked.param_id
        self.asked.append(name)
        if self.lose:
            self.lose -= 1
        elif name in self.values:
            self.say(name)

    def say(self, name: str) -> None:
        kind, value = self.values[name]
        if kind == 6:
            value = struct.unpack("<f", struct.pack("<i", int(value)))[0]
        message = mav.MAVLink_param_value_message(name.encode(), value, kind, 100, 1)
        if math.isnan(value):  # pymavlink would not keep its bits
            frame = bytearray(self.vehicle._writer.frame(message, 1))
            frame[10:14] = struct.pack("<i", int(self.values[name][1]))
            crc = x25crc(frame[1:-2])
            crc.accumulate(bytes([message.crc_extra]))
            frame[-2:] = struct.pack("<H", crc.crc)
            self.vehicle._transport.sendto(bytes(frame), self.vehicle._to)
        else:
            self.vehicle.say(message)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parameters, "RETRY_S", 0.05)
    monkeypatch.setattr(profile_keeper, "PAUSES_S", (0.1, 0.2))


TWO = (Expected("SOME_INT", OneOf((-1,)), "so"), Expected("SOME_FLOAT", Between(0, 1), "thus"))


async def told(link, seen, bound_s: float = 5.0) -> None:
    async with asyncio.timeout(bound_s):
        while not seen(link.differences):
            await asyncio.sleep(0.01)


async def test_parameters_are_read_on_connection_and_compared(scripted) -> None:
    async with scripted(*TWO) as (vehicle, link):
        assert link.differences is None
        server = ParamServer(vehicle, {"SOME_INT": (6, -1), "SOME_FLOAT": (9, 2.5)})
        server.lose = 3
        await told(link, lambda d: d == ("SOME_FLOAT is 2.5; it must be 0 to 1: thus",))


async def test_a_parameter_that_is_not_there_is_told_after_some_tries(scripted) -> None:
    async with scripted(*TWO) as (vehicle, link):
        server = ParamServer(vehicle, {"SOME_INT": (6, -1)})
        await told(link, lambda d: d and "SOME_FLOAT cannot be read" in d[0])
        tries = parameters.TRIES * (1 + len(profile_keeper.PAUSES_S))
        await vehicle.hears(lambda: asked(vehicle, "SOME_FLOAT") == tries)
        assert asked(vehicle, "SOME_INT") <= 2 * parameters.TRIES
        assert server.asked


def asked(vehicle, name: str) -> int:
    """How often a parameter was asked for."""
    return sum(m.get_type() == "PARAM_REQUEST_READ" and m.param_id == name for m in vehicle.heard)


async def test_parameters_are_read_again_when_the_vehicle_was_started_again(scripted) -> None:
    async with scripted(*TWO) as (vehicle, link):
        server = ParamServer(vehicle, {"SOME_INT": (6, -1), "SOME_FLOAT": (9, 0.5)})
        await told(link, lambda d: d == ())
        server.values["SOME_INT"] = (6, 7)
        vehicle.boot_ms = 0
        await told(link, lambda d: d == ("SOME_INT is 7; it must be -1: so",), 15)


async def test_parameters_are_read_again_on_a_new_connection(scripted, until, monkeypatch) -> None:
    monkeypatch.setattr("fleet.link.tap.LOST_AFTER_S", 0.3)
    async with scripted(*TWO) as (vehicle, link):
        server = ParamServer(vehicle, {"SOME_INT": (6, -1), "SOME_FLOAT": (9, 0.5)})
        await told(link, lambda d: d == ())
        vehicle.quiet = True
        async with asyncio.timeout(5):
            while link.telemetry.connected:
                link.refresh()
                await asyncio.sleep(0.02)
        server.values["SOME_FLOAT"] = (9, 3.0)
        vehicle.quiet = False
        await told(link, lambda d: d == ("SOME_FLOAT is 3; it must be 0 to 1: thus",))


async def test_a_parameter_that_somebody_sets_is_noticed_as_it_is_told(scripted) -> None:
    async with scripted(*TWO) as (vehicle, link):
        server = ParamServer(vehicle, {"SOME_INT": (6, -1), "SOME_FLOAT": (9, 0.5)})
        await told(link, lambda d: d == ())
        server.values["SOME_INT"] = (6, 3)
        server.say("SOME_INT")
        await told(link, lambda d: d == ("SOME_INT is 3; it must be -1: so",))
        server.values["SOME_INT"] = (6, -1)
        server.say("SOME_INT")
        await told(link, lambda d: d == ())


@pytest.mark.parametrize("hashes", [True, False])
async def test_before_a_take_off_what_was_changed_unheard_is_read(scripted, hashes: bool) -> None:
    async with scripted(*TWO) as (vehicle, link):
        values = {"SOME_INT": (6, -1), "SOME_FLOAT": (9, 0.5)}
        server = ParamServer(vehicle, values | ({"_HASH_CHECK": (6, 77)} if hashes else {}))
        await told(link, lambda d: d == ())
        if hashes:
            await vehicle.hears(lambda: asked(vehicle, "_HASH_CHECK"))
            await settled(link)
        server.values["SOME_FLOAT"] = (9, 2.0)
        server.values |= {"_HASH_CHECK": (6, 78)} if hashes else {}
        with pytest.raises(
            Refused, match="a1: arm: autopilot's parameters differ: SOME_FLOAT is 2"
        ):
            await link.arm()
        assert not vehicle.commands(400)


async def test_with_nothing_changed_nothing_is_read_again(scripted) -> None:
    async with scripted(*TWO) as (vehicle, link):
        values = {"SOME_INT": (6, -1), "SOME_FLOAT": (9, 0.5), "_HASH_CHECK": (6, 77)}
        ParamServer(vehicle, values)
        await settled(link)
        before = asked(vehicle, "SOME_INT")

        def arm(command) -> None:
            vehicle.armed = command.command == 400 or vehicle.armed
            vehicle.ack(command)

        vehicle.on["COMMAND_LONG"] = arm
        await link.arm()
        assert asked(vehicle, "SOME_INT") == before


async def settled(link, bound_s: float = 5.0) -> None:
    """Wait until the reading under way has ended."""
    async with asyncio.timeout(bound_s):
        while link._profile._hash is None:
            await asyncio.sleep(0.01)
