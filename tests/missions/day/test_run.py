"""A simulated run: every call answered or said, batteries kept, reliefs there before others leave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from missions.builder import MARGIN_PERCENT
from missions.day.calls import KINDS
from missions.day.conditions import Fault
from missions.day.measure import SAMPLE_S, Measured
from missions.day.patrolling import Greedy
from missions.day.report import figures
from missions.day.responding import Responder
from missions.day.run import AGAIN_S, GIVE_UP_S, DayRun
from missions.day.simulate import NAMES, Name, run_day
from missions.day.view import View
from missions.picture import Doing
from missions.responder import Call, Pick, Response
from missions.responder.answer import RELIEF_S

Make = Callable[..., Any]
HALF_AN_HOUR = 0.5 / 24
SLOW = settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Heard:
    """The responder, with what it was asked and what it said."""

    def __init__(self) -> None:
        self.told: list[tuple[float, Call, Response]] = []

    def respond(self, call: Call, view: View) -> Response:
        answer = Responder().respond(call, view)
        self.told.append((view.now_s, call, answer))
        return answer

    def sent(self, call: str) -> list[tuple[float, Pick]]:
        return [(at, pick) for at, asked, r in self.told if asked.id == call for pick in r.picks]


class Watched:
    """Nobody patrols; what the fleet does is kept, by time."""

    def __init__(self) -> None:
        self.views: list[View] = []

    def leaving(self, view: View) -> list[Any]:
        self.views.append(view)
        return []


@SLOW
@given(st.integers(0, 10_000), st.sampled_from(NAMES))
def test_calls_are_answered_or_said_and_batteries_kept(town: Make, seed: int, name: Name) -> None:
    city = town(1).city
    measured = run_day(city, HALF_AN_HOUR, seed, name, iterations=3)
    told = figures(measured, HALF_AN_HOUR)
    kinds = {kind.name for kind in KINDS}
    nobody = [c for c in measured.calls if c.overhead_s is None]
    assert told["unanswered"] == len(nobody)
    for one in measured.calls:
        assert one.kind in kinds
        assert one.overhead_s is None or one.overhead_s > one.at_s
        assert (one.overhead_s is None) == (one.drone == "")
    assert measured.lowest_percent >= city.limits.reserve_percent - MARGIN_PERCENT
    assert len(measured.aloft) == int(1800 / SAMPLE_S)
    assert max(measured.aloft) <= len(city.drones)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_figures(town: Make, name: Name) -> None:
    city = town(1).city

    def run(seed: int) -> Measured:
        return run_day(city, HALF_AN_HOUR, seed, name, iterations=3)

    first = run(4)
    assert figures(first, HALF_AN_HOUR) == figures(run(4), HALF_AN_HOUR)
    assert [c.at_s for c in first.calls] != [c.at_s for c in run(5).calls]


def test_every_fleet_gets_the_same_calls(town: Make) -> None:
    runs = [run_day(town(1).city, HALF_AN_HOUR, 8, name, iterations=3) for name in NAMES]
    first, *others = [[(c.at_s, c.kind) for c in run.calls] for run in runs]
    assert first
    assert all(calls == first for calls in others)


def test_a_drone_is_overhead_when_the_responder_said(town: Make, day: Make, call: Make) -> None:
    ground = town(1)
    heard = Heard()
    run: DayRun = day(ground, [call(ground, 100, (1200.0, 300.0))], responding=heard)
    measured = run.run()
    ((at, pick),) = heard.sent("0")
    (answered,) = measured.calls
    assert at == answered.at_s == 100
    assert answered.took_s == pytest.approx(pick.eta_s, abs=0.5)
    assert (answered.drone, answered.reliefs, measured.sorties) == (pick.drone, 0, 1)
    # 10 min over it, and home
    assert measured.flight_s > 600
    assert measured.lowest_percent < 100
    assert measured.charges == 1


def test_a_call_that_loses_its_drone_is_answered_again(town: Make, day: Make, call: Make) -> None:
    """Both drones are on their way to lesser calls when a greater one comes."""
    ground = town(1)
    heard = Heard()
    calls = [
        call(ground, 100, (300.0, 300.0), 4),
        call(ground, 110, (1300.0, 1300.0), 4),
        call(ground, 115, (1300.0, 200.0), 8),
    ]
    measured = day(ground, calls, responding=heard).run()
    assert [c.overhead_s is not None for c in measured.calls] == [True, True, True]
    assert measured.preemptions >= 1
    (_, first), *_ = heard.sent("2")
    lost = next(n for n in (0, 1) if heard.sent(str(n))[0][1].drone == first.drone)
    again = [at for at, asked, _ in heard.told if asked.id == str(lost)]
    assert again[1] == pytest.approx(116.0)
    assert measured.calls[lost].took_s > 600  # nobody is free until one of the others is done
    assert measured.calls[1 - lost].took_s < 120
    assert measured.calls[2].took_s < 120


def test_a_relief_is_there_before_the_other_leaves(town: Make, day: Make, call: Make) -> None:
    ground = town(1)
    heard = Heard()
    calls = [call(ground, 60, (900.0, 200.0), 5, 3000.0)]
    measured = day(ground, calls, responding=heard, hours=1.5).run()
    (answered,) = measured.calls
    (begun, first), *others = heard.sent("0")
    assert answered.reliefs == measured.reliefs == len(others) >= 1
    leaves = begun + first.eta_s + first.stay_s
    assert first.stay_s < 3000
    for at, pick in others:
        assert at + pick.eta_s <= leaves
        leaves = at + pick.eta_s + min(pick.stay_s, 3000.0)
    assert {pick.drone for _, pick in others[:1]} != {first.drone}
    assert measured.lowest_percent >= ground.city.limits.reserve_percent


def test_who_was_taken_from_a_call_is_not_relieved_there_again(
    town: Make, day: Make, call: Make
) -> None:
    """A greater call takes the first drone; the other, sent at once, has no third sent after it."""
    ground = town(1)
    heard = Heard()
    calls = [call(ground, 60, (900.0, 200.0), 4, 3000.0), call(ground, 400, (905.0, 200.0), 8)]
    day(ground, calls, responding=heard).run()
    (_, first), (taken_s, second), *_ = heard.sent("0")
    assert (taken_s, first.drone != second.drone) == (pytest.approx(401.0), True)
    asked = [at for at, one, _ in heard.told if one.id == "0"]
    ends_s = taken_s + second.eta_s + second.stay_s
    assert all(at >= ends_s - RELIEF_S - 1.0 for at in asked[2:])


def test_a_call_that_nobody_can_take_is_said_and_given_up(
    town: Make, day: Make, call: Make
) -> None:
    ground = town(1)
    heard = Heard()
    faults = [Fault(0.0, drone, 1e6) for drone in ground.drones]
    calls = [call(ground, 60, (900.0, 200.0))]
    measured = day(ground, calls, faults=faults, responding=heard).run()
    (answered,) = measured.calls
    assert answered.took_s == np.inf
    assert figures(measured, 1 / 24)["unanswered"] == 1
    assert measured.faults == 2
    assert len(heard.told) == pytest.approx(GIVE_UP_S / AGAIN_S, abs=1)
    assert not any(response.picks for _, _, response in heard.told)


def test_a_repaired_drone_takes_what_waits(town: Make, day: Make, call: Make) -> None:
    ground = town(1)
    faults = [Fault(0.0, "v0", 1e6), Fault(0.0, "v1", 900.0)]
    measured = day(ground, [call(ground, 60, (900.0, 200.0))], faults=faults).run()
    (answered,) = measured.calls
    assert answered.drone == "v1"
    assert 900 - 60 < answered.took_s < 900 - 60 + AGAIN_S + 100


def test_what_is_known_between_events_is_where_everybody_is(
    town: Make, day: Make, call: Make
) -> None:
    """A flight to a call, seen every 20 s: it leaves, is out, and comes home with less."""
    ground = town(1)
    watched = Watched()
    run = day(ground, [call(ground, 95, (1200.0, 300.0))], patrolling=watched)
    measured = run.run()
    drone = measured.calls[0].drone
    rows = [(v.now_s, next(d for d in v.fleet if d.id == drone)) for v in watched.views]
    doing = [d.doing for _, d in rows]
    assert list(dict.fromkeys(doing)) == [
        Doing.DOCKED, Doing.LEAVING, Doing.RESPONSE, Doing.RETURNING,
    ]  # fmt: skip
    assert doing[-1] is Doing.DOCKED
    for now_s, one in rows:
        assert one.in_air == (one.doing in (Doing.RESPONSE, Doing.RETURNING))
        assert (one.ends_in_s > 0) == (one.doing is not Doing.DOCKED), now_s
        if not one.in_air:
            assert one.place == pytest.approx(ground.places["k0"])
    air = [d.battery_percent for _, d in rows if d.in_air]
    assert air == sorted(air, reverse=True)
    assert rows[-1][1].battery_percent > min(air)
    known = next(v for v in watched.views if v.now_s == 400)
    assert list(known.trajectories) == [drone]
    assert known.trajectories[drone].at(0.0)[:2] == pytest.approx((1200.0, 300.0), abs=1.0)


def test_patrols_make_cells_young(town: Make, day: Make) -> None:
    ground = town(1)
    run = day(ground, patrolling=Greedy(ground, 2), hours=0.5)
    before = run.view()
    measured = run.run()
    after = run.view()
    seen = [i for i, intervals in enumerate(measured.intervals) if intervals]
    assert seen
    seen_before, seen_after = before.now_s - before.age_s, after.now_s - after.age_s
    for at in range(len(ground.cells)):
        gap = after.now_s - before.now_s
        if at in seen:
            assert after.age_s[at] < before.age_s[at] + gap
            first, *_ = measured.intervals[at]
            assert first >= before.age_s[at]
        elif seen_after[at] == pytest.approx(seen_before[at]):
            assert after.age_s[at] == pytest.approx(before.age_s[at] + gap)
    assert seen_after[seen[0]] > seen_before[seen[0]]


def test_one_that_breaks_in_the_air_is_grounded_when_it_is_back(
    town: Make, day: Make, call: Make
) -> None:
    ground = town(1)
    calls = [call(ground, 60, (900.0, 200.0)), call(ground, 1500, (900.0, 200.0))]
    faults = [Fault(0.0, "v1", 1e6), Fault(200.0, "v0", 1e6)]
    measured = day(ground, calls, faults=faults).run()
    first, second = measured.calls
    assert first.drone == "v0"
    assert second.overhead_s is None
    assert measured.faults == 2
