"""Commands and other messages in the form that mavsdk's MavlinkDirect sends."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from mavsdk.plugins.mavlink_direct import MavlinkMessage

from fleet.link.items import FRAME_GLOBAL_INT, degrees_e7
from fleet.link.wire import AUTOPILOT

NAN = math.nan


@dataclass(frozen=True, slots=True)
class Place:
    """A position: degrees, and metres above mean sea level."""

    lat: float
    lon: float
    amsl_m: float


@dataclass(frozen=True, slots=True)
class Command:
    """A MAV_CMD with its parameters 1 to 4 (or to 7), and the place that makes it a COMMAND_INT.

    Parameters that are not given are NaN at a place, else 0.
    """

    number: int
    params: tuple[float, ...] = ()
    place: Place | None = None

    def message(self, system_id: int) -> MavlinkMessage:
        """Return it as a message to the autopilot of a system."""
        place, given = self.place, self.params
        filled = (*given, *(NAN,) * (4 - len(given))) if place else (*given, *(0.0,) * 7)[:7]
        fields: dict[str, Any] = {f"param{n}": value for n, value in enumerate(filled, 1)}
        fields["command"] = self.number
        if place is None:
            return message("COMMAND_LONG", system_id, confirmation=0, **fields)
        x, y, z = degrees_e7(place.lat), degrees_e7(place.lon), place.amsl_m
        return message("COMMAND_INT", system_id, frame=FRAME_GLOBAL_INT, x=x, y=y, z=z, **fields)


def message(name: str, system_id: int, **fields: Any) -> MavlinkMessage:
    """Return a message to the autopilot of a system; fields that are not given are 0."""
    fields |= {"target_system": system_id, "target_component": AUTOPILOT}
    # mavsdk knows no NaN in JSON, and takes null for it
    plain = {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in fields.items()
    }
    return MavlinkMessage(name, 0, 0, system_id, AUTOPILOT, json.dumps(plain))
