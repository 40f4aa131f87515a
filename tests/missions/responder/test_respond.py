"""Who is sent to a call: the first that can be overhead, and come home."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from missions.builder import MARGIN_PERCENT
from missions.energy import Point, PowerModel, Wind, path_cost, step_cost
from missions.ground import Ground, ground_of
from missions.overhead import BOUND_S
from missions.picture import Doing, DroneNow
from missions.responder import Call, Pick, respond
from missions.responder.respond import TOGETHER_S, order
from missions.trajectory import Trajectory

NOW = datetime(2025, 5, 1, 12, tzinfo=UTC)
CALM = Wind()
Make = Callable[..., Any]
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def test_a_docked_drone_is_there_after_door_start_climb_and_way(town: Make, docked: Make) -> None:
    ground = town(1)
    east, north = ground.places["k0"]
    (pick,) = respond(
        ground, Call("c", (east + 600, north)), [docked(ground, "v0")], CALM, NOW
    ).picks
    assert (pick.drone, pick.from_, pick.altitude_m) == ("v0", "dock", 40.0)
    assert pick.eta_s == pytest.approx(17 + 40 / 3 + 600 / 15 + 15 / 3 - 3.65, abs=0.5)
    assert pick.ends_at == "k0"
    assert pick.gives_up.nothing


def test_one_in_the_air_nearby_goes_before_one_in_its_dock(
    town: Make, docked: Make, flying: Make
) -> None:
    ground = town(1)
    call = Call("c", (1000.0, 1000.0))
    fleet = [
        docked(ground, "v0"),
        flying(ground, "v1", (400.0, 1000.0), left=("b0/r0c0", "b0/r0c1")),
    ]
    late = {"b0/r0c0": 120.0, "b0/r0c1": -36000.0}
    (pick,) = respond(ground, call, fleet, CALM, NOW, overdue_s=late).picks
    assert (pick.drone, pick.from_, pick.altitude_m) == ("v1", "air", 55.0)
    assert pick.gives_up.cells == ("b0/r0c0", "b0/r0c1")
    assert pick.gives_up.overdue_s["b0/r0c0"] == pytest.approx(120 + pick.eta_s + 600)
    assert pick.gives_up.overdue_s["b0/r0c1"] == 0.0
    assert "2 cells" in pick.words
    assert "1 will be overdue" in pick.words


def test_of_those_who_arrive_together_the_one_that_leaves_least_goes(
    town: Make, flying: Make
) -> None:
    ground = town(1)
    call = Call("c", (750.0, 1200.0))
    busy = flying(ground, "v0", (450.0, 1200.0), left=("b0/r0c0",))
    coming = flying(ground, "v1", (1080.0, 1200.0), doing=Doing.RETURNING)
    assert respond(ground, call, [busy, coming], CALM, NOW).picks[0].drone == "v1"
    far = flying(ground, "v1", (1300.0, 1200.0), doing=Doing.RETURNING)
    assert respond(ground, call, [busy, far], CALM, NOW).picks[0].drone == "v0"


@pytest.mark.parametrize(
    ("more", "less"),
    [
        pytest.param({"priority": 3}, {"priority": 1}, id="of a lower priority"),
        pytest.param({"priority": 3}, {"doing": Doing.RETURNING}, id="with nothing to do"),
        pytest.param({"doing": Doing.STARE}, {}, id="on a patrol, not on a watch"),
        pytest.param({"left": ("b0/r0c0",)}, {"left": ("b0/r0c1",)}, id="whose cells are younger"),
    ],
)
def test_of_two_on_their_ways_the_one_goes_that_is(
    town: Make, flying: Make, more: dict[str, Any], less: dict[str, Any]
) -> None:
    ground = town(1)
    call = Call("c", (750.0, 1200.0))
    late = {"b0/r0c0": 3600.0, "b0/r0c1": -3600.0}
    first = flying(ground, "v0", (450.0, 1200.0), **more)
    second = flying(ground, "v1", (1080.0, 1200.0), **less)
    picks = respond(ground, call, [first, second], CALM, NOW, overdue_s=late, want=2).picks
    assert [pick.drone for pick in picks] == ["v1", "v0"]
    assert 0.5 < picks[0].eta_s - respond(ground, call, [first], CALM, NOW).picks[0].eta_s < 5.0


@pytest.mark.parametrize(
    "doing", [Doing.PATROL, Doing.TASK, Doing.STARE, Doing.RESPONSE, Doing.LEAVING]
)
def test_nobody_is_taken_from_what_is_as_urgent(town: Make, flying: Make, doing: Doing) -> None:
    ground = town(1)
    call = Call("c", (750.0, 1200.0), priority=4)
    same = flying(ground, "v0", (450.0, 1200.0), doing=doing, priority=4)
    answer = respond(ground, call, [same], CALM, NOW)
    assert not answer.picks
    assert [(r.drone, r.constraint) for r in answer.refused] == [("v0", "priority")]
    assert "v0" in answer.words
    less = flying(ground, "v0", (450.0, 1200.0), doing=doing, priority=3)
    assert respond(ground, call, [less], CALM, NOW).picks[0].drone == "v0"


def test_who_cannot_come_home_is_not_sent(town: Make, docked: Make, flying: Make) -> None:
    ground = town(3)
    call = Call("c", (4000.0, 4000.0))
    tired = flying(ground, "v0", (3900.0, 4000.0), percent=32.0)
    answer = respond(ground, call, [tired, docked(ground, "v1")], CALM, NOW)
    assert answer.picks[0].drone == "v1"
    assert [(r.drone, r.constraint) for r in answer.refused] == [("v0", "energy")]


def test_the_second_keeps_off_the_height_of_the_first(
    town: Make, flying: Make, docked: Make
) -> None:
    ground = town(1)
    call = Call("c", (1000.0, 1000.0))
    fleet = [flying(ground, "v0", (900.0, 1000.0)), docked(ground, "v1")]
    first, second = respond(ground, call, fleet, CALM, NOW, want=2).picks
    assert first.eta_s <= second.eta_s
    assert abs(first.altitude_m - second.altitude_m) >= 15


def test_all_that_are_sent_to_a_call_hover_at_heights_of_their_own(
    town: Make, flying: Make, docked: Make
) -> None:
    ground = town(2)
    call = Call("c", (1500.0, 1500.0))
    fleet = [docked(ground, f"v{n}") for n in range(4)]
    fleet += [flying(ground, f"v{n}", (1000.0 + 100 * n, 900.0)) for n in range(4, 8)]
    picks = respond(ground, call, fleet, CALM, NOW, want=4).picks
    heights = sorted(pick.altitude_m for pick in picks)
    assert len(heights) == 4
    assert all(b - a >= 15 for a, b in pairwise(heights))


@pytest.mark.parametrize(("nearer", "sent"), [(1750.0, "v0"), (1650.0, "v1")])
def test_nobody_is_late_to_spare_another_s_patrol(
    town: Make, flying: Make, nearer: float, sent: str
) -> None:
    """One gives up cells and the other nothing; who is some seconds later is sent where in time."""
    ground = town(3)
    call = Call("c", (2950.0, 1450.0))
    fleet = [
        flying(ground, "v0", (2950.0 - nearer, 1450.0), left=("b0/r0c0",)),
        flying(ground, "v1", (2950.0, 1510.0 + nearer), doing=Doing.RETURNING),
    ]
    (pick,) = respond(ground, call, fleet, CALM, NOW).picks
    assert pick.drone == sent


def test_an_altitude_that_another_crosses_is_not_taken(town: Make, docked: Make) -> None:
    ground = town(1)
    east, north = ground.places["k0"]
    call = Call("c", (east + 600, north))
    across = Trajectory.of(
        [(0.0, east + 300, north - 900, 40.0), (110.0, east + 300, north + 900, 40.0)]
    )
    fleet = [docked(ground, "v0")]
    free = respond(ground, call, fleet, CALM, NOW).picks[0]
    kept = respond(ground, call, fleet, CALM, NOW, others={"v1": across}).picks[0]
    assert (free.altitude_m, kept.altitude_m) == (40.0, 55.0)
    own = respond(ground, call, fleet, CALM, NOW, others={"v0": across}).picks[0]
    assert own.altitude_m == 40.0


@pytest.mark.parametrize("meets_s", [300.0, 690.0])
def test_an_altitude_that_another_crosses_over_the_call_or_on_the_way_home_is_not_taken(
    town: Make, docked: Make, meets_s: float
) -> None:
    ground = town(1)
    east, north = ground.places["k0"]
    call = Call("c", (east + 600, north))
    at = east + 600 if meets_s < 600 else east + 300
    across = Trajectory.of(
        [(meets_s - 20, at, north - 300, 40.0), (meets_s + 20, at, north + 300, 40.0)]
    )
    fleet = [docked(ground, "v0")]
    kept = respond(ground, call, fleet, CALM, NOW, others={"v1": across}).picks[0]
    assert kept.altitude_m == 55.0


def in_two_arms(ground: Ground) -> Ground:
    """Return a town whose fence leaves out the middle of its north."""
    corners = [(0, 0), (3000, 0), (3000, 3000), (2000, 3000), (2000, 1000), (1000, 1000)]
    area = tuple(tuple(ground.frame.to_lonlat(*p)) for p in (*corners, (1000, 3000), (0, 3000)))
    fence = ground.city.zones[0].model_copy(update={"area": area})
    return ground_of(ground.city.model_copy(update={"zones": (fence,)}))


def test_one_that_the_citys_fence_parts_from_the_call_is_not_sent(town: Make, flying: Make) -> None:
    ground = in_two_arms(town(2))
    one = flying(ground, "v0", (500.0, 2500.0))
    answer = respond(ground, Call("c", (2500.0, 2500.0)), [one], CALM, NOW)
    assert [(r.drone, r.constraint) for r in answer.refused] == [("v0", "airspace")]
    assert "leaves the city's fence" in answer.words


def test_nor_is_one_that_it_parts_from_every_dock_that_can_take_it(
    town: Make, flying: Make
) -> None:
    ground = in_two_arms(town(2))
    call = Call("c", (500.0, 2600.0))
    near = (500.0, 2500.0)
    answer = respond(ground, call, [flying(ground, "v6", near)], CALM, NOW)
    assert [(r.drone, r.constraint) for r in answer.refused] == [("v6", "reach")]
    assert respond(ground, call, [flying(ground, "v4", near)], CALM, NOW).picks


def test_one_waits_for_its_checks_where_they_take_longer_than_the_door(
    town: Make, docked: Make
) -> None:
    def eta_s(checks_s: float) -> float:
        ground = town(1, checks_s=checks_s)
        call = Call("c", (1200.0, 700.0))
        return float(respond(ground, call, [docked(ground, "v0")], CALM, NOW).picks[0].eta_s)

    assert eta_s(15) == eta_s(5)
    assert eta_s(40) == pytest.approx(eta_s(5) + 25)


def test_a_cold_battery_stays_less_long(town: Make, docked: Make) -> None:
    ground = town(1)
    call = Call("c", (1200.0, 700.0))

    def stay_s(celsius: float | None) -> float:
        one = replace(docked(ground, "v0", 60.0), temperature_c=celsius)
        return float(respond(ground, call, [one], CALM, NOW).picks[0].stay_s)

    assert stay_s(25.0) == stay_s(None)
    assert stay_s(-10.0) < 0.8 * stay_s(25.0)


def test_a_call_in_a_closed_zone_is_watched_from_beside_it(town: Make, docked: Make) -> None:
    ground = town(1, no_fly=((900.0, 900.0, 1300.0, 1300.0),))
    answer = respond(ground, Call("c", (1000.0, 1100.0)), [docked(ground, "v0")], CALM, NOW)
    assert answer.place == pytest.approx((869.0, 1100.0), abs=1.5)
    assert answer.off_m == pytest.approx(131.0, abs=1.5)
    assert "131 m from it" in answer.words or "13" in answer.words
    assert answer.picks[0].place == answer.place


def test_a_call_far_out_of_the_city_is_nobodys(town: Make, docked: Make) -> None:
    ground = town(1)
    answer = respond(ground, Call("c", (9000.0, 0.0)), [docked(ground, "v0")], CALM, NOW)
    assert [(r.drone, r.constraint) for r in answer.refused] == [("v0", "airspace")]
    assert "within 1000 m" in answer.words


def test_no_more_fly_than_may(town: Make, docked: Make, flying: Make) -> None:
    ground = town(1, max_airborne=1)
    fleet = [docked(ground, "v0"), flying(ground, "v1", (100.0, 100.0), percent=28.0)]
    answer = respond(ground, Call("c", (1000.0, 1000.0)), fleet, CALM, NOW)
    assert {r.drone: r.constraint for r in answer.refused} == {"v0": "fleet", "v1": "energy"}


def test_who_is_sent_takes_the_room_of_the_next(town: Make, docked: Make) -> None:
    ground = town(1, max_airborne=1)
    fleet = [docked(ground, "v0"), docked(ground, "v1")]
    answer = respond(ground, Call("c", (1000.0, 1000.0)), fleet, CALM, NOW, want=2)
    assert len(answer.picks) == 1
    assert [(r.constraint, r.reason) for r in answer.refused] == [
        ("fleet", "1 drones are in the air; 1 are allowed")
    ]


def test_one_that_cannot_fly_says_why(town: Make) -> None:
    ground = town(1)
    out = DroneNow("v0", "k0", Doing.OUT, 90.0, ground.places["k0"], reason="held by li")
    answer = respond(ground, Call("c", (1000.0, 1000.0)), [out], CALM, NOW)
    assert answer.refused == (("v0", "fleet", "held by li"),)


def test_too_much_wind_is_named(town: Make, docked: Make) -> None:
    ground = town(1)
    answer = respond(ground, Call("c", (1000.0, 1000.0)), [docked(ground, "v0")], Wind(20.0), NOW)
    assert [r.constraint for r in answer.refused] == ["wind"]


def test_a_dock_that_is_full_takes_no_guest(town: Make, flying: Make, docked: Make) -> None:
    ground = town(2)
    call = Call("c", (2000.0, 700.0))
    guest = flying(ground, "v0", (1900.0, 700.0))
    assert respond(ground, call, [guest], CALM, NOW).picks[0].ends_at == "k0"


def test_a_guest_takes_the_slot_that_it_is_bound_for(town: Make, flying: Make) -> None:
    ground = town(2)
    docks = tuple(d.model_copy(update={"slots": 3}) for d in ground.city.docks)
    ground = ground_of(ground.city.model_copy(update={"docks": docks}))
    call = Call("c", (2200.0, 500.0), on_scene_s=3600.0)
    one, guest = flying(ground, "v0", (2100.0, 700.0)), flying(ground, "v4", (3000.0, 3000.0))
    assert respond(ground, call, [one, guest], CALM, NOW).picks[0].ends_at == "k1"
    bound = replace(guest, dock="k1", priority=9)
    assert respond(ground, call, [one, bound], CALM, NOW).picks[0].ends_at == "k0"


# against brute force

_doing = st.sampled_from([Doing.PATROL, Doing.STARE, Doing.RETURNING, Doing.DOCKED, Doing.OUT])
_one = st.tuples(
    _doing,
    st.tuples(st.floats(0, 4400), st.floats(0, 4400)),
    st.floats(5, 100),
    st.sampled_from([10.0, 40.0, 55.0, 62.0, 100.0]),
    st.integers(0, 9),
)
_wind = st.builds(Wind, st.floats(0, 9), st.one_of(st.none(), st.floats(0, 359)))


def _fleet(ground: Ground, drawn: list[Any]) -> list[DroneNow]:
    fleet = []
    for n, (doing, place, percent, altitude, priority) in enumerate(drawn):
        dock = ground.drones[f"v{n}"].dock
        on_ground = doing in (Doing.DOCKED, Doing.OUT)
        where = ground.places[dock] if on_ground else place
        height = 0.0 if on_ground else altitude
        fleet.append(DroneNow(f"v{n}", dock, doing, percent, where, height, priority))
    return fleet


@QUICK
@given(
    st.lists(_one, min_size=1, max_size=9), st.tuples(st.floats(0, 4400), st.floats(0, 4400)), _wind
)
def test_who_is_sent_comes_home_with_the_reserve(
    town: Make, drawn: list[Any], place: tuple[float, float], wind: Wind
) -> None:
    ground = town(3)
    call = Call("c", place)
    for pick in respond(ground, call, _fleet(ground, drawn), wind, NOW, want=3).picks:
        now = next(d for d in _fleet(ground, drawn) if d.id == pick.drone)
        assert now.doing is not Doing.OUT
        assert now.doing in (Doing.DOCKED, Doing.RETURNING) or now.priority < call.priority
        drone = ground.drones[pick.drone]
        model = PowerModel.of(drone)
        hover = Point(pick.way[-1].east, pick.way[-1].north, pick.altitude_m, pick.stay_s)
        path = [*pick.way[:-1], hover, *pick.home[1:]]
        whole = path_cost([(p, drone.cruise_m_s) for p in path], model, wind)
        # path_cost climbs from the ground to its first point, which is where the drone is
        first = path[0]
        ground_up = step_cost(
            Point(first.east, first.north, 0), first, drone.cruise_m_s, model, wind
        )
        used = 100 * (whole.energy_wh - ground_up.energy_wh) / model.capacity_wh
        left = now.battery_percent - used
        assert left >= ground.city.limits.reserve_percent + MARGIN_PERCENT - 1e-6
        assert pick.stay_s >= call.min_stay_s
        assert (
            math.dist(
                pick.home[-1][:2]
                if isinstance(pick.home[-1], tuple)
                else (pick.home[-1].east, pick.home[-1].north),
                ground.places[pick.ends_at],
            )
            < 0.01
        )


@QUICK
@given(
    st.lists(_one, min_size=1, max_size=9), st.tuples(st.floats(0, 4400), st.floats(0, 4400)), _wind
)
def test_nobody_else_is_there_before(
    town: Make, drawn: list[Any], place: tuple[float, float], wind: Wind
) -> None:
    ground = town(3)
    call = Call("c", place)
    fleet = _fleet(ground, drawn)
    best = respond(ground, call, fleet, wind, NOW).picks
    alone: list[Pick] = []
    for now in fleet:
        # the others stand where they are, so that docks are as full
        others = [
            DroneNow(o.id, o.dock, Doing.OUT, o.battery_percent, o.place)
            for o in fleet
            if o is not now
        ]
        alone += respond(ground, call, [now, *others], wind, NOW).picks
    assert bool(best) == bool(alone)
    if best:
        first = min(p.eta_s for p in alone)
        latest = first + TOGETHER_S
        latest = min(latest, BOUND_S) if first <= BOUND_S else latest
        together = [p for p in alone if p.eta_s <= latest]
        assert best[0].drone == min(together, key=order).drone


@QUICK
@given(st.lists(_one, min_size=2, max_size=9), st.tuples(st.floats(0, 4400), st.floats(0, 4400)))
def test_the_order_of_picks_is_total(
    town: Make, drawn: list[Any], place: tuple[float, float]
) -> None:
    ground = town(3)
    picks = respond(
        ground, Call("c", place, priority=10), _fleet(ground, drawn), CALM, NOW, want=9
    ).picks
    keys = [order(pick) for pick in picks]
    assert len(set(keys)) == len(keys)
    assert sorted(keys) == sorted(reversed(keys))
    assert all(a < b or b < a for a in keys for b in keys if a is not b)
