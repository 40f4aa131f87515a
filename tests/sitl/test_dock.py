from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from missions.city import Dock as DockPlace
from missions.geo import LocalFrame
from sitl.dock import Command, Dock, Door, Reply, Result, parse_command
from sitl.scenario import Weather

DOOR_S = 4.0
PLACE = DockPlace(id="xc-bridge", position=(117.659112, 24.505968), door_s=DOOR_S)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Pose:
    lon: float
    lat: float
    altitude_amsl_m: float


class Vehicle:
    """A drone that stands or hovers where it is put."""

    def __init__(self, east: float = 0.0, height: float = 0.0, *, landed: bool = True) -> None:
        self.put(east, height, landed=landed)
        self.armed = not landed
        self.battery_percent = 50.0
        self.watts = 0.0

    def put(self, east: float, height: float = 0.0, *, landed: bool) -> None:
        lon, lat = LocalFrame(*PLACE.position).to_lonlat(east, 0.0)
        self._pose = Pose(lon, lat, 10.0 + height)
        self.landed = landed

    def true_pose(self) -> Pose:
        return self._pose

    def charge(self, watts: float) -> None:
        self.watts = watts


def dock() -> Dock:
    return Dock(PLACE, 10.0, Weather())


def command(action: str, name: str = "c1", *, life: float = 30.0) -> Command:
    return Command(name, action, NOW + timedelta(seconds=life))


@pytest.mark.parametrize("door_s", [DOOR_S, 15.0])
def test_a_door_takes_the_time_that_the_city_file_says(door_s: float) -> None:
    it = Dock(PLACE.model_copy(update={"door_s": door_s}), 10.0, Weather())
    it.advance(0.0)
    assert it.obey(command("open"), NOW) == [Reply("c1", Result.ACCEPTED)]
    assert it.door is Door.OPENING
    assert it.advance(door_s - 0.1) == []
    assert it.advance(door_s + 0.1) == [Reply("c1", Result.DONE)]
    assert it.door is Door.OPEN


def test_a_door_that_takes_no_time_is_where_it_is_told_to_be() -> None:
    it = Dock(PLACE.model_copy(update={"door_s": 0.0}), 10.0, Weather())
    it.advance(0.0)
    it.obey(command("open"), NOW)
    assert it.advance(0.1) == [Reply("c1", Result.DONE)]
    assert (it.lid, it.opened) == (Door.OPEN, 1.0)


def test_what_is_so_already_is_done_at_once() -> None:
    it = dock()
    assert [r.result for r in it.obey(command("close"), NOW)] == [Result.ACCEPTED, Result.DONE]


def test_an_expired_command_is_refused_and_not_carried_out() -> None:
    it = dock()
    (reply,) = it.obey(command("open", life=-1.5), NOW)
    assert reply.result is Result.REFUSED
    assert "expired 1.5 s ago" in reply.reason
    assert it.door is Door.CLOSED


def test_a_repeated_command_is_answered_again_and_not_carried_out() -> None:
    it = dock()
    it.advance(0.0)
    it.obey(command("open", "a"), NOW)
    it.advance(5.0)
    it.obey(command("close", "b"), NOW)
    it.advance(10.0)
    assert it.door is Door.CLOSED
    assert it.obey(command("open", "a"), NOW) == [Reply("a", Result.DONE)]
    it.advance(15.0)
    assert it.door is Door.CLOSED


@pytest.mark.parametrize(
    ("east", "height", "landed", "reason"),
    [(2.5, 0.0, True, "stands 2.5 m from the pad"), (0.5, 3.0, False, "hovers 3.0 m over the pad")],
)
def test_it_does_not_close_on_a_drone(
    east: float, height: float, landed: bool, reason: str
) -> None:
    it = dock()
    it.advance(0.0)
    it.obey(command("open", "a"), NOW)
    it.advance(5.0)
    it.sense({"d": Vehicle(east, height, landed=landed)})
    assert not it.clear
    (reply,) = it.obey(command("close", "b"), NOW)
    assert reply.result is Result.REFUSED
    assert reason in reply.reason
    assert it.door is Door.OPEN


