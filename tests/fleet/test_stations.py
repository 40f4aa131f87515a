"""Station files are found before anything flies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fleet import stations
from fleet.errors import SettingsError
from missions.city import City


def test_a_station_that_is_missing_outside_or_no_mapping_is_named(
    make_city: Callable[..., City], city_folder: Path
) -> None:
    stations.check_stations(make_city(), city_folder)
    file = city_folder / "station.yaml"
    for content, rule in (("- a\n", "no mapping"), ("a: [\n", "no YAML")):
        file.write_text(content)
        with pytest.raises(SettingsError, match=rf"site 'bridge': .*{rule}"):
            stations.check_stations(make_city(), city_folder)
    file.unlink()
    with pytest.raises(SettingsError, match="No such file"):
        stations.check_stations(make_city(), city_folder)
    outside = city_folder.parent / "outside.yaml"
    outside.write_text("a: 1\n")
    file.symlink_to(outside)
    with pytest.raises(SettingsError, match="does not lie beside"):
        stations.check_stations(make_city(), city_folder)


def test_dates_of_yaml_become_text(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("surveyed: 2026-05-01\nname: 漳州\n")
    assert stations.read(tmp_path / "s.yaml") == {"surveyed": "2026-05-01", "name": "漳州"}
