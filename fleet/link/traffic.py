"""Other aircraft near a vehicle, from the ADSB_VEHICLE that its receiver tells of. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from fleet.link.port import TRAFFIC_S
from fleet.link.wire import GLOBAL_POSITION_INT, fields, message_id
from fleet.model.traffic import Aircraft

MOST = 64
"""Aircraft kept; the one not heard for longest makes room."""

_COORDINATES, _ALTITUDE, _HEADING, _VELOCITY, _CALLSIGN, _CLIMB = 1, 2, 4, 8, 16, 128
"""ADSB_FLAGS: which fields are valid."""


class Traffic:
    """The aircraft that one vehicle's receiver hears."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[float, Aircraft]] = {}

    def hear(
        self, raw: bytes, at: datetime, now: float, own_amsl_m: float | None
    ) -> Aircraft | None:
        """Take one ADSB_VEHICLE frame; return the aircraft whose place it told.

        An aircraft that tells no altitude is taken to be at the vehicle's own: the one answer that
        is never too bold. One without a place is left out.

        Parameters
        ----------
        raw
            The frame.
        at, now
            When it came: wall time, and monotonic seconds.
        own_amsl_m
            The vehicle's altitude above mean sea level, where known.
        """
        icao, lat, lon, altitude, heading, speed, climb, flags, _, _, name, _, age = fields(raw)
        if not flags & _COORDINATES or not (abs(lat) <= 900_000_000 and abs(lon) <= 1_800_000_000):
            return None
        amsl = altitude / 1000 if flags & _ALTITUDE else own_amsl_m
        if amsl is None or age > TRAFFIC_S:
            return None
        callsign = name.split(b"\0", 1)[0].decode("ascii", errors="replace").strip()
        aircraft = Aircraft(
            icao=icao,
            callsign=callsign if flags & _CALLSIGN and callsign.isprintable() else "",
            at=at - timedelta(seconds=age),
            lon=lon / 1e7,
            lat=lat / 1e7,
            altitude_amsl_m=amsl,
            heading_deg=heading / 100 % 360 if flags & _HEADING else None,
            speed_m_s=speed / 100 if flags & _VELOCITY else 0.0,
            climb_m_s=climb / 100 if flags & (_CLIMB | _VELOCITY) else 0.0,
        )
        self._seen.pop(icao, None)
        self._seen[icao] = (now - age, aircraft)
        while len(self._seen) > MOST:
            del self._seen[next(iter(self._seen))]
        return aircraft

    def aircraft(self, now: float) -> tuple[Aircraft, ...]:
        """Return those heard of in the last ``TRAFFIC_S``."""
        if not self._seen:
            return ()
        for icao in [i for i, (heard, _) in self._seen.items() if now - heard > TRAFFIC_S]:
            del self._seen[icao]
        return tuple(aircraft for _, aircraft in self._seen.values())


def amsl_of(raw: bytes | None) -> float | None:
    """Return the altitude above mean sea level in a GLOBAL_POSITION_INT, where there is one."""
    if raw is None or message_id(raw) != GLOBAL_POSITION_INT:
        return None
    return float(fields(raw)[3]) / 1000
