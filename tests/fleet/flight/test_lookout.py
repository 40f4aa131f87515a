"""The news of an aircraft: at once to those that it concerns, and to no others."""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fleet.flight.lookout import FORGET_EACH_S, NEWS_S, Lookout
from fleet.flight.safety.events.traffic import CLEAR, Own, concerned, nearest
from fleet.flight.safety.sky import Sky
from fleet.link.fake import FakeVehicle
from fleet.model.live import Telemetry
from fleet.model.states import DroneState
from fleet.model.traffic import Aircraft

PAD = (117.65, 24.51)
NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
EAST_M = 111_320.0 * math.cos(math.radians(PAD[1]))


def place(north_m: float, east_m: float) -> tuple[float, float]:
    return PAD[0] + east_m / EAST_M, PAD[1] + north_m / 111_320.0


def telemetry(north_m: float, east_m: float, **fields: Any) -> Telemetry:
    lon, lat = place(north_m, east_m)
    known = {"lon": lon, "lat": lat, "altitude_m": 60.0, "altitude_amsl_m": 70.0, "in_air": True}
    return Telemetry(at=NOW, connected=True, **(known | fields))


def aircraft(north_m: float, east_m: float, amsl_m: float = 100.0, **fields: Any) -> Aircraft:
    lon, lat = place(north_m, east_m)
    return Aircraft(0x780123, "B7012", fields.pop("at", NOW), lon, lat, amsl_m, **fields)


class Keeper:
    def __init__(self) -> None:
        self.pulses = 0

    def pulse(self) -> None:
        self.pulses += 1


class World:
    """What a lookout needs of the world: a sky of drones along a line, each with a link."""

    def __init__(self, *north_m: float) -> None:
        self.sky, self.heard, self.clock = Sky(), dict[int, Aircraft](), self
        self.keepers = {f"a{n}": Keeper() for n in range(len(north_m))}
        self.links = {drone: FakeVehicle(drone, self, PAD) for drone in self.keepers}
        self.forgot = 0
        for drone, north in zip(self.keepers, north_m, strict=True):
            seen = telemetry(north, 0.0)
            self.sky.put(drone, DroneState.ON_WAY, seen, PAD, 10.0, 60.0, 0.0)

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return asyncio.get_event_loop().time()

    def hear(self, word: Aircraft) -> bool:
        known = self.heard.get(word.icao)
        if known is not None and known.at >= word.at:
            return False
        self.heard[word.icao] = word
        return True

    def forget_traffic(self) -> None:
        self.forgot += 1

    @property
    def pulses(self) -> list[int]:
        return [keeper.pulses for keeper in self.keepers.values()]


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_those_that_it_concerns_are_looked_at_at_once() -> None:
    world = World(0.0, 800.0, 20_000.0)
    task = asyncio.create_task(Lookout(world).run())  # type: ignore[arg-type]
    await settle()
    world.links["a2"].traffic = (aircraft(500.0, 0.0),)  # the one far away hears it
    await settle()
    assert world.pulses == [1, 1, 0]
    world.links["a0"].traffic = (aircraft(520.0, 0.0, at=NOW + timedelta(seconds=0.1)),)
    await settle()
    assert world.pulses == [1, 1, 0], "looked at again for the same news"
    assert world.heard[0x780123].at > NOW, "and yet the newest word counts"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    world.links["a0"].traffic = (aircraft(500.0, 0.0, at=NOW + timedelta(seconds=9)),)
    assert world.heard[0x780123].at < NOW + timedelta(seconds=9), "listens for ever"


async def test_an_aircraft_that_is_told_of_again_later_is_news_and_old_ones_are_forgotten(
    monkeypatch,
) -> None:
    world = World(0.0)
    monkeypatch.setattr(world, "monotonic", lambda: clock[0])
    clock = [100.0]
    task = asyncio.create_task(Lookout(world).run())  # type: ignore[arg-type]
    await settle()
    for number in range(3):
        world.links["a0"].traffic = (aircraft(500.0, 0.0, at=NOW + timedelta(seconds=number)),)
        await settle()
        clock[0] += max(NEWS_S, FORGET_EACH_S)
    assert world.pulses == [3]
    assert world.forgot == 3
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


metres = st.floats(-4000, 4000)
speeds = st.floats(-20, 20)


@given(
    metres, metres, st.floats(0, 500), st.floats(0, 360) | st.none(), st.floats(0, 90),
    st.floats(-10, 10), speeds, speeds, st.floats(0, 14),
)  # fmt: skip
def test_nobody_who_would_have_to_get_out_of_the_way_is_left_out(
    north_m, east_m, amsl_m, heading, speed, climb, v_north, v_east, age_s
) -> None:
    sky = Sky()
    seen = telemetry(0.0, 0.0, velocity_north_m_s=v_north, velocity_east_m_s=v_east)
    sky.put("a0", DroneState.ON_WAY, seen, PAD, 10.0, 60.0, 0.0)
    word = aircraft(
        north_m, east_m, amsl_m, at=NOW - timedelta(seconds=age_s), heading_deg=heading,
        speed_m_s=speed, climb_m_s=climb,
    )  # fmt: skip
    own = Own(*place(0.0, 0.0), 70.0, v_east, v_north, 0.0)
    found = nearest(own, [word], NOW, sky, CLEAR)
    assert not found or concerned([word], NOW, sky) == ["a0"]
