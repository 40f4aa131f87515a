from __future__ import annotations

from typing import get_args

import pytest

from missions.places import ProfileName
from missions.profile import PROFILES, share_per_hour

NAMES: tuple[ProfileName, ...] = get_args(ProfileName)


@pytest.mark.parametrize("name", NAMES)
def test_a_mean_day_of_the_week_has_all_its_calls(name: ProfileName) -> None:
    week = sum(share_per_hour(name, day, hour) for day in range(7) for hour in range(24))
    assert week / 7 == pytest.approx(1.0)
    assert PROFILES[name].shape == (2, 24)
    assert (PROFILES[name] > 0).all()


def test_each_kind_of_place_has_its_own_hours() -> None:
    def most(name: ProfileName, day: int) -> int:
        return max(range(24), key=lambda hour: share_per_hour(name, day, hour))

    assert set(PROFILES) == set(NAMES)
    assert most("market", 0) in (20, 21)
    assert most("school", 2) in (7, 17)
    assert most("commute", 4) in (8, 17)
    assert most("streets", 6) == 20
    assert sum(share_per_hour("school", 5, h) for h in range(24)) < 0.7
    assert sum(share_per_hour("leisure", 5, h) for h in range(24)) > 1.4


def test_friday_is_a_working_day_and_saturday_is_not() -> None:
    assert share_per_hour("market", 4, 23) == share_per_hour("market", 0, 23)
    assert share_per_hour("market", 5, 23) == share_per_hour("market", 6, 23)
    assert share_per_hour("market", 5, 23) > share_per_hour("market", 4, 23)
