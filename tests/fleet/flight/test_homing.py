"""Down at another dock, and on from there; docks that lie."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from fleet.flight.berths import Berth, choose, returns_to
from fleet.flight.column import RADIUS_M
from fleet.flight.place import distance_m
from fleet.flight.policy import Policy
from fleet.flight.vacancy import vacancy
from fleet.flight.world import World
from fleet.link.fake import FakeVehicle
from fleet.model.live import DockLive, Telemetry
from fleet.model.records import SortieStatus
from fleet.model.states import DoorState, DroneState
from missions.city import Limits
from missions.geo import LocalFrame

S = DroneState
Make = Callable[..., Any]
FRAME = LocalFrame(117.65, 24.51)
OTHER = FRAME.to_lonlat(400.0, 100.0)

FAULTS: dict[str, Callable[[Any], object]] = {
    "offline": lambda dock: dock.set(online=False, reason="dock is offline"),
    "jammed": lambda dock: (setattr(dock, "jam", True), dock.set(door=DoorState.JAMMED)),
    "refuses": lambda dock: setattr(dock, "refuse", "motor overheated"),
    "in rain": lambda dock: dock.set(rain_mm_h=9.0),
}


async def fly(town: Any) -> None:
    await town.reach(S.DOCKED)
    await town.patrol()
    await town.reach(S.ON_TASK)


def near(town: Any, place: tuple[float, float]) -> bool:
    truth = town.vehicle.truth
    return math.hypot(*LocalFrame(*place).to_enu(truth.lon, truth.lat)) < 3.0


async def in_dock(town: Any, dock: str) -> None:
    keeper = town.controller.supervisors["a1"]
    await town.until(
        lambda: (
            town.state() in {S.CHARGING, S.DOCKED}
            and keeper.berth == dock
            and town.docks[dock].state.door is DoorState.CLOSED
            and not town.vehicle.truth.armed
        ),
        1500,
    )


@pytest.mark.parametrize("fault", list(FAULTS))
async def test_a_dock_that_cannot_take_it_is_left_for_one_that_can(
    make_town: Make, fault: str
) -> None:
    town = make_town(docks=2)
    async with town.open():
        await fly(town)
        await town.until(lambda: town.dock.state.door is DoorState.CLOSED)
        FAULTS[fault](town.dock)
        await in_dock(town, "d2")
        truth = town.vehicle.truth
        assert (truth.lon, truth.lat) == pytest.approx(OTHER, abs=2e-5)
        assert town.vehicle.commands[-1] == "precision_land"
        assert town.live().berth == "d2"
        assert town.live().dock == "d1"
        assert town.store.by_drone["a1"].berth == "d2"
        assert "diverted to dock d2" in town.store.sorties["a1-1"].reason
        record = town.store.sorties["a1-1"]
        flown = fault in {
            "refuses"
        }  # the others call it home before the end, or are seen on the way
        assert record.status in {SortieStatus.COMPLETED, SortieStatus.ABORTED}
        assert record.status is SortieStatus.COMPLETED or not flown
        assert S.EMERGENCY not in town.passed()


async def test_one_that_was_stopping_is_sent_on_to_the_other_dock(make_town: Make) -> None:
    town = make_town(docks=2)
    async with town.open():
        await fly(town)
        town.dock.refuse = "motor overheated"
        keeper = town.controller.supervisors["a1"]
        await town.until(lambda: town.vehicle.truth.mode == "HOLD")
        town.vehicle.stuck = True  # drifts towards the other dock, as one that brakes may
        east, north = LocalFrame(town.vehicle.truth.lon, town.vehicle.truth.lat).to_enu(*OTHER)
        far = math.hypot(east, north)
        drift = {"velocity_east_m_s": 3.0 * east / far, "velocity_north_m_s": 3.0 * north / far}
        town.vehicle.set(**drift)
        await town.until(lambda: keeper.berth == "d2", 60)
        await asyncio.sleep(1)
        assert "goto" not in town.vehicle.commands, "looks as if it was on its way"
        town.vehicle.set(velocity_east_m_s=0.0, velocity_north_m_s=0.0)
        town.vehicle.stuck = False
        await town.until(lambda: "goto" in town.vehicle.commands, 10)
        await in_dock(town, "d2")


async def test_one_from_elsewhere_stays_out_of_the_column_until_it_may_come_down(
    make_town: Make,
) -> None:
    """What hovers over a dock that does not open is met by the one that lives there."""
    town = make_town(docks=2)
    async with town.open():
        await fly(town)
        town.dock.refuse = town.docks["d2"].refuse = "motor overheated"
        keeper = town.controller.supervisors["a1"]
        await town.until(lambda: keeper.berth == "d2")
        await town.until(lambda: town.docks["d2"].commands.count("open") >= 3)
        await asyncio.sleep(30)
        away = distance_m(town.vehicle.truth, OTHER)
        assert RADIUS_M < away < 150.0
        town.docks["d2"].refuse = ""
        await in_dock(town, "d2")


async def test_a_door_that_jammed_behind_it_is_closed_when_it_works_again(make_town: Make) -> None:
    town = make_town(docks=2)
    async with town.open():
        await town.reach(S.DOCKED)
        await town.patrol()
        await town.until(lambda: town.dock.state.door is DoorState.OPEN)
        town.dock.jam = True
        await town.until(lambda: town.dock.state.door is DoorState.JAMMED)
        await in_dock(town, "d2")
        town.dock.jam = False
        town.dock.set(door=DoorState.OPEN)
        await town.until(lambda: town.dock.state.door is DoorState.CLOSED, 60)
        await asyncio.sleep(2)
        town.dock.set(door=DoorState.OPEN)  # somebody works at it
        await asyncio.sleep(90)
        assert town.dock.state.door is DoorState.OPEN


async def test_the_way_to_another_dock_is_flown_at_cruise(make_town: Make) -> None:
    town = make_town(docks=2)
    async with town.open():
        await fly(town)
        town.vehicle.speed_m_s = 3.0  # of the leg that it leaves
        town.dock.set(door=DoorState.JAMMED)
        town.dock.jam = True
        await town.controller.command("a1", "return", "wang")
        await town.until(lambda: "goto" in town.vehicle.commands)
        await town.until(lambda: town.vehicle.goal is not None, 2)
        assert town.vehicle.goal.speed_m_s == town.city.drones[0].cruise_m_s
        await in_dock(town, "d2")


async def test_the_next_sortie_leaves_from_there_and_comes_back_there(make_town: Make) -> None:
    town = make_town(docks=2, limit=2)
    async with town.open():
        await fly(town)
        town.dock.refuse = "motor overheated"
        await in_dock(town, "d2")
        town.vehicle.set(home_lon=OTHER[0], home_lat=OTHER[1])  # as PX4 does on the ground
        town.docks["d2"].commands.clear()
        town.dock.commands.clear()
        await town.until(lambda: "a1-2" in town.store.sorties, 300)
        await town.reach(S.ON_TASK)
        assert town.store.sorties["a1-2"].sortie.dock == "d2"
        await in_dock(town, "d2")
        assert town.docks["d2"].commands == ["open", "close", "open", "close"]
        assert town.dock.commands == []
        assert town.vehicle.commands[-1] == "return"


@pytest.mark.parametrize("moment", ["on its way there", "landing", "in it"])
async def test_the_next_controller_finds_it_at_the_other_dock(make_town: Make, moment: str) -> None:
    town = make_town(docks=2)
    async with town.open():
        await fly(town)
        town.dock.set(online=False, reason="dock is offline")
        keeper = town.controller.supervisors["a1"]
        await town.controller.command("a1", "return", "wang")
        if moment == "on its way there":
            await town.until(lambda: keeper.berth == "d2" and town.vehicle.truth.mode == "HOLD")
            await town.until(lambda: town.vehicle.truth.velocity_east_m_s > 5)
        elif moment == "landing":
            await town.until(lambda: town.vehicle.truth.mode == "PRECISION_LAND")
        else:
            await in_dock(town, "d2")
        await town.kill()
        told = len(town.vehicle.commands)
        await town.start_again()
        keeper = town.controller.supervisors["a1"]
        assert keeper.berth == "d2"
        await in_dock(town, "d2")
        expected = {
            "on its way there": {"holds", "precision_land"},
            "landing": {"holds"},
            "in it": set(),
        }
        assert set(town.vehicle.commands[told:]) <= expected[moment]
        assert S.EMERGENCY not in town.passed()


async def test_at_a_dock_that_its_own_return_does_not_lead_to_it_lands_on_it_as_it_is(
    make_town: Make,
) -> None:
    """With what coming down takes left in its battery, RTL would lead it 400 m to its own dock."""
    town = make_town(docks=2)
    plans = town.planner

    async def without_alternates(question: Any) -> Any:
        plan = await plans(question)
        return replace(plan, sorties=tuple(replace(s, alternates=()) for s in plan.sorties))

    town.planner = without_alternates
    async with town.open():
        await fly(town)
        FAULTS["offline"](town.dock)
        await town.until(lambda: town.live().berth == "d2")
        town.docks["d2"].refuse = "motor overheated"
        await town.until(lambda: "waits for its dock: dock d2" in town.live().reason)
        town.vehicle.set(battery_percent=6.0)
        await town.until(lambda: not town.vehicle.truth.armed)
        assert near(town, OTHER)
        assert "return" not in town.vehicle.commands
        assert "land" in town.vehicle.commands


async def test_one_that_does_not_tell_its_place_any_more_finds_its_dock_open(
    make_town: Make,
) -> None:
    class Blind(FakeVehicle):
        @property
        def telemetry(self) -> Telemetry:
            nowhere = {"lon": None, "lat": None, "altitude_m": None}
            return super().telemetry.model_copy(update=nowhere)

    town = make_town()
    async with town.open():
        await fly(town)
        town.vehicle.__class__ = Blind
        await town.reach(S.RETURNING, bound_s=10)
        await town.until(lambda: not town.vehicle.truth.armed, 600)
        assert near(town, (117.65, 24.51))
        assert town.dock.state.door is DoorState.OPEN
        await town.reach(S.EMERGENCY)
        assert "landed, and does not tell where" in town.live().reason
        town.vehicle.__class__ = FakeVehicle
        await in_dock(town, "d1")


async def test_in_a_wind_faster_than_it_cruises_it_waits_for_its_dock_all_the_same(
    make_town: Make,
) -> None:
    town = make_town()
    async with town.open():
        await fly(town)
        town.dock.refuse = "motor overheated"
        town.dock.set(wind_m_s=30.0)
        await town.until(lambda: town.dock.commands.count("open") >= 4)
        assert town.state() is S.RETURNING
        assert town.vehicle.truth.battery_percent > 50
        town.dock.refuse = ""
        town.dock.set(wind_m_s=3.0)
        await in_dock(town, "d1")
        assert S.EMERGENCY not in town.passed()


async def test_with_no_slot_that_is_nobodys_it_waits_for_its_own(make_town: Make) -> None:
    town = make_town(docks=2)
    async with town.open():
        await fly(town)
        town.docks["d2"].set(occupants=("b7",))
        town.dock.refuse = "motor overheated"
        await town.reach(S.RETURNING)
        await town.until(lambda: town.dock.commands.count("open") >= 4)
        assert town.live().berth == "d1"
        town.dock.refuse = ""
        await in_dock(town, "d1")


async def test_with_the_broker_gone_no_other_dock_is_looked_into(
    make_town: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each drone asks this each second; into each dock is a look at every drone."""
    looked: list[str] = []

    def counted(world: World, dock: str) -> Berth:
        looked.append(dock)
        return vacancy(world, dock)

    town = make_town(docks=2)
    async with town.open():
        await fly(town)
        monkeypatch.setattr("fleet.flight.berth.vacancy", counted)
        for dock in town.docks.values():
            FAULTS["offline"](dock)
        await asyncio.sleep(10)
        assert set(looked) == {"d1"}


