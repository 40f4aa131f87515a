"""Airspace is closed while drones fly: who is inside leaves, who would fly through comes home round it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from shapely.geometry import LineString, Point, Polygon

from fleet.flight.airways import Airways
from fleet.flight.closures import Closures
from fleet.flight.word import Word
from fleet.model.closure import Closure
from fleet.model.command import GoTo
from fleet.model.states import DroneState
from missions.city import Zone
from missions.errors import PlanError
from missions.geo import LocalFrame
from missions.hours import Hours
from missions.places import Building
from missions.skyline import WALL_M

S = DroneState
FRAME = LocalFrame(117.65, 24.51)
Make = Callable[..., Any]
Ring = Sequence[tuple[float, float]]
BOUND_S = 2.0
"""From the closure to the vehicle's first command."""


def box(east: float, north: float, width: float, height: float) -> Ring:
    return [
        (east, north),
        (east + width, north),
        (east + width, north + height),
        (east, north + height),
    ]


class Memory:
    """A store of closures in memory."""

    def __init__(self) -> None:
        self.rows: dict[Any, Closure] = {}

    async def save(self, closures: Sequence[Closure]) -> None:
        self.rows |= {one.id: one for one in closures}

    async def open_ones(self) -> Sequence[Closure]:
        return [one for one in self.rows.values() if one.ended_at is None]


def closing(
    town: Any, ring: Ring, *, after_s: float = 0.0, for_s: float = 3600.0, **more: Any
) -> Closure:
    now = town.clock.now()
    since, until = now + timedelta(seconds=after_s), now + timedelta(seconds=after_s + for_s)
    key = uuid4()
    area = tuple(tuple(FRAME.to_lonlat(*corner)) for corner in ring)
    zone = Zone(
        id=f"closure-{key.hex[:8]}",
        kind="no_fly",
        area=area,  # type: ignore[arg-type]
        active=(Hours(since=since, until=until),),
        **more,
    )
    return Closure(
        id=key,
        kind="closure",
        zone=zone,
        reason="fire",
        created_at=now,
        created_by="wang",
        until=until,
    )


async def close(town: Any, ring: Ring, **more: Any) -> Closure:
    one = closing(town, ring, **more)
    await town.controller.closures.add([one])
    return one


def place(town: Any, drone: str = "a1") -> tuple[float, float]:
    truth = town.vehicles[drone].truth
    return FRAME.to_enu(truth.lon, truth.lat)


async def watched(town: Any, track: list[tuple[float, float]], done: Callable[[], bool]) -> None:
    """Keep where a1 is until something is so."""

    def seen() -> bool:
        track.append(place(town))
        return done()

    await town.until(seen, 1500)


async def told(town: Any, *commands: str, drone: str = "a1") -> float:
    """Wait until the vehicle has had one of some commands; return after how many seconds."""
    begun, before = town.clock.monotonic(), len(town.vehicles[drone].commands)
    await town.until(
        lambda: any(c in commands for c in town.vehicles[drone].commands[before:]), BOUND_S + 1
    )
    return float(town.clock.monotonic() - begun)


async def test_who_is_inside_leaves_by_the_shortest_way_and_comes_home_around(
    make_town: Make,
) -> None:
    town = make_town()
    town.planner.hold_s = 300.0
    track: list[tuple[float, float]] = []
    async with town.open():
        await town.patrol()
        await town.until(lambda: place(town)[1] > 295, 300)  # over the site, at (100, 300)
        await close(town, box(-100, 250, 400, 120))
        assert await told(town, "goto") < BOUND_S
        assert town.state() is S.AVOIDING
        assert "fire" in town.live().reason
        cruise = town.city.drones[0].cruise_m_s  # it flew its mission at 10 m/s
        await town.until(lambda: town.vehicle.speed_m_s == cruise, 1)
        await town.until(lambda: not Polygon(box(-100, 250, 400, 120)).covers(Point(place(town))))
        # the nearest border is 50 m south; the margin and what it overshoots are 35 m more
        assert place(town)[0] == pytest.approx(100, abs=15)
        assert place(town)[1] < 251
        await watched(town, track, lambda: town.state() is S.RETURNING)
        await watched(town, track, lambda: town.state() is S.DOCKED and town.at_home())
    assert S.EMERGENCY not in town.passed()
    assert all(not Polygon(box(-99, 251, 398, 118)).covers(Point(p)) for p in track)


