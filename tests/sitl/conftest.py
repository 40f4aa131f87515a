"""A small city that nothing else on this machine uses, and its scenario."""

from __future__ import annotations

from pathlib import Path

import pytest

from missions.city import City
from missions.cityfile import parse
from sitl.scenario import Scenario
from sitl.scenario import parse as parse_scenario

CITIES = Path(__file__).parents[2] / "sitl" / "cities"


@pytest.fixture(scope="session")
def zhangzhou() -> City:
    path = CITIES / "zhangzhou.yaml"
    return parse(path.read_text(encoding="utf-8"), str(path))


@pytest.fixture(scope="session")
def scenario() -> Scenario:
    path = CITIES / "zhangzhou" / "scene.yaml"
    return parse_scenario(path.read_text(encoding="utf-8"), str(path))


@pytest.fixture
def small(zhangzhou: City) -> City:
    """Two drones of one dock with small pictures, on ports that the system chooses."""
    part = zhangzhou.part(frozenset({"xc-bridge"}))
    camera = part.drones[0].camera.model_copy(
        update={"width_px": 320, "height_px": 180, "fps": 20.0}
    )
    videos = ("rtsp://127.0.0.1:0/xc-bridge-a", "tcp://127.0.0.1:0")
    drones = tuple(
        d.model_copy(update={"camera": camera, "video": v})
        for d, v in zip(part.drones, videos, strict=True)
    )
    return part.model_copy(update={"drones": drones})