def test_a_drone_that_comes_under_a_closing_door_opens_it_again() -> None:
    it = dock()
    it.advance(0.0)
    it.obey(command("open", "a"), NOW)
    it.advance(5.0)
    it.obey(command("close", "b"), NOW)
    it.advance(7.0)
    it.sense({"d": Vehicle(0.0, 2.0, landed=False)})
    (reply,) = it.advance(7.1)
    assert (reply.command, reply.result) == ("b", Result.FAILED)
    it.advance(12.0)
    assert it.door is Door.OPEN


def test_a_jam_fails_the_command_and_is_mended() -> None:
    it = dock()
    it.advance(0.0)
    it.jam(True)
    it.obey(command("open", "a"), NOW)
    (reply,) = it.advance(3.0)
    assert (reply.result, reply.reason) == (Result.FAILED, "door jammed")
    assert it.door is Door.JAMMED
    (refused,) = it.obey(command("open", "b"), NOW)
    assert (refused.result, refused.reason) == (Result.REFUSED, "door is jammed")
    it.jam(False)
    it.advance(8.0)
    assert it.door is Door.OPEN


def test_a_newer_command_takes_over() -> None:
    it = dock()
    it.advance(0.0)
    it.obey(command("open", "a"), NOW)
    it.advance(1.0)
    replies = it.obey(command("close", "b"), NOW)
    assert replies == [
        Reply("a", Result.FAILED, "superseded by close"),
        Reply("b", Result.ACCEPTED),
    ]
    assert it.advance(2.1) == [Reply("b", Result.DONE)]


def test_it_charges_what_stands_in_its_slot_with_motors_off() -> None:
    it, drone = dock(), Vehicle(1.0)
    it.sense({"d": drone})
    assert drone.watts > 0
    assert it.state()["charging"] == {"d": 50.0}
    assert it.state()["occupants"] == ["d"]
    drone.battery_percent = 99.95
    it.sense({"d": drone})
    assert drone.watts == 0
    drone.battery_percent = 80.0
    drone.put(30.0, 40.0, landed=False)
    it.sense({"d": drone})
    assert drone.watts == 0
    assert it.occupants == frozenset()
    assert it.clear


def test_a_drone_high_over_the_dock_is_not_in_the_way() -> None:
    it = dock()
    it.sense({"d": Vehicle(0.0, 40.0, landed=False)})
    assert it.clear


@pytest.mark.parametrize(
    ("payload", "what"),
    [
        (b"no json", "Expecting value"),
        (b"[]", "JSON object"),
        (b'{"id": "x", "action": "open"}', "expires_at"),
        (b'{"id": "x", "action": "open", "expires_at": "2026-01-01T00:00:00"}', "no offset"),
    ],
)
def test_what_is_no_command_is_refused(payload: bytes, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        parse_command(payload)


class DoorMachine(RuleBasedStateMachine):
    """Whatever is done to a dock, each command is answered once and for all."""

    def __init__(self) -> None:
        super().__init__()
        self.dock = dock()
        self.time = 0.0
        self.count = 0
        self.dock.advance(0.0)
        self.finals: dict[str, int] = {}

    def note(self, replies: list[Reply]) -> None:
        for reply in replies:
            if reply.result is not Result.ACCEPTED:
                self.finals[reply.command] = self.finals.get(reply.command, 0) + 1

    @rule(action=st.sampled_from(["open", "close", "dance"]), life=st.floats(-1, 5))
    def order(self, action: str, life: float) -> None:
        self.count += 1
        self.finals.setdefault(f"c{self.count}", 0)
        self.note(self.dock.obey(command(action, f"c{self.count}", life=life), NOW))

    @rule(seconds=st.floats(0, 6))
    def wait(self, seconds: float) -> None:
        self.time += seconds
        self.note(self.dock.advance(self.time))

    @rule(active=st.booleans())
    def jam(self, active: bool) -> None:
        self.dock.jam(active)

    @rule(east=st.floats(-6, 6), height=st.floats(0, 10), landed=st.booleans())
    def drone(self, east: float, height: float, landed: bool) -> None:
        self.dock.sense({"d": Vehicle(east, 0.0 if landed else height, landed=landed)})

    @invariant()
    def answered_once(self) -> None:
        assert all(n <= 1 for n in self.finals.values())
        open_orders = [name for name, n in self.finals.items() if n == 0]
        assert len(open_orders) <= 1
        if self.dock.door in (Door.OPEN, Door.CLOSED, Door.JAMMED):
            assert open_orders == []


DoorMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestDoorMachine = DoorMachine.TestCase
