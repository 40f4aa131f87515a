"""A drone in its dock with nothing against its taking off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from fleet.flight.checks import Situation
from fleet.flight.flier import Flier
from fleet.flight.policy import Policy
from fleet.model.live import DockLive, Telemetry
from fleet.model.states import DoorState, DroneState
from missions.city import Battery, Drone, Limits
from missions.geo import LocalFrame
from missions.sortie import Leg, LegKind, Sortie, SortieEnergy, Waypoint

PAD = (117.65, 24.51)
FRAME = LocalFrame(*PAD)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
GROUND_M = 20.0


class Ready:
    """A situation in which every check passes, and what may be spoilt in it."""

    now = NOW
    pad = PAD

    def __init__(self) -> None:
        self.situation = Situation(
            drone=Drone(
                id="a1",
                dock="d1",
                system_id=1,
                mavlink="udpin://0.0.0.0:1",
                battery=Battery(capacity_wh=100),
            ),
            pad=PAD,
            sortie=self.sortie([(0, 0), (500, 0)]),
            telemetry=self.heard(0, 0, 0, in_air=False, armed=False),
            dock=DockLive(
                id="d1",
                online=True,
                door=DoorState.CLOSED,
                clear=True,
                wind_m_s=2,
                rain_mm_h=0,
                temperature_c=25,
                at=NOW,
            ),
            gate_holder=None,
            limits=Limits(),
            policy=Policy(),
            now=NOW,
            ground_amsl_m=GROUND_M,
        )

    def sortie(
        self,
        way: list[tuple[float, float]],
        altitude: float = 40.0,
        drone: str = "a1",
        dock: str = "d1",
    ) -> Sortie:
        """Return a sortie along (east, north) in metres from the pad."""
        points = tuple(Waypoint(*FRAME.to_lonlat(*place), altitude) for place in way)
        legs = (Leg(LegKind.TAKEOFF, points[:1], 10.0), Leg(LegKind.SURVEY, points, 10.0))
        energy = SortieEnergy(1, 1, 30, 25, 100)
        return Sortie(f"{drone}-1", "o", drone, dock, *PAD, altitude, legs, energy)

    def heard(self, east: float, north: float, altitude: float, **fields: Any) -> Telemetry:
        lon, lat = FRAME.to_lonlat(east, north)
        told = {
            "at": NOW,
            "connected": True,
            "lon": lon,
            "lat": lat,
            "altitude_m": altitude,
            "altitude_amsl_m": altitude + GROUND_M,
            "home_lon": PAD[0],
            "home_lat": PAD[1],
            "gps_fix": 3,
            "battery_percent": 90.0,
            "armable": True,
            "in_air": True,
            "armed": True,
        }
        return Telemetry.model_validate(told | fields)

    def flier(self, east: float, north: float, altitude: float, **fields: Any) -> Flier:
        """Return a2 in the air, bound for this dock; fields of a flier, or of what is heard of it."""
        known = {name: fields.pop(name) for name in ("state", "way", "unheard_s") if name in fields}
        t = self.heard(east, north, altitude, **fields)
        given = {"state": DroneState.ON_WAY, "pads": frozenset({PAD})} | known
        return Flier(drone="a2", telemetry=t, speed_m_s=12.0, **given)

    def points(self, *way: tuple[float, float], altitude: float = 40.0, hold_s: float = 0.0) -> Any:
        """Return waypoints at (east, north) in metres from the pad."""
        return tuple(Waypoint(*FRAME.to_lonlat(*at), altitude, hold_s) for at in way)

    def told(self, **fields: Any) -> Situation:
        changed = self.situation.telemetry.model_copy(update=fields)
        return replace(self.situation, telemetry=changed)

    def docked(self, **fields: Any) -> Situation:
        return replace(self.situation, dock=self.situation.dock.model_copy(update=fields))

    def but(self, **fields: Any) -> Situation:
        return replace(self.situation, **fields)


@pytest.fixture
def ready() -> Callable[[], Ready]:
    return Ready
