"""A real gauge: the marsh board, its truth, and a station for it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from vision.water.station import Station, load

FIRST_ROW, FIRST_CM, CM_PER_PX = 274, 84.12, 0.2499
COLUMNS = (345, 735)


def level_m(row: float) -> float:
    """Return the level of the row in which the water begins."""
    return (FIRST_CM - (row - FIRST_ROW) * CM_PER_PX) / 100


@pytest.fixture(scope="session")
def gauge(shared_data: Path) -> Path:
    """The folder of the marsh gauge."""
    return shared_data / "water" / "marsh-gauge"


@pytest.fixture(scope="session")
def gauge_truth(gauge: Path) -> dict[str, float]:
    """Picture -> level in metres, read by eye to +-0.25 cm."""
    with open(gauge / "levels.csv", encoding="utf-8") as file:
        return {row["file"]: level_m(float(row["waterline_y_px"])) for row in csv.DictReader(file)}


@pytest.fixture
def gauge_station(gauge: Path, tmp_path: Path) -> Callable[..., Station]:
    """Return a function that writes a station file for the gauge and loads it."""

    def make(references: list[str], *, fixed: bool) -> Station:
        # a row "begins" half a pixel above its centre
        corners = [(c, r) for r in (60, 590) for c in COLUMNS]
        points = "\n".join(
            f"      - {{px: [{c}, {r - 0.5}], at_m: [{(c - COLUMNS[0]) * CM_PER_PX / 100:.6f}, {level_m(r):.6f}]}}"
            for c, r in corners
        )
        entries = "\n".join(
            f"  - file: {gauge / name}\n    points:\n{points}" for name in references
        )
        wide, low, high = (COLUMNS[1] - COLUMNS[0]) * CM_PER_PX / 100, level_m(590), level_m(60)
        path = tmp_path / "station.yaml"
        path.write_text(
            f"station: marsh\ndatum: staff gauge\nfixed: {str(fixed).lower()}\nreferences:\n{entries}\n"
            f"face: [[0, {low}], [{wide}, {low}], [{wide}, {high}], [0, {high}]]\n"
            "levels: {normal_m: 0.4, warning_m: 0.6, danger_m: 0.8}\n"
        )
        return load(path)

    return make
