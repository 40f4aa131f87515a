"""A dock in the picture: its marker under an open lid, where the projection says, and cheap."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from missions.city import City, Marker
from sitl.camera.pose import CameraPose, Lens, view
from sitl.scenario import Scenario
from sitl.scene import Scene, View
from sitl.scene.pad import MarkerError

LENS = Lens(960, 540, 60.0)
NUMBER, SIZE_M = 12, 0.7


@pytest.fixture(scope="module")
def city(zhangzhou: City) -> City:
    marker = Marker(id=NUMBER, size_m=SIZE_M)
    docks = tuple(d.model_copy(update={"marker": marker}) for d in zhangzhou.docks)
    return zhangzhou.model_copy(update={"docks": docks})


@pytest.fixture
def scene(city: City) -> Scene:
    return Scene(city, Scenario())


def above(city: City, scene: Scene, height: float, east: float = 0.0, yaw: float = 0.0) -> View:
    x, y = scene.frame.to_enu(*city.docks[0].position)
    lon, lat = scene.frame.to_lonlat(x + east, y)
    pose = CameraPose(lon, lat, city.city.elevation_m + height, 1, -2, yaw, -90, yaw)
    return view(pose, LENS, scene.frame, scene.elevation_m)


def markers(image: np.ndarray) -> dict[int, np.ndarray]:
    book = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
    corners, ids, _ = cv2.aruco.ArucoDetector(book).detectMarkers(image)
    return {} if ids is None else dict(zip(np.ravel(ids).tolist(), corners, strict=True))


@pytest.mark.parametrize("height", [20.0, 10.0, 5.0, 2.0])
def test_the_marker_is_where_the_dock_is(city: City, scene: Scene, height: float) -> None:
    scene.set_door(city.docks[0].id, 1.0)
    seen = above(city, scene, height, east=0.05 * height)
    (corners,) = [markers(scene.render(seen, 0.0))[NUMBER]]
    east, north = scene.frame.to_enu(*city.docks[0].position)
    half = SIZE_M / 2
    square = [(-half, half), (half, half), (half, -half), (-half, -half)]
    pixels, _ = seen.project([(east + e, north + n, 0.0) for e, n in square])
    assert np.abs(corners.reshape(4, 2) - pixels).max() < 1.2


def test_under_a_closed_lid_there_is_none(city: City, scene: Scene) -> None:
    dock = city.docks[0].id
    seen = above(city, scene, 8.0)
    shut = scene.render(seen, 0.0)
    assert markers(shut) == {}
    scene.set_door(dock, 0.1)
    assert markers(scene.render(seen, 0.0)) == {}
    scene.set_door(dock, 1.0)
    assert NUMBER in markers(scene.render(seen, 0.0))
    scene.set_door(dock, 0.0)
    assert (scene.render(seen, 0.0) == shut).all()


def test_a_dock_without_a_marker_has_none(zhangzhou: City) -> None:
    docks = tuple(d.model_copy(update={"marker": None}) for d in zhangzhou.docks)
    city = zhangzhou.model_copy(update={"docks": docks})
    scene = Scene(city, Scenario())
    scene.set_door(city.docks[0].id, 1.0)
    assert markers(scene.render(above(city, scene, 8.0), 0.0)) == {}


def test_a_dock_out_of_sight_costs_nothing(city: City, scene: Scene) -> None:
    pads = scene._pads.values()
    assert [p.id for p in pads if p.near(above(city, scene, 20.0))] == [city.docks[0].id]
    assert not any(p.near(above(city, scene, 20.0, east=60.0)) for p in pads)
    assert not any(p.near(above(city, scene, 400.0)) for p in pads)
    level = above(city, scene, 20.0)
    up = CameraPose(*city.docks[0].position, 30.0, 0, 0, 0, 20, 0)
    assert not any(p.near(view(up, LENS, scene.frame, scene.elevation_m)) for p in pads)
    assert level.forward[2] < -0.9


def test_a_door_of_another_city_is_nothing(scene: Scene) -> None:
    scene.set_door("atlantis", 1.0)


@pytest.mark.parametrize(
    "marker", [Marker(id=3, size_m=2.5), Marker.model_construct(id=1000, size_m=0.5)]
)
def test_a_marker_that_does_not_fit_or_does_not_exist(zhangzhou: City, marker: Marker) -> None:
    dock = zhangzhou.docks[0].model_copy(update={"marker": marker})
    with pytest.raises(MarkerError, match="marker"):
        Scene(zhangzhou.model_copy(update={"docks": (dock,)}), Scenario())
