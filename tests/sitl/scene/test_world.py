"""The picture against what the projection says must be in it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from missions.city import City
from sitl.camera.pose import Lens, view
from sitl.scenario import Curve, RiverScene, Scenario, ScenarioError
from sitl.scene import Attitude, Scene, View
from sitl.scene.bridge import GROUND_DATUM_M
from sitl.survey import stare_pose


def river(level_m: float) -> RiverScene:
    return RiverScene(
        site="zhangzhou-bridge", level_m=Curve(points=((0.0, level_m),)), wave_m=0.0, tide_m=0.0
    )


def stare(city: City, scene: Scene, site: int) -> View:
    return view(
        stare_pose(city, city.sites[site]), Lens(960, 540, 60.0), scene.frame, scene.elevation_m
    )


@pytest.mark.parametrize("level_m", [2.0, 2.71, 3.5, 4.37])
def test_the_waterline_on_the_board_is_where_the_level_projects_to(
    zhangzhou: City, level_m: float
) -> None:
    scene = Scene(zhangzhou, Scenario(rivers=(river(level_m),)))
    seen = stare(zhangzhou, scene, 0)
    picture = cv2.cvtColor(scene.render(seen, 1.0), cv2.COLOR_BGR2GRAY).astype(float)
    east, north = scene.frame.to_enu(*zhangzhou.sites[0].position)
    rows = []
    for along in (-1.6, 0.3, 2.4):  # white parts of the board, clear of its marks
        pixels, _ = seen.project([[east + along, north, level_m - GROUND_DATUM_M]])
        column, row = pixels[0]
        strip = picture[int(row) - 12 : int(row) + 12, round(column)]
        steps = strip[:-1] - strip[1:]
        strongest = int(row) - 12 + float(np.argmax(steps)) + 0.5
        rows.append(strongest - row)
    assert np.abs(np.median(rows)) < 1.0


def test_the_water_mirrors_the_board(zhangzhou: City) -> None:
    scene = Scene(zhangzhou, Scenario(rivers=(river(3.0),)))
    seen = stare(zhangzhou, scene, 0)
    grey = cv2.cvtColor(scene.render(seen, 1.0), cv2.COLOR_BGR2GRAY).astype(np.float32)
    east, north = scene.frame.to_enu(*zhangzhou.sites[0].position)
    ((x0, line), (x1, _)), _ = seen.project([[east - 2.5, north, -3.0], [east + 2.5, north, -3.0]])
    line, x0, x1 = round(line), round(x0), round(x1)
    above = grey[line - 44 : line - 4, x0:x1]
    below = grey[line + 4 : line + 44, x0:x1][::-1]
    likeness = float(
        np.corrcoef(cv2.blur(above, (5, 5)).ravel(), cv2.blur(below, (5, 5)).ravel())[0, 1]
    )
    assert likeness > 0.5


def test_people_stand_where_the_crowd_is(zhangzhou: City, scenario: Scenario) -> None:
    scene = Scene(zhangzhou, scenario)
    seen = stare(zhangzhou, scene, 1)
    picture = scene.render(seen, 20.0).astype(int)
    other = scene.render(seen, 24.0).astype(int)
    moved = np.abs(picture - other).sum(axis=2) > 60
    people = scene._squares["night-market"].crowd.at(24.0)
    middles = np.column_stack([people.position, np.full(len(people.position), 1.1)])
    pixels, _ = seen.project(middles)
    inside = [(c, r) for c, r in pixels if 20 < c < 940 and 20 < r < 520]
    hits = [
        moved[round(r) - 8 : round(r) + 8, round(c) - 6 : round(c) + 6].any() for c, r in inside
    ]
    assert len(inside) >= 8
    assert np.mean(hits) > 0.7
    assert moved.mean() < 0.1


def test_the_people_detector_of_opencv_finds_the_figures(
    zhangzhou: City, scenario: Scenario
) -> None:
    scene = Scene(zhangzhou, scenario)
    seen = stare(zhangzhou, scene, 1)
    hog = cv2.HOGDescriptor()
    hog.setSVMDetector(cv2.HOGDescriptor.getDefaultPeopleDetector())
    found = there = 0
    for t in (3.0, 14.0, 26.0):
        picture = scene.render(seen, t)
        people = scene._squares["night-market"].crowd.at(t).position
        feet, _ = seen.project(np.column_stack([people, np.zeros(len(people))]))
        heads, _ = seen.project(np.column_stack([people, np.full(len(people), 1.7)]))
        height = float(np.median(feet[:, 1] - heads[:, 1]))
        scale = 100 / height
        boxes, _ = hog.detectMultiScale(
            cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC),
            winStride=(8, 8), padding=(16, 16), scale=1.05,
        )  # fmt: skip
        middles = [((x + w / 2) / scale, (y + h / 2) / scale) for x, y, w, h in boxes]
        for (c, low), (_, high) in zip(feet, heads, strict=True):
            if not (15 < c < 945 and high > 10 and low < 530):
                continue
            there += 1
            found += any(
                abs(x - c) < 0.25 * height and abs(y - (low + high) / 2) < 0.3 * height
                for x, y in middles
            )
    assert there > 25
    assert found / there > 0.6


def test_a_picture_is_a_function_of_view_and_time(zhangzhou: City, scenario: Scenario) -> None:
    scene = Scene(zhangzhou, scenario)
    seen = stare(zhangzhou, scene, 1)
    first = scene.render(seen, 12.0)
    scene.render(seen, 40.0)
    assert (scene.render(seen, 12.0) == first).all()


@pytest.mark.parametrize("elevation", [-90.0, -60.0, -10.0, 0.0, 30.0])
def test_any_view_can_be_drawn(zhangzhou: City, scenario: Scenario, elevation: float) -> None:
    scene = Scene(zhangzhou, scenario)
    for x, y, z in (
        (0.0, 0.0, 60.0),
        (640.0, -900.0, 5.0),
        (640.0, -860.0, 30.0),
        (-560.0, -280.0, 40.0),
    ):
        for heading in (0.0, 135.0):
            seen = View((x, y, z), Attitude(heading, 2.0, 4.0, 0.0, elevation), 320, 180, 60.0)
            assert scene.render(seen, 50.0).shape == (180, 320, 3)


def test_truth_is_what_the_scenario_says(zhangzhou: City, scenario: Scenario) -> None:
    scene = Scene(zhangzhou, scenario)
    truth = scene.truth(70.0)
    assert truth.levels_m["zhangzhou-bridge"] == pytest.approx(3.6, abs=0.03)
    assert truth.areas_m2["night-market"] == pytest.approx(240, abs=2)
    assert 55 < truth.people["night-market"] < 85


def test_a_scenario_for_another_city_is_refused(zhangzhou: City) -> None:
    with pytest.raises(ScenarioError, match="names site 'nowhere'"):
        Scene(zhangzhou, Scenario(rivers=(river(2.0).model_copy(update={"site": "nowhere"}),)))
    with pytest.raises(ScenarioError, match="its detector is 'crowd'"):
        Scene(zhangzhou, Scenario(rivers=(river(2.0).model_copy(update={"site": "night-market"}),)))
