"""A small sound city file, and the illustrative Zhangzhou that ships with the simulator."""

from __future__ import annotations

from pathlib import Path

import pytest

from missions.city import City
from missions.cityfile import parse

SMALL = """\
city:
  name: Small
  origin: [117.65, 24.50]
broker:
  url: mqtt://127.0.0.1:1883
limits:
  ceiling_m: 100
districts:
  - id: north
    name: North
    area: [[117.64, 24.49], [117.66, 24.49], [117.66, 24.51], [117.64, 24.51]]
beats:
  - id: old-town
    name: Old town
    district: north
    cell_m: 250
    area: [[117.645, 24.495], [117.655, 24.495], [117.655, 24.505], [117.645, 24.505]]
docks:
  - id: dock-1
    position: [117.650, 24.500]
    slots: 2
drones:
  - id: one
    dock: dock-1
    system_id: 1
    mavlink: udpin://0.0.0.0:14540
    video: rtsp://127.0.0.1:8554/one
  - id: two
    dock: dock-1
    system_id: 2
    mavlink: udpin://0.0.0.0:14541
    video: rtsp://127.0.0.1:8554/two
sites:
  - id: bridge
    name: Bridge
    position: [117.651, 24.501]
    stare:
      position: [117.651, 24.5008]
      altitude_m: 10
      look_at: [117.651, 24.501]
    detector:
      kind: water
      station: bridge.yaml
      levels:
        normal_m: 2.0
        warning_m: 3.5
        danger_m: 4.5
  - id: market
    name: Market
    position: [117.649, 24.501]
    cameras:
      - id: east
        source: rtsp://127.0.0.1:9000/east
    detector:
      kind: crowd
      zone: [[117.6489, 24.5009], [117.6491, 24.5009], [117.6491, 24.5011]]
      levels: {yellow_per_m2: 0.1, orange_per_m2: 0.2, red_per_m2: 0.3}
zones:
  - id: pad
    kind: no_fly
    floor_m: 0
    ceiling_m: 500
    area: [[117.652, 24.497], [117.653, 24.497], [117.653, 24.498], [117.652, 24.498]]
cad:
  - id: cad-1
    url: http://127.0.0.1:8090/incidents
    secret_env: SKYBEAT_CAD_SECRET
"""

ZHANGZHOU = Path(__file__).parents[2] / "sitl" / "cities" / "zhangzhou.yaml"


@pytest.fixture(scope="session")
def small_text() -> str:
    return SMALL


@pytest.fixture(scope="session")
def small() -> City:
    return parse(SMALL, "small.yaml")


@pytest.fixture(scope="session")
def zhangzhou() -> City:
    return parse(ZHANGZHOU.read_text(encoding="utf-8"), "zhangzhou.yaml")


@pytest.fixture(scope="session")
def reference() -> City:
    file = ZHANGZHOU.with_name("reference.yaml")
    return parse(file.read_text(encoding="utf-8"), file.name)
