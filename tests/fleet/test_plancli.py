"""``skybeat plan simulate``: its table, its JSON, its picture, and what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import cv2
import pytest
from typer.testing import CliRunner, Result

from fleet.command import build

CITY = """\
city: {name: Small, origin: [117.65, 24.50]}
broker: {url: "mqtt://127.0.0.1:1883"}
limits: {wind_m_s: 10}
districts:
  - {id: d, name: D, area: [[117.64, 24.49], [117.66, 24.49], [117.66, 24.51], [117.64, 24.51]]}
beats:
  - {id: b, name: B, district: d, cell_m: 400,
     area: [[117.645, 24.495], [117.655, 24.495], [117.655, 24.505], [117.645, 24.505]]}
docks:
  - {id: k, position: [117.65, 24.5], slots: 2}
drones:
  - {id: one, dock: k, system_id: 1, mavlink: "udpin://0.0.0.0:14540"}
  - {id: two, dock: k, system_id: 2, mavlink: "udpin://0.0.0.0:14541"}
"""
RUNS = ["rolling", "idle", "round_robin", "greedy"]


@pytest.fixture
def city(tmp_path: Path) -> Path:
    file = tmp_path / "city.yaml"
    file.write_text(CITY)
    return file


def simulate(*words: object) -> Result:
    return CliRunner().invoke(build(), ["plan", "simulate", *map(str, words)])


def short(city: Path, *words: object) -> Result:
    return simulate("--city", city, "--days", 0.02, "--iterations", 2, *words)


def test_json(city: Path) -> None:
    done = short(city, "--seed", 3, "--json")
    assert (done.exit_code, done.stderr) == (0, "")

    def never(word: str) -> Any:
        raise AssertionError(f"{word} is no JSON")

    told = json.loads(done.stdout, parse_constant=never)
    assert {k: told[k] for k in ("city", "days", "seed", "begins", "drones")} == {
        "city": "Small", "days": 0.02, "seed": 3, "begins": "2026-03-02", "drones": 2,
    }  # fmt: skip
    assert told["cells"] == len(told["per_cell"]) > 4
    assert told["load"] > 0
    assert list(told["runs"]) == RUNS
    assert len({tuple(run) for run in told["runs"].values()}) == 1
    for run in told["runs"].values():
        assert run["calls"] == told["runs"]["idle"]["calls"]
        assert 0 <= run["within_60_s"] <= run["within_120_s"] <= run["within_300_s"] <= 1
        assert run["in_air_most"] <= 2
        assert run["lowest_landing_percent"] >= 17
    assert told["runs"]["idle"]["visits"] == 0
    assert sum(cell["visits"] for cell in told["per_cell"]) == told["runs"]["rolling"]["visits"]


def test_table(city: Path) -> None:
    done = short(city, "--seed", 3)
    assert (done.exit_code, done.stderr) == (0, "")
    head, names, *rows = done.stdout.splitlines()
    assert re.fullmatch(
        r"Small: 2 drones, \d+ cells, 0\.02 days, seed 3; what is owed needs \d+% of what the "
        r"fleet can fly",
        head,
    )
    assert re.split(r"\s{2,}", names.strip()) == [
        "rolling plan", "idle fleet", "round robin", "most overdue",
    ]  # fmt: skip
    table = dict(re.split(r"\s{2,}", row.strip(), maxsplit=1) for row in rows)
    assert set(table) >= {
        "calls", "never answered", "within 120 s", "p95, s", "overdue cell-hours",
        "visits of cells", "revisit, worst, min", "flight hours", "energy, kWh", "preemptions",
        "closures", "drones diverted",
    }  # fmt: skip
    assert all(len(values.split()) == 4 for values in table.values())
    assert all(value.endswith("%") for value in table["within 120 s"].split())
    assert table["visits of cells"].split()[1] == "0"


def test_closures_may_be_more_or_none(city: Path) -> None:
    found = {}
    for closures in (0, 100):
        done = short(city, "--days", 0.08, "--seed", 3, "--json", "--closures", closures)
        assert (done.exit_code, done.stderr) == (0, "")
        runs = json.loads(done.stdout)["runs"]
        assert len({run["closures"] for run in runs.values()}) == 1
        found[closures] = runs["idle"]
    assert found[0]["closures"] == found[0]["diverted"] == 0
    assert found[100]["closures"] > 0
    assert found[0]["calls"] == found[100]["calls"]


def test_a_plot_has_ink_in_it(city: Path, tmp_path: Path) -> None:
    file = tmp_path / "day.png"
    done = short(city, "--plot", file)
    assert (done.exit_code, done.stderr) == (0, "")
    picture = cv2.imread(str(file))
    assert picture is not None
    assert picture.shape[0] > 500
    assert picture.shape[1] > 800
    ink = (picture < 200).any(axis=2)
    height, width = ink.shape
    for quarter in (
        ink[: height // 2, : width // 2], ink[: height // 2, width // 2 :],
        ink[height // 2 :, : width // 2], ink[height // 2 :, width // 2 :],
    ):  # fmt: skip
        assert 0.002 < quarter.mean() < 0.5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--days", "-1"], "'--days'"),
        (["--days", "0"], "'--days'"),
        (["--days", "nan"], "'--days'"),
        (["--days", "400"], "'--days'"),
        (["--days", "some"], "'--days'"),
        (["--seed", "-1"], "'--seed'"),
        (["--closures", "-1"], "'--closures'"),
        (["--closures", "nan"], "'--closures'"),
        (["--seed", str(2**31)], "'--seed'"),
        (["--wind", "-1"], "'--wind'"),
        (["--wind", "nan"], "'--wind'"),
        (["--iterations", "0"], "'--iterations'"),
    ],
)
def test_numbers_out_of_range(city: Path, words: list[str], said: str) -> None:
    done = simulate("--city", city, *words)
    assert done.exit_code == 2
    assert f"Invalid value for {said}" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--wind", "10.1"], "--wind 10.1: above the city's limit of 10 m/s"),
        (["--wind", "inf"], "--wind inf: above the city's limit of 10 m/s"),
        (["--plot", "nowhere/x.png"], "--plot nowhere/x.png: there is no folder nowhere"),
        (["--plot", "x.docx"], "--plot x.docx: must end in .png"),
        (["--plot", "."], "--plot .: must end in .png"),
    ],
)
def test_what_is_refused_in_words(
    city: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(city.parent)
    done = simulate("--city", city, *words)
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", f"{said}\n")


def test_a_plot_that_is_a_folder(city: Path) -> None:
    folder = city.parent / "x.png"
    folder.mkdir()
    done = simulate("--city", city, "--plot", folder)
    assert (done.exit_code, done.stderr) == (2, f"--plot {folder}: is a folder\n")


def test_a_plot_that_cannot_be_written_is_said_after_the_figures(city: Path) -> None:
    done = short(city, "--plot", "/proc/x.png")
    assert done.exit_code == 2
    assert "never answered" in done.stdout
    assert done.stderr == "--plot /proc/x.png: cannot be written: No such file or directory\n"


def test_wind_that_leaves_nobody_any_way(city: Path) -> None:
    city.write_text(CITY.replace("wind_m_s: 10", "wind_m_s: 12"))
    done = short(city, "--days", 366, "--wind", "11.9")  # the others would fly on to the end
    assert (done.exit_code, done.stdout) == (2, "")
    assert re.match(r"--wind 11\.9: nobody can fly: wind of 11\.9 m/s leaves .* m/s", done.stderr)


def test_a_city_that_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "none.yaml"
    done = simulate("--city", file)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == f"cannot read the city file {file}: No such file or directory\n"


def test_an_unsound_city_is_told_by_line_and_key(city: Path) -> None:
    city.write_text(CITY.replace("slots: 2", "slots: 0").replace("cell_m: 400", "cell_m: 4"))
    done = simulate("--city", city)
    assert (done.exit_code, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert len(lines) >= 2
    assert any(":7: beats[0].cell_m: 4 is not allowed" in line for line in lines)
    assert any("docks[0].slots" in line for line in lines)


def test_without_a_city() -> None:
    done = simulate("--days", 1)
    assert done.exit_code == 2
    assert "Missing option '--city'" in done.stderr
