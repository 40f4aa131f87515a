"""A drone's flights are those it flew: none lost, none twice, whatever is heard of it when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fleet.flight.airtime import Airtime
from fleet.model.flightlog import EventKind, FlightEvent, FlightRecord
from fleet.model.live import DroneLive, Telemetry
from fleet.model.states import DroneState

S = DroneState
NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)
PAD, OTHER = (117.65, 24.51), (117.66, 24.51)
LONGEST = timedelta(minutes=40)
NORTH_10_M = 10 / 110_780


class Story:
    """Tells a page what is seen, a second apart."""

    def __init__(self, **more: Any) -> None:
        ids = count(1)
        self.page = Airtime(
            "u1", LONGEST, {"d1": PAD, "d2": OTHER}, lambda: f"new-{next(ids)}", **more
        )
        self.now = NOW
        self.state, self.sortie = S.DOCKED, "s1"
        self.fields: dict[str, Any] = {
            "lon": PAD[0], "lat": PAD[1], "altitude_m": 0.0, "battery_percent": 99.0,
            "connected": True, "landed_state": "ON_GROUND",
        }  # fmt: skip
        self.warnings: tuple[str, ...] = ()
        self.events: list[FlightEvent] = []

    def say(self, state: DroneState | None = None, seconds: float = 1.0, **fields: Any) -> None:
        self.now += timedelta(seconds=seconds)
        self.state = state or self.state
        if "in_air" in fields:
            fields["landed_state"] = "IN_AIR" if fields["in_air"] else "ON_GROUND"
        self.fields.update(fields)
        live = DroneLive(
            id="u1",
            dock="d1",
            state=self.state,
            sortie=self.sortie if self.state is not S.DOCKED else None,
            warnings=self.warnings,
            telemetry=Telemetry(at=self.now, **self.fields),
        )
        self.events += self.page.see(live, self.now)

    def wait(self, **span: float) -> None:
        self.now += timedelta(**span)
        self.events += self.page.tick(self.now)

    def take_off(self) -> None:
        self.say(S.DOCKED)
        self.say(S.CHECKING)
        self.say(S.TAKING_OFF, armed=True)
        self.say(in_air=True, altitude_m=3.0)

    def words(self, kind: EventKind = EventKind.STATE) -> list[str]:
        return [event.text for event in self.events if event.kind is kind]


def test_a_flight_is_from_lift_off_to_touch_down() -> None:
    story = Story()
    story.say()
    assert story.page.tlog is None
    story.say(S.CHECKING)
    tlog = story.page.tlog
    assert tlog is not None
    assert tlog.startswith("tlog/20260501T080002")
    assert story.page.flight is None
    story.say(S.TAKING_OFF, armed=True)
    story.say(in_air=True, altitude_m=3.0)
    lifted = story.now
    for n in range(10):
        lat = PAD[1] + n * NORTH_10_M
        story.say(S.ON_WAY, lat=lat, altitude_m=50.0 + n, battery_percent=98.0 - n)
    story.say(S.LANDING, lat=PAD[1], altitude_m=1.0, seconds=20)
    story.say(in_air=False, altitude_m=0.0)
    down = story.now
    assert story.page.flight is not None  # its motors turn: it may go around yet
    story.say(armed=False, battery_percent=80.0)
    story.say(S.CLOSING)
    begun, ended = story.page.changed
    assert begun == FlightRecord(
        "s1", "u1", "d1", "s1", lifted, battery_start_percent=99.0, tlog=tlog
    )
    assert (ended.id, ended.took_off_at, ended.landed_at) == ("s1", lifted, down)
    assert (ended.landed_dock, ended.highest_m, ended.tlog) == ("d1", 59.0, tlog)
    assert 178 < ended.distance_m < 182
    assert ended.battery_end_percent == 89.0
    assert story.page.tlog is None
    assert story.words() == [
        "docked", "checking", "taking_off", "lift-off", "on_way", "landing",
        "touch-down in d1 after 0.5 min and 0.18 km", "closing",
    ]  # fmt: skip
    assert {e.flight for e in story.events[1:]} == {"s1"}
    story.say(S.DOCKED)
    assert story.page.name is None


def test_a_bounce_and_a_go_around_are_one_flight() -> None:
    story = Story()
    story.take_off()
    story.say(in_air=False)
    story.say(in_air=True, seconds=3)
    story.say(in_air=False)
    story.wait(seconds=6)  # nothing more is heard: the dock has cut its power
    assert [f.landed_at is None for f in story.page.changed] == [True, False]


def test_a_second_flight_on_a_sortie_has_a_name_of_its_own() -> None:
    story = Story()
    for _ in range(2):
        story.take_off()
        story.say(in_air=False, armed=False)
    assert [f.id for f in story.page.changed] == ["s1", "s1", "new-1", "new-1"]
    assert {f.sortie for f in story.page.changed} == {"s1"}
    again = Story(last_ids=["s1"])
    again.take_off()
    assert again.page.changed[0].id == "new-1"


def test_checks_that_refuse_make_no_flight_and_one_recording() -> None:
    story = Story()
    tlogs = set()
    for _ in range(3):
        story.say(S.CHECKING, seconds=20)
        tlogs.add(story.page.tlog)
        story.say(S.DOCKED)
        assert story.page.tlog is None
    assert len(tlogs) == 1
    story.say(S.CHECKING, seconds=3600)
    assert story.page.tlog not in tlogs
    assert story.page.changed == []


def test_it_lands_where_it_lands() -> None:
    for place, dock in ((OTHER, "d2"), ((117.655, 24.51), None)):
        story = Story()
        story.take_off()
        story.say(S.EMERGENCY, lon=place[0])
        story.say(in_air=False, armed=False)
        assert story.page.changed[-1].landed_dock == dock


OPEN = FlightRecord("s1", "u1", "d1", "s1", NOW, distance_m=500.0, tlog="tlog/a.tlog")


def test_a_flight_goes_on_with_the_next_controller() -> None:
    story = Story(open_flight=OPEN)
    assert (story.page.name, story.page.tlog) == ("s1", "tlog/a.tlog")
    story.say(S.UNKNOWN, connected=False)
    story.say(connected=True, landed_state="UNKNOWN", armed=True)  # has not said where it is
    assert story.page.flight is not None
    story.say(S.ON_WAY, in_air=True, altitude_m=50.0)
    story.say(lat=PAD[1] + NORTH_10_M)
    story.say(in_air=False, armed=False)
    (ended,) = story.page.changed
    assert (ended.id, ended.took_off_at) == ("s1", NOW)
    assert 509 < ended.distance_m < 511
    assert "lift-off" not in story.words()


def test_a_flight_that_ended_while_no_controller_looked_is_closed_and_said_so() -> None:
    for away, landed in ((600.0, 601.0), (86_400.0, LONGEST.total_seconds())):
        story = Story(open_flight=OPEN)
        story.say(S.UNKNOWN, seconds=away, connected=False)
        story.say(connected=True)
        (ended,) = story.page.changed
        assert ended.landed_at == NOW + timedelta(seconds=landed)
        assert "found on the ground; when it landed is not known" in story.words()


def test_a_drone_that_is_found_in_the_air_has_a_flight_from_then() -> None:
    story = Story()
    story.say(S.UNKNOWN, connected=False)
    story.say(S.EMERGENCY, connected=True, in_air=True, armed=True)
    assert story.page.changed[0].took_off_at == story.now
    assert "found in the air; when it took off is not known" in story.words()
    assert story.page.tlog is not None


def test_a_drone_that_is_never_heard_again_does_not_fly_for_ever() -> None:
    story = Story()
    story.take_off()
    story.say(S.LOST, connected=False, seconds=60)
    lost = story.now
    story.wait(minutes=30)
    assert len(story.page.changed) == 1
    story.wait(minutes=11)
    assert story.page.changed[1].landed_at == lost
    assert "not heard since" in story.words(EventKind.LINK)[-1]


def test_warnings_are_told_when_they_come_and_go_not_with_every_number() -> None:
    story = Story()
    story.say()
    for warnings in ((), ("battery 31 %",), ("battery 30.5 %", "wind 9 m/s"), ("wind 8 m/s",), ()):
        story.warnings = warnings
        story.say()
    assert story.words(EventKind.SAFETY) == [
        "battery 31 %", "wind 9 m/s", "over: battery 30.5 %", "over: wind 8 m/s",
    ]  # fmt: skip


def test_a_jump_of_the_position_is_no_way_flown() -> None:
    story = Story()
    story.take_off()
    story.say(lat=PAD[1])
    story.say(lat=0.0)
    story.say(lat=PAD[1])
    story.say(in_air=False, armed=False)
    assert story.page.changed[-1].distance_m < 1.0


def test_a_clock_that_is_set_back_costs_no_way_and_no_flight_ends_before_it_began() -> None:
    story = Story()
    story.take_off()
    story.say(seconds=-3600)
    for _ in range(10):
        story.say(lat=story.fields["lat"] + NORTH_10_M, battery_percent=70.0)
    story.say(in_air=False, armed=False)
    flight = story.page.changed[-1]
    assert 98 < flight.distance_m < 102
    assert flight.battery_end_percent == 70.0
    assert flight.landed_at == flight.took_off_at


moments = st.lists(
    st.tuples(
        st.sampled_from([S.UNKNOWN, S.DOCKED, S.CHECKING, S.ON_WAY, S.LANDING, S.LOST, S.CLOSING]),
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.sampled_from(["UNKNOWN", "ON_GROUND", "IN_AIR"]),
        st.floats(0.05, 4000),
        st.sampled_from(["s1", "s2", None]),
    ),
    max_size=40,
)


@given(moments, st.booleans())
def test_flights_never_overlap_and_each_begins_and_ends_once(
    moments: list[Any], resumes: bool
) -> None:
    story = Story(open_flight=OPEN) if resumes else Story()
    for state, connected, in_air, armed, landed_state, seconds, sortie in moments:
        story.sortie = sortie
        story.say(
            state, seconds, connected=connected, armed=armed, **({"in_air": True} if in_air else {})
        )
        if not in_air:
            story.fields["in_air"] = False
            story.say(landed_state=landed_state, seconds=0.01)
        story.wait(seconds=0.01)
    flights: dict[str, FlightRecord] = {OPEN.id: OPEN} if resumes else {}
    for record in story.page.changed:
        known = flights.get(record.id)
        if record.landed_at is None:
            assert known is None
        else:
            assert known is not None
            assert known.landed_at is None
            assert record.took_off_at <= record.landed_at
        flights[record.id] = record
    ordered = sorted(flights.values(), key=lambda f: f.took_off_at)
    for a, b in pairwise(ordered):
        assert a.landed_at is not None
        assert a.landed_at <= b.took_off_at
    assert sum(f.landed_at is None for f in ordered) == (story.page.flight is not None)
    if story.page.flight is not None:
        assert story.page.tlog is not None
        assert replace(story.page.flight, landed_at=None).id == ordered[-1].id
