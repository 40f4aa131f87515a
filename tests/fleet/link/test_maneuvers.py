"""Modes, places and circles: what is acknowledged is believed when it is seen."""

from __future__ import annotations

import asyncio

import pytest
from pymavlink.dialects.v20 import development as mav

from fleet.errors import LinkError, Refused
from fleet.link import asking, maneuvers
from fleet.link.asking import NoAnswer
from fleet.link.items import programme
from fleet.link.modes import NUMBERS
from fleet.link.seen import NotSeen
from fleet.model.command import GoTo, Orbit

LAND, SET_MODE, REPOSITION, ORBIT = 21, 176, 192, 34


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "WORDS_S", 0.3)
    monkeypatch.setattr(maneuvers, "MODE_S", 0.3)
    monkeypatch.setattr(maneuvers, "TARGET_S", 0.6)
    monkeypatch.setattr(maneuvers, "LOOK_S", 0.05)


def obeys(vehicle, *, but: frozenset[str] = frozenset()) -> None:
    """Have it acknowledge every mode, as PX4 does, and take those it has not ``but``."""
    names = {numbers: name for name, numbers in NUMBERS.items()}

    def answer(asked) -> None:
        if asked.command == LAND:
            vehicle.mode = "LAND"
            vehicle.ack(asked)
        if asked.command != SET_MODE:
            return
        vehicle.ack(asked)
        name = names[int(asked.param2), int(asked.param3)]
        if name in but:
            vehicle.ack(asked, 1)
        else:
            vehicle.mode = name
            vehicle.ack(asked)

    vehicle.on["COMMAND_LONG"] = answer


@pytest.mark.parametrize(
    ("ask", "mode"),
    [
        ("return_to_launch", "RETURN_TO_LAUNCH"),
        ("land", "LAND"),
        ("precision_land", "PRECISION_LAND"),
    ],
)
async def test_a_mode_is_seen_before_it_is_believed(scripted, ask, mode) -> None:
    async with scripted() as (vehicle, link):
        obeys(vehicle)
        await getattr(link, ask)()
        assert link.telemetry.mode == mode
        asked = vehicle.commands(SET_MODE)
        if mode != "LAND":
            assert [(m.param1, m.param2, m.param3) for m in asked] == [(1.0, *NUMBERS[mode])]
            # PX4 gives the reason of a refused mode to this component alone
            assert asked[0].get_srcComponent() == 190
        else:
            assert len(vehicle.commands(LAND)) == 1


async def test_a_mode_that_is_acknowledged_and_not_taken_is_not_seen(scripted) -> None:
    async with scripted() as (vehicle, link):
        vehicle.mode = "MISSION"
        vehicle.on["COMMAND_LONG"] = vehicle.ack
        with pytest.raises(NotSeen, match="a1: hold: mode is MISSION, not HOLD: acknowledged"):
            await link.hold()
        assert len(vehicle.commands(SET_MODE)) == maneuvers.MODE_TRIES


async def test_a_mode_that_is_refused_tells_why(scripted) -> None:
    async with scripted() as (vehicle, link):
        obeys(vehicle, but=frozenset({"RETURN_TO_LAUNCH"}))
        with pytest.raises(Refused, match="TEMPORARILY_REJECTED"):
            await link.return_to_launch()
        vehicle.on["COMMAND_LONG"] = lambda m: (
            vehicle.ack(m),
            vehicle.text("Switching to Return is currently not available"),
        )
        with pytest.raises(Refused, match="Switching to Return is currently not available"):
            await link.return_to_launch()


async def test_a_vehicle_that_says_nothing_gives_no_answer(scripted) -> None:
    async with scripted() as (_, link):
        with pytest.raises(NoAnswer, match="a1: land: no answer"):
            await link.land()


async def test_a_mission_is_asked_for_again_until_the_vehicle_has_checked_it(scripted) -> None:
    async with scripted() as (vehicle, link):
        vehicle.armed = True
        await link._seen.until(lambda t: t.armed, "armed", 2)

        def answer(asked) -> None:
            if asked.command == SET_MODE:
                vehicle.ack(asked)
                if len(vehicle.commands(SET_MODE)) == 3:
                    vehicle.mode = "MISSION"

        vehicle.on["COMMAND_LONG"] = answer
        await link.start_mission()
        assert len(vehicle.commands(SET_MODE)) == 3


