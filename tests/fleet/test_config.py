"""Settings, the data folder, its lock, and city files that cannot be read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from fleet.config import only_controller, open_data_folder, read_city, read_settings, select_docks
from fleet.errors import SettingsError
from missions.errors import CityFileError

AS_ROOT = os.geteuid() == 0


def test_the_data_folder_is_its_owners_alone(tmp_path: Path) -> None:
    folder = open_data_folder(tmp_path / "a" / "b")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o755)
    open_data_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_used_is_named_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=r"cannot use the data folder .*/file/data") as caught:
        open_data_folder(tmp_path / "file" / "data")
    assert "--data" in caught.value.hint


@pytest.mark.skipif(AS_ROOT, reason="root may write everywhere")
def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(SettingsError, match="Permission denied"):
        open_data_folder(tmp_path / "data")


def test_two_controllers_on_one_folder_are_refused(tmp_path: Path) -> None:
    with (
        only_controller(tmp_path),
        pytest.raises(SettingsError, match=rf"another controller \(process {os.getpid()}\)"),
        only_controller(tmp_path),
    ):
        pass
    with only_controller(tmp_path):
        pass


def test_settings_come_from_the_environment_and_a_bad_one_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SKYBEAT_DATA", str(tmp_path))
    monkeypatch.setenv("SKYBEAT_QUIET_MIN", "3")
    assert (read_settings().data, read_settings().quiet_min) == (tmp_path, 3)
    monkeypatch.setenv("SKYBEAT_QUIET_MIN", "-1")
    with pytest.raises(SettingsError, match="SKYBEAT_QUIET_MIN='-1'"):
        read_settings()


def test_city_files_that_cannot_be_read(tmp_path: Path, city_text: str) -> None:
    path = tmp_path / "city.yaml"
    with pytest.raises(SettingsError, match="cannot read the city file"):
        read_city(path)
    path.write_bytes(b"city:\n  name: \xff\n")
    with pytest.raises(SettingsError, match=r"city.yaml:2: no UTF-8 text: byte 0xff"):
        read_city(path)
    path.write_text("city: 1\n")
    with pytest.raises(CityFileError):
        read_city(path)
    path.write_text(city_text)
    city = read_city(path)
    assert select_docks(city, "") is city
    assert [d.id for d in select_docks(city, " d1 ,").docks] == ["d1"]
    with pytest.raises(SettingsError, match=r"no dock \['d9'\]"):
        select_docks(city, "d1,d9")
