"""What all parts of one embedded vehicle share: its state, and how it speaks to its links."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from missions.city import Battery as BatterySpec
from sitl.autopilot.battery import CELLS, BatteryModel
from sitl.autopilot.estimator import Estimator
from sitl.autopilot.frame import HomeFrame
from sitl.autopilot.gimbal import Gimbal
from sitl.autopilot.modes import Mode
from sitl.autopilot.params import FLEET_PARAMS, Params
from sitl.autopilot.physics import Body, Limits
from sitl.autopilot.plan import Plan
from sitl.autopilot.port import Fault
from sitl.autopilot.wind import Wind, WindSpec

EMERGENCY, ALERT, CRITICAL, ERROR, WARNING, NOTICE, INFO = range(7)
"""MAV_SEVERITY."""

GROUND, AIR, TAKING_OFF, LANDING = 1, 2, 3, 4
"""MAV_LANDED_STATE."""


@dataclass(frozen=True, slots=True)
class LandingTarget:
    """Where a marker is: metres north, east and down of the local origin, and when it was said."""

    north: float
    east: float
    down: float
    at: float


@dataclass(frozen=True, slots=True)
class VehicleSpec:
    """What one embedded vehicle is made of.

    ``lon``, ``lat`` (degrees) and ``amsl_m`` are where it stands; ``heading_deg`` is from true
    north. ``params`` are PX4 parameters that differ from the table's.
    """

    id: str
    system_id: int
    lon: float
    lat: float
    amsl_m: float
    heading_deg: float = 0.0
    battery: BatterySpec = field(default_factory=BatterySpec)
    cruise_m_s: float = 12.0
    wind: WindSpec = field(default_factory=WindSpec)
    params: Mapping[str, float] | None = None
    seed: int = 0


AUTOPILOT = 1
"""MAV_COMP_ID_AUTOPILOT1."""


class Core:
    """State of one embedded vehicle."""

    def __init__(self, spec: VehicleSpec) -> None:
        self.spec = spec
        self.frame = HomeFrame(spec.lon, spec.lat)
        self.battery = BatteryModel(spec.battery, spec.cruise_m_s)
        self.params = Params(
            {
                **FLEET_PARAMS,
                "MAV_SYS_ID": spec.system_id,
                "SIH_LOC_LAT0": spec.lat,
                "SIH_LOC_LON0": spec.lon,
                "SIH_LOC_H0": spec.amsl_m,
                "BAT1_N_CELLS": CELLS,
                "BAT1_CAPACITY": self.battery.capacity_mah,
                **(spec.params or {}),
            }
        )
        self.body = Body(math.radians(spec.heading_deg))
        self.wind = Wind(spec.wind, spec.seed * 3 + 1)
        self.estimator = Estimator(spec.seed * 3 + 2)
        self.gimbal = Gimbal(self.body.yaw, (spec.system_id, AUTOPILOT))
        self.plan = Plan()
        self.now = 0.0
        """Seconds since boot."""
        self.mode = Mode.HOLD
        """The mode that is flown."""
        self.intended = Mode.HOLD
        """The mode that was asked for; another one is flown while a failsafe acts."""
        self.armed = False
        self.landed = True
        self.crashed = False
        """Whether a motor is gone."""
        self.bound_for: tuple[float, float, float] | None = None
        """Where it is flying to: metres north and east of its start, altitude above home."""
        self.falling = False
        """Whether its motors were stopped in the air."""
        self.landing_target: LandingTarget | None = None
        self.failsafe = False
        self.landed_state = GROUND
        self.home_amsl: float | None = None
        self.home_north = self.home_east = 0.0
        self.home_yaw = self.body.yaw
        self.gcs_lost = False
        self.faults: set[Fault] = set()
        self.say: Callable[[int, str], None] = lambda severity, text: None
        self.retell: Callable[[Any], None] = lambda message: None
        """Sends a message over every link."""
        self._limits: Limits | None = None
        self._limits_version = -1

    @property
    def true_amsl(self) -> float:
        """Metres above mean sea level, really."""
        return self.spec.amsl_m + self.body.up

    @property
    def north(self) -> float:
        """Believed metres north of where it started."""
        return self.body.north + self.estimator.north

    @property
    def east(self) -> float:
        """Believed metres east of where it started."""
        return self.body.east + self.estimator.east

    @property
    def amsl(self) -> float:
        """Believed metres above mean sea level."""
        return self.spec.amsl_m + self.body.up + self.estimator.up

    @property
    def home_alt(self) -> float:
        """Home's altitude above mean sea level; where it started, as long as none is set."""
        return self.spec.amsl_m if self.home_amsl is None else self.home_amsl

    @property
    def altitude(self) -> float:
        """Believed metres above home."""
        return self.amsl - self.home_alt

    @property
    def gps(self) -> bool:
        """Whether satellites are received."""
        return Fault.GPS not in self.faults and self.params["SIM_GPS_USED"] >= 4

    @property
    def feels_wind(self) -> bool:
        """Whether the estimator can tell the wind: in the air, and if it was set to."""
        return not self.landed and self.params["EKF2_DRAG_CTRL"] > 0

    @property
    def limits(self) -> Limits:
        """What the parameters allow the body to do."""
        if self._limits is None or self._limits_version != self.params.version:
            p = self.params
            self._limits_version = p.version
            self._limits = Limits(
                acc=p["MPC_ACC_HOR"],
                acc_up=p["MPC_ACC_UP_MAX"],
                acc_down=p["MPC_ACC_DOWN_MAX"],
                jerk=p["MPC_JERK_AUTO"],
                yaw_rate=math.radians(p["MPC_YAWRAUTO_MAX"]),
                yaw_acc=math.radians(p["MPC_YAWRAUTO_ACC"]),
            )
        return self._limits

    def set_home(self) -> None:
        """Make the believed position home."""
        self.home_amsl = self.amsl
        self.home_north, self.home_east = self.north, self.east
        self.home_yaw = self.body.yaw