async def test_two_that_are_turned_away_do_not_take_one_slot(make_town: Make) -> None:
    town = make_town(("a1", "a2"), docks=2)
    async with town.open():
        await town.patrol()
        for drone in ("a1", "a2"):
            await town.reach(S.ON_TASK, drone=drone)
        town.dock.refuse = "motor overheated"
        keepers = town.controller.supervisors
        await town.until(lambda: any(k.berth == "d2" for k in keepers.values()))
        await town.until(lambda: town.dock.commands.count("open") >= 6)
        assert sorted(k.berth for k in keepers.values()) == ["d1", "d2"]
        town.dock.refuse = ""
        await town.until(
            lambda: all(town.state(d) in {S.CHARGING, S.DOCKED} for d in keepers), 1500
        )


async def test_two_that_are_called_home_at_once_do_not_take_one_slot(make_town: Make) -> None:
    town = make_town(("a1", "a2"), docks=2)
    async with town.open():
        await town.patrol()
        for drone in ("a1", "a2"):
            await town.reach(S.ON_TASK, drone=drone)
        keepers = town.controller.supervisors
        town.dock.set(door=DoorState.JAMMED)
        town.dock.jam = True
        await town.until(lambda: all(k.diverts_to() == "d2" for k in keepers.values()), 20)
        for drone in keepers:
            await town.controller.command(drone, "return", "wang")
        await town.until(lambda: any(k.berth == "d2" for k in keepers.values()), 5)
        await asyncio.sleep(5)
        assert sorted(k.berth for k in keepers.values()) == ["d1", "d2"]