async def test_a_mission_does_not_start_disarmed(scripted) -> None:
    async with scripted() as (vehicle, link):
        obeys(vehicle)
        with pytest.raises(Refused, match="a1: start mission: vehicle is not armed"):
            await link.start_mission()
        assert not vehicle.commands(SET_MODE)


async def test_the_younger_of_two_requests_counts(scripted) -> None:
    async with scripted() as (vehicle, link):
        vehicle.mode = "MISSION"
        older = asyncio.create_task(link.hold())
        await vehicle.hears(lambda: vehicle.commands(SET_MODE))
        obeys(vehicle)
        vehicle.heard.clear()
        await link.return_to_launch()
        with pytest.raises(LinkError, match="a1: hold: overtaken by return"):
            await older
        asked = {(m.param2, m.param3) for m in vehicle.commands(SET_MODE)}
        assert asked == {NUMBERS["RETURN_TO_LAUNCH"]}, "the older one was sent again"


async def test_a_place_that_was_overtaken_is_not_sent_again(scripted) -> None:
    async with scripted() as (vehicle, link):
        older = asyncio.create_task(link.go_to(goto()))
        await vehicle.hears(lambda: vehicle.commands(REPOSITION))
        obeys(vehicle)
        await link.return_to_launch()
        vehicle.heard.clear()
        with pytest.raises(LinkError, match="a1: go to: overtaken by return"):
            await older
        assert not vehicle.commands(REPOSITION)


def goto(**fields) -> GoTo:
    return GoTo(action="goto", lon=117.6505, lat=24.5103, altitude_m=25.0, **fields)


def aims_at(vehicle, lat: float, lon: float, amsl: float) -> None:
    """Have it acknowledge a place, and show another or the same as its target."""

    def answer(asked) -> None:
        if asked.command == REPOSITION:
            vehicle.ack(asked)
            vehicle.mode = "HOLD"
            vehicle.beat()
            target = round(lat * 1e7), round(lon * 1e7), amsl
            zeros = (0.0,) * 8
            vehicle.say(mav.MAVLink_position_target_global_int_message(1, 5, 0, *target, *zeros))

    vehicle.on["COMMAND_INT"] = answer


async def test_a_place_is_asked_for_in_metres_above_the_sea_and_seen_as_target(scripted) -> None:
    async with scripted() as (vehicle, link):
        vehicle.mode = "MISSION"
        aims_at(vehicle, 24.5103, 117.6505, 35.0)
        await link.go_to(goto(heading_deg=90, speed_m_s=4))
        (asked,) = vehicle.commands(REPOSITION)
        assert (asked.frame, asked.x, asked.y) == (5, 245103000, 1176505000)
        assert asked.z == 35.0  # home is at 10 m
        assert (asked.param1, asked.param2) == (4.0, 1.0)
        assert asked.param4 == pytest.approx(1.5708, abs=1e-3)


async def test_a_place_that_is_accepted_and_not_aimed_at_is_not_seen(scripted) -> None:
    async with scripted() as (vehicle, link):
        aims_at(vehicle, 24.51, 117.65, 35.0)
        with pytest.raises(NotSeen, match="a1: go to: acknowledged, and not done"):
            await link.go_to(goto())


async def test_a_place_outside_the_fence_is_refused_in_the_vehicles_words(scripted) -> None:
    async with scripted() as (vehicle, link):

        def answer(asked) -> None:
            vehicle.ack(asked)
            vehicle.text("Reposition is outside geofence\t")

        vehicle.on["COMMAND_INT"] = answer
        with pytest.raises(Refused, match="a1: go to: Reposition is outside geofence"):
            await link.go_to(goto())


async def test_a_vehicle_that_shows_no_target_and_does_not_move_is_not_believed(scripted) -> None:
    async with scripted() as (vehicle, link):
        vehicle.on["COMMAND_INT"] = vehicle.ack
        with pytest.raises(NotSeen, match="a1: go to: acknowledged, and not done"):
            await link.go_to(goto())


