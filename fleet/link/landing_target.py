"""LANDING_TARGET from where a marker was seen, and where the vehicle was then."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from itertools import pairwise
from typing import Any

from pymavlink.dialects.v20 import development as mav

from fleet.link.port import LandingTarget
from fleet.model.live import Telemetry

KEPT = 50
"""Places kept: some seconds at the rate of refreshing."""
LATE_S = 1.0
"""A sighting this much older than the oldest place, or younger than the last, tells nothing."""

Ned = tuple[float, float, float]


class Track:
    """Where the vehicle was lately, in the autopilot's own local frame."""

    def __init__(self) -> None:
        self._places: deque[tuple[datetime, Ned]] = deque(maxlen=KEPT)

    def add(self, telemetry: Telemetry) -> None:
        """Keep a place where there is one."""
        t = telemetry
        if t.local_north_m is None or t.local_east_m is None or t.local_down_m is None:
            self._places.clear()  # an estimator that starts anew has a frame of its own
            return
        last = self._places[-1][0] if self._places else None
        if last is not None and t.at < last:
            self._places.clear()  # this machine's clock was set back
        if last != t.at:
            self._places.append((t.at, (t.local_north_m, t.local_east_m, t.local_down_m)))

    def at(self, when: datetime) -> Ned | None:
        """Return where it was at a time, between two places by a straight line; None if unknown."""
        if not self._places:
            return None
        first, last = self._places[0], self._places[-1]
        if when <= first[0] or when >= last[0]:
            near = first if when <= first[0] else last
            return near[1] if abs((when - near[0]).total_seconds()) <= LATE_S else None
        for (before, a), (after, b) in pairwise(self._places):
            if before <= when <= after:
                share = (when - before).total_seconds() / (after - before).total_seconds()
                n, e, d = (p + share * (q - p) for p, q in zip(a, b, strict=True))
                return n, e, d
        return None


def landing_target(target: LandingTarget, place: Ned) -> Any:
    """Return the LANDING_TARGET that PX4 takes: the marker's place in its local frame (NED, m).

    Parameters
    ----------
    target
        Where the marker is, from the vehicle.
    place
        Where the vehicle was when it was seen.
    """
    north, east, down = (
        place[0] + target.north_m,
        place[1] + target.east_m,
        place[2] + target.down_m,
    )
    away = (target.north_m**2 + target.east_m**2 + target.down_m**2) ** 0.5
    return mav.MAVLink_landing_target_message(
        int(target.captured_at.timestamp() * 1e6),
        0,
        mav.MAV_FRAME_LOCAL_NED,  # the only one that PX4 takes
        0.0,
        0.0,
        away,
        0.0,
        0.0,
        north,
        east,
        down,
        (1.0, 0.0, 0.0, 0.0),
        mav.LANDING_TARGET_TYPE_VISION_FIDUCIAL,
        1,
    )
