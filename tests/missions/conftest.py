"""Cities: a small sound city file, those that ship with the simulator, and towns of any size."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume
from hypothesis import strategies as st
from shapely.geometry import Polygon

from missions.city import City
from missions.cityfile import parse
from missions.geo import LocalFrame
from missions.ground import Ground, ground_of
from missions.picture import Doing, DroneNow
from missions.tracks import Metres

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

ORIGIN = (117.65, 24.51)
FRAME = LocalFrame(*ORIGIN)

Box = tuple[float, float, float, float]


@st.composite
def _stars(draw: st.DrawFn, low: float, high: float) -> Polygon:
    radii = draw(st.lists(st.floats(low, high), min_size=3, max_size=12))
    turn = draw(st.floats(0, 6.28))
    step = 2 * math.pi / len(radii)
    shape = Polygon(
        [
            (r * math.cos(i * step + turn), r * math.sin(i * step + turn))
            for i, r in enumerate(radii)
        ]
    )
    assume(shape.is_valid and shape.area > 1000)
    return shape


@pytest.fixture(scope="session")
def stars() -> Callable[[float, float], st.SearchStrategy[Polygon]]:
    """Make polygons, often concave, that do not cross themselves: radii from, to, around a point."""
    return _stars


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


def ring(box: Box) -> list[tuple[float, float]]:
    """Return a ring by metres: west, south, east, north."""
    west, south, east, north = box
    corners = [(west, south), (east, south), (east, north), (west, north)]
    return [tuple(FRAME.to_lonlat(*corner)) for corner in corners]


@pytest.fixture(scope="session")
def town() -> Callable[..., Ground]:
    """Make a town of so many by so many beats of 1.5 km, a dock with two drones in each."""

    def make(side: int = 2, no_fly: tuple[Box, ...] = (), **limits: float) -> Ground:
        edge, drones = 1500.0, []
        beats, docks = [], []
        for n in range(side * side):
            west, south = edge * (n % side), edge * (n // side)
            area = ring((west, south, west + edge, south + edge))
            beats.append({"id": f"b{n}", "name": "B", "district": "d", "area": area, "cell_m": 300})
            place = FRAME.to_lonlat(west + 700, south + 700)
            docks.append({"id": f"k{n}", "position": tuple(place)})
            drones += [
                {
                    "id": f"v{2 * n + i}", "dock": f"k{n}", "system_id": 2 * n + i + 1,
                    "mavlink": f"udpin://0.0.0.0:{14540 + 2 * n + i}", "cruise_m_s": 15,
                }
                for i in range(2)
            ]  # fmt: skip
        all_of_it = (-500.0, -500.0, edge * side + 500, edge * side + 500)
        zones = [{"id": "fence", "kind": "fence", "area": ring(all_of_it)}]
        zones += [
            {"id": f"z{n}", "kind": "no_fly", "area": ring(box)} for n, box in enumerate(no_fly)
        ]
        return ground_of(
            City.model_validate(
                {
                    "city": {"name": "Town", "origin": ORIGIN},
                    "broker": {"url": "mqtt://127.0.0.1:1883"},
                    "limits": {"max_airborne": 100, **limits},
                    "districts": [{"id": "d", "name": "D", "area": ring(all_of_it)}],
                    "beats": beats,
                    "docks": docks,
                    "drones": drones,
                    "zones": zones,
                }
            )
        )

    return make


@pytest.fixture(scope="session")
def docked() -> Callable[..., DroneNow]:
    """Return a drone in its dock."""

    def make(ground: Ground, drone: str, percent: float = 100.0) -> DroneNow:
        dock = ground.drones[drone].dock
        return DroneNow(drone, dock, Doing.DOCKED, percent, ground.places[dock])

    return make


@pytest.fixture(scope="session")
def flying() -> Callable[..., DroneNow]:
    """Return a drone in the air."""

    def make(
        ground: Ground,
        drone: str,
        place: Metres,
        *,
        doing: Doing = Doing.PATROL,
        percent: float = 80.0,
        altitude_m: float = 55.0,
        priority: int = 0,
        left: tuple[str, ...] = (),
    ) -> DroneNow:
        dock = ground.drones[drone].dock
        return DroneNow(drone, dock, doing, percent, place, altitude_m, priority, left=left)

    return make
