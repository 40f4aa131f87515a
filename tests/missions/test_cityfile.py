"""City files: what is refused, with which words and lines, and what is read back."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from missions.city import City
from missions.cityfile import CityFileError, parse

CASES: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(
    (Path(__file__).parent / "bad_cities.yaml").read_text(encoding="utf-8")
)


def findings(text: str) -> list[str]:
    with pytest.raises(CityFileError) as caught:
        parse(text, "c.yaml")
    assert str(caught.value).splitlines() == [
        f"c.yaml:{f.line}: {f.key}: {f.rule}" if f.key else f"c.yaml:{f.line}: {f.rule}"
        for f in caught.value.findings
    ]
    return [line.removeprefix("c.yaml:") for line in str(caught.value).splitlines()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_bad_file_is_refused_with_line_key_and_rule(
    case: dict[str, Any], small_text: str
) -> None:
    assert small_text.count(case["replace"]) == 1
    assert findings(small_text.replace(case["replace"], case["by"])) == case["findings"]


def test_all_findings_come_at_once_sorted_by_line(small_text: str) -> None:
    text = small_text
    for old, new in (
        ("ceiling_m: 100", "ceiling_m: -1"),
        ("system_id: 2", "system_id: 1"),
        ("policy: straight", ""),
        ("warning_m: 3.5", "warning_m: 1"),
        ("position: [117.650, 24.500]", "position: [117.9, 24.500]"),
        ("kind: no_fly", "kind: nofly"),
    ):
        text = text.replace(old, new)
    said = findings(text)
    assert [line.split(": ")[1] for line in said] == [
        "limits.ceiling_m",
        "docks[0].position",
        "drones[1].system_id",
        "sites[0].detector.levels.warning_m",
        "zones[0].kind",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["1: the file is empty; a city file is a mapping with "]),
        ("- a\n", ["1: the file is only a list; a city file is a mapping with "]),
        ("a: 1\n---\nb: 2\n", ["2: not YAML: expected a single document"]),
        ("city:\n  name: \x00\n", ["2: not YAML: character U+0000 is not allowed"]),
        ("city: &a [*a]\n", ["1: larger than 200000 values or deeper than 32 levels"]),
        ("[" * 5000, ["1: "]),
    ],
)
def test_what_is_no_city_file_at_all(text: str, said: list[str]) -> None:
    got = findings(text)
    assert len(got) == len(said)
    for line, start in zip(got, said, strict=True):
        assert line.startswith(start)


def test_aliases_that_multiply_are_bounded() -> None:
    text = "city: &x0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
        f"a{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 10)}]\n" for i in range(1, 12)
    )
    (said,) = findings(text)
    assert said.endswith("larger than 200000 values or deeper than 32 levels")


def test_an_anchor_can_be_used_again(small_text: str) -> None:
    text = small_text.replace("system_id: 1\n", "system_id: 1\n    camera: &cam {hfov_deg: 80}\n")
    text = text.replace("system_id: 2\n", "system_id: 2\n    camera: *cam\n")
    assert {drone.camera.hfov_deg for drone in parse(text, "c").drones} == {80}


def test_a_ring_may_be_closed_as_in_geojson(small_text: str, small: City) -> None:
    corner = "[117.645, 24.505]]"
    text = small_text.replace(corner, "[117.645, 24.505], [117.645, 24.495]]")
    assert text != small_text
    assert parse(text, "c") == small


def dump(city: City) -> str:
    stream = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.dump(city.model_dump(mode="json", exclude_none=True), stream)
    return stream.getvalue()


NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=NAMES,
    note=NAMES,
    ceiling=st.floats(50, 500),
    cell=st.floats(21, 5000),
    battery=st.floats(21, 1680),
    dwell=st.floats(0, 1e3),
    ids=st.lists(st.from_regex(r"[a-z0-9][a-z0-9-]{0,38}", fullmatch=True), min_size=2, max_size=2, unique=True),
    systems=st.lists(st.integers(1, 254), min_size=2, max_size=2, unique=True),
)  # fmt: skip
def test_a_city_that_is_written_out_reads_back_equal(
    small: City,
    name: str,
    note: str,
    ceiling: float,
    cell: float,
    battery: float,
    dwell: float,
    ids: list[str],
    systems: list[int],
) -> None:
    data = small.model_dump()
    data["city"] |= {"name": name, "note": note}
    data["limits"]["ceiling_m"] = ceiling
    data["beats"][0]["cell_m"] = cell
    for drone, drone_id, system in zip(data["drones"], ids, systems, strict=True):
        drone |= {"id": drone_id, "system_id": system}
        drone["battery"]["capacity_wh"] = battery
    for site in data["sites"]:
        site["detector"]["dwell_s"] = dwell
    city = City.model_validate(data)
    assert parse(dump(city), "c.yaml") == city


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_no_text_raises_anything_but_city_file_error(text: str) -> None:
    with pytest.raises(CityFileError) as caught:
        parse(text, "c.yaml")
    assert caught.value.findings


TOKENS = ["city", "beats", "drones", "sites", "detector", "kind", "water", "levels", "area", "id"]
TOKENS += [
    "position",
    "<<",
    ":",
    "\n",
    "\n  ",
    "\n    - ",
    " ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "&a ",
]
TOKENS += [
    "*a",
    "!t ",
    "!!int ",
    "!!float x",
    "? ",
    "|\n",
    ">\n",
    "'",
    '"',
    "#",
    "%YAML 1.1\n",
    "0x",
    "1",
]
TOKENS += [
    ".nan",
    "1_0",
    "0o9",
    "null",
    "~",
    "true",
    "2020-01-01",
    "\t",
    "---",
    "...",
    "\\x",
    "é",
    "@",
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(TOKENS), max_size=40).map("".join))
def test_no_yaml_like_text_raises_anything_but_city_file_error(text: str) -> None:
    with pytest.raises(CityFileError):
        parse(text, "c.yaml")


def spoilt(text: str) -> list[int]:
    """Return the lines of the findings; none where the text is still sound."""
    try:
        parse(text, "c.yaml")
    except CityFileError as error:
        return [f.line for f in error.findings]
    return []


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_sound_file_with_a_line_spoilt_raises_nothing_else(
    data: st.DataObject, small_text: str
) -> None:
    lines = small_text.splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    lines[at] = re.sub(
        r"[^ :-].*$", lambda _: data.draw(st.sampled_from(TOKENS)).strip("\n"), lines[at], count=1
    )
    said = spoilt("\n".join(lines))
    assert all(1 <= line <= len(lines) for line in said)
