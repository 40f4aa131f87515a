"""Rows that only tell. One test a row, or more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fleet.flight.safety import Fence
from fleet.model.states import DroneState as S

Make = Callable[[S], Any]


def told(scene: Any, seconds: float = 0.0) -> tuple[str, ...]:
    v = scene.after(seconds)
    assert v.step is None
    return v.warnings  # type: ignore[no-any-return]


def test_fence_near(scene: Make) -> None:
    assert told(scene(S.ON_WAY).at(996.0, 0.0, 55.0), 0.7) == ("4 m from its fence",)
    out = scene(S.ON_WAY).at(970.0, 0.0, 55.0).fly(velocity_east_m_s=12.0)
    assert told(out, 0.7) == ("30 m from its fence and flying towards it",)
    for quiet in (
        scene(S.ON_WAY).at(970.0, 0.0, 55.0).fly(velocity_east_m_s=-12.0),
        scene(S.ON_WAY).at(970.0, 0.0, 55.0).fly(velocity_north_m_s=12.0),
        scene(S.ON_WAY).at(940.0, 0.0, 55.0).fly(velocity_east_m_s=12.0),
        scene(S.ON_WAY).at(996.0, 0.0, 55.0).see(fence=None),
    ):
        assert told(quiet, 0.7) == ()


def test_fence_near_a_zone(scene: Make) -> None:
    hole = [scene(S.ON_WAY).at(e, n, 0).telemetry for e, n in ((310, -50), (400, -50), (350, 50))]
    ring = [(t.lon, t.lat) for t in hole]
    fence = Fence((), [ring])
    s = scene(S.ON_WAY).see(fence=fence)
    assert told(s, 1.0) == ()
    s.fly(velocity_east_m_s=12.0)
    assert "flying towards it" in told(s, 1.0)[0]


def test_battery_low(scene: Make) -> None:
    assert told(scene(S.ON_WAY).fly(battery_percent=30.1)) == ()
    assert told(scene(S.ON_WAY).fly(battery_percent=29.0)) == ("battery 29 %: comes home at 25 %",)


@pytest.mark.parametrize("level", [None, float("nan")])
def test_battery_unknown(scene: Make, level: float | None) -> None:
    s = scene(S.ON_TASK).fly(battery_percent=level)
    assert told(s, 4.0) == ()
    assert told(s, 1.5) == ("battery level is not known",)


def test_position_jumped(scene: Make) -> None:
    s = scene(S.ON_TASK)
    assert told(s, 1.0) == ()
    assert told(s.at(330.0, 0.0, 55.0)) == ("position has jumped: it may be wrong",)
    assert told(s, 11.0) == ()


def test_position_jumped_is_not_flight_that_is_told_late(scene: Make) -> None:
    s = scene(S.ON_WAY).fly(velocity_east_m_s=20.0)
    for step in range(10):  # once in 1.4 s
        assert told(s.at(28.0 * step, 0.0, 55.0), 1.4) == ()


def test_wind_aloft(scene: Make) -> None:
    s = scene(S.ON_WAY).fly(wind_m_s=14.0, wind_from_deg=10.0)
    assert told(s, 9.0) == ()
    assert told(s, 1.5) == ("wind 14.0 m/s aloft by the vehicle's estimate: over the limit",)


def test_video_lost(scene: Make) -> None:
    assert told(scene(S.ON_TASK).see(video_lost_s=9.0)) == ()
    assert told(scene(S.ON_TASK).see(video_lost_s=31.0)) == ("no picture of its site for 31 s",)
    assert told(scene(S.ON_WAY).see(video_lost_s=31.0)) == ()


def test_link_troubled(scene: Make) -> None:
    trouble = ("a second vehicle with system id 4", "12 packets were no MAVLink")
    words = "link: a second vehicle with system id 4; 12 packets were no MAVLink"
    assert told(scene(S.DOCKED).see(trouble=trouble)) == (words,)
    assert told(scene(S.ON_WAY).see(trouble=trouble)) == (words,)


def test_profile_differs(scene: Make) -> None:
    s = scene(S.ON_WAY).see(differences=("GF_ACTION is 0; 2 or 3 is needed",))
    assert told(s) == (
        "autopilot's parameters differ from the profile: GF_ACTION is 0; 2 or 3 is needed",
    )
    assert told(scene(S.ON_WAY).see(differences=None)) == ()