async def test_a_way_there_that_is_refused_leads_home_again(make_town: Make) -> None:
    town = make_town(docks=2)
    town.vehicle.refuse["goto"] = "Reposition is outside geofence"
    async with town.open():
        await fly(town)
        town.dock.refuse = "motor overheated"
        await town.until(lambda: "goto" in town.vehicle.commands)
        await town.until(lambda: town.live().berth == "d1")
        assert "outside geofence" in town.live().reason
        town.dock.refuse = ""
        await in_dock(town, "d1")


async def test_the_autopilots_own_return_to_another_dock_finds_it_open(make_town: Make) -> None:
    town = make_town(docks=2)
    async with town.open():
        await fly(town)
        east, north = 380.0, 90.0  # near d2, which is a rally point of its own
        lon, lat = FRAME.to_lonlat(east, north)
        town.vehicle.set(lon=lon, lat=lat, home_lon=OTHER[0], home_lat=OTHER[1])
        town.vehicle.set(mode="RETURN_TO_LAUNCH")
        await town.reach(S.EMERGENCY, bound_s=3)
        await town.until(lambda: town.docks["d2"].state.door is DoorState.OPEN, 30)
        await in_dock(town, "d2")


async def test_a_door_that_closes_under_it_at_the_other_dock_stops_it(make_town: Make) -> None:
    town = make_town(docks=2)
    async with town.open():
        await fly(town)
        town.dock.refuse = "motor overheated"
        await town.until(lambda: town.vehicle.truth.mode == "PRECISION_LAND")
        town.docks["d2"].set(door=DoorState.CLOSED)
        await town.reach(S.RETURNING, bound_s=2)
        await town.until(lambda: town.vehicle.truth.mode == "HOLD", 2)
        await in_dock(town, "d2")


