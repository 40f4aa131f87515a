"""When a sortie is where."""

from __future__ import annotations

import numpy as np
import pytest

from missions.city import City
from missions.energy import PowerModel, legs_cost
from missions.errors import GeometryError
from missions.ground import ground_of
from missions.sortie import Leg, LegKind, Sortie, SortieEnergy, Waypoint
from missions.trajectory import Trajectory


def test_a_sortie_takes_as_long_as_its_energy_says(zhangzhou: City) -> None:
    ground = ground_of(zhangzhou)
    dock, drone = zhangzhou.docks[0], zhangzhou.drones[0]
    lon, lat = dock.position
    legs = (
        Leg(LegKind.TAKEOFF, (Waypoint(lon, lat, 55.0),), 12.0),
        Leg(LegKind.TRANSIT, (Waypoint(lon + 0.01, lat, 55.0),), 12.0),
        Leg(LegKind.STARE, (Waypoint(lon + 0.01, lat, 40.0, 30.0),), 12.0),
        Leg(LegKind.HOME, (Waypoint(lon, lat, 55.0),), 12.0),
    )
    energy = SortieEnergy(1.0, 1.0, 1.0, 1.0, 1.0)
    sortie = Sortie("s", "o", drone.id, dock.id, lon, lat, 55.0, legs, energy)
    model = PowerModel.of(drone)
    flown = Trajectory.of_sortie(ground.frame, sortie, 100.0, model)
    cost = legs_cost(legs, dock.position, model)
    assert flown.start_s == 100.0
    assert flown.end_s - 100.0 == pytest.approx(cost.duration_s, rel=1e-6)
    pad = ground.frame.to_enu(lon, lat)
    assert flown.at(100.0) == pytest.approx((*pad, 0.0))
    assert flown.at(flown.end_s) == pytest.approx((*pad, 0.0))
    assert flown.at(99.9) is None
    stands = np.flatnonzero((np.diff(flown.places, axis=0) == 0).all(axis=1))
    assert np.diff(flown.times)[stands] == pytest.approx([30.0])


def test_doubt_grows_with_what_is_flown() -> None:
    way = Trajectory.of([(10, 0, 0, 40), (110, 1000, 0, 40)], doubt_s=5.0, drift=0.1)
    assert way.doubt_at(10) == 5.0
    assert way.doubt_at(110) == pytest.approx(15.0)
    assert way.later(60).doubt_at(170) == pytest.approx(15.0)
    assert way.at(60) == pytest.approx((500, 0, 40))


@pytest.mark.parametrize(
    ("points", "more", "words"),
    [
        ([(0, 0, 0, 0)], {}, "two points"),
        ([(0, 0, 0, 0), (1, float("nan"), 0, 0)], {}, "finite"),
        ([(5, 0, 0, 0), (4, 1, 0, 0)], {}, "4 s after 5 s"),
        ([(0, 0, 0, 0), (1, 1, 0, 0)], {"drift": 1.0}, "less than 1"),
        ([(0, 0, 0, 0), (1, 1, 0, 0)], {"doubt_s": -1.0}, "doubt of -1"),
    ],
)
def test_what_is_no_trajectory_is_refused(points: list, more: dict, words: str) -> None:
    with pytest.raises(GeometryError, match=words):
        Trajectory.of(points, **more)
