"""When an alarm is raised and when it ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision.alarm import LEVELS, Alarm, AlarmEvent, AlarmRule

START = datetime(2026, 5, 31, tzinfo=UTC)
RULE = AlarmRule({"orange": 3.5, "red": 4.5}, hysteresis=0.05, dwell_s=3.0)


def play(
    rule: AlarmRule, values: list[float | None], step_s: float = 1.0
) -> tuple[Alarm, list[tuple[int, AlarmEvent]]]:
    alarm, events = Alarm(rule), []
    for i, value in enumerate(values):
        event = alarm.update(START + timedelta(seconds=i * step_s), value)
        if event:
            events.append((i, event))
    return alarm, events


def test_raised_after_the_dwell_with_the_time_it_began() -> None:
    alarm, events = play(RULE, [3.0, 3.6, 3.6, 3.6, 3.6, 3.6])
    assert [(i, e.kind, e.level) for i, e in events] == [(4, "raised", "orange")]
    assert events[0][1].exceeded_at == START + timedelta(seconds=1)
    assert events[0][1].threshold == 3.5
    assert alarm.level == "orange"


def test_one_wave_under_the_threshold_starts_the_dwell_again() -> None:
    assert play(RULE, [3.6, 3.6, 3.6, 3.4, 3.6, 3.6, 3.6])[1] == []


def test_rise_to_red_is_a_second_event() -> None:
    _, events = play(RULE, [3.6] * 4 + [4.6] * 4)
    assert [(i, e.level) for i, e in events] == [(3, "orange"), (7, "red")]


def test_straight_to_red_is_one_event() -> None:
    _, events = play(RULE, [4.6] * 10)
    assert [(i, e.level) for i, e in events] == [(3, "red")]


def test_not_lowered_within_the_hysteresis_and_rearmed_below() -> None:
    low, high = [3.46] * 6, [3.6] * 5
    _, events = play(RULE, high + low + high)
    assert [e.kind for _, e in events] == ["raised"]
    _, events = play(RULE, high + [3.4] * 5 + high)
    assert [e.kind for _, e in events] == ["raised", "lowered", "raised"]


def test_red_falls_to_orange() -> None:
    alarm, events = play(RULE, [4.6] * 4 + [4.0] * 5)
    assert [(e.kind, e.level, e.threshold) for _, e in events] == [
        ("raised", "red", 4.5),
        ("lowered", "orange", 4.5),
    ]
    assert alarm.level == "orange"


def test_not_measurable_neither_raises_nor_lowers() -> None:
    assert play(RULE, [3.6, 3.6, 3.6, None, None])[1] == []
    alarm, events = play(RULE, [3.6] * 4 + [None] * 50)
    assert len(events) == 1
    assert alarm.level == "orange"


def test_a_silence_starts_the_dwell_again() -> None:
    _, events = play(RULE, [3.6, 3.6] + [None] * 6 + [3.6, 3.6, 3.6, 3.6])
    assert [i for i, _ in events] == [11]


def test_a_frame_from_the_past_is_ignored() -> None:
    alarm = Alarm(RULE)
    assert alarm.update(START, 3.6) is None
    assert alarm.update(START - timedelta(seconds=4), 9.0) is None
    assert alarm.update(START + timedelta(seconds=3), 3.6) is not None


def test_a_clock_that_was_set_back_does_not_silence_the_alarm() -> None:
    alarm = Alarm(RULE)
    alarm.update(START + timedelta(hours=1), 3.6)
    alarm.update(START + timedelta(hours=1, seconds=2), 3.6)
    events = [alarm.update(START + timedelta(seconds=i), 3.6) for i in range(6)]
    assert [e is not None for e in events] == [False, False, False, True, False, False]
    assert events[3] is not None
    assert events[3].exceeded_at == START


def test_frames_that_come_slowly_are_no_silence() -> None:
    slow = [START + timedelta(seconds=8 * i) for i in range(4)]
    alarm = Alarm(RULE)
    assert [alarm.update(at, 3.6) for at in slow] == [None] * 4
    alarm = Alarm(RULE)
    assert [alarm.update(at, 3.6, gap_s=24.0) is not None for at in slow] == [
        False, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (({}, 0.1, 1.0), "at least one"),
        (({"orange": 2.0, "red": 2.0}, 0.1, 1.0), "must rise"),
        (({"orange": 2.0}, -0.1, 1.0), "hysteresis"),
        (({"orange": 2.0}, 0.1, float("nan")), "dwell_s"),
    ],
)
def test_rules_that_make_no_sense_are_refused(arguments: tuple[object, ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        AlarmRule(*arguments)  # type: ignore[arg-type]


# no two frames are captured at one instant
STREAM = st.lists(st.tuples(st.floats(0.001, 4.0), st.none() | st.floats(0, 1)), max_size=80)
RULES = st.builds(
    lambda a, b, c, h, d: AlarmRule({"yellow": a, "orange": a + b, "red": a + b + c}, h, d),
    st.floats(0.1, 0.4), st.floats(0.05, 0.2), st.floats(0.05, 0.2), st.floats(0, 0.1), st.floats(0, 6),
)  # fmt: skip


@given(RULES, STREAM)
def test_properties(rule: AlarmRule, stream: list[tuple[float, float | None]]) -> None:
    alarm, at = Alarm(rule), START
    measured: list[tuple[datetime, float]] = []
    rank = {None: 0} | {level: i for i, level in enumerate(LEVELS, start=1)}
    for gap, value in stream:
        at += timedelta(seconds=gap)
        before = alarm.level
        event = alarm.update(at, value)
        if value is None:
            assert event is None
            assert alarm.level == before
            continue
        measured.append((at, value))
        if event is None:
            assert alarm.level == before
            continue
        # a raise goes up and a fall goes down: never raised twice without being lowered in between
        assert (rank[alarm.level] > rank[before]) == (event.kind == "raised")
        assert event.level == alarm.level
        dwelt = [v for t, v in measured if t >= event.exceeded_at]
        assert at - event.exceeded_at >= timedelta(seconds=rule.dwell_s)
        if event.kind == "raised":
            assert event.threshold == rule.thresholds[event.level]  # type: ignore[index]
            assert all(v >= event.threshold for v in dwelt)
        else:
            gone = LEVELS[rank[event.level]]  # the lowest level that ended
            assert all(v < rule.thresholds[gone] - rule.hysteresis for v in dwelt)


@given(RULES, STREAM, st.floats(0.01, 0.3))
def test_a_higher_river_never_has_a_lower_first_alarm(
    rule: AlarmRule, stream: list[tuple[float, float | None]], more: float
) -> None:
    def first(extra: float) -> datetime | None:
        alarm, at = Alarm(rule), START
        for gap, value in stream:
            at += timedelta(seconds=gap)
            event = alarm.update(at, None if value is None else value + extra)
            if event is not None:
                return at
        return None

    low, high = first(0.0), first(more)
    if low is not None:
        assert high is not None
        assert high <= low
