"""A stared site is handed over without a gap, and a gap is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from fleet.flight.place import come_home_percent
from fleet.flight.planning import ask
from fleet.flight.policy import Policy
from fleet.flight.relief import stares_at, stays_s
from fleet.model.flightlog import FlightEvent
from fleet.model.live import SiteLive
from fleet.model.order import OrderRequest, OrderStatus
from fleet.model.records import SortieStatus
from fleet.model.states import DroneState
from missions.city import Stare
from missions.geojson import Point

S = DroneState
Make = Callable[..., Any]
HOVER_PERCENT_S = 100.0 / (274.0 * 3600.0 / 420.0)


class Notes(list[FlightEvent]):
    def note(self, event: FlightEvent) -> None:
        self.append(event)

    def about(self, words: str) -> list[str]:
        return [event.text for event in self if words in event.text]


def staring(town: Any, battery: float = 62.0) -> Notes:
    """Have the town's bridge stared at, with batteries that last for some minutes."""
    site = town.city.sites[0]
    lon, lat = site.position
    stare = Stare(position=(lon, lat), altitude_m=30.0, look_at=(lon, lat + 0.0005))
    sites = (site.model_copy(update={"stare": stare}),)
    town.city = town.city.model_copy(update={"sites": sites})
    town.planner = ask
    notes = Notes()
    town.make_more = {"journal": notes}
    for vehicle in town.vehicles.values():
        vehicle.set(battery_percent=battery)
        vehicle.drain_percent_s = HOVER_PERCENT_S
    return notes


async def test_the_relief_is_there_before_the_other_leaves(make_town: Make) -> None:
    town = make_town(("a1", "a2"), policy=Policy(ready_percent=50.0))
    notes = staring(town)
    watchers: list[set[str]] = []
    async with town.open():
        for drone in ("a1", "a2"):
            await town.reach(S.DOCKED, drone=drone)
        await town.controller.submit(OrderRequest(kind="stare", sites=("bridge",)), "wang")
        keepers = town.controller.supervisors
        await town.until(lambda: any(stares_at(k) for k in keepers.values()))
        (first,) = [d for d, k in keepers.items() if stares_at(k)]
        (second,) = {"a1", "a2"} - {first}

        def look() -> None:
            watchers.append({d for d, k in keepers.items() if stares_at(k, "bridge")})

        town.vehicles[first].listen(look)
        await town.until(lambda: town.state(second) is S.TAKING_OFF, 1200)
        await town.until(lambda: ("bridge", second) in town.controller.watch_assignments(), 300)
        assert ("bridge", first) in town.controller.watch_assignments()
        await town.until(lambda: town.state(first) is S.RETURNING, 300)
        assert town.live(first).reason == f"relieved by {second}"
        assert (town.vehicles[first].truth.battery_percent or 0) > 25.0
        assert all(watchers), "somebody was there all the while"
        await town.until(lambda: town.state(first) in {S.CHARGING, S.DOCKED}, 600)
        assert town.store.sorties[keepers[second].sortie.id].status is SortieStatus.FLYING
        done = [r for r in town.store.sorties.values() if r.sortie.drone == first]
        assert done[0].status is SortieStatus.COMPLETED
        assert notes.about("relieved at bridge")
        assert not notes.about("left unwatched")


async def test_nobody_is_sent_home_while_the_relief_sees_nothing(make_town: Make) -> None:
    town = make_town(("a1", "a2"), policy=Policy(ready_percent=50.0))
    staring(town)
    async with town.open():
        for drone in ("a1", "a2"):
            await town.reach(S.DOCKED, drone=drone)
        await town.controller.submit(OrderRequest(kind="stare", sites=("bridge",)), "wang")
        keepers = town.controller.supervisors
        await town.until(lambda: any(stares_at(k) for k in keepers.values()))
        (first,) = [d for d, k in keepers.items() if stares_at(k)]
        (second,) = {"a1", "a2"} - {first}
        town.hub.publish("site", "bridge", SiteLive(id="bridge", state="blind"))
        await town.until(lambda: stares_at(keepers[second]) is not None, 1500)
        await asyncio.sleep(20)
        assert stares_at(keepers[first], "bridge") == "bridge"
        town.hub.publish("site", "bridge", SiteLive(id="bridge", state="watching"))
        await town.until(lambda: town.state(first) is S.RETURNING, 10)
        assert town.live(first).reason == f"relieved by {second}"


