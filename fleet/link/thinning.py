"""Which packets mavsdk needs to see. Pure.

A vehicle sends some 400 a second. Nearly all are measurements, which the tap keeps the last of;
mavsdk has use for the answers to what it asked, and for little else. Every packet that it is given
costs it a parse and a look through all its subscribers, so it is given few.
"""

from __future__ import annotations

from collections.abc import Mapping

from fleet.link.frames import Frame
from fleet.link.wire import target

MEASURED_HZ = 0.2
"""A measurement that a plugin might look at."""

_NEVER = frozenset(
    {
        4,
        29,
        31,
        36,
        62,
        83,
        84,
        85,
        87,
        105,
        106,
        111,
        132,
        140,
        141,
        147,
        230,
        231,
        241,
        253,
        290,
        291,
    }
    | {331, 340, 375, 380, 385, 410, 411, 12900, 12901, 12902, 12903, 12904, 12905, 12915}
)
"""Raw sensors, actuators, setpoints, odometry, tunnels, remote identification; pings and clocks, which
mavsdk would answer for nobody's use; and events, whose texts come as STATUSTEXT too."""
_SELDOM = frozenset({1, 2, 8, 24, 30, 32, 33, 42, 46, 65, 74, 242, 245, 246, 265, 284, 285, 436})
"""Measurements, and what the tap reads itself."""

ALLOWED: Mapping[int, float | None] = dict.fromkeys(_NEVER, 0.0) | dict.fromkeys(
    _SELDOM, MEASURED_HZ
)
"""Most a second by message id: 0 is none; whatever is not here goes on without a limit."""


class Thinning:
    """Picks what of one vehicle's packets goes on to mavsdk.

    Parameters
    ----------
    station
        System id that mavsdk speaks as: answers to another ground station are not for it.
    allowed
        Most a second by message id, as ``ALLOWED``.
    """

    def __init__(self, station: int, allowed: Mapping[int, float | None] = ALLOWED) -> None:
        self._for = (0, station)
        self._every = {
            number: (1.0 / hz if hz else None) for number, hz in allowed.items() if hz is not None
        }
        self._due: dict[tuple[int, int], float] = {}

    def pick(self, frames: list[Frame], now: float) -> list[bytes]:
        """Return the packets that go on, in the order they came. ``now`` is monotonic seconds."""
        every, picked = self._every, []
        for frame in frames:
            if frame.message in every:
                interval = every[frame.message]
                if interval is None:
                    continue
                key = (frame.component, frame.message)
                if now < self._due.get(key, 0.0):
                    continue
                self._due[key] = now + interval
            elif target(frame.raw) not in self._for:
                continue
            picked.append(frame.raw)
        return picked
