"""Other aircraft: ADSB_VEHICLE as a receiver on board puts it out."""

from __future__ import annotations

from typing import Any

from pymavlink.dialects.v20 import common as mav

from sitl.autopilot.port import Aircraft
from sitl.errors import VehicleError

_VALID = 1 | 2 | 4 | 8 | 16
"""ADSB_FLAGS: coordinates, altitude, heading, velocity, callsign."""
_EMITTER_LIGHT = 1
_GEOMETRIC = 1
_CALLSIGN = 8


def adsb_vehicle(aircraft: Aircraft) -> Any:
    """Return the ADSB_VEHICLE of an aircraft.

    Raises
    ------
    VehicleError
        If the callsign has more than 8 characters, or the place is not on the earth.
    """
    name = aircraft.callsign.encode("ascii", "replace")
    if len(name) > _CALLSIGN:
        raise VehicleError(f"callsign {aircraft.callsign!r}: at most {_CALLSIGN} characters")
    if not (abs(aircraft.lat) <= 90.0 and abs(aircraft.lon) <= 180.0):
        raise VehicleError(f"an aircraft at {aircraft.lon!r}, {aircraft.lat!r}: not on the earth")
    return mav.MAVLink_adsb_vehicle_message(
        aircraft.icao,
        round(aircraft.lat * 1e7),
        round(aircraft.lon * 1e7),
        _GEOMETRIC,
        round(aircraft.altitude_amsl_m * 1000.0),
        round(aircraft.heading_deg % 360.0 * 100.0) % 36000,
        round(aircraft.speed_m_s * 100.0),
        round(aircraft.climb_m_s * 100.0),
        name,
        _EMITTER_LIGHT,
        1,
        _VALID,
        0,
    )
