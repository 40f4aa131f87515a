"""Figures of a drone that no drone has; the city file's own words are in ``bad_cities.yaml``."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from missions.city import Battery, Drone
from missions.dronerules import nonsense
from missions.power import PowerModel


def drone(battery: Battery | None = None, **fields: Any) -> Drone:
    return Drone(
        id="a1",
        dock="d1",
        system_id=1,
        mavlink="udpin://0.0.0.0:1",
        battery=battery or Battery(),
        **fields,
    )


@pytest.mark.parametrize(
    "sound",
    [
        drone(),
        drone(Battery(capacity_wh=250, hover_w=540, cruise_w=500)),
        drone(Battery(capacity_wh=77, hover_w=115, cruise_w=100), mass_kg=0.9),  # a 1 kg drone
        drone(Battery(capacity_wh=548, hover_w=600, cruise_w=700), mass_kg=6.3, payload_kg=2.7),
    ],
)
def test_drones_that_there_are_pass(sound: Drone) -> None:
    assert list(nonsense(sound)) == []


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        (drone(Battery(cruise_w=167)), ("battery", "cruise_w")),
        (drone(Battery(cruise_w=1681)), ("battery", "cruise_w")),
        (drone(Battery(capacity_wh=20)), ("battery", "capacity_wh")),
        (drone(Battery(capacity_wh=1700)), ("battery", "capacity_wh")),
        (drone(Battery(capacity_wh=24, health_percent=80)), ("battery", "capacity_wh")),
        (drone(mass_kg=1), ("mass_kg",)),
        (drone(mass_kg=10.6), ("mass_kg",)),
        (drone(payload_kg=3.9), ("payload_kg",)),
        (drone(cruise_m_s=15, max_air_speed_m_s=14.9), ("max_air_speed_m_s",)),
    ],
)
def test_drones_that_there_are_not_are_told_by_key(wrong: Drone, key: tuple[str, ...]) -> None:
    assert [path for path, _ in nonsense(wrong)] == [key]


@given(
    st.floats(50, 3000),
    st.floats(0.1, 6),
    st.floats(1, 30),
    st.one_of(st.none(), st.floats(0.1, 100)),
    st.floats(0, 20),
)
def test_whatever_passes_has_a_power_model(
    hover: float, share: float, cruise: float, mass: float | None, payload: float
) -> None:
    battery = Battery(capacity_wh=hover / 2, hover_w=hover, cruise_w=hover * share)
    one = drone(battery, cruise_m_s=cruise, mass_kg=mass, payload_kg=payload)
    if not list(nonsense(one)):
        model = PowerModel.of(one)
        assert 0 < model.least_w <= model.power_w(0)
