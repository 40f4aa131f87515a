"""A drone that came down at another dock is flown to its own, when that takes it again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fleet.flight.outlook import view
from fleet.model.records import SortieStatus
from fleet.model.states import DoorState, DroneState
from missions.geo import LocalFrame
from missions.planner import Plan, Refusal
from missions.sortie import FERRY, Leg, LegKind, Sortie, SortieEnergy, Waypoint

S = DroneState
Make = Callable[..., Any]
PAD = (117.65, 24.51)
FRAME = LocalFrame(*PAD)
OTHER = FRAME.to_lonlat(400.0, 100.0)
HEIGHT = 55.0


def ferry(drone: str, number: int) -> Sortie:
    """The flight from the second dock to the first, around by the north."""
    over, around, home = (
        Waypoint(*place, HEIGHT) for place in (OTHER, FRAME.to_lonlat(200.0, 200.0), PAD)
    )
    legs = (
        Leg(LegKind.TAKEOFF, (over,), 10.0),
        Leg(LegKind.TRANSIT, (around, home), 10.0),
        Leg(LegKind.HOME, (home,), 10.0),
    )
    ring = tuple(
        FRAME.to_lonlat(e, n) for e, n in ((-500, -500), (600, -500), (600, 500), (-500, 500))
    )
    energy = SortieEnergy(120.0, 600.0, 20.0, 68.0, 274.0)
    return Sortie(
        f"ferry-{number}", FERRY, drone, "d2", *OTHER, HEIGHT, legs, energy, ring, ends_at="d1"
    )


def guest(make_town: Make) -> Any:
    """A drone whose dock jams while it is out, and a planner that flies guests home."""
    town = make_town(docks=2)
    town.counting = True
    planner = town.planner
    town.ferries = 0
    town.refuse_ferry = ""
    town.asked = []

    async def plan(question: Any) -> Plan:
        town.asked += [offer.home for offer in question.offers]
        if question.wishes and (found := (await planner(question)).sorties):
            return Plan(found)
        (offer,) = question.offers
        if offer.home is None or not offer.ready:
            return Plan()
        if town.refuse_ferry:
            return Plan(refusals=(Refusal(FERRY, offer.id, town.refuse_ferry),))
        town.ferries += 1
        return Plan((ferry(offer.id, town.ferries),))

    town.planner = plan
    return town


async def stranded(town: Any) -> None:
    """Have it land at the other dock, its own jammed."""
    await town.reach(S.DOCKED)
    await town.patrol()
    await town.reach(S.ON_TASK)
    jam(town)
    keeper = town.controller.supervisors["a1"]
    await town.until(lambda: keeper.berth == "d2" and town.state() is S.DOCKED, 1500)
    await town.until(lambda: town.docks["d2"].state.door is DoorState.CLOSED, 60)
    town.vehicle.set(home_lon=OTHER[0], home_lat=OTHER[1])  # as PX4 does on the ground


def jam(town: Any) -> None:
    town.dock.jam = True
    town.dock.set(door=DoorState.JAMMED)


def mend(town: Any) -> None:
    town.dock.jam = False
    town.dock.set(door=DoorState.CLOSED)


async def home(town: Any) -> None:
    keeper = town.controller.supervisors["a1"]
    await town.until(
        lambda: keeper.berth == "d1" and town.state() is S.DOCKED and town.at_home(), 1500
    )


async def test_a_guest_waits_for_its_own_dock_and_says_so(make_town: Make) -> None:
    town = guest(make_town)
    async with town.open():
        await stranded(town)
        await town.until(
            lambda: town.live().reason == "guest of dock d2: dock d1: door is jammed", 5
        )
        assert town.ferries == 0
        mend(town)
        await home(town)
        assert town.ferries == 1
        assert town.live().reason == ""


async def test_in_the_air_the_dock_that_would_take_it_counts(make_town: Make) -> None:
    town = guest(make_town)
    async with town.open():
        await town.reach(S.DOCKED)
        await town.patrol()
        await town.reach(S.ON_TASK)
        keeper = town.controller.supervisors["a1"]
        assert view(keeper).alternate is None, "its own takes it"
        jam(town)
        await town.until(lambda: view(keeper).alternate == OTHER, 20)
        assert keeper.berth == "d1", "it goes on with what it does"
        town.docks["d2"].set(online=False)
        await town.until(lambda: view(keeper).alternate is None, 5)


async def test_it_is_flown_home_through_the_usual_states(make_town: Make) -> None:
    town = guest(make_town)
    async with town.open():
        await stranded(town)
        opened = len(town.docks["d2"].commands)
        told = len(town.vehicle.commands)
        mend(town)
        await town.reach(S.ON_WAY)
        keeper = town.controller.supervisors["a1"]
        await town.until(lambda: keeper.berth == "d1", 120)
        assert town.live().reason == "flies home to dock d1; was a guest of d2"
        await town.until(lambda: town.store.by_drone["a1"].berth is None, 2)
        assert town.docks["d2"].commands[opened:] == ["open", "close"]
        assert town.docks["d2"].state.door is DoorState.CLOSED
        await home(town)
        truth = town.vehicle.truth
        assert (truth.lon, truth.lat) == pytest.approx(PAD, abs=2e-5)
        assert "return" not in town.vehicle.commands[told:], "that leads to the dock it left"
        record = town.store.sorties["ferry-1"]
        assert record.status is SortieStatus.COMPLETED
        passed = town.passed()
        last = len(passed) - 1 - passed[::-1].index(S.CHECKING)
        states = [S.CHECKING, S.OPENING, S.TAKING_OFF, S.ON_WAY, S.RETURNING, S.LANDING, S.CLOSING]
        assert passed[last : last + 7] == states
        assert S.EMERGENCY not in passed


async def test_called_home_on_the_way_it_goes_on_to_its_own_dock(make_town: Make) -> None:
    town = guest(make_town)
    async with town.open():
        await stranded(town)
        mend(town)
        keeper = town.controller.supervisors["a1"]
        await town.until(lambda: town.state() is S.ON_WAY and keeper.berth == "d1", 1500)
        await town.controller.command("a1", "return", "wang")
        await home(town)
        assert S.EMERGENCY not in town.passed()


async def test_where_its_own_dock_fails_again_it_goes_back(make_town: Make) -> None:
    town = guest(make_town)
    async with town.open():
        await stranded(town)
        mend(town)
        keeper = town.controller.supervisors["a1"]
        await town.until(lambda: town.state() is S.ON_WAY and keeper.berth == "d1", 1500)
        jam(town)
        await town.until(lambda: keeper.berth == "d2" and town.state() is S.DOCKED, 1500)
        truth = town.vehicle.truth
        assert (truth.lon, truth.lat) == pytest.approx(OTHER, abs=2e-5)
        assert S.EMERGENCY not in town.passed()


@pytest.mark.parametrize("moment", ["climbing", "on its way", "coming down"])
async def test_the_next_controller_brings_it_home_too(make_town: Make, moment: str) -> None:
    town = guest(make_town)
    async with town.open():
        await stranded(town)
        mend(town)
        seen: dict[str, Callable[[], bool]] = {
            "climbing": lambda: town.state() is S.ON_WAY and town.vehicle.truth.altitude_m < 30,
            "on its way": lambda: town.controller.supervisors["a1"].berth == "d1",
            "coming down": lambda: town.state() is S.LANDING,
        }
        await town.until(lambda: town.ferries == 1 and seen[moment](), 1500)
        await town.kill()
        await town.start_again()
        await home(town)
        assert S.EMERGENCY not in town.passed()
        assert town.store.sorties["ferry-1"].status is SortieStatus.COMPLETED


async def test_after_everyone_was_called_home_it_stays_until_there_is_an_order(
    make_town: Make,
) -> None:
    town = guest(make_town)
    async with town.open():
        await stranded(town)
        await town.controller.recall_all("typhoon", "wang")
        mend(town)
        words = "guest of dock d2: everyone was called home, and there is no order since"
        await town.until(lambda: town.live().reason == words, 30)
        assert town.ferries == 0
        await town.patrol()
        await home(town)


async def test_why_the_planner_leaves_it_is_shown(make_town: Make) -> None:
    town = guest(make_town)
    town.refuse_ferry = "no altitude layer is free of other drones"
    async with town.open():
        await stranded(town)
        mend(town)
        words = f"guest of dock d2: {town.refuse_ferry}"
        await town.until(lambda: town.live().reason == words, 30)
        town.refuse_ferry = ""
        await home(town)


async def test_a_pilot_who_holds_it_keeps_it_there(make_town: Make) -> None:
    town = guest(make_town)
    async with town.open():
        await stranded(town)
        town.controller.supervisors["a1"].holder = "wang"
        mend(town)
        with pytest.raises(pytest.fail.Exception):
            await town.until(lambda: town.ferries > 0, 60)
        town.controller.supervisors["a1"].holder = None
        await home(town)


async def test_one_at_home_is_no_guest(make_town: Make) -> None:
    town = guest(make_town)
    async with town.open():
        await town.reach(S.DOCKED)
        await town.patrol()
        await home(town)
        assert set(town.asked) <= {None}
        assert replace(ferry("a1", 1), ends_at=None).end.lon == pytest.approx(PAD[0])
