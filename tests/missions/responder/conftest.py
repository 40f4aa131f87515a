"""Cities of any size for the responder: a square of beats, docks spread over it, two drones each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from missions.city import City
from missions.geo import LocalFrame
from missions.ground import Ground, ground_of
from missions.picture import Doing, DroneNow
from missions.tracks import Metres

ORIGIN = (117.65, 24.51)
FRAME = LocalFrame(*ORIGIN)
NOW = datetime(2025, 5, 1, 12, tzinfo=UTC)

Box = tuple[float, float, float, float]


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
