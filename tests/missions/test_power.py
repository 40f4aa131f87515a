"""The power curve, what payload and climb add to it, and what cold and age leave of a battery."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from missions.city import Battery, City, Drone
from missions.power import (
    CLIMB_EFFICIENCY,
    GRAVITY_M_S2,
    PowerModel,
    capacity_share,
    capacity_wh,
)
from missions.wind import CALM, Wind

MODEL = PowerModel(hover_w=420, cruise_w=380, cruise_m_s=12, capacity_wh=274)
MODELS = st.builds(
    lambda hover, share, cruise, w_a_kg: PowerModel(
        hover, hover * share, cruise, 274, mass_kg=w_a_kg and hover / w_a_kg
    ),
    st.floats(50, 3000),
    st.floats(0.4, 3.0),
    st.floats(3, 30),
    st.one_of(st.none(), st.floats(40, 400)),
)


@given(MODELS)
def test_the_file_s_figures_are_met_exactly(model: PowerModel) -> None:
    assert model.power_w(0) == pytest.approx(model.hover_w, rel=1e-12)
    assert model.power_w(model.cruise_m_s) == pytest.approx(model.cruise_w, rel=1e-9)


def test_the_curve_by_hand() -> None:
    # profile 105 W, induced 315 W; 3.818 kg: 5.468 m/s through the rotors
    at_6 = 105 + 315 / math.sqrt(math.sqrt(1 + 0.602**2) + 0.602)
    at_12 = 105 + 315 / math.sqrt(math.sqrt(1 + 2.408**2) + 2.408)
    assert MODEL.power_w(6) == pytest.approx(at_6 + (380 - at_12) / 8, rel=1e-3)


@given(MODELS)
def test_power_falls_to_its_least_and_rises_from_there(model: PowerModel) -> None:
    speeds = [model.cruise_m_s * i / 20 for i in range(61)]
    powers = [model.power_w(v) for v in speeds]
    low = powers.index(min(powers))
    assert all(a >= b - 1e-9 for a, b in pairwise(powers[: low + 1]))
    assert all(a <= b + 1e-9 for a, b in pairwise(powers[low:]))
    assert model.least_w <= min(powers) + 1e-9
    assert model.least_w > 0.2 * model.hover_w


@given(MODELS, st.floats(0, 40), st.floats(0, 40), st.floats(0, 1))
def test_between_two_air_speeds_no_power_is_greater(
    model: PowerModel, a: float, b: float, share: float
) -> None:
    slow, fast = sorted((a, b))
    between = min(fast, slow + share * (fast - slow))
    assert model.power_w(between) <= model.most_w(slow, fast) * (1 + 1e-12)


@given(MODELS, st.floats(0, 1.6), st.floats(0, 1.6))
def test_the_mean_power_is_that_of_many_small_steps(model: PowerModel, a: float, b: float) -> None:
    slow, fast = a * model.cruise_m_s, b * model.cruise_m_s
    steps = [model.power_w(slow + (fast - slow) * (i + 0.5) / 200) for i in range(200)]
    assert model.mean_w(slow, fast) == pytest.approx(sum(steps) / 200, rel=0.06)


@given(MODELS, st.floats(0, 40), st.floats(0, 5), st.floats(0, 5), st.floats(0, 100))
def test_payload_only_takes_more(
    model: PowerModel, speed: float, kg: float, more_kg: float, draws_w: float
) -> None:
    def loaded(kg: float, draws_w: float) -> PowerModel:
        return PowerModel(
            model.hover_w,
            model.cruise_w,
            model.cruise_m_s,
            274,
            mass_kg=model.mass_kg,
            payload_kg=kg,
            payload_w=draws_w,
        )

    some, more = loaded(kg, draws_w), loaded(kg + more_kg, draws_w)
    assert more.power_w(speed) >= some.power_w(speed) - 1e-9
    assert some.power_w(speed) >= model.power_w(speed) + draws_w - 1e-9
    assert more.climb_wh(50) >= some.climb_wh(50)


def test_payload_and_climb_by_hand() -> None:
    laden = PowerModel(400, 380, 12, 274, mass_kg=4, payload_kg=1, payload_w=20)
    assert laden.power_w(0) == pytest.approx(400 * 1.25**1.5 + 20)
    assert laden.climb_wh(60) == pytest.approx(5 * GRAVITY_M_S2 * 60 / CLIMB_EFFICIENCY / 3600)


def test_a_place_is_held_in_wind_for_no_less_than_in_calm_air() -> None:
    assert MODEL.still_w(CALM) == MODEL.still_w(Wind(6)) == pytest.approx(420)
    assert MODEL.still_w(Wind(15)) == MODEL.power_w(15) > 420


@pytest.mark.parametrize(("hover", "cruise"), [(400, 159), (0, 100), (-1, 5)])
def test_figures_that_no_drone_has_are_refused(hover: float, cruise: float) -> None:
    with pytest.raises(ValueError, match=f"cruise power {cruise} W and hover power {hover} W"):
        PowerModel(hover, cruise, 12, 274)


def test_what_cold_and_age_leave() -> None:
    assert capacity_share(None) == capacity_share(25) == capacity_share(40) == 1
    assert capacity_share(0) == 0.8
    assert capacity_share(-5) == pytest.approx(0.75)
    assert capacity_share(-40) == capacity_share(-20) == 0.6
    aged = Battery(capacity_wh=274, health_percent=80)
    assert capacity_wh(aged) == pytest.approx(274 * 0.8)
    assert capacity_wh(aged, 10) == pytest.approx(274 * 0.8 * 0.88)


@given(st.floats(-60, 60), st.floats(0, 30))
def test_colder_never_gives_more(temperature_c: float, colder: float) -> None:
    assert 0.6 <= capacity_share(temperature_c - colder) <= capacity_share(temperature_c) <= 1


def test_the_model_of_a_drone_is_that_of_its_file(small: City) -> None:
    drone: Drone = small.drones[0].model_copy(
        update={"climb_m_s": 4.0, "descent_m_s": 2.0, "payload_kg": 0.5, "payload_w": 15.0}
    )
    model = PowerModel.of(drone, temperature_c=0)
    assert (model.climb_m_s, model.descent_m_s) == (4, 2)
    assert (model.payload_kg, model.payload_w) == (0.5, 15)
    assert model.capacity_wh == pytest.approx(0.8 * drone.battery.capacity_wh)
