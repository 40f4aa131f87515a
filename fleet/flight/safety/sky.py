"""Where every drone of the city is: the picture that separation is judged by.

It is kept by the controller, which puts each vehicle's word in as it comes, and asked at every
change of any of them. So drones lie in a grid, and only those near enough to matter are looked at.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from fleet.flight.column import RADIUS_M
from fleet.flight.safety.flat import Flat
from fleet.flight.safety.standing import DEAF, standing
from fleet.model.live import Telemetry
from fleet.model.states import DroneState

S = DroneState

CELL_M = 500.0
"""Two drones at 30 m/s each, head on, cover 390 m in the 6.5 s that are looked ahead."""
JUMP_M = 25.0
JUMP_S = 1.5
"""A position is a jump where it is farther than ``JUMP_M`` and ``JUMP_S`` of flight from where the
last one and the speed put it: telemetry may come that much late."""
JUMPS_KEPT_S = 30.0
TOP_M = 2.0
"""A drone this little below its transit altitude has left its dock's column."""
_BY_GATE = frozenset({S.TAKING_OFF, S.ON_WAY, S.RETURNING, S.LANDING, S.CLOSING})
"""States in which the gate orders who is in a column. A pilot may send a drone there without it,
and so may an autopilot by itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Mover:
    """A drone in the air, as others see it. Metres in the sky's plane and m/s; up is positive.

    ``height_m`` is above mean sea level: the drone's own altitude above home, which its
    barometer holds to a metre, on the known ground of that home. None where it is not told.
    """

    drone: str
    state: DroneState
    standing: int
    east_m: float
    north_m: float
    height_m: float | None
    height_or_nan: float
    """The same, for comparing many."""
    speed_m_s: float
    """Horizontal."""
    velocity_east_m_s: float
    velocity_north_m_s: float
    velocity_up_m_s: float
    heard_s: float
    """Monotonic time of its last word."""
    in_column: bool
    """Over its own dock and below its transit altitude, in a state in which the gate keeps order."""
    jumps: tuple[float, ...] = ()
    """Monotonic times at which its position jumped, of the last ``JUMPS_KEPT_S``."""


class Sky:
    """Every drone that is in the air, or was when last heard."""

    def __init__(self) -> None:
        self._flat: Flat | None = None
        self._movers: dict[str, Mover] = {}
        self._cells: dict[tuple[int, int], dict[str, Mover]] = {}

    def put(
        self,
        drone: str,
        state: DroneState,
        telemetry: Telemetry,
        pad: tuple[float, float],
        ground_amsl_m: float,
        top_m: float,
        now_s: float,
    ) -> None:
        """Take a drone's word, at each change of its telemetry or its state.

        One that is on the ground is not in the sky; one that is not heard, or does not tell its
        place any more, stays where it was, with the time of its last word.

        Parameters
        ----------
        pad
            The dock it came from or is bound for (lon, lat).
        ground_amsl_m
            Ground of its home above mean sea level.
        top_m
            Height above home at which it leaves the dock's column: its transit altitude.
        now_s
            Monotonic time.
        """
        t = telemetry
        before = self._movers.get(drone)
        if not t.in_air:
            self._drop(drone)
            return
        if t.lon is None or t.lat is None or not placed(t.lon, t.lat):
            if before is not None:
                # it is still there, and can be told nothing that needs its place
                self._movers[drone] = kept = replace(before, state=state, standing=DEAF)
                self._cells[_cell(kept)][drone] = kept
            return
        if self._flat is None:
            self._flat = Flat.at(pad)
        east, north = self._flat.to(t.lon, t.lat)
        pad_east, pad_north = self._flat.to(*pad)
        altitude = math.nan if t.altitude_m is None else t.altitude_m
        height = altitude + ground_amsl_m
        v_east, v_north = finite(t.velocity_east_m_s), finite(t.velocity_north_m_s)
        low = altitude < top_m - TOP_M and state in _BY_GATE
        heard_s = now_s if t.connected or before is None else before.heard_s
        mover = Mover(
            drone=drone,
            state=state,
            standing=standing(state, t.mode, t.connected),
            east_m=east,
            north_m=north,
            height_m=height if math.isfinite(height) else None,
            height_or_nan=height if math.isfinite(height) else math.nan,
            speed_m_s=math.hypot(v_east, v_north),
            velocity_east_m_s=v_east,
            velocity_north_m_s=v_north,
            velocity_up_m_s=-finite(t.velocity_down_m_s),
            heard_s=heard_s,
            in_column=low and math.hypot(east - pad_east, north - pad_north) < RADIUS_M,
            jumps=_jumps(before, east, north, now_s),
        )
        cell = (int(east // CELL_M), int(north // CELL_M))
        if before is not None and _cell(before) != cell:
            self._drop(drone)
        self._movers[drone] = mover
        self._cells.setdefault(cell, {})[drone] = mover

    def of(self, drone: str) -> Mover | None:
        """Return a drone that is in the air."""
        return self._movers.get(drone)

    def near(self, mover: Mover) -> list[Mover]:
        """Return the others within ``CELL_M`` of a drone, and some that are farther."""
        return [m for m in self.around(mover.east_m, mover.north_m) if m is not mover]

    def around(self, east_m: float, north_m: float) -> list[Mover]:
        """Return who is within ``CELL_M`` of a place in the sky's plane, and some farther."""
        column, row = int(east_m // CELL_M), int(north_m // CELL_M)
        cells = self._cells
        found: list[Mover] = []
        for x in (column - 1, column, column + 1):
            for y in (row - 1, row, row + 1):
                cell = cells.get((x, y))
                if cell is not None:
                    found += cell.values()
        return found

    def at(self, lon: float, lat: float) -> tuple[float, float] | None:
        """Return (east, north) of a position in the sky's plane; None while it has none."""
        return None if self._flat is None else self._flat.to(lon, lat)

    def position(self, mover: Mover) -> tuple[float, float] | None:
        """Return where a drone of this sky is (lon, lat)."""
        flat = self._flat
        if flat is None:
            return None
        return flat.lon + mover.east_m / flat.east_m, flat.lat + mover.north_m / flat.north_m

    def __iter__(self) -> Iterator[Mover]:
        """Yield every drone in the air."""
        return iter(self._movers.values())

    def __len__(self) -> int:
        """Return how many drones are in the air."""
        return len(self._movers)

    def _drop(self, drone: str) -> None:
        mover = self._movers.pop(drone, None)
        if mover is None:
            return
        key = _cell(mover)
        cell = self._cells[key]
        del cell[drone]
        if not cell:
            del self._cells[key]


def finite(value: float) -> float:
    """Return a number, 0 in place of one that is none."""
    return value if math.isfinite(value) else 0.0


def placed(lon: float, lat: float) -> bool:
    """Whether a position can be one: in range, and not the (0, 0) of a receiver that has none."""
    on_earth = -180.0 <= lon <= 180.0 and -90.0 <= lat <= 90.0  # false for NaN
    return on_earth and not (abs(lon) < 1e-3 and abs(lat) < 1e-3)


def _cell(mover: Mover) -> tuple[int, int]:
    return int(mover.east_m // CELL_M), int(mover.north_m // CELL_M)


def _jumps(before: Mover | None, east: float, north: float, now_s: float) -> tuple[float, ...]:
    if before is None:
        return ()
    jumps = before.jumps
    if jumps and jumps[0] < now_s - JUMPS_KEPT_S:
        jumps = tuple(at for at in jumps if at >= now_s - JUMPS_KEPT_S)
    passed = now_s - before.heard_s
    if passed > JUMP_S:
        return jumps  # was away: where it is now is news, not a jump
    away_east = east - before.east_m - before.velocity_east_m_s * passed
    away_north = north - before.north_m - before.velocity_north_m_s * passed
    speed = math.hypot(before.velocity_east_m_s, before.velocity_north_m_s)
    if math.hypot(away_east, away_north) > JUMP_M + JUMP_S * speed:
        return (*jumps, now_s)
    return jumps
