from __future__ import annotations

import numpy as np
import pytest

from sitl.scenario import Curve
from sitl.scene.crowd import PASSERS_BY, Crowd

ZONE = np.array([[-10.0, -6.0], [10.0, -6.0], [10.0, 6.0], [-10.0, 6.0]])


def crowd(points: list[tuple[float, float]], seed: int = 3) -> Crowd:
    return Crowd(ZONE, Curve.model_validate(points), seed)


def test_as_many_stay_on_the_zone_as_the_curve_says() -> None:
    people = crowd([(0, 8), (10, 8), (30, 40)])
    assert people.inside(people.at(5.0)) == pytest.approx(8, abs=2)
    assert people.inside(people.at(60.0)) == pytest.approx(40, abs=3)


def test_a_crowd_that_shrinks_goes_away() -> None:
    people = crowd([(0, 30), (5, 30), (6, 4)])
    assert people.inside(people.at(4.0)) >= 26
    assert people.inside(people.at(60.0)) == pytest.approx(4, abs=2)
    assert len(people.at(60.0).person) <= 4 + PASSERS_BY


def test_the_same_seed_shows_the_same_people_also_after_going_back() -> None:
    one, other = crowd([(0, 12)]), crowd([(0, 12)])
    later = one.at(30.0).position
    assert other.at(30.0).position == pytest.approx(later)
    one.at(3.0)
    assert one.at(30.0).position == pytest.approx(later)
    assert crowd([(0, 12)], seed=4).at(30.0).position != pytest.approx(later)


def test_people_walk_at_walking_speed_and_keep_apart() -> None:
    people = crowd([(0, 40)])
    before, after = people.at(20.0), people.at(21.0)
    way = np.linalg.norm(after.position - before.position, axis=1)
    assert way.max() < 1.6
    assert (way > 0.4).mean() > 0.4
    apart = np.linalg.norm(after.position[:, None] - after.position[None], axis=2)
    assert np.median(np.sort(apart, axis=1)[:, 1]) > 0.5
