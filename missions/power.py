"""Electrical power of a multicopter: by air speed, in a climb, with payload; capacity in the cold.

A city file says what was measured: the power in a hover and at cruise speed. Between and beyond
the two the shape comes from momentum theory (Leishman, Principles of Helicopter Aerodynamics, 2nd
ed., sections 2.14 and 5.4; the same sum is used for small rotorcraft by Zeng, Xu and Zhang, Energy
Minimization for Wireless Communication With Rotary-Wing UAV, IEEE Trans. Wireless Commun. 18(4),
2019):

- profile power, of the blades' drag: a constant;
- induced power, that holds the weight: ``(sqrt(1 + x²) + x)^-1/2`` of its hover value, with
  ``x = v² / 2 v_h²`` and ``v_h`` the air's speed through the rotors in a hover;
- parasite power, of the body's drag: as the cube of air speed, what is left at cruise speed.

Weight carried on top takes ``(m + p) / m`` to the power 1.5 of profile and induced power: momentum
theory for the one, propellers of fixed pitch that must turn faster for the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache

from missions.city import Battery, Drone
from missions.wind import Wind

CLIMB_M_S = 3.0
"""PX4's default MPC_Z_VEL_MAX_UP."""
DESCENT_M_S = 1.5
"""PX4's default MPC_Z_VEL_MAX_DN."""
GRAVITY_M_S2 = 9.80665
W_PER_KG = 110.0
"""Hover power of a kilogram where the mass is not said. What makers say of capacity, hover time
and mass gives 95 (7 kg class) to 128 (1 kg class)."""
PROFILE_SHARE = 0.25
"""Of the hover power. Leishman, section 2.8: a quarter to a third."""
INDUCED_EFFICIENCY = 0.65
"""Ideal induced power over what the battery gives for it: 0.75 for motor and controller, over 1.15
for what real rotors lose (Leishman, section 2.8)."""
LEAST_PARASITE_SHARE = 0.1
"""Of the cruise power; where the file's figures leave less, induced power is taken to fall faster:
no drone flies twice as fast for nothing."""
CLIMB_EFFICIENCY = 0.6
"""Work against gravity over what the battery gives for it. On the safe side: in a climb of
3 m/s the better inflow gives 40 % of it back (Leishman, section 2.13)."""
LEAST_CRUISE = 0.4
"""A cruise power under this share of the hover power is not believed."""
CAPACITY_AT: tuple[tuple[float, float], ...] = (
    (-20.0, 0.60),
    (-10.0, 0.70),
    (0.0, 0.80),
    (5.0, 0.85),
    (10.0, 0.88),
    (15.0, 0.92),
    (20.0, 0.97),
    (25.0, 1.0),
)
"""What a lithium battery gives when it starts out at a temperature in °C and is emptied within 30
min: from 0 to 25 °C Discover Energy's table of temperature and capacity; below, an assumption that
agrees with makers' 30 to 50 % less at -20 °C. That flying warms it is not counted on."""


def capacity_share(temperature_c: float | None) -> float:
    """Return what of its capacity a battery gives at a temperature; all where none is known."""
    if temperature_c is None:
        return 1.0
    cold, least = CAPACITY_AT[0]
    for warm, more in CAPACITY_AT:
        if temperature_c <= warm:
            way = (temperature_c - cold) / (warm - cold) if warm > cold else 0.0
            return least + max(0.0, way) * (more - least)
        cold, least = warm, more
    return 1.0


def capacity_wh(battery: Battery, temperature_c: float | None = None) -> float:
    """Return what a full battery gives now: at its age, and at a temperature in °C."""
    share = capacity_share(temperature_c)
    return battery.capacity_wh * battery.health_percent / 100.0 * share


@dataclass(frozen=True, slots=True)
class _Curve:
    """The three powers of a drone: W, m/s, and W per (m/s)³."""

    profile_w: float
    induced_w: float
    rotor_m_s: float
    parasite: float

    def laden(self, load: float) -> _Curve:
        """Return the same with so many times the weight (see the module)."""
        more = load**1.5
        return _Curve(
            more * self.profile_w,
            more * self.induced_w,
            math.sqrt(load) * self.rotor_m_s,
            self.parasite,
        )


def _induced_share(air_speed: float, rotor_m_s: float) -> float:
    x = air_speed**2 / (2.0 * rotor_m_s**2)
    return 1.0 / math.sqrt(math.sqrt(1.0 + x * x) + x)


