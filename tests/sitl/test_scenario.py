from __future__ import annotations

from pathlib import Path

import pytest

from missions.city import City
from sitl.scenario import Curve, Scenario, ScenarioError, check, load, parse


def test_a_curve_is_linear_between_points_and_constant_beyond() -> None:
    curve = Curve.model_validate([[10, 2.0], [20, 4.0], [30, 3.0]])
    assert [curve.at(t) for t in (0, 10, 15, 25, 99)] == [2.0, 2.0, 3.0, 3.5, 3.0]
    assert curve.highest == 4.0


def test_the_shipped_scenario_passes_the_warning_level_in_time(scenario: Scenario) -> None:
    (river,) = scenario.rivers
    assert river.level_m.at(30) == 2.0
    assert river.level_m.at(75) > 3.5
    assert 0.03 <= river.level_m.at(61) - river.level_m.at(60) <= 0.045
    (crowd,) = scenario.crowds
    assert crowd.people.at(0) == 8
    assert crowd.people.highest == 80


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (
            "rivers: [{site: a, level_m: [[0, 1], [0, 2]]}]",
            "rivers.0.level_m.points.*times must rise",
        ),
        ("rivers: [{site: a, level_m: []}]", "at least 1 item"),
        (
            "rivers: [{site: a, level_m: [[0, 1]]}, {site: a, level_m: [[0, 1]]}]",
            "named more than once",
        ),
        ("faults: [{at_s: 1, for_s: 2, target: x, fault: burns}]", "faults.0.fault"),
        (
            "faults: [{at_s: 1, for_s: 2, target: all, fault: weather_wind}]",
            "faults.0.*weather_wind needs a value of 0 to 60, not None",
        ),
        (
            "faults: [{at_s: 1, for_s: 2, target: all, fault: weather_rain, value: 400}]",
            "needs a value of 0 to 300, not 400",
        ),
        (
            "faults: [{at_s: 1, for_s: 2, target: a, fault: dock_jam, value: 3}]",
            "dock_jam has no value",
        ),
        (
            "faults: [{at_s: 1, for_s: 2, target: a, fault: traffic}]",
            "traffic needs `aircraft:`",
        ),
        (
            "faults: [{at_s: 1, for_s: 2, target: a, fault: dock_lies, "
            "aircraft: {start: [117, 24], heading_deg: 0, speed_m_s: 5, altitude_m: 9}}]",
            "dock_lies has no `aircraft:`",
        ),
        (
            "faults: [{at_s: 1, for_s: 2, target: a, fault: traffic, "
            "aircraft: {start: [217, 24], heading_deg: 0, speed_m_s: 5, altitude_m: 9}}]",
            "faults.0.aircraft.start.0",
        ),
        ("storm: yes", "storm"),
        ("- a", "is a mapping"),
        ("a: [", "not YAML"),
    ],
)
def test_what_is_wrong_is_named(text: str, what: str) -> None:
    with pytest.raises(ScenarioError, match=what):
        parse(text, "scene.yaml")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="cannot be read"):
        load(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("rivers: [{site: nowhere, level_m: [[0, 1]]}]", "names site 'nowhere'"),
        ("crowds: [{site: zhangzhou-bridge, people: [[0, 1]]}]", "its detector is 'water'"),
        ("faults: [{at_s: 1, for_s: 2, target: x, fault: dock_jam}]", "breaks 'x' with dock_jam"),
        ("faults: [{at_s: 1, for_s: 2, target: all, fault: dock_lies}]", "breaks 'all'"),
        ("faults: [{at_s: 1, for_s: 2, target: xc-bridge, fault: vehicle_gps}]", "vehicle_gps"),
        (
            "faults: [{at_s: 1, for_s: 2, target: xc-bridge-a, fault: weather_rain, value: 1}]",
            "weather_rain",
        ),
    ],
)
def test_a_scenario_for_another_city_is_refused(zhangzhou: City, text: str, what: str) -> None:
    with pytest.raises(ScenarioError, match=what):
        check(parse(text, "scene.yaml"), zhangzhou)


def test_the_bad_day_is_one_for_the_demos_docks(zhangzhou: City) -> None:
    docks = frozenset({"xc-bridge", "xc-market", "xc-old-town", "lw-park"})
    rough = load(Path(__file__).parents[2] / "sitl" / "cities" / "zhangzhou" / "rough.yaml")
    check(rough, zhangzhou.part(docks))
    kinds = {fault.fault for fault in rough.faults}
    assert kinds >= {
        "traffic", "vehicle_link", "vehicle_gps", "dock_jam", "weather_wind", "weather_rain",
    }  # fmt: skip