async def test_a_dock_that_says_open_and_is_not_is_told_and_not_offered(make_town: Make) -> None:
    town = make_town(limit=3)
    town.vehicle.stuck = True
    async with town.open():
        await town.patrol()
        await town.reach(S.CLOSING)
        assert "dock says open, but a1 does not get out: not in the air" in town.live().reason
        assert not town.vehicle.truth.armed
        await town.reach(S.DOCKED)
        await town.until(lambda: "dock says open, but" in town.live().reason)
        town.vehicle.stuck = False
        before = len(town.store.sorties)
        await asyncio.sleep(200)
        assert len(town.store.sorties) == before
        town.controller.believe_dock("d1", "wang")
        await town.reach(S.ON_TASK)
        await town.until(lambda: town.state() is S.DOCKED and town.at_home(), 1500)


async def test_a_landing_on_a_shut_lid_is_noticed(make_town: Make) -> None:
    town = make_town()
    town.counting = True
    async with town.open():
        await town.reach(S.DOCKED)
        await town.until(lambda: "a1" in town.dock.state.occupants)
        await town.patrol()
        await town.reach(S.ON_TASK)
        town.lids["d1"] = True
        await town.reach(S.EMERGENCY)
        assert "landed at dock d1, which does not count it in" in town.live().reason
        closed = town.dock.commands.count("close")
        await asyncio.sleep(60)
        assert town.dock.commands.count("close") == closed, "nothing moves under it"
        town.lids["d1"] = False  # somebody puts it in
        await town.until(lambda: town.state() is S.DOCKED and town.at_home(), 200)