@lru_cache(maxsize=1024)
def _curve(hover_w: float, cruise_w: float, cruise_m_s: float, mass_kg: float) -> _Curve:
    """Return the curve through the power in a hover and that at cruise speed."""
    if not cruise_w >= LEAST_CRUISE * hover_w > 0.0:
        raise ValueError(
            f"cruise power {cruise_w:g} W and hover power {hover_w:g} W; the first is at least "
            f"{LEAST_CRUISE:g} of the second, and both are above 0"
        )
    profile_w = PROFILE_SHARE * hover_w
    induced_w = hover_w - profile_w
    rotor_m_s = INDUCED_EFFICIENCY * induced_w / (mass_kg * GRAVITY_M_S2)
    at_cruise_w = induced_w * _induced_share(cruise_m_s, rotor_m_s)
    most_w = (1.0 - LEAST_PARASITE_SHARE) * cruise_w - profile_w
    if at_cruise_w > most_w:
        at_cruise_w = most_w
        square = (most_w / induced_w) ** 2
        rotor_m_s = cruise_m_s / math.sqrt(1.0 / square - square)  # the share's inverse
    parasite = (cruise_w - profile_w - at_cruise_w) / cruise_m_s**3
    return _Curve(profile_w, induced_w, rotor_m_s, parasite)


@dataclass(frozen=True, slots=True)
class PowerModel:
    """Power of a drone by its air speed, and what its battery gives now.

    Parameters
    ----------
    hover_w, cruise_w
        Measured without wind and without the payload below.
    cruise_m_s
        Air speed of the second.
    capacity_wh
        Of a full battery as it is now; percent of the battery are percent of this.
    climb_m_s, descent_m_s
        Speeds that it climbs and comes down at.
    top_air_m_s
        What it can fly at through the air to hold its ground speed; less than it is asked for
        counts as that.
    mass_kg
        Without the payload; None: a guess by the hover power.
    payload_kg, payload_w
        What it carries, and what that draws in the air.

    Raises
    ------
    ValueError
        If the cruise power is not believed (``LEAST_CRUISE``).
    """

    hover_w: float
    cruise_w: float
    cruise_m_s: float
    capacity_wh: float
    climb_m_s: float = CLIMB_M_S
    descent_m_s: float = DESCENT_M_S
    mass_kg: float | None = None
    payload_kg: float = 0.0
    payload_w: float = 0.0
    top_air_m_s: float = 0.0
    _laden: _Curve = field(init=False, repr=False, compare=False)
    _laden_kg: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Fit the curve."""
        mass_kg = self.hover_w / W_PER_KG if self.mass_kg is None else self.mass_kg
        own = _curve(self.hover_w, self.cruise_w, self.cruise_m_s, mass_kg)
        object.__setattr__(self, "_laden", own.laden(1.0 + self.payload_kg / mass_kg))
        object.__setattr__(self, "_laden_kg", mass_kg + self.payload_kg)

    @classmethod
    def of(cls, drone: Drone, temperature_c: float | None = None) -> PowerModel:
        """Return the model of a drone in the city file.

        Parameters
        ----------
        drone
            As the city file says.
        temperature_c
            Of its battery, at take-off; None: not known, and taken for warm.
        """
        battery = drone.battery
        return cls(
            battery.hover_w,
            battery.cruise_w,
            drone.cruise_m_s,
            capacity_wh(battery, temperature_c),
            drone.climb_m_s,
            drone.descent_m_s,
            drone.mass_kg,
            drone.payload_kg,
            drone.payload_w,
            drone.top_air_m_s,
        )

    def power_w(self, air_speed: float) -> float:
        """Return the electrical power of level flight at an air speed in m/s."""
        own = self._laden
        induced_w = own.induced_w * _induced_share(air_speed, own.rotor_m_s)
        return own.profile_w + induced_w + own.parasite * air_speed**3 + self.payload_w

    def most_w(self, slow: float, fast: float) -> float:
        """Return the most power that any air speed between two takes.

        Power falls from the hover to its least and rises from there on, so it is at an end.
        """
        return max(self.power_w(slow), self.power_w(fast))

    def mean_w(self, slow: float, fast: float) -> float:
        """Return the mean power while air speed goes steadily from one to another (Simpson)."""
        middle = self.power_w((slow + fast) / 2.0)
        return (self.power_w(slow) + 4.0 * middle + self.power_w(fast)) / 6.0

    def still_w(self, wind: Wind) -> float:
        """Return the power that holding a place in wind takes, never less than in calm air."""
        return self.most_w(0.0, wind.speed_m_s)

    @property
    def least_w(self) -> float:
        """The least power that the drone can stay in the air with."""
        return _least_w(self)

    @property
    def endurance_s(self) -> float:
        """For how long a full battery keeps the drone in the air at most."""
        return 3600.0 * self.capacity_wh / self.least_w

    def climb_wh(self, height_m: float) -> float:
        """Return what a climb takes on top of staying in the air: the work against gravity."""
        return self._laden_kg * GRAVITY_M_S2 * height_m / CLIMB_EFFICIENCY / 3600.0


@lru_cache(maxsize=1024)
def _least_w(model: PowerModel) -> float:
    """Return the least of the power curve, by bisection of where it stops to fall."""
    slow, fast = 0.0, model.cruise_m_s
    while model.power_w(2.0 * fast) < model.power_w(fast):
        fast *= 2.0
    fast *= 2.0
    for _ in range(40):
        third = (fast - slow) / 3.0
        if model.power_w(slow + third) < model.power_w(fast - third):
            fast -= third
        else:
            slow += third
    return model.power_w(slow)
