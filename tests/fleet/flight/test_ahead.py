"""What drones have still to fly, and whether two are near each other at the same time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fleet.flight.ahead import ahead, meets_in_time
from fleet.model.states import DroneState

S = DroneState
Make = Callable[..., Any]


async def test_a_drone_has_ahead_of_it_what_it_has_not_flown(make_town: Make) -> None:
    town = make_town(("a1", "a2"))
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK, drone="a1")
        keeper = town.controller.supervisors["a1"]
        whole = [w for leg in keeper.sortie.legs for w in leg.waypoints]
        left = ahead(keeper)
        assert 2 < len(left) < len(whole)
        assert (left[0].lon, left[0].lat) == (keeper.t.lon, keeper.t.lat)
        assert (left[-1].lon, left[-1].lat) == (whole[-1].lon, whole[-1].lat)
        assert sum(stop.hold_s for stop in left) == 20.0
        await town.reach(S.RETURNING, drone="a1")
        assert [(s.lon, s.lat) for s in ahead(keeper)[1:]] == [keeper.pad]
        await town.reach(S.DOCKED, drone="a1")
        assert ahead(keeper) == []


async def test_two_on_the_same_way_meet_only_at_the_same_time(make_town: Make) -> None:
    town = make_town(("a1", "a2"))
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK, drone="a1")
        flies, leaves = (town.controller.supervisors[drone] for drone in ("a1", "a2"))
        leaves.sortie = town.planner.sortie("a2")
        assert meets_in_time(leaves, flies, 0.0)  # head on, as the one comes home
        assert not meets_in_time(leaves, flies, 600.0)
        leaves.sortie = None
        assert not meets_in_time(leaves, flies, 0.0)


async def test_a_mate_that_climbs_from_the_same_dock_is_the_gate_s_to_keep_apart(
    make_town: Make, make_sortie: Make
) -> None:
    town = make_town(("a1", "a2"))
    async with town.open():
        for drone in ("a1", "a2"):
            await town.reach(S.DOCKED, drone=drone)
        leaves, mate = (town.controller.supervisors[drone] for drone in ("a1", "a2"))
        leaves.sortie = make_sortie("a1", "order", altitude=40.0)
        mate.sortie = make_sortie("a2", "order", altitude=55.0)
        assert not meets_in_time(leaves, mate, 0.0)
        mate.sortie = make_sortie("a2", "order", altitude=50.0)
        assert meets_in_time(leaves, mate, 0.0)
        leaves.sortie = mate.sortie = None