async def test_whose_way_leads_through_comes_home_and_never_enters(make_town: Make) -> None:
    town = make_town()
    track: list[tuple[float, float]] = []
    async with town.open():
        await town.patrol()
        await town.until(lambda: 60 < place(town)[1] < 120, 300)
        ring = box(-100, 250, 400, 120)
        await close(town, ring)
        assert await told(town, "item", "hold", "goto") < BOUND_S
        assert town.state() is S.RETURNING
        assert "its way is closed" in town.live().reason
        await watched(town, track, lambda: town.state() is S.DOCKED and town.at_home())
    assert not LineString(track).intersects(Polygon(ring))
    assert town.store.visits == []


async def test_a_closure_between_it_and_its_dock_is_flown_around(make_town: Make) -> None:
    town = make_town()
    town.planner.hold_s = 300.0
    track: list[tuple[float, float]] = []
    async with town.open():
        await town.patrol()
        await town.until(lambda: place(town)[1] > 295, 300)
        ring = box(-60, 120, 260, 60)  # across its way home, all of it and the mission's
        await close(town, ring)
        await told(town, "hold", "goto", "item")
        await watched(town, track, lambda: town.state() is S.DOCKED and town.at_home())
    assert not LineString(track).intersects(Polygon(ring))
    assert S.EMERGENCY not in town.passed()


async def test_around_what_is_wider_than_its_fence_a_wider_fence_is_loaded(make_town: Make) -> None:
    town = make_town()
    town.planner.hold_s = 300.0
    track: list[tuple[float, float]] = []
    async with town.open():
        await town.patrol()
        await town.until(lambda: place(town)[1] > 295, 300)
        ring = box(-520, 120, 1100, 60)  # the fence ends at 500 m both sides
        await close(town, ring)
        await watched(town, track, lambda: town.state() is S.DOCKED and town.at_home())
        assert "fence" in town.vehicle.commands
    assert not LineString(track).intersects(Polygon(ring))
    assert S.EMERGENCY not in town.passed()


async def test_with_its_dock_closed_it_holds_outside_until_that_is_over(make_town: Make) -> None:
    town = make_town()
    track: list[tuple[float, float]] = []
    ring = box(-80, -80, 160, 160)
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        await close(town, ring, for_s=240.0)
        await watched(town, track, lambda: "holds: no way home" in town.live().reason)
        await watched(town, track, lambda: town.controller.closures.all() == [])
        assert not LineString(track).intersects(Polygon(ring))
        await town.until(lambda: town.state() is S.DOCKED and town.at_home(), 900)
    assert S.EMERGENCY not in town.passed()


async def test_with_its_dock_closed_it_goes_to_another(make_town: Make) -> None:
    town = make_town(docks=2)
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        await close(town, box(-80, -80, 160, 160))
        await town.until(lambda: town.controller.supervisors["a1"].berth == "d2", 300)
        await town.until(lambda: town.state() in {S.DOCKED, S.CHARGING}, 900)
        assert FRAME.to_enu(*FRAME.to_lonlat(*place(town))) == pytest.approx((400, 100), abs=3)
    assert S.EMERGENCY not in town.passed()


