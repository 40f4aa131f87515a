"""Station files, and what is said of those that are wrong."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from ruamel.yaml import YAML

from vision.errors import StationError
from vision.water.station import load, project

GOOD: dict[str, Any] = {
    "station": "bridge",
    "datum": "Yellow Sea 1985",
    "references": [
        {
            "file": "day.png",
            "points": [
                {"px": [100.0, 50.0], "at_m": [0.0, 6.0]},
                {"px": [300.0, 60.0], "at_m": [6.0, 6.0]},
                {"px": [290.0, 260.0], "at_m": [6.0, 0.0]},
                {"px": [110.0, 250.0], "at_m": [0.0, 0.0]},
            ],
        }
    ],
    "face": [[0.0, 0.0], [6.0, 0.0], [6.0, 6.0], [0.0, 6.0]],
    "levels": {"normal_m": 2.0, "warning_m": 3.5, "danger_m": 4.5},
}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Any], Path]:
    """Return a function that writes a station file beside its picture."""
    cv2.imwrite(str(tmp_path / "day.png"), np.zeros((300, 400, 3), np.uint8))

    def to(content: Any) -> Path:
        path = tmp_path / "station.yaml"
        if isinstance(content, str):
            path.write_text(content)
        else:
            with open(path, "w", encoding="utf-8") as file:
                YAML().dump(content, file)
        return path

    return to


def test_a_good_one(write: Callable[[Any], Path]) -> None:
    station = load(write(GOOD))
    assert station.file.fixed is False
    points = np.array([p["at_m"] for p in GOOD["references"][0]["points"]])
    pixels = np.array([p["px"] for p in GOOD["references"][0]["points"]])
    assert project(station.references[0].to_pixels, points) == pytest.approx(pixels, abs=1e-6)


def changed(path: str, value: Any) -> dict[str, Any]:
    raw = copy.deepcopy(GOOD)
    at: Any = raw
    *keys, last = [int(k) if k.isdigit() else k for k in path.split("/")]
    for key in keys:
        at = at[key]
    if value is KeyError:
        del at[last]
    else:
        at[last] = value
    return raw


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (changed("levels/warning_m", "high"), ["levels.warning_m", "'high'"]),
        (changed("levels/warning_m", 1.0), ["levels", "must rise"]),
        (changed("levels/danger_m", KeyError), ["levels.danger_m", "required"]),
        (changed("colour", "red"), ["colour", "not permitted"]),
        (changed("references/0/points/2/px", [1.0]), ["references.0.points.2.px"]),
        (changed("references/0/points/2/px", [1.0, float("nan")]), ["references.0.points.2.px.1"]),
        (
            changed("references/0/points", GOOD["references"][0]["points"][:3]),
            ["references.0.points"],
        ),
        (changed("references/0/points/1/px", [1300.0, 60.0]), ["references.0.points", "px off"]),
        (changed("references/0/points/1/at_m", [0.0, 3.0]), ["references.0.points"]),
        (
            changed("references/0/file", "night.png"),
            ["references.0.file", "night.png", "no such file"],
        ),
        (changed("references/0/file", "station.yaml"), ["references.0.file", "no picture"]),
        (changed("references", []), ["references"]),
        (changed("face", [[0, 0], [1, 1], [2, 2]]), ["face", "no area"]),
        ("station: [", ["no YAML"]),
        ("just words", ["mapping"]),
        ("", ["mapping"]),
    ],
)
def test_a_wrong_one_names_key_and_value(
    write: Callable[[Any], Path], raw: Any, said: list[str]
) -> None:
    if (
        isinstance(raw, dict)
        and raw["references"]
        and raw["references"][0]["points"][1]["px"] == [1300.0, 60.0]
    ):
        raw["references"][0]["points"].append({"px": [200.0, 150.0], "at_m": [3.0, 3.0]})
    with pytest.raises(StationError) as caught:
        load(write(raw))
    for word in ["station.yaml", *said]:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_one(tmp_path: Path) -> None:
    with pytest.raises(StationError, match=r"nope\.yaml"):
        load(tmp_path / "nope.yaml")
