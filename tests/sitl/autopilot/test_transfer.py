"""The mission protocol as a state machine, on a link that loses messages."""

from __future__ import annotations

import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from pymavlink.dialects.v20 import common as mav

from sitl.autopilot.items import CAPACITY, FENCE, MISSION, RALLY, Item
from sitl.autopilot.plan import Plan
from sitl.autopilot.transfer import TIMEOUT_S, MissionTransfer, State

GCS, OTHER = (245, 190), (254, 190)
COMMANDS = {MISSION: 16, FENCE: 5001, RALLY: 5100}


def _item(seq, mission_type, mark=0):
    p1 = 4.0 if mission_type == FENCE else 0.0
    return mav.MAVLink_mission_item_int_message(
        1, 1, seq, 6, COMMANDS[mission_type], 0, 1, p1, 0, 0, math.nan, 245130000 + mark, 1176471000,
        25.0, mission_type,
    )  # fmt: skip


class Link:
    """One link's transfer with what it sent."""

    def __init__(self, plan):
        self.sent, self.said = [], []
        self.transfer = MissionTransfer(
            plan, 1, 1, self.sent.append, lambda severity, text: self.said.append(text)
        )

    def give(self, message, now=0.0, sender=GCS):
        before = len(self.sent)
        self.transfer.handle(message, sender, now)
        return self.sent[before:]


@pytest.fixture
def link():
    return Link(Plan())


def _upload(link, count, mission_type=MISSION, mark=0):
    answers = link.give(mav.MAVLink_mission_count_message(1, 1, count, mission_type))
    while answers[-1].get_type() == "MISSION_REQUEST_INT":
        answers = link.give(_item(answers[-1].seq, mission_type, mark))
    return answers[-1].type


@pytest.mark.parametrize("mission_type", [MISSION, FENCE, RALLY])
def test_capacity(link, mission_type):
    limit = CAPACITY[mission_type]
    assert _upload(link, limit, mission_type) == 0
    assert len(link.transfer._plan.items(mission_type)) == limit
    assert _upload(link, limit + 1, mission_type) == 4  # MAV_MISSION_NO_SPACE
    assert len(link.transfer._plan.items(mission_type)) == limit


@pytest.mark.parametrize(
    ("change", "result"),
    [
        ({"command": 31000}, 3),
        ({"frame": 11}, 2),
        ({"command": 5001, "param1": 4.0}, 1),
        ({"command": 178}, 3),  # wants MAV_FRAME_MISSION
    ],
)
def test_items_it_refuses(link, change, result):
    link.give(mav.MAVLink_mission_count_message(1, 1, 1, 0))
    item = _item(0, MISSION)
    for name, value in change.items():
        setattr(item, name, value)
    assert link.give(item)[-1].type == result
    assert link.transfer.state is State.IDLE
    assert not link.transfer._plan.busy


def test_one_upload_at_a_time_over_all_links():
    plan = Plan()
    a, b = Link(plan), Link(plan)
    a.give(mav.MAVLink_mission_count_message(1, 1, 2, 0))
    assert b.give(mav.MAVLink_mission_count_message(1, 1, 1, 0))[-1].type == 1
    a.transfer.tick(TIMEOUT_S + 0.1)
    assert a.said == ["Operation timeout\t"]
    assert _upload(b, 1) == 0


def test_a_lost_item_is_asked_for_again(link):
    link.give(mav.MAVLink_mission_count_message(1, 1, 2, 0))
    link.sent.clear()
    link.transfer.tick(0.3)
    assert [m.seq for m in link.sent] == [0]


def test_the_last_ack_can_be_lost(link):
    assert _upload(link, 2) == 0
    assert link.give(_item(1, MISSION))[-1].type == 0


def test_same_upload_keeps_progress(link):
    plan = link.transfer._plan
    _upload(link, 3)
    plan.current, plan.reached = 2, 1
    _upload(link, 3)
    assert (plan.current, plan.reached) == (2, 1)
    _upload(link, 3, mark=5)
    assert (plan.current, plan.reached) == (0, -1)


