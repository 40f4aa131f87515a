"""The battery: what flying takes from it, and what its terminals show."""

from __future__ import annotations

import math

from missions.city import Battery as BatterySpec

CELLS = 12
_FULL_V, _EMPTY_V = 4.05, 3.6
"""Volts a cell at rest, full and empty: PX4's battery simulation has the same two."""
_SAG = 0.06
"""Share of the voltage that is lost at hover power."""
_INDUCED_M_S = 8.0
_KG_PER_W = 1.0 / 170.0
_LIFT_EFFICIENCY = 0.6
_IDLE_W = 8.0
_AVIONICS_ARMED_W = 25.0


class BatteryModel:
    """Charge and power of one vehicle's battery.

    Power follows airspeed: induced power falls as ``1 / sqrt(1 + (v / 8)**2)`` from the hover's,
    parasitic power grows as the cube of airspeed so that the sum at cruise speed is the cruise's
    (momentum theory; Leishman, Principles of Helicopter Aerodynamics, chapters 2 and 5). Climbing
    adds the work against gravity of a mass guessed from the hover power at 170 W/kg.

    Parameters
    ----------
    spec
        Capacity in Wh, hover and cruise power in W.
    cruise_m_s
        Airspeed of the cruise power.
    """

    def __init__(self, spec: BatterySpec, cruise_m_s: float) -> None:
        self.spec = spec
        self.remaining_wh = spec.capacity_wh
        self.power_w = _IDLE_W
        self.charging_w = 0.0
        self.drain_s = 0.0
        """Where more than 0: 100 % lasts this long when armed (PX4's SIM_BAT_DRAIN)."""
        self.floor_percent = 0.0
        """The drain stops here (PX4's SIM_BAT_MIN_PCT)."""
        induced = spec.hover_w / math.sqrt(1.0 + (cruise_m_s / _INDUCED_M_S) ** 2)
        self._parasitic = max(0.0, spec.cruise_w - induced) / cruise_m_s**3
        self._weight_n = spec.hover_w * _KG_PER_W * 9.80665

    @property
    def percent(self) -> float:
        """Charge left, 0 to 100."""
        return 100.0 * self.remaining_wh / self.spec.capacity_wh

    @property
    def voltage_v(self) -> float:
        """Volts at the terminals, under the present load."""
        rest = CELLS * (_EMPTY_V + (_FULL_V - _EMPTY_V) * self.percent / 100.0)
        return rest * (1.0 - _SAG * self.power_w / self.spec.hover_w)

    @property
    def current_a(self) -> float:
        """Amperes drawn (negative while charging)."""
        return (self.power_w - self.charging_w) / self.voltage_v

    @property
    def consumed_mah(self) -> float:
        """Charge taken since full, mAh at the mean of full and empty voltage."""
        used = self.spec.capacity_wh - self.remaining_wh
        return 1000.0 * used / (CELLS * 0.5 * (_FULL_V + _EMPTY_V))

    @property
    def capacity_mah(self) -> float:
        """Capacity, mAh at the mean of full and empty voltage."""
        return 1000.0 * self.spec.capacity_wh / (CELLS * 0.5 * (_FULL_V + _EMPTY_V))

    def flight_power(self, airspeed: float, climb: float) -> float:
        """Return the power in W of flying at an airspeed and a climb rate, both m/s."""
        induced = self.spec.hover_w / math.sqrt(1.0 + (airspeed / _INDUCED_M_S) ** 2)
        work = self._weight_n * climb
        lift = work / _LIFT_EFFICIENCY if work > 0 else max(0.3 * work, -0.15 * self.spec.hover_w)
        return induced + self._parasitic * airspeed**3 + lift

    def set_percent(self, percent: float) -> None:
        """Set the charge."""
        self.remaining_wh = self.spec.capacity_wh * min(100.0, max(0.0, percent)) / 100.0

    def step(self, dt: float, *, armed: bool, flying: bool, airspeed: float, climb: float) -> None:
        """Go on by ``dt`` seconds."""
        if flying:
            self.power_w = self.flight_power(airspeed, climb)
        else:
            self.power_w = _AVIONICS_ARMED_W if armed else _IDLE_W
        if armed and self.drain_s > 0:
            percent = self.percent - 100.0 * dt / self.drain_s
            self.set_percent(max(percent, min(self.floor_percent, self.percent)))
        else:
            self.remaining_wh += (self.charging_w - self.power_w) * dt / 3600.0
            self.remaining_wh = min(max(self.remaining_wh, 0.0), self.spec.capacity_wh)
