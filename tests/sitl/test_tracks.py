"""The log of where vehicles really are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sitl import tracks
from sitl.autopilot.port import Pose
from sitl.log import JsonLog


class Vehicle:
    """As much of a vehicle as the log looks at."""

    def __init__(self) -> None:
        self.landed = True
        self.amsl_m = 10.0

    def true_pose(self) -> Pose:
        return Pose(117.65, 24.51, self.amsl_m - 10, self.amsl_m, 0, 0, 0, 0, 0)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_who_is_in_the_air_is_written_where_it_really_is_and_its_end_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracks, "PERIOD_S", 0.01)
    a, b, log = Vehicle(), Vehicle(), JsonLog(tmp_path / "tracks.jsonl")

    def read() -> list[dict[str, Any]]:
        lines = (tmp_path / "tracks.jsonl").read_text().splitlines()
        return [json.loads(line)["drones"] for line in lines]

    keeping = asyncio.create_task(tracks.keep({"a": a, "b": b}, log))  # type: ignore[dict-item]
    try:
        await until(lambda: read() == [{}])
        a.landed, a.amsl_m = False, 52.5
        await until(lambda: len(read()) > 3)
        assert read()[-1] == {"a": [117.65, 24.51, 52.5]}
        a.landed = True
        await until(lambda: read()[-1] == {})
        written = len(read())
        await asyncio.sleep(0.1)  # ten looks, and nothing in the air
        assert len(read()) == written
    finally:
        keeping.cancel()
        log.close()