# the choice itself

LIMITS, POLICY = Limits(), Policy()


def berth(name: str, east: float, **fields: Any) -> Berth:
    position = FRAME.to_lonlat(east, 0.0)
    silent = fields.pop("silent_s", 1.0)
    taken = frozenset(fields.pop("taken", ()))
    doubt = fields.pop("doubt", None)
    state = DockLive(id=name, online=True, door=DoorState.CLOSED).model_copy(update=fields)
    return Berth(name, position, 1, state, silent, taken, doubt)


def aloft(battery: float | None = 80.0) -> Telemetry:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Telemetry(at=at, lon=117.65, lat=24.51, altitude_m=40.0, battery_percent=battery)


def test_the_nearest_that_can_take_it_is_chosen(make_city: Any) -> None:
    drone = make_city().drones[0]
    cannot = [
        berth("off", 10.0, online=False),
        berth("mute", 20.0, silent_s=60.0),
        berth("jam", 30.0, door=DoorState.JAMMED),
        berth("wet", 40.0, rain_mm_h=9.0),
        berth("windy", 50.0, wind_m_s=14.0),
        berth("full", 60.0, taken=("b1",)),
        berth("liar", 70.0, doubt="says open, but"),
        berth("tried", 80.0),
        berth("behind a zone", 200.0),
    ]
    can = [berth("far", 900.0), berth("near", 300.0, taken=("a1",))]

    def chosen(berths: list[Berth], battery: float | None = 80.0) -> str | None:
        free = FRAME.to_lonlat(200.0, 0.0)  # the way there is not
        return choose(
            drone,
            aloft(battery),
            40.0,
            berths,
            LIMITS,
            POLICY,
            but={"tried"},
            free=lambda place: place != free,
        )

    assert chosen(cannot) is None
    assert chosen(cannot + can) == "near"
    assert chosen([berth("far", 9000.0)], battery=9.0) is None
    assert chosen([berth("far", 9000.0)], battery=80.0) == "far"
    assert chosen([berth("far", 9000.0)], battery=None) == "far"


def test_of_those_that_can_the_one_that_takes_least_energy_is_chosen(make_city: Any) -> None:
    drone = make_city().drones[0]

    def chosen(*berths: Berth) -> str | None:
        return choose(drone, aloft(), 40.0, berths, LIMITS, POLICY, but=(), free=lambda place: True)

    assert chosen(berth("calm", 900.0), berth("windy", 600.0)) == "windy"
    assert chosen(berth("calm", 900.0), berth("windy", 600.0, wind_m_s=9.0)) == "calm"


def test_a_return_leads_to_the_nearest_of_home_and_alternates(make_sortie: Any) -> None:
    pads = {"d1": (117.65, 24.51), "d2": OTHER}
    sortie = make_sortie("a1", alternates=True)
    t = aloft().model_copy(update={"home_lon": 117.65, "home_lat": 24.51})
    assert returns_to(t, sortie, pads) == "d1"
    lon, lat = FRAME.to_lonlat(350.0, 90.0)
    assert returns_to(t.model_copy(update={"lon": lon, "lat": lat}), sortie, pads) == "d2"
    assert returns_to(t.model_copy(update={"home_lon": None}), None, pads) is None
    assert returns_to(t, sortie, {"d9": (117.7, 24.6)}) is None
