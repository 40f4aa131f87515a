"""What goes wrong before take-off and after landing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fleet.model.records import SortieStatus
from fleet.model.states import DoorState, DroneState

S = DroneState
Make = Callable[..., Any]

REFUSALS: dict[str, tuple[Callable[[Any], None], str]] = {
    "gps": (lambda t: t.vehicle.set(gps_fix=2), "GPS fix is 2"),
    "home": (lambda t: t.vehicle.set(home_lat=24.52), "from the dock; 10 m is allowed"),
    "no home": (lambda t: t.vehicle.set(home_lat=None), "no home position"),
    "place": (lambda t: t.vehicle.set(lat=24.511), "from its dock; 10 m is allowed"),
    "wind": (lambda t: t.dock.set(wind_m_s=13.0), "wind 13 m/s is over the limit of 12"),
    "no wind": (lambda t: t.dock.set(wind_m_s=None), "wind or rain at the dock is not known"),
    "rain": (lambda t: t.dock.set(rain_mm_h=5.0), "rain 5 mm/h is over the limit of 4"),
    "not clear": (lambda t: t.dock.set(clear=False), "dock is not clear"),
    "armable": (lambda t: t.vehicle.set(armable=False), "autopilot is not ready to arm"),
}


@pytest.mark.parametrize("name", list(REFUSALS))
async def test_a_check_refuses_and_says_which(make_town: Make, name: str) -> None:
    spoil, words = REFUSALS[name]
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        spoil(town)
        await town.patrol()
        await town.reach(S.CHECKING)
        await town.reach(S.DOCKED)
        assert words in town.live().reason
        assert words in town.store.sorties["a1-1"].reason
        assert town.store.sorties["a1-1"].status is SortieStatus.ABORTED
        assert town.vehicle.commands == []
        assert town.dock.commands == []


async def test_battery_must_hold_sortie_and_reserve(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        town.vehicle.set(battery_percent=50.0)
        town.controller.supervisors["a1"].drone = town.controller.supervisors[
            "a1"
        ].drone.model_copy(
            update={
                "battery": town.city.drones[0].battery.model_copy(update={"capacity_wh": 100.0})
            }
        )
        await town.patrol()
        await town.reach(S.CHECKING)
        await town.reach(S.DOCKED)
        assert "battery holds 50 Wh; sortie and reserve take 55 Wh" in town.live().reason


async def test_what_may_still_come_is_waited_for(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        town.vehicle.set(armable=False)
        await town.patrol()
        await town.reach(S.CHECKING)
        await town.until(lambda: "not ready to arm" in town.live().reason)
        town.vehicle.set(armable=True)
        await town.reach(S.ON_WAY, bound_s=30)


@pytest.mark.parametrize(
    ("command", "doors"), [("load", ["open", "close"]), ("arm", ["open", "close"])]
)
async def test_a_refusal_before_take_off_closes_the_dock(
    make_town: Make, command: str, doors: list[str]
) -> None:
    town = make_town()
    town.vehicle.refuse[command] = "Preflight Fail: heading estimate not stable"
    async with town.open():
        await town.reach(S.DOCKED)
        await town.patrol()
        await town.reach(S.CLOSING)
        assert "heading estimate not stable" in town.live().reason
        await town.reach(S.DOCKED)
        assert town.at_home()
        assert town.dock.commands == doors
        assert town.store.sorties["a1-1"].status is SortieStatus.ABORTED
        assert "heading estimate not stable" in town.store.sorties["a1-1"].reason


async def test_armed_and_not_started_is_disarmed(make_town: Make) -> None:
    town = make_town()
    town.vehicle.refuse["start"] = "Mission rejected"
    async with town.open():
        await town.patrol()
        await town.reach(S.CLOSING)
        assert not town.vehicle.truth.armed
        assert town.vehicle.commands[-1] == "disarm"


async def test_a_door_that_closes_over_running_motors_is_not_flown_against(make_town: Make) -> None:
    town = make_town()
    doors = (DoorState.CLOSING, DoorState.CLOSED)

    def shut() -> None:
        if town.vehicle.truth.armed and town.dock.state.door not in doors:
            town.dock.set(door=DoorState.CLOSING)

    async with town.open():
        stop = town.vehicle.listen(shut)
        await town.patrol()
        await town.reach(S.CLOSING)
        stop()
        assert town.live().reason == "dock d1: door is closing with the motors on"
        assert town.vehicle.commands[-2:] == ["arm", "disarm"]
        assert not town.vehicle.truth.armed


async def test_started_and_not_lifting_is_disarmed(make_town: Make) -> None:
    town = make_town()
    town.vehicle.stuck = True
    async with town.open():
        await town.patrol()
        await town.reach(S.CLOSING)
        assert "not in the air 30 s after the start" in town.live().reason
        assert not town.vehicle.truth.armed


async def test_a_dock_that_jams_ends_the_sortie_on_the_ground(make_town: Make) -> None:
    town = make_town()
    town.dock.jam = True
    async with town.open():
        await town.patrol()
        await town.until(lambda: S.CLOSING in town.passed())
        assert "open failed: door is jammed" in town.store.sorties["a1-1"].reason
        await town.reach(S.DOCKED)
        assert "door is jammed" in town.live().reason
        assert "arm" not in town.vehicle.commands


async def test_a_store_that_is_down_keeps_the_drone_on_the_ground(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.reach(S.DOCKED)
        order = await town.patrol()

        def fail(record: Any) -> None:
            town.store.down = record.state is S.OPENING

        town.store.on_state = fail
        await town.until(lambda: town.store.down)
        await town.until(lambda: "not stored, so not flown" in town.live().reason)
        assert "arm" not in town.vehicle.commands
        assert order.status == "active"


async def test_a_door_that_does_not_close_after_landing_is_tried_again(make_town: Make) -> None:
    town = make_town()
    async with town.open():
        await town.patrol()
        await town.reach(S.LANDING)
        town.dock.refuse = "drone not in its slot"
        await town.reach(S.DOCKED)
        assert "drone not in its slot" in town.live().reason
        town.dock.refuse = ""
        await town.until(lambda: town.dock.state.door is DoorState.CLOSED, 90)


async def test_two_drones_of_a_dock_never_move_through_its_door_together(make_town: Make) -> None:
    town = make_town(("a1", "a2"))
    moving = {S.OPENING, S.TAKING_OFF, S.LANDING}
    both: list[tuple[DroneState, DroneState]] = []

    def look(_record: Any) -> None:
        pair = (town.state("a1"), town.state("a2"))
        if set(pair) <= moving:
            both.append(pair)

    town.store.on_state = look
    async with town.open():
        await town.patrol()
        for drone in ("a1", "a2"):
            await town.until(lambda d=drone: S.CLOSING in town.passed(d))
        await town.reach(S.DOCKED, drone="a2")
        await town.reach(S.DOCKED, drone="a1")
        assert not both
        assert {r.status for r in town.store.sorties.values()} == {SortieStatus.COMPLETED}


async def test_a_docked_drone_that_waits_for_another_says_so(make_town: Make) -> None:
    town = make_town(("a1", "a2"))
    async with town.open():
        await town.reach(S.DOCKED, drone="a1")
        await town.reach(S.DOCKED, drone="a2")
        await town.until(lambda: town.live("a2").reason == "")
        await town.patrol()
        await town.reach(S.OPENING, drone="a1")
        assert town.state("a2") is S.DOCKED
        await town.until(lambda: town.live("a2").reason == "dock's door is open", 10)
        await town.until(lambda: town.live("a2").reason == "" or town.state("a2") is not S.DOCKED)
