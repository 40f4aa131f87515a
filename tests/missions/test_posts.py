"""Where sites and points are watched from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from missions.city import City
from missions.errors import PlanError
from missions.geo import distance_m
from missions.ground import ground_of
from missions.posts import point_name, point_post, site_post
from missions.sun import sun_at
from missions.task import Task

DAWN = datetime(2026, 6, 21, 22, tzinfo=UTC)  # 6 in the morning in Zhangzhou


def test_a_site_is_watched_as_the_city_file_says(zhangzhou: City) -> None:
    frame = ground_of(zhangzhou).frame
    site = next(s for s in zhangzhou.sites if s.id == "zhangzhou-bridge")
    post = site_post(frame, site)
    assert site.stare is not None
    lonlat = frame.to_lonlat(post.place.east, post.place.north)
    assert distance_m(lonlat, site.stare.position) < 0.01
    assert (post.name, post.place.altitude_m) == (site.id, site.stare.altitude_m)
    assert (post.look_at.lon, post.look_at.lat) == site.stare.look_at
    assert post.look_at.altitude_m == site.stare.look_at_altitude_m
    with pytest.raises(PlanError, match="no stare"):
        site_post(frame, site.model_copy(update={"stare": None}))


def test_a_point_is_watched_from_one_place_with_the_sun_out_of_the_picture_all_the_while(
    zhangzhou: City,
) -> None:
    spot = (117.6536, 24.5130)
    task = Task("stare", (spot,), radius_m=60)
    until = DAWN + timedelta(hours=12)
    post = point_post(zhangzhou, task, DAWN, until)
    assert post == point_post(zhangzhou, task, DAWN, until)
    assert post.name == point_name(task) == "117.65360,24.51300"
    frame = ground_of(zhangzhou).frame
    target = frame.to_enu(*spot)
    east, north = target[0] - post.place.east, target[1] - post.place.north
    away = (east**2 + north**2) ** 0.5
    assert 20 < away < 60.01
    length = (away**2 + post.place.altitude_m**2) ** 0.5
    view = (east / length, north / length, -post.place.altitude_m / length)
    suns = [sun_at(*spot, DAWN + timedelta(minutes=10 * n)) for n in range(73)]
    assert any(sun.up for sun in suns)
    assert all(sun.off_axis_deg(view) > 40 for sun in suns if sun.up)


def test_a_point_that_cannot_be_watched_says_why(zhangzhou: City) -> None:
    task = Task("stare", (zhangzhou.docks[0].position,), radius_m=10)
    with pytest.raises(PlanError, match="no place to watch"):
        point_post(zhangzhou, task, DAWN, DAWN + timedelta(hours=1))