@pytest.mark.parametrize(
    ("ring", "more"),
    [
        (box(-400, -400, 100, 100), {}),  # elsewhere
        (box(-100, 250, 400, 120), {"floor_m": 60}),  # above it
        (box(-100, 250, 400, 120), {"ceiling_m": 30}),  # below it
        (box(-100, 100, 400, 60), {"for_s": 8.0}),  # over before it comes by
        (box(-100, 250, 400, 120), {"after_s": 600.0}),  # later
    ],
)
async def test_whom_it_does_not_concern_is_told_nothing(
    make_town: Make, ring: Ring, more: dict[str, Any]
) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_WAY)
        before = list(town.vehicle.commands)
        await close(town, ring, **more)
        await town.until(lambda: place(town)[1] > 215, 300)
        flown = [c for c in town.vehicle.commands if c != "fence"]  # it may be told to keep out
        assert flown == before
        await town.until(lambda: town.state() is S.DOCKED and town.at_home(), 900)
    assert [cell for cell, _, _ in town.store.visits] == ["b1-a1", "b1-a2"]


async def test_a_zone_that_becomes_active_by_its_hours_is_like_a_closure(make_town: Make) -> None:
    town = make_town()
    at_s = 90.0
    since = town.clock  # read once the loop runs
    async with town.open():
        start = since.now() + timedelta(seconds=at_s)
        area = tuple(tuple(FRAME.to_lonlat(*corner)) for corner in box(-100, 250, 400, 120))
        zone = Zone(id="market", kind="no_fly", area=area, active=(Hours(since=start),))  # type: ignore[arg-type]
        await town.controller.stop()
        town.city = town.city.model_copy(update={"zones": (zone,)})
        await town.start_again()
        town.planner.hold_s = 300.0
        await town.patrol()
        await town.reach(S.ON_TASK, bound_s=80)
        assert town.clock.now() < start
        await town.until(lambda: town.clock.now() >= start)
        await told(town, "goto", "item", "hold")
        await town.until(lambda: town.state() in {S.RETURNING, S.AVOIDING}, 10)


async def test_a_sortie_that_has_not_left_is_called_off(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.OPENING)
        await close(town, box(-100, 250, 400, 120))
        await town.reach(S.CLOSING, bound_s=BOUND_S)
        assert "its way is closed" in town.live().reason
        await town.reach(S.DOCKED, bound_s=120)
        assert S.TAKING_OFF not in town.passed()


