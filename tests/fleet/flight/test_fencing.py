"""A pilot sends a drone out of its sortie's fence: a wider one is in the vehicle first, and back after."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from shapely.geometry import Point

from fleet.errors import LinkError, OrderError, Refused
from fleet.flight.carried import Carried
from fleet.flight.word import Word
from fleet.link.items import Item
from fleet.model.command import GoTo, Orbit
from fleet.model.states import DroneState
from missions.city import Zone
from missions.geo import LocalFrame

S = DroneState
FRAME = LocalFrame(117.65, 24.51)
Make = Callable[..., Any]
CITY = [(-1500.0, -1500.0), (1500.0, -1500.0), (1500.0, 1500.0), (-1500.0, 1500.0)]
TOWER = [(700.0, -100.0), (800.0, -100.0), (800.0, 500.0), (700.0, 500.0)]


def lonlat(ring: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [tuple(FRAME.to_lonlat(*corner)) for corner in ring]  # type: ignore[misc]


def zoned(make_town: Make) -> Any:
    """A city of 3 km with a tower in its east."""
    town = make_town()
    zones = [
        Zone(id="fence", kind="fence", area=lonlat(CITY)),
        Zone(id="tower", kind="no_fly", area=lonlat(TOWER)),
    ]
    town.city = town.city.model_copy(update={"zones": tuple(zones)})
    return town


def goto(east: float, north: float, altitude_m: float = 50.0) -> GoTo:
    lon, lat = FRAME.to_lonlat(east, north)
    return GoTo(action="goto", lon=lon, lat=lat, altitude_m=altitude_m)


async def say(town: Any, action: Any, demand: Any = None) -> str:
    answer = asyncio.get_running_loop().create_future()
    town.controller.tell("a1", Word(action, f"{action} by wang", demand, answer))
    async with asyncio.timeout(20):
        return str(await answer)


def place(town: Any) -> tuple[float, float]:
    truth = town.vehicle.truth
    return FRAME.to_enu(truth.lon, truth.lat)


async def flying(town: Any) -> tuple[Item, ...]:
    """Have it on its task; return the fence that it was given with its sortie."""
    await town.patrol()
    await town.reach(S.ON_TASK)
    return tuple(town.vehicle.fence)


async def test_it_goes_out_of_its_sorties_fence_and_back_to_its_mission(make_town: Make) -> None:
    town = zoned(make_town)
    held: list[tuple[str, tuple[Item, ...]]] = []
    async with town.open():
        own = await flying(town)
        going, starting = town.vehicle.go_to, town.vehicle.start_mission

        async def go_to(target: GoTo) -> None:
            held.append(("goto", town.vehicle.fence))
            await going(target)

        async def start() -> None:
            held.append(("start", town.vehicle.fence))
            await starting()

        town.vehicle.go_to, town.vehicle.start_mission = go_to, start
        assert "flies to" in await say(town, "goto", goto(-900, 900))
        assert town.vehicle.commands[-3:] == ["hold", "fence", "goto"]
        ((_, wide),) = held
        ring = FRAME.polygon(Carried.read(wide).ring)  # type: ignore[union-attr]
        assert ring.covers(Point(-900, 900).buffer(60))
        assert ring.covers(Point(0, 0).buffer(60))
        await town.until(lambda: place(town) == pytest.approx((-900, 900), abs=2), 300)
        assert town.state() is S.HELD
        assert town.live().warnings == ()  # no fence near, and none breached
        assert "flies back into its sortie's fence" in await say(town, "resume")
        assert town.state() is S.ON_WAY
        await town.until(lambda: town.vehicle.truth.mode == "MISSION", 300)
        assert held[-1] == ("start", own)
        assert S.RETURNING not in town.passed()
        assert town.passed()[-1] in {S.ON_WAY, S.ON_TASK}
        assert abs(place(town)[0]) < 476
        await town.until(lambda: town.state() is S.DOCKED and town.at_home(), 1500)


async def test_within_its_fence_nothing_is_loaded(make_town: Make) -> None:
    town = zoned(make_town)
    async with town.open():
        await flying(town)
        await say(town, "goto", goto(300, 300))
        await say(town, "resume")
        assert "fence" not in town.vehicle.commands


async def test_from_outside_it_comes_home_in_the_wider_fence(make_town: Make) -> None:
    town = zoned(make_town)
    async with town.open():
        await flying(town)
        lon, lat = FRAME.to_lonlat(-900, 900)
        circle = Orbit(action="orbit", lon=lon, lat=lat, altitude_m=50.0, radius_m=60.0)
        await say(town, "orbit", circle)
        wide = town.vehicle.fence
        await town.until(lambda: place(town)[0] < -800, 300)
        await town.controller.command("a1", "return", "wang")
        await town.until(lambda: town.state() is S.DOCKED and town.at_home(), 1500)
        assert town.vehicle.fence == wide
        assert S.EMERGENCY not in town.passed()


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (goto(1000, 200), "crosses no-fly zone 'tower'"),
        (goto(750, 200), "crosses no-fly zone 'tower'"),
        (goto(-1495, 0), "leaves the city's fence, or comes within 10 m of it"),
        (goto(-1600, 0), "leaves the city's fence"),
    ],
)
async def test_where_no_fence_may_be_it_is_not_sent(
    make_town: Make, target: GoTo, words: str
) -> None:
    town = zoned(make_town)
    async with town.open():
        own = await flying(town)
        with pytest.raises(OrderError, match=words):
            await say(town, "goto", target)
        assert "goto" not in town.vehicle.commands
        assert town.vehicle.fence == own


async def test_round_a_zone_in_steps_but_not_where_it_could_not_come_home(make_town: Make) -> None:
    town = zoned(make_town)
    async with town.open():
        await flying(town)
        await say(town, "goto", goto(600, -300))
        await town.until(lambda: place(town) == pytest.approx((600, -300), abs=2), 300)
        await say(town, "goto", goto(1000, -300))
        await town.until(lambda: place(town) == pytest.approx((1000, -300), abs=2), 300)
        with pytest.raises(OrderError, match="from there the straight way home crosses no-fly"):
            await say(town, "goto", goto(1000, 200))
        assert town.state() is S.HELD


async def test_a_fence_that_is_refused_leaves_it_where_it_is(make_town: Make) -> None:
    town = zoned(make_town)
    async with town.open():
        own = await flying(town)
        town.vehicle.refuse["fence"] = "no space"
        with pytest.raises(Refused, match="no space"):
            await say(town, "goto", goto(-900, 900))
        await town.until(lambda: town.vehicle.truth.mode == "HOLD", 10)
        assert "goto" not in town.vehicle.commands
        del town.vehicle.refuse["fence"]
        await say(town, "resume")  # what the vehicle took of it is not known: it is loaded again
        assert town.vehicle.commands[-2:] == ["fence", "start"]
        assert town.vehicle.fence == own


async def test_a_sorties_fence_that_is_not_taken_back_keeps_it_held(make_town: Make) -> None:
    town = zoned(make_town)
    async with town.open():
        await flying(town)
        await say(town, "goto", goto(-700, 300))
        town.vehicle.mute.add("fence")
        with pytest.raises(LinkError, match="fence: no answer"):
            await say(town, "resume")
        await town.reach(S.HELD, bound_s=120)
        assert "start" not in town.vehicle.commands[town.vehicle.commands.index("goto") :]
        assert town.vehicle.truth.mode == "HOLD"


@pytest.mark.parametrize("answers", [True, False])
async def test_the_next_controller_knows_the_fence_again(make_town: Make, answers: bool) -> None:
    town = zoned(make_town)
    async with town.open():
        own = await flying(town)
        await say(town, "goto", goto(-900, 900))
        await town.until(lambda: place(town) == pytest.approx((-900, 900), abs=2), 300)
        await town.kill()
        if not answers:
            town.vehicle.mute.add("held_fence")
        await town.start_again()
        await town.reach(S.HELD)
        await asyncio.sleep(30)
        assert town.state() is S.HELD
        assert not any("fence" in words for words in town.live().warnings)
        await say(town, "resume")
        await town.until(lambda: town.vehicle.truth.mode == "MISSION", 300)
        assert town.vehicle.fence == own


async def test_one_that_comes_home_is_adopted_at_once_and_may_be_sent_out_again(
    make_town: Make,
) -> None:
    town = zoned(make_town)
    async with town.open():
        own = await flying(town)
        await say(town, "goto", goto(-900, 900))
        await town.until(lambda: place(town) == pytest.approx((-900, 900), abs=2), 300)
        await town.controller.command("a1", "return", "wang")
        await town.until(lambda: town.vehicle.truth.mode == "MISSION", 20)
        await town.kill()
        told = len(town.vehicle.commands)
        await town.start_again()
        await town.reach(S.RETURNING)
        assert "held_fence" not in town.vehicle.commands[told:]
        assert not any("fence" in words for words in town.live().warnings)
        await say(town, "goto", goto(-800, 500))
        assert "fence" in town.vehicle.commands[told:]
        await town.until(lambda: place(town) == pytest.approx((-800, 500), abs=2), 300)
        assert town.state() is S.HELD
        await say(town, "resume")
        await town.until(lambda: town.vehicle.truth.mode == "MISSION", 300)
        assert town.vehicle.fence == own


async def test_a_way_back_through_a_zone_is_refused(make_town: Make) -> None:
    town = zoned(make_town)
    async with town.open():
        await flying(town)
        keeper = town.controller.supervisors["a1"]
        await say(town, "goto", goto(1000, -300))
        await town.until(lambda: place(town) == pytest.approx((1000, -300), abs=2), 300)
        lon, lat = FRAME.to_lonlat(1000, 200)
        town.vehicle.set(lon=lon, lat=lat)
        town.vehicle.goal = None
        await town.until(lambda: keeper.t.lat == lat, 10)
        with pytest.raises(OrderError, match=r"the straight way back to its mission: .*'tower'"):
            await say(town, "resume")
        await town.reach(S.HELD)


def test_a_fence_that_is_read_is_the_one_that_was_loaded() -> None:
    ring, zone = tuple(lonlat(CITY)), tuple(lonlat(TOWER))
    for fence in (Carried(ring), Carried(ring, (zone, zone)), Carried((), (zone,))):
        read = Carried.read(fence.items)
        assert read is not None
        assert read.same(fence)
        assert not read.same(Carried(ring[:3]))
    assert Carried.read(()) is None
