"""Station files: what a water gauge looks like, beside the city file that names it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from fleet.errors import NotFound, SettingsError
from missions.city import City, WaterDetector

TEXT_LIMIT = 1024 * 1024
PICTURE_LIMIT = 32 * 1024 * 1024


def check_stations(city: City, folder: Path) -> None:
    """Read every station file once, so that a missing one is found before anything flies.

    Raises
    ------
    SettingsError
        If one is missing, outside of the city file's folder, or no mapping.
    """
    for site in city.sites:
        if isinstance(site.detector, WaterDetector):
            try:
                read(below(folder, site.detector.station))
            except (NotFound, SettingsError) as error:
                raise SettingsError(
                    f"site {site.id!r}: {error}",
                    hint="`station` is a YAML or JSON file, relative to the city file",
                ) from error


def below(folder: Path, name: str) -> Path:
    """Return a path below a folder, whatever dots, links and slashes the name has.

    Raises
    ------
    NotFound
        If it would lie outside.
    """
    root = folder.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise NotFound(f"{name!r} does not lie beside the file that names it")
    return path


def read_picture(folder: Path, name: str) -> bytes:
    """Return a picture beside a station file.

    Raises
    ------
    NotFound
        If it is missing, lies outside of the folder, or is too large.
    """
    return _read_bytes(below(folder, name), PICTURE_LIMIT)


def _read_bytes(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as opened:
            data = opened.read(limit + 1)
    except OSError as error:
        raise NotFound(f"cannot read {path.name!r}: {error.strerror}") from error
    if len(data) > limit:
        raise NotFound(f"{path.name!r} has more than {limit} bytes")
    return data


def read(path: Path) -> dict[str, Any]:
    """Return a station file's content, as JSON could hold it.

    Raises
    ------
    NotFound
        If it is missing or too large.
    SettingsError
        If it is no YAML mapping.
    """
    raw = _read_bytes(path, TEXT_LIMIT)
    try:
        parsed = YAML(typ="safe", pure=True).load(raw)  # JSON is YAML too
    except YAMLError as error:
        raise SettingsError(f"station file {path.name!r} is no YAML: {error}") from error
    if not isinstance(parsed, dict):
        raise SettingsError(f"station file {path.name!r} is no mapping")
    loaded: dict[str, Any] = json.loads(json.dumps(parsed, default=str))  # dates become text
    return loaded


def texts(value: object) -> set[str]:
    """Return every text in a tree of mappings and lists."""
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        return set().union(*(texts(item) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(texts(item) for item in value))
    return set()
