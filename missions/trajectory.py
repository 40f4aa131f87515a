"""Where a drone is planned to be, and when: straight ways at constant speed, in four dimensions.

Metres in the city's frame, altitudes above the dock, seconds from a reference that the caller
keeps. A drone may be early or late: what is planned for ``t`` may come true anywhere within
``doubt_s + drift * (t - start)`` seconds of it, both ways. The doubt so grows along the way, as
wind and waiting do make it; a place that is passed is never left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from missions.energy import CALM, Point, PowerModel, Wind, landing_cost, step_cost
from missions.errors import GeometryError
from missions.sortie import Sortie

if TYPE_CHECKING:
    from missions.geo import LocalFrame

Floats = npt.NDArray[np.float64]
TimedPoint = tuple[float, float, float, float]
"""Seconds, east, north, altitude."""


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """Corners of a way, and when each is passed; before the first and after the last it is nowhere.

    Parameters
    ----------
    times
        Seconds, never falling; two or more.
    places
        East, north and altitude at each, metres.
    doubt_s, drift
        By how much it may be early or late at its start, and how much more for each second flown;
        the drift is less than 1.
    """

    times: Floats
    places: Floats
    doubt_s: float = 0.0
    drift: float = 0.0

    @classmethod
    def of(
        cls, points: Iterable[TimedPoint], *, doubt_s: float = 0.0, drift: float = 0.0
    ) -> Trajectory:
        """Return the trajectory through points of (seconds, east, north, altitude).

        Raises
        ------
        GeometryError
            If there are fewer than two, a number is not finite, a time comes before the one ahead
            of it, or the doubt cannot be.
        """
        array = np.asarray(list(points), dtype=np.float64).reshape(-1, 4)
        if len(array) < 2:
            raise GeometryError(f"a trajectory needs two points or more; it has {len(array)}")
        if not np.isfinite(array).all():
            raise GeometryError("a trajectory has a point that is not a finite number")
        steps = np.diff(array[:, 0])
        if (steps < 0).any():
            index = int(np.argmax(steps < 0))
            raise GeometryError(
                f"a trajectory goes back in time: {array[index + 1, 0]:g} s after "
                f"{array[index, 0]:g} s"
            )
        if not (doubt_s >= 0 and 0 <= drift < 1):
            raise GeometryError(
                f"doubt of {doubt_s:g} s growing by {drift:g} a second; allowed are 0 or more, "
                "and 0 to less than 1"
            )
        return cls(array[:, 0].copy(), array[:, 1:].copy(), doubt_s, drift)

    @classmethod
    def of_sortie(
        cls,
        frame: LocalFrame,
        sortie: Sortie,
        start_s: float,
        model: PowerModel,
        wind: Wind = CALM,
        *,
        doubt_s: float = 0.0,
        drift: float = 0.0,
    ) -> Trajectory:
        """Return when a sortie is where: from its pad at ``start_s`` until it is down again.

        Raises
        ------
        PlanError
            If wind does not let the drone fly it.
        """
        steps = []
        for leg in sortie.legs:
            enu = frame.points_to_enu([(w.lon, w.lat) for w in leg.waypoints])
            for (east, north), w in zip(enu, leg.waypoints, strict=True):
                steps.append(
                    (Point(float(east), float(north), w.altitude_m, w.hold_s), leg.speed_m_s)
                )
        return cls.of(_passed(steps, start_s, model, wind), doubt_s=doubt_s, drift=drift)

    def later(self, seconds: float) -> Trajectory:
        """Return the same, flown so many seconds later."""
        return Trajectory(self.times + seconds, self.places, self.doubt_s, self.drift)

    @property
    def start_s(self) -> float:
        """When it begins."""
        return float(self.times[0])

    @property
    def end_s(self) -> float:
        """When it ends."""
        return float(self.times[-1])

    def doubt_at(self, seconds: float) -> float:
        """Return by how much it may be early or late where it is planned to be at a time."""
        return self.doubt_s + self.drift * (seconds - self.start_s)

    def at(self, seconds: float) -> tuple[float, float, float] | None:
        """Return where it is planned to be at a time; None before its start and after its end."""
        if not self.start_s <= seconds <= self.end_s:
            return None
        east, north, up = (
            float(np.interp(seconds, self.times, self.places[:, axis])) for axis in range(3)
        )
        return east, north, up


def passed(
    here: Point,
    steps: Iterable[tuple[Point, float]],
    start_s: float,
    model: PowerModel,
    wind: Wind = CALM,
) -> list[TimedPoint]:
    """Return when each point of a way is reached, and left where the drone holds there.

    Parameters
    ----------
    here
        Where it is at ``start_s``.
    steps
        The points after it, and how fast each is flown to, m/s.
    start_s
        Seconds.
    model, wind
        Of the drone; mean wind.

    Raises
    ------
    PlanError
        If wind does not let the drone fly it.
    """
    now = start_s
    found: list[TimedPoint] = [(now, here.east, here.north, here.altitude_m)]
    for point, speed in steps:
        now += step_cost(here, point, speed, model, wind).duration_s - point.hold_s
        found.append((now, point.east, point.north, point.altitude_m))
        if point.hold_s > 0:
            now += point.hold_s
            found.append((now, point.east, point.north, point.altitude_m))
        here = point
    return found


def _passed(
    steps: Sequence[tuple[Point, float]], start_s: float, model: PowerModel, wind: Wind
) -> list[TimedPoint]:
    """Return when each point of a sortie is reached and left, its pad first and last."""
    first, last = steps[0][0], steps[-1][0]
    found = passed(Point(first.east, first.north, 0.0), steps, start_s, model, wind)
    down_s = landing_cost(last.altitude_m, model, wind).duration_s
    return [*found, (found[-1][0] + down_s, last.east, last.north, 0.0)]