def test_a_mission_has_the_number_that_px4_gave_it():
    """Items and number of a flight of real PX4."""
    places = [(5398, 1024), (5398, 6413), (9, 6413), (9, 1024)]
    plan = Plan()
    plan.replace(
        MISSION,
        [
            Item(6, 16, (0.0, 0.0, 0.0, math.nan), 245130000 + x, 1176470000 + y, 25.0)
            for x, y in places
        ],
    )
    assert plan.ids == (4169888174, 0, 0)


def test_download_gives_back_what_was_uploaded(link):
    _upload(link, 5, mark=3)
    count = link.give(mav.MAVLink_mission_request_list_message(1, 1, 0))[-1]
    assert count.count == 5
    for seq in range(5):
        item = link.give(mav.MAVLink_mission_request_int_message(1, 1, seq, 0))[-1]
        assert (item.seq, item.x, item.z, item.frame) == (seq, 245130003, 25.0, 6)
    link.give(mav.MAVLink_mission_ack_message(1, 1, 0, 0))
    assert link.transfer.state is State.IDLE


def test_messages_for_another_vehicle_are_left_alone(link):
    assert link.give(mav.MAVLink_mission_count_message(2, 1, 3, 0)) == []


class Transfers(RuleBasedStateMachine):
    """Any order of messages from two partners, with silences: never stuck, never half a plan."""

    def __init__(self):
        super().__init__()
        self.plan = Plan()
        self.link = Link(self.plan)
        self.now = 0.0
        self.complete = {MISSION: [()], FENCE: [()], RALLY: [()]}
        self.upload = None

    def give(self, message, sender=GCS):
        answers = self.link.give(message, self.now, sender)
        for answer in answers:
            if answer.get_type() == "MISSION_ACK" and (
                answer.target_system, answer.target_component
            ) == sender == GCS and self.upload is not None and answer.type == 0:  # fmt: skip
                count, mission_type, mark = self.upload
                marks = tuple(245130000 + mark for _ in range(count))
                self.complete[mission_type].append(marks)
        return answers

    @rule(
        count=st.integers(0, 4), kind=st.sampled_from([MISSION, FENCE, RALLY]),
        mark=st.integers(0, 3),
    )  # fmt: skip
    def start_upload(self, count, kind, mark):
        if self.link.transfer.state is State.IDLE:
            self.upload = (count, kind, mark)
        self.give(mav.MAVLink_mission_count_message(1, 1, count, kind))

    @rule(seq=st.integers(0, 4))
    def send_item(self, seq):
        if self.upload is not None:
            self.give(_item(seq, self.upload[1], self.upload[2]))

    @rule()
    def send_wanted_item(self):
        requests = [m for m in self.link.sent if m.get_type() == "MISSION_REQUEST_INT"]
        if requests and self.upload is not None:
            self.give(_item(requests[-1].seq, self.upload[1], self.upload[2]))

    @rule(kind=st.sampled_from([MISSION, FENCE, RALLY]))
    def start_download(self, kind):
        self.give(mav.MAVLink_mission_request_list_message(1, 1, kind))

    @rule(seq=st.integers(0, 4), kind=st.sampled_from([MISSION, FENCE, RALLY]))
    def request(self, seq, kind):
        for answer in self.give(mav.MAVLink_mission_request_int_message(1, 1, seq, kind)):
            if answer.get_type() == "MISSION_ITEM_INT":
                assert answer.x == self.plan.items(answer.mission_type)[answer.seq].x

    @rule(result=st.sampled_from([0, 1, 15]), kind=st.sampled_from([MISSION, FENCE, RALLY]))
    def acknowledge(self, result, kind):
        self.give(mav.MAVLink_mission_ack_message(1, 1, result, kind))

    @rule()
    def somebody_else(self):
        self.give(mav.MAVLink_mission_request_int_message(1, 1, 0, 0), sender=OTHER)

    @rule(seconds=st.sampled_from([0.1, 0.3, 2.0, 6.0]))
    def time_passes(self, seconds):
        self.now += seconds
        self.link.transfer.tick(self.now)
        if seconds > TIMEOUT_S:
            assert self.link.transfer.state is State.IDLE

    @invariant()
    def plans_are_whole(self):
        for kind, allowed in self.complete.items():
            assert tuple(i.x for i in self.plan.items(kind)) in allowed

    @invariant()
    def busy_only_while_receiving(self):
        assert self.plan.busy == (self.link.transfer.state is State.RECEIVING)


Transfers.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestTransfers = Transfers.TestCase
