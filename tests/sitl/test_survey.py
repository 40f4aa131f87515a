from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from ruamel.yaml import YAML

from missions.city import City
from sitl.scenario import Scenario
from sitl.survey import SurveyError, survey

SHIPPED = Path(__file__).parents[2] / "sitl" / "cities" / "zhangzhou"


def test_the_survey_pairs_pixels_with_the_marks(
    zhangzhou: City, scenario: Scenario, tmp_path: Path
) -> None:
    written = survey(zhangzhou, scenario, "zhangzhou-bridge", tmp_path)
    station = YAML(typ="safe").load(written[0].read_text())
    (reference,) = station["references"]
    picture = cv2.imread(str(tmp_path / reference["file"]))
    assert picture.shape == (540, 960, 3)
    assert (tmp_path / reference["file"]).stat().st_size < 150_000
    pixels = np.array([p["px"] for p in reference["points"]])
    metres = np.array([p["at_m"] for p in reference["points"]])
    assert len(pixels) >= 4
    plane, _ = cv2.findHomography(metres, pixels)
    back = cv2.perspectiveTransform(metres[None], plane)[0]
    assert np.abs(back - pixels).max() < 0.05
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    for (column, row), (along, _) in zip(pixels, metres, strict=True):
        if along in (2.3, 4.4):  # a bow-tie: dark left and right of its middle, white above it
            assert grey[round(row), round(column) - 12] < 110
            assert grey[round(row), round(column) + 12] < 110
            assert grey[round(row) - 8, round(column)] > 180
    assert station["levels"] == {"normal_m": 2.0, "warning_m": 3.5, "danger_m": 4.5}


def test_what_is_shipped_is_what_the_survey_makes_now(
    zhangzhou: City, scenario: Scenario, tmp_path: Path
) -> None:
    survey(zhangzhou, scenario, "zhangzhou-bridge", tmp_path)
    for name in ("bridge.yaml",):
        assert (tmp_path / name).read_text() == (SHIPPED / name).read_text()
    made, shipped = (cv2.imread(str(f / "bridge-day.jpg")).astype(int) for f in (tmp_path, SHIPPED))
    assert np.abs(made - shipped).mean() < 2


def test_a_site_that_cannot_be_surveyed(
    zhangzhou: City, scenario: Scenario, tmp_path: Path
) -> None:
    with pytest.raises(SurveyError, match="no site 'nowhere'"):
        survey(zhangzhou, scenario, "nowhere", tmp_path)
    with pytest.raises(SurveyError, match="no water detector"):
        survey(zhangzhou, scenario, "night-market", tmp_path)