async def test_a_wrong_frame_is_told(scripted) -> None:
    async with scripted() as (vehicle, link):
        vehicle.on["COMMAND_INT"] = lambda m: vehicle.ack(m, 9)
        with pytest.raises(Refused, match="a1: go to: UNSUPPORTED_MAV_FRAME"):
            await link.go_to(goto())


@pytest.mark.parametrize("radius_m", [30.0, 80.0])
async def test_a_circle_is_seen_to_be_this_one(scripted, radius_m) -> None:
    async with scripted() as (vehicle, link):

        def answer(asked) -> None:
            vehicle.ack(asked)
            vehicle.mode = "ORBIT"
            vehicle.beat()
            vehicle.say(
                mav.MAVLink_orbit_execution_status_message(
                    0, -radius_m, 5, asked.x, asked.y, asked.z
                )
            )

        vehicle.on["COMMAND_INT"] = answer
        circle = Orbit(
            action="orbit", lon=117.65, lat=24.51, altitude_m=20, radius_m=30, clockwise=False
        )
        if radius_m == 30.0:
            await link.orbit(circle)
        else:
            with pytest.raises(NotSeen, match="a1: orbit: acknowledged, and not done"):
                await link.orbit(circle)
        (asked,) = vehicle.commands(ORBIT)
        assert asked.param1 == -30.0


async def test_an_item_is_flown_to_when_the_vehicle_says_so(scripted, sortie) -> None:
    async with scripted() as (vehicle, link):
        plan = programme(sortie())
        vehicle.armed, vehicle.mode = True, "MISSION"
        await link._seen.until(lambda t: t.armed and t.mode == "MISSION", "armed", 2)
        link._loader.held = plan
        shown = [7]

        def current(asked) -> None:
            vehicle.say(mav.MAVLink_mission_current_message(shown[0], len(plan.items), 3, 1))

        vehicle.on["MISSION_SET_CURRENT"] = current
        # it flew to item 7, and is told to go back to the speed before item 3: that is passed at once
        with pytest.raises(NotSeen, match="a1: go to item 2: current item is 7"):
            await link.fly_to_item(2)
        shown[0] = 3
        await link.fly_to_item(2)
        assert vehicle.heard[-1].seq == 2


async def test_a_jump_that_was_overtaken_does_not_start_the_mission_again(scripted) -> None:
    async with scripted() as (vehicle, link):
        vehicle.armed, vehicle.mode = True, "MISSION"
        await link._seen.until(lambda t: t.armed and t.mode == "MISSION", "armed", 2)
        jump = asyncio.create_task(link.fly_to_item(3))
        await vehicle.hears(
            lambda: any(m.get_type() == "MISSION_SET_CURRENT" for m in vehicle.heard)
        )
        obeys(vehicle)
        await link.hold()
        with pytest.raises(LinkError, match="a1: go to item 3: overtaken by hold"):
            await jump
        assert {m.param3 for m in vehicle.commands(SET_MODE)} == {NUMBERS["HOLD"][1]}
        assert vehicle.mode == "HOLD"


async def test_the_same_mode_asked_for_twice_is_seen_by_both(scripted) -> None:
    async with scripted() as (vehicle, link):
        vehicle.mode = "MISSION"
        obeys(vehicle)
        await asyncio.gather(link.hold(), link.hold())


async def test_of_two_places_at_once_the_second_is_flown_to(scripted) -> None:
    async with scripted() as (vehicle, link):
        aims_at(vehicle, 24.5103, 117.6505, 45.0)
        first = asyncio.create_task(link.go_to(goto()))
        second = asyncio.create_task(link.go_to(goto().model_copy(update={"altitude_m": 35.0})))
        await second
        with pytest.raises(LinkError, match="a1: go to: overtaken by go to"):
            await first
        # its target is told all along, so that the answer may be sooner than the command
        await vehicle.hears(lambda: len(vehicle.commands(REPOSITION)) == 2)
        assert [m.z for m in vehicle.commands(REPOSITION)] == [35.0, 45.0]