async def test_a_plan_made_before_it_is_not_handed_over(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        await close(town, box(-100, 250, 400, 120))
        asked = []
        given = town.planner

        async def planner(question: Any) -> Any:
            asked.append(question.city.zones)
            return await given(question)

        town.controller._dispatch.planner = planner
        await town.patrol()
        await town.until(lambda: len(asked) > 0, 30)
        assert [zone.kind for zone in asked[0]] == ["no_fly"]  # and the planner is told
        assert S.CHECKING not in town.passed()


async def test_one_that_a_pilot_has_sent_stops_outside(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        lon, lat = FRAME.to_lonlat(-300, 200)
        target = GoTo(action="goto", lon=lon, lat=lat, altitude_m=50.0)
        town.controller.tell("a1", Word("goto", "goto by wang", target))
        await town.until(lambda: place(town)[0] < -20, 60)
        await close(town, box(-250, 100, 100, 200))
        await told(town, "goto", "hold")
        await town.until(lambda: "holds outside of what is closed" in town.live().reason, 10)
        await town.until(lambda: town.vehicle.truth.velocity_east_m_s == 0, 30)
        assert place(town)[0] > -250 + 100
        assert town.state() is S.HELD


async def test_it_is_kept_over_a_restart_and_ends_by_itself(make_town: Make) -> None:
    town, memory = make_town(), Memory()
    town.make_more = {"closures": memory}
    async with town.open():
        one = await close(town, box(-100, 250, 400, 120), for_s=60.0)
        await town.kill()
        await town.start_again()
        book = town.controller.closures
        assert [c.id for c in book.all()] == [one.id]
        assert len(book.airways.shut) == 1
        await town.until(lambda: book.all() == [], 70)
        assert book.airways.shut == ()
        assert book.airways.space is book.airways.known
        assert memory.rows[one.id].ended_at == one.until
        assert memory.rows[one.id].ended_by == "its time"


async def test_a_store_that_does_not_take_it_keeps_the_air_open(make_town: Make) -> None:
    town, memory = make_town(), Memory()
    town.make_more = {"closures": memory}

    async def refuse(closures: Sequence[Closure]) -> None:
        raise ValueError("no disk")

    async with town.open():
        memory.save = refuse  # type: ignore[method-assign]
        with pytest.raises(ValueError, match="no disk"):
            await close(town, box(-100, 250, 400, 120))
        assert town.controller.closures.all() == []
        assert town.controller.closures.airways.shut == ()


async def test_the_way_out_is_the_shortest_that_the_fence_allows(make_town: Make) -> None:
    town = make_town()
    airways = Airways(town.city)
    one = closing(town, box(-100, 0, 200, 400))
    airways.take([one], town.clock.now())
    out = airways.space.way_out((60.0, 100.0, 40.0), None)
    assert out == pytest.approx((135, 100), abs=1)
    fence = Polygon(box(-500, -500, 590, 1000))  # ends at 90 m east
    out = airways.space.way_out((60.0, 100.0, 40.0), fence)
    assert out is not None
    assert fence.covers(Point(out))
    assert not Polygon(box(-129, -29, 258, 458)).covers(Point(out))
    assert airways.space.way_out((60.0, 100.0, 40.0), Polygon(box(-50, 50, 100, 100))) is None


async def test_buildings_are_still_flown_around_while_something_is_closed(make_town: Make) -> None:
    town = make_town()
    ring = tuple(tuple(FRAME.to_lonlat(*corner)) for corner in box(300, -30, 40, 60))
    tower = Building(id="tower", ring=ring, height_m=50)
    airways = Airways(town.city.model_copy(update={"buildings": (tower,)}))
    way = [(200.0, 0.0), (450.0, 0.0)]
    airways.take([closing(town, box(2000, 2000, 100, 100))], town.clock.now())
    assert airways.shut
    around = LineString(airways.space.route(way[0], way[1], 40.0))
    assert around.distance(Polygon(box(300, -30, 40, 60))) >= WALL_M - 0.01
    with pytest.raises(PlanError, match="building 'tower'"):
        airways.space.check([(east, north, 40.0) for east, north in way])
    airways.take([], town.clock.now())
    assert airways.space is airways.known


async def test_with_a_battery_that_just_takes_it_home_it_comes_through(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        await close(town, box(-80, -80, 160, 160))
        await town.until(lambda: "holds: no way home" in town.live().reason, 120)
        town.vehicle.set(battery_percent=6.0)
        await town.until(lambda: town.state() is S.CHARGING and town.at_home(), 300)
    assert not {S.EMERGENCY, S.AVOIDING} & set(town.passed())


async def test_a_closure_on_its_way_home_turns_it_aside(make_town: Make) -> None:
    town = make_town()
    town.planner.hold_s = 300.0
    track: list[tuple[float, float]] = []
    ring = box(-60, 120, 260, 60)
    async with town.open():
        await town.patrol()
        await town.until(lambda: place(town)[1] > 295, 300)
        await town.controller.command("a1", "return", "wang")
        await town.until(lambda: place(town)[1] < 270, 60)  # flies straight home by now
        await close(town, ring)
        assert await told(town, "goto", "hold", "item") < BOUND_S
        assert town.state() is S.RETURNING
        await watched(town, track, lambda: town.state() is S.DOCKED and town.at_home())
    assert not LineString(track).intersects(Polygon(ring))
    assert S.EMERGENCY not in town.passed()


async def test_what_is_closed_beside_its_way_joins_the_fence_in_the_vehicle(
    make_town: Make,
) -> None:
    town = make_town()
    town.planner.hold_s = 200.0
    modes: set[str] = set()
    async with town.open():
        await town.patrol()
        await town.until(lambda: place(town)[1] > 210, 300)
        own = town.vehicle.fence
        stop = town.vehicle.listen(lambda: modes.add(town.vehicle.truth.mode))
        beside = await close(town, box(200, 150, 100, 100))
        await told(town, "fence")
        keeper = town.controller.supervisors["a1"]
        await town.until(lambda: keeper.carried is not None, 5)
        assert town.vehicle.fence[: len(own)] == own
        assert len(town.vehicle.fence) == len(own) + 4
        assert {item.command for item in town.vehicle.fence[len(own) :]} == {5002}
        # of what is too near to its way it is told nothing, nor of one that it does not reach
        before = town.vehicle.commands.count("fence")
        await close(town, box(125, 290, 60, 60))
        await close(town, box(-300, 150, 100, 100), floor_m=80.0)
        await town.until(lambda: keeper.fenced_at == town.controller.closures.airways.version, 5)
        assert town.vehicle.commands.count("fence") == before
        await town.controller.closures.end(beside.id, "wang")
        await town.until(lambda: keeper.carried is None, 5)
        assert town.vehicle.fence == own
        stop()
        assert modes == {"MISSION"}
        assert town.state() in {S.ON_WAY, S.ON_TASK}
        await town.until(lambda: town.state() is S.DOCKED and town.at_home(), 900)
    assert S.EMERGENCY not in town.passed()


async def test_a_fence_that_another_controller_loaded_is_found_and_taken_back(
    make_town: Make,
) -> None:
    town = make_town()
    town.planner.hold_s = 200.0
    async with town.open():
        await town.patrol()
        await town.until(lambda: place(town)[1] > 210, 300)
        own = town.vehicle.fence
        await close(town, box(200, 150, 100, 100))
        await town.until(lambda: len(town.vehicle.fence) == len(own) + 4, 5)
        await town.kill()
        await town.start_again()  # and the closure is not known any more
        await town.until(lambda: town.vehicle.fence == own, 30)
        keeper = town.controller.supervisors["a1"]
        await town.until(lambda: keeper.carried is None and not keeper.fence_unsure, 5)
        assert town.vehicle.truth.mode == "MISSION"
        await town.until(lambda: town.state() is S.DOCKED and town.at_home(), 900)


async def test_a_vehicle_that_does_not_take_the_fence_flies_on(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.until(lambda: place(town)[1] > 210, 300)
        town.vehicle.refuse["fence"] = "Geofence invalid, doesn't contain current vehicle position"
        await close(town, box(200, 150, 100, 100))
        await told(town, "fence")
        await town.until(lambda: town.state() is S.DOCKED and town.at_home(), 900)
        assert town.vehicle.commands.count("fence") == 1
    assert [cell for cell, _, _ in town.store.visits] == ["b1-a1", "b1-a2"]
    assert S.EMERGENCY not in town.passed()


async def test_whoever_flies_looks_again_at_once_at_every_change(make_town: Make) -> None:
    """Not only at their next look: that is as many ms away as there are drones."""
    town = make_town()
    airways, told = Airways(town.city), list[int]()
    closures = Closures(airways, Memory(), town.clock, lambda: told.append(airways.version))
    first = closing(town, box(0, 0, 50, 50), for_s=60.0)
    later = closing(town, box(90, 0, 50, 50), after_s=30.0)
    await closures.add([first, later])
    assert told == [1]
    await closures.mind()
    assert told == [1]  # nothing has changed
    await asyncio.sleep(31.0)
    await closures.mind()  # an hour has begun
    assert told == [1, 2]
    await asyncio.sleep(30.0)
    await closures.mind()  # one is over
    assert told == [1, 2, 3]
    await closures.end(later.id, "wang")
    assert told == [1, 2, 3, 4]
    await closures.replace([], [closing(town, box(0, 0, 50, 50))], "wang")
    assert told == [1, 2, 3, 4, 5]


async def test_the_drones_are_who_looks_again(make_town: Make) -> None:
    """In the same moment: no time passes between the closure and the vehicle's first command."""
    town = make_town()
    town.planner.hold_s = 300.0
    async with town.open():
        await town.patrol()
        await town.until(lambda: place(town)[1] > 295, 300)
        begun, before = town.clock.monotonic(), len(town.vehicle.commands)
        await close(town, box(-100, 250, 400, 120))
        while len(town.vehicle.commands) == before and town.clock.monotonic() < begun + 1:
            await asyncio.sleep(0.001)
        assert town.clock.monotonic() - begun < 0.07
