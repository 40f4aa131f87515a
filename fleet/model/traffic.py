"""Other aircraft, as a vehicle's ADS-B receiver tells of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Aircraft:
    """One aircraft by its last ADSB_VEHICLE. Degrees, metres above mean sea level, m/s."""

    icao: int
    callsign: str
    at: datetime
    lon: float
    lat: float
    altitude_amsl_m: float
    heading_deg: float | None = None
    speed_m_s: float = 0.0
    climb_m_s: float = 0.0
