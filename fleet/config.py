"""Settings from the environment, the data folder, and the city file read from disk."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from fleet.errors import SettingsError
from missions.city import City
from missions.cityfile import parse

DATABASE = "skybeat.db"
"""Name of the SQLite database in the data folder."""

CITY_FILE_LIMIT = 8 * 1024 * 1024
"""Bytes; a city file is text that people write."""


class Settings(BaseSettings):
    """What the environment says; names there begin with ``SKYBEAT_``, e.g. ``SKYBEAT_DATA``."""

    model_config = SettingsConfigDict(env_prefix="SKYBEAT_", frozen=True)

    data: Path = Field(
        default=Path("~/.local/share/skybeat"),
        description="folder with the database, the evidence and the lock",
    )
    database_url: str | None = Field(
        default=None,
        description="SQLAlchemy address with an asynchronous driver; SQLite in the data folder else",
    )
    quiet_min: float = Field(
        default=10, gt=0, description="an incident not heard of for so long is over"
    )
    track_days: float = Field(default=30, gt=0, description="how long 1 Hz tracks are kept")
    broker_wait_s: float = Field(
        default=3, ge=0, le=60, description="how long a start waits for the MQTT broker's port"
    )
    map_origins: tuple[str, ...] = Field(
        default=(),
        description="origins (https://host) that the map page may load tiles from",
    )


def read_settings() -> Settings:
    """Return the settings.

    Raises
    ------
    SettingsError
        If a variable cannot be used; names it.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "SKYBEAT_" + "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsError(f"{name}={first['input']!r}: {first['msg']}") from error


def read_city(path: Path) -> City:
    """Return the city that a file describes.

    Raises
    ------
    SettingsError
        If the file cannot be read.
    missions.errors.CityFileError
        If it is not sound; carries every finding.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(CITY_FILE_LIMIT + 1)
    except OSError as error:
        raise SettingsError(f"cannot read the city file {path}: {error.strerror}") from error
    if len(raw) > CITY_FILE_LIMIT:
        raise SettingsError(f"city file {path} has more than {CITY_FILE_LIMIT} bytes")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise SettingsError(
            f"{path}:{line}: no UTF-8 text: byte 0x{raw[error.start]:02x}"
        ) from error
    return parse(text, str(path))


def select_docks(city: City, names: str) -> City:
    """Return the part of a city that a comma-separated list of docks names; all where it is empty.

    Raises
    ------
    SettingsError
        If a name is no dock.
    """
    wanted = frozenset(name.strip() for name in names.split(",") if name.strip())
    if not wanted:
        return city
    try:
        return city.part(wanted)
    except KeyError as error:
        raise SettingsError(str(error.args[0]), hint="see --docks") from error


def open_data_folder(path: Path) -> Path:
    """Return the data folder, made where it was missing, readable by its owner alone.

    Raises
    ------
    SettingsError
        If it cannot be made or written to.
    """
    folder = path.expanduser().absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid == os.geteuid():
            folder.chmod(0o700)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise SettingsError(
            f"cannot use the data folder {folder}: {error.strerror}",
            hint="name another with --data or SKYBEAT_DATA, or correct its permissions",
        ) from error
    return folder


def require_database(path: Path) -> None:
    """Refuse a data folder that no controller has used: a mistyped name is not a new city.

    Raises
    ------
    SettingsError
        If there is no database in it.
    """
    folder = path.expanduser().absolute()
    try:
        there = (folder / DATABASE).is_file()
    except OSError as error:
        raise SettingsError(f"cannot use the data folder {folder}: {error.strerror}") from error
    if not there:
        raise SettingsError(
            f"no database in the data folder {folder}",
            hint="name the controller's with --data or SKYBEAT_DATA; "
            "`skybeat serve` (or `skybeat store migrate`) makes one",
        )


@contextmanager
def only_controller(folder: Path) -> Iterator[None]:
    """Hold the data folder's lock; the kernel lets go of it however the process ends.

    Raises
    ------
    SettingsError
        If another controller holds it; names its process.
    """
    path = folder / "controller.lock"
    try:
        file = path.open("a+", encoding="ascii")
    except OSError as error:
        raise SettingsError(f"cannot use the lock {path}: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            owner = file.read(20).strip() or "unknown"
            raise SettingsError(
                f"another controller (process {owner}) uses the data folder {folder}",
                hint="stop it, or name another folder with --data",
            ) from error
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
