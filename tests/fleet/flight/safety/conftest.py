"""One drone at one moment, as the safety monitor sees it, and time that passes when it is told to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleet.flight.policy import Policy
from fleet.flight.safety import Fence, Memory, Sky, Verdict, View, judge
from fleet.flight.word import Word
from fleet.model.live import DockLive, Telemetry
from fleet.model.states import DoorState, DroneState
from fleet.model.traffic import Aircraft
from missions.city import Drone, Limits
from missions.geo import LocalFrame
from missions.sortie import Leg, LegKind, Sortie, SortieEnergy, Waypoint

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
PAD = (117.65, 24.51)
FRAME = LocalFrame(*PAD)
GROUND_M = 20.0
DRONE = Drone(id="a1", dock="d1", system_id=1, mavlink="udpin://0.0.0.0:1", cruise_m_s=18.0)
"""Fast enough to come home against a wind that is over the limit."""
S = DroneState


def square(half_m: float) -> tuple[tuple[float, float], ...]:
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return tuple(FRAME.to_lonlat(e * half_m, n * half_m) for e, n in corners)


class Scene:
    """A drone 300 m from its dock on its mission, quiet; ``fields`` of the view to be changed."""

    def __init__(self, state: DroneState) -> None:
        self.state = state
        self.time_s = 1000.0
        self.memory = Memory(lambda: self.time_s)
        self.sky = Sky()
        self.others: dict[str, tuple[DroneState, Telemetry]] = {}
        self.grounded = state in {S.DOCKED, S.CHECKING, S.OPENING, S.CLOSING, S.CHARGING}
        self.telemetry = self.heard(
            0.0 if self.grounded else 300.0, 0.0, 0.0 if self.grounded else 55.0
        )
        if self.grounded:
            self.telemetry = self.telemetry.model_copy(
                update={"in_air": False, "armed": False, "mode": "HOLD"}
            )
        if state is S.RETURNING:
            self.fly(mode="RETURN_TO_LAUNCH")
        if state in {S.HELD, S.AVOIDING}:
            self.fly(mode="HOLD")
        self.dock = DockLive(
            id="d1",
            online=True,
            door=DoorState.CLOSED,
            clear=True,
            wind_m_s=2.0,
            rain_mm_h=0.0,
        )
        self.dock_silent = timedelta()
        self.aircraft: list[Aircraft] = []
        self.fields: dict[str, Any] = {"fence": Fence(square(1000.0))}

    @property
    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.time_s)

    def heard(self, east: float, north: float, altitude: float, **fields: Any) -> Telemetry:
        """Return the word of a drone that flies its mission at a place, metres from the pad."""
        lon, lat = FRAME.to_lonlat(east, north)
        told = {
            "at": self.now,
            "connected": True,
            "lon": lon,
            "lat": lat,
            "altitude_m": altitude,
            "altitude_amsl_m": altitude + GROUND_M,
            "battery_percent": 80.0,
            "mode": "MISSION",
            "armed": True,
            "in_air": True,
            "gps_fix": 3,
            "satellites": 14,
            "roll_deg": 2.0,
            "pitch_deg": -8.0,
        }
        return Telemetry.model_validate(told | fields)

    def fly(self, **fields: Any) -> Scene:
        self.telemetry = self.telemetry.model_copy(update=fields)
        return self

    def at(self, east: float, north: float, altitude: float) -> Scene:
        """Put the drone somewhere else, metres from its pad."""
        lon, lat = FRAME.to_lonlat(east, north)
        return self.fly(lon=lon, lat=lat, altitude_m=altitude, altitude_amsl_m=altitude + GROUND_M)

    def docked(self, **fields: Any) -> Scene:
        self.dock = self.dock.model_copy(update=fields)
        return self

    def see(self, **fields: Any) -> Scene:
        self.fields |= fields
        return self

    def say(self, action: Any, reason: str = "by wang") -> Scene:
        return self.see(word=Word(action, reason))

    def other(
        self,
        east: float,
        north: float,
        altitude: float,
        state: DroneState = S.ON_TASK,
        **fields: Any,
    ) -> Scene:
        """Put drone ``b1`` (or ``name``) at a place, metres from the pad."""
        name = fields.pop("name", "b1")
        self.others[name] = (state, self.heard(east, north, altitude, **fields))
        return self

    def traffic(self, east: float, north: float, altitude_amsl: float, **fields: Any) -> Scene:
        """Put an aircraft at a place, metres from the pad."""
        lon, lat = FRAME.to_lonlat(east, north)
        told: dict[str, Any] = {
            "icao": 0x780ABC,
            "callsign": "B7000",
            "at": self.now,
            "lon": lon,
            "lat": lat,
            "altitude_amsl_m": altitude_amsl,
            "heading_deg": 0.0,
        }
        self.aircraft.append(Aircraft(**(told | fields)))
        return self

    def view(self) -> View:
        top_m = float(self.fields.get("transit_altitude_m", 55.0))
        for name, (state, told) in {**self.others, "a1": (self.state, self.telemetry)}.items():
            self.sky.put(name, state, told, PAD, GROUND_M, top_m, self.time_s)
        fields: dict[str, Any] = {
            "state": self.state,
            "drone": DRONE,
            "pad": PAD,
            "telemetry": self.telemetry,
            "dock": self.dock.model_copy(update={"at": self.now - self.dock_silent}),
            "limits": Limits(),
            "policy": Policy(),
            "word": None,
            "commanding": False,
            "transit_altitude_m": 55.0,
            "at_end": False,
            "lasting": self.memory.lasting,
            "mean": self.memory.mean,
            "now": self.now,
            "now_s": self.time_s,
            "sky": self.sky,
            "aircraft": tuple(self.aircraft),
            "ground_amsl_m": GROUND_M,
        }
        return View(**(fields | self.fields))

    def judge(self) -> Verdict:
        return judge(self.view())

    def after(self, seconds: float) -> Verdict:
        """Let time pass with nothing changed, judged ten times a second; return the last verdict."""
        verdict = self.judge()
        for _ in range(round(seconds * 10)):
            self.time_s += 0.1
            verdict = self.judge()
        return verdict


@pytest.fixture
def scene() -> Callable[[DroneState], Scene]:
    return Scene


@pytest.fixture(scope="session")
def scene_class() -> type[Scene]:
    return Scene


@pytest.fixture
def make_sortie() -> Callable[..., Sortie]:
    def make(**fields: Any) -> Sortie:
        leg = Leg(LegKind.TAKEOFF, (Waypoint(*PAD, 40.0),), 10.0)
        energy = SortieEnergy(1, 1, 30, 25, 100)
        sortie = Sortie("s", "o", "a1", "d1", *PAD, 40.0, (leg,), energy)
        return replace(sortie, **fields)

    return make
