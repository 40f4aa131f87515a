"""Landing by sight: which sightings of a marker the vehicle is told, and what is said of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime

from fleet.link.port import DroneLink, LandingTarget

FRESH_S = 1.0
"""An older one is not passed on: the link knows no longer where the vehicle was then. Up to this
age it matters little, since the marker lies still and is told by its own place."""
AHEAD_S = 0.2
"""A worker's clock may be so much ahead of ours."""
BLIND_S = 3.0
"""With none seen for so long the drone lands without: by itself PX4 would climb after 5 s, to search."""
SURE, SURE_S = 3, 3.0
"""A marker is seen where it was so often within so long."""
FARTHEST_M = 30.0
"""A marker on a pad is not seen from farther away: it is a mistake."""


class Sight:
    """The sightings of one drone's landing.

    Parameters
    ----------
    link
        Takes those that are good.
    now
        Time in UTC.
    """

    def __init__(self, link: DroneLink, now: Callable[[], datetime]) -> None:
        self._link = link
        self._now = now
        self._began: datetime | None = None
        self._last: datetime | None = None
        self._seen: deque[datetime] = deque(maxlen=SURE)

    def begin(self) -> None:
        """Begin a landing: from now on sightings are passed on."""
        self._began, self._last = self._now(), None
        self._seen.clear()

    def end(self) -> None:
        """End it."""
        self._began = None

    def take(self, target: LandingTarget) -> str | None:
        """Pass a sighting to the vehicle; return why not, where it is not."""
        if self._began is None:
            return "the drone is not landing"
        age = (self._now() - target.captured_at).total_seconds()
        if not -AHEAD_S <= age <= FRESH_S:
            return f"captured {age:.2f} s ago; {FRESH_S:g} s are allowed"
        if self._last is not None and target.captured_at <= self._last:
            return "not newer than the last one"
        offsets = (target.north_m, target.east_m, target.down_m)
        if not all(abs(m) <= FARTHEST_M for m in offsets) or target.down_m < 0:
            return (
                f"marker at {target.north_m:.1f} m north, {target.east_m:.1f} m east and "
                f"{target.down_m:.1f} m down is not on the pad"
            )
        self._last = target.captured_at
        self._seen.append(target.captured_at)
        self._link.show_target(target)
        return None

    def sees(self) -> bool:
        """Whether the marker is in sight: seen several times in the last moments."""
        if self._began is None or len(self._seen) < SURE:
            return False
        return (self._now() - self._seen[0]).total_seconds() <= SURE_S

    def lost(self) -> bool:
        """Whether the marker is no more in sight: not seen at all in the last moments."""
        if self._began is None:
            return False
        return (self._now() - (self._last or self._began)).total_seconds() > BLIND_S


def bare(reason: str) -> str:
    """Return a reason without what was said of the marker."""
    for words in ("; lands ", "; no marker", "; looks for"):
        reason = reason.split(words)[0]
    return reason
