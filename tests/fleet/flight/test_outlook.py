"""What the monitor is shown of a drone beyond its own telemetry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from fleet.flight.outlook import view
from fleet.model.live import SiteLive
from fleet.model.states import DoorState, DroneState

S = DroneState
Make = Callable[..., Any]


async def test_a_blind_site_is_told_while_it_is_watched(make_town: Make) -> None:
    town = make_town()
    town.planner.hold_s = 90.0
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        keeper = town.controller.supervisors["a1"]
        assert view(keeper).video_lost_s is None, "it surveys, and watches no site"
        town.hub.publish("site", "bridge", SiteLive(id="bridge", state="blind"))
        await town.until(lambda: view(keeper).video_lost_s is not None)
        await town.until(lambda: "no picture of its site" in str(town.live().warnings), 40)
        town.hub.publish("site", "bridge", SiteLive(id="bridge", state="watching"))
        await town.until(lambda: view(keeper).video_lost_s in {None, 0.0}, 1)
        await town.until(lambda: "no picture" not in str(town.live().warnings), 1)


async def test_drones_come_home_when_no_officer_is_heard(make_town: Make) -> None:
    town = make_town()
    start = town.clock.now()
    limits = town.city.limits.model_copy(update={"operator_absent_min": 1.0})
    town.city = town.city.model_copy(update={"limits": limits})
    town.make_more = {"presence": lambda: start + timedelta(seconds=10)}
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        await town.reach(S.RETURNING, bound_s=90)
        assert town.clock.now() - start > timedelta(seconds=70)
        assert "no officer heard for 1 min; 1 min are allowed" in town.live().reason


async def test_a_dock_that_fails_is_told_in_the_air_and_whether_another_takes_it(
    make_town: Make,
) -> None:
    town = make_town(docks=2)
    async with town.open():
        await town.patrol()
        await town.reach(S.ON_TASK)
        keeper = town.controller.supervisors["a1"]
        assert not view(keeper).alternate
        town.dock.set(door=DoorState.JAMMED)
        await town.until(lambda: "dock's door is jammed" in str(town.live().warnings), 1)
        await town.until(lambda: view(keeper).alternate, 10)
        town.docks["d2"].set(online=False)
        await town.until(lambda: not view(keeper).alternate, 3)
        assert town.state() in {S.ON_WAY, S.ON_TASK}, "nobody turns back for it"