async def test_where_nobody_can_relieve_it_the_gap_is_told(make_town: Make) -> None:
    town = make_town(("a1",), policy=Policy(ready_percent=50.0))
    notes = staring(town, battery=55.0)
    async with town.open():
        await town.reach(S.DOCKED)
        await town.controller.submit(OrderRequest(kind="stare", sites=("bridge",)), "wang")
        await town.until(lambda: stares_at(town.controller.supervisors["a1"]) == "bridge")
        town.vehicle.set(battery_percent=26.0)
        await town.reach(S.RETURNING, bound_s=60)
        await town.until(lambda: bool(notes.about("site bridge is left unwatched by a1")), 3)
        await town.until(lambda: town.state() is S.CHARGING, 300)
        town.vehicle.set(battery_percent=90.0)
        await town.until(lambda: bool(notes.about("site bridge is watched again after")), 300)


@pytest.mark.long
async def test_a_point_is_kept_watched_to_the_end_of_its_window(make_town: Make) -> None:
    """By two drones that take turns: the second is there before the first leaves, again and again."""
    town = make_town(("a1", "a2"), policy=Policy(ready_percent=50.0))
    notes = Notes()
    town.planner, town.make_more = ask, {"journal": notes}
    for vehicle in town.vehicles.values():
        vehicle.set(battery_percent=62.0)
        vehicle.drain_percent_s = HOVER_PERCENT_S
    lon, lat = town.city.sites[0].position
    watchers: list[set[str]] = []
    async with town.open():
        for drone in ("a1", "a2"):
            await town.reach(S.DOCKED, drone=drone)
        order = await town.controller.submit(
            OrderRequest(
                kind="stare",
                geometry=Point(type="Point", coordinates=(lon, lat)),
                until=town.clock.now() + timedelta(minutes=25),
            ),
            "wang",
        )
        keepers = town.controller.supervisors
        name = f"{lon:.5f},{lat:.5f}"
        await town.until(lambda: any(stares_at(k) == name for k in keepers.values()))
        (first,) = [d for d, k in keepers.items() if stares_at(k)]
        (second,) = {"a1", "a2"} - {first}

        def look() -> None:
            watchers.append({d for d, k in keepers.items() if stares_at(k, name)})

        town.vehicles[first].listen(look)
        await town.until(lambda: town.state(first) is S.RETURNING, 1200)
        assert town.live(first).reason == f"relieved by {second}"
        assert town.controller.watch_assignments() == [], "no station belongs to a point"
        await town.until(lambda: town.state(first) in {S.CHARGING, S.DOCKED}, 600)
        town.vehicles[first].set(battery_percent=70.0)
        await town.until(lambda: town.state(second) is S.RETURNING, 1200)
        assert town.live(second).reason == f"relieved by {first}"
        assert all(watchers), "somebody was there all the while"
        await town.until(lambda: town.state(first) is S.RETURNING, 1200)
        ended = await town.store.order(order.id)
        assert (ended.status, ended.reason) == (OrderStatus.ENDED, "its time has ended")
        assert town.live(first).reason == "its time has ended"
        assert not notes.about("left unwatched")


@pytest.mark.parametrize("extra", [3.0, 60.0], ids=["reserve", "way home"])
async def test_a_station_is_kept_until_the_battery_is_needed_for_the_way_home(
    make_town: Make, extra: float
) -> None:
    """Down to the city's reserve, or to what coming home takes with its margin, whichever is more."""
    town = make_town(("a1",), policy=Policy(ready_percent=50.0, come_home_extra_percent=extra))
    staring(town, battery=100.0)
    assert town.city.limits.reserve_percent == 25.0

    def has(percent: float) -> None:
        town.vehicle.set(battery_percent=percent)
        town.vehicle._tell()  # it is judged by that when this test waits again

    async with town.open():
        await town.reach(S.DOCKED)
        await town.controller.submit(OrderRequest(kind="stare", sites=("bridge",)), "wang")
        keeper = town.controller.supervisors["a1"]
        await town.until(lambda: stares_at(keeper) == "bridge")
        takes = come_home_percent(
            keeper.drone, keeper.t, keeper.pad, keeper.sortie.altitude_m, keeper.wind_m_s
        )
        leaves_at = max(25.0, takes * town.policy.come_home_factor + extra)
        now = town.clock.now()
        for percent in (leaves_at - 5.0, leaves_at):
            has(percent)
            assert stays_s(keeper, now) == 0.0
        has(leaves_at + 1.0)
        assert stays_s(keeper, now) == pytest.approx(1.0 / HOVER_PERCENT_S, rel=0.2)
