"""Power, the wind triangle, and what a leg, a sortie and the way home take."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from missions.energy import (
    CALM,
    LEAN,
    Point,
    PowerModel,
    Wind,
    come_home_cost,
    ground_speed,
    landing_cost,
    legs_cost,
    longest_hold_s,
    path_cost,
    relief_drones,
    sortie_energy,
    step_cost,
)
from missions.errors import PlanError
from missions.geo import LocalFrame
from missions.power import CLIMB_EFFICIENCY, GRAVITY_M_S2, W_PER_KG
from missions.sortie import Leg, LegKind, Waypoint
from missions.wind import air_speeds, held_speed

MODEL = PowerModel(hover_w=420, cruise_w=380, cruise_m_s=12, capacity_wh=274)
HOME = (117.65, 24.50)


def test_the_wind_triangle_by_hand() -> None:
    assert ground_speed(12, 0, CALM) == 12
    assert ground_speed(12, 0, Wind(5, from_deg=0)) == pytest.approx(7)
    assert ground_speed(12, 0, Wind(5, from_deg=180)) == 12  # a tail wind is not used
    assert ground_speed(13, 0, Wind(5, from_deg=90)) == pytest.approx(12)
    assert ground_speed(12, 77, Wind(5)) == pytest.approx(7)  # direction unknown: against it


@given(
    track=st.floats(0, 360),
    wind=st.builds(Wind, st.floats(0, 10), st.floats(0, 360)),
)
def test_air_speed_closes_the_triangle(track: float, wind: Wind) -> None:
    assert wind.from_deg is not None
    speed = ground_speed(12, track, wind)
    blow = math.radians(wind.from_deg + 180)
    air = (
        speed * math.sin(math.radians(track)) - wind.speed_m_s * math.sin(blow),
        speed * math.cos(math.radians(track)) - wind.speed_m_s * math.cos(blow),
    )
    assert math.hypot(*air) == pytest.approx(12, abs=1e-6) or (
        speed == 12 and math.hypot(*air) < 12
    )


def test_a_speed_over_ground_is_held_as_far_as_the_airframe_can() -> None:
    head, cross = Wind(5, from_deg=0), Wind(9, from_deg=90)
    assert held_speed(12, 18, 0, head) == 12  # flies at 17 through the air
    assert held_speed(12, 15, 0, head) == pytest.approx(10)
    assert held_speed(12, 15, 0, cross) == pytest.approx(12)  # just
    assert held_speed(12, 18, 180, head) == 12
    assert held_speed(12, 0, 0, head) == ground_speed(12, 0, head)


@given(
    speed=st.floats(1, 20), track=st.floats(0, 360),
    wind=st.builds(Wind, st.floats(0, 12), st.none() | st.floats(0, 360)), share=st.floats(0, 1),
)  # fmt: skip
def test_the_air_speeds_are_those_of_any_weaker_wind_too(
    speed: float, track: float, wind: Wind, share: float
) -> None:
    least, most = air_speeds(speed, track, wind)
    head, cross = wind.along(track)
    assert least - 1e-9 <= math.hypot(speed + share * head, share * cross) <= most + 1e-9


def test_a_head_wind_takes_no_time_but_energy_where_the_speed_is_held() -> None:
    model = PowerModel(420, 380, 12, 274, top_air_m_s=18)
    a, b = Point(0, 0, 60), Point(0, 3000, 60)
    calm, windy = step_cost(a, b, 12, model), step_cost(a, b, 12, model, Wind(5, from_deg=0))
    assert windy.duration_s == pytest.approx(calm.duration_s)
    slow = replace(model, top_air_m_s=0.0)
    kept = step_cost(a, b, 12, slow, Wind(5, from_deg=0))
    assert kept.duration_s > 1.5 * windy.duration_s
    assert windy.energy_wh >= kept.energy_wh > 1.2 * calm.energy_wh


@pytest.mark.parametrize("wind", [Wind(11.5), Wind(12, 0), Wind(30, 90)])
def test_a_wind_that_stops_the_drone_is_refused(wind: Wind) -> None:
    with pytest.raises(PlanError, match=f"wind of {wind.speed_m_s:g} m/s leaves"):
        ground_speed(12, 0, wind)


def test_a_level_leg_by_hand() -> None:
    cost = step_cost(Point(0, 0, 40), Point(1200, 0, 40), 12, MODEL)
    assert cost.duration_s == pytest.approx(100 + 12 / 3)
    assert cost.distance_m == 1200
    assert cost.energy_wh == pytest.approx((96 * 380 + 8 * LEAN * MODEL.mean_w(0, 12)) / 3600)


def test_a_leg_too_short_to_reach_its_speed_by_hand() -> None:
    assert step_cost(Point(0, 0, 40), Point(12, 0, 40), 12, MODEL).duration_s == pytest.approx(4)


def test_a_hold_and_a_climb_by_hand() -> None:
    cost = step_cost(Point(0, 0, 0), Point(0, 0, 30, hold_s=60), 12, MODEL)
    assert cost.duration_s == pytest.approx(10 + 60)
    work = 420 / W_PER_KG * GRAVITY_M_S2 * 30 / CLIMB_EFFICIENCY
    assert cost.energy_wh == pytest.approx((10 * 420 + work + 60 * 420) / 3600)
    down = step_cost(Point(0, 0, 30), Point(0, 0, 0), 12, MODEL)
    assert down.duration_s == pytest.approx(20)
    assert landing_cost(40, MODEL).duration_s == pytest.approx(30 / 1.5 + 10 / 0.7)


@given(wind=st.floats(0, 9), east=st.floats(-3000, 3000), north=st.floats(-3000, 3000))
def test_more_wind_never_takes_less(wind: float, east: float, north: float) -> None:
    a, b = Point(0, 0, 40), Point(east, north, 40)
    calm, windy = step_cost(a, b, 12, MODEL), step_cost(a, b, 12, MODEL, Wind(wind))
    assert windy.duration_s >= calm.duration_s - 1e-9
    assert windy.energy_wh >= calm.energy_wh - 1e-9


def test_a_hold_in_wind_takes_what_flying_at_its_speed_does() -> None:
    model = PowerModel(hover_w=420, cruise_w=600, cruise_m_s=15, capacity_wh=274)
    here = Point(0, 0, 60)
    held = step_cost(here, replace(here, hold_s=60), 15, model, Wind(14, from_deg=0))
    assert held.energy_wh == pytest.approx(60 * model.power_w(14) / 3600)
    assert model.power_w(14) > 1.2 * model.hover_w


def test_a_landing_in_wind_takes_what_holding_against_it_does() -> None:
    model = PowerModel(hover_w=420, cruise_w=600, cruise_m_s=15, capacity_wh=274)
    calm, windy = landing_cost(60, model), landing_cost(60, model, Wind(14, from_deg=0))
    assert windy.duration_s == calm.duration_s
    assert windy.energy_wh == pytest.approx(windy.duration_s * model.power_w(14) / 3600)
    assert windy.energy_wh > 1.2 * calm.energy_wh


def test_a_path_is_the_sum_of_its_steps_with_take_off_and_landing() -> None:
    points = [Point(0, 0, 40), Point(500, 0, 40), Point(0, 0, 40)]
    cost = path_cost([(p, 12) for p in points], MODEL)
    steps = [Point(0, 0, 0), *points]
    by_hand = sum(step_cost(a, b, 12, MODEL).energy_wh for a, b in zip(steps, points, strict=False))
    assert cost.energy_wh == pytest.approx(by_hand + landing_cost(40, MODEL).energy_wh)
    assert path_cost([], MODEL).energy_wh == 0


def test_legs_in_degrees_are_the_same_path() -> None:
    lon, lat = LocalFrame(*HOME).to_lonlat(500, 0)
    legs = [
        Leg(LegKind.TAKEOFF, (Waypoint(*HOME, 40),), 12),
        Leg(LegKind.TRANSIT, (Waypoint(lon, lat, 40), Waypoint(*HOME, 40)), 12),
    ]
    points = [Point(0, 0, 40), Point(500, 0, 40), Point(0, 0, 40)]
    expected = path_cost([(p, 12) for p in points], MODEL)
    assert legs_cost(legs, HOME, MODEL).energy_wh == pytest.approx(expected.energy_wh, rel=1e-6)


def test_coming_home_climbs_first_flies_and_lands() -> None:
    lon, lat = LocalFrame(*HOME).to_lonlat(1200, 0)
    cost = come_home_cost(Waypoint(lon, lat, 10), HOME, 40, MODEL)
    assert cost.duration_s == pytest.approx(10 + 104 + 30 / 1.5 + 10 / 0.7, abs=0.01)
    high = come_home_cost(Waypoint(lon, lat, 70), HOME, 40, MODEL)
    assert high.duration_s == pytest.approx(104 + 60 / 1.5 + 10 / 0.7, abs=0.01)
    with pytest.raises(PlanError, match="wind"):
        come_home_cost(Waypoint(lon, lat, 10), HOME, 40, MODEL, Wind(12, from_deg=270))


def test_energy_holds_the_reserve_and_the_hover_fills_what_is_left() -> None:
    cost = path_cost([(Point(0, 0, 40), 12), (Point(600, 0, 40), 12), (Point(0, 0, 40), 12)], MODEL)
    energy = sortie_energy(cost, MODEL, 50, 25)
    assert (energy.reserve_wh, energy.available_wh) == (274 * 0.25, 137)
    assert energy.feasible
    assert not sortie_energy(cost, MODEL, 26, 25).feasible
    hold = longest_hold_s(cost, MODEL, 50, 25)
    assert cost.energy_wh + hold * 420 / 3600 == pytest.approx(274 * 0.25)
    assert longest_hold_s(cost, MODEL, 26, 25) == 0


def test_drones_that_take_turns_by_hand() -> None:
    assert relief_drones(1200, 2100) == 3
    assert relief_drones(1200, 2400) == 3
    assert relief_drones(1200, 2401) == 4
    assert relief_drones(1200, 0) == 1
    with pytest.raises(ValueError, match="0 s over the place"):
        relief_drones(0, 100)
    with pytest.raises(ValueError, match="-1 s to come back"):
        relief_drones(100, -1)


@given(st.floats(60, 7200), st.floats(0, 10_000))
def test_so_many_watch_without_a_break_and_fewer_do_not(usable_s: float, charge_s: float) -> None:
    drones = relief_drones(usable_s, charge_s)
    assert drones * usable_s >= usable_s + charge_s - 1e-6
    assert (drones - 1) * usable_s < usable_s + charge_s


def test_a_head_wind_takes_what_either_autopilot_would() -> None:
    model = PowerModel(hover_w=420, cruise_w=600, cruise_m_s=15, capacity_wh=274)

    def joules(wind_m_s: float) -> float:
        wind = Wind(wind_m_s, from_deg=0)
        return 3600 * step_cost(Point(0, 0, 60), Point(0, 3000, 60), 15, model, wind).energy_wh

    assert joules(2) > (3000 / 15 - 5) * model.power_w(17) > 3000 / 13 * model.power_w(15)
    assert joules(12) > (3000 / 3 - 5) * model.power_w(15) > 3000 / 15 * model.power_w(27)
    tail = 3600 * step_cost(Point(0, 0, 60), Point(0, -3000, 60), 15, model, Wind(3, 0)).energy_wh
    assert tail >= joules(0), "what a tail wind saves is not counted on"
