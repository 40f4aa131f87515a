"""How an autopilot must be set for the controller's rules to hold: PX4 parameters as data.

The controller never writes a parameter: what differs is told, and the vehicle does not fly until a
person has set it. Names and meanings are PX4's (1.16 to 1.18).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from missions.city import City


@dataclass(frozen=True, slots=True)
class OneOf:
    """Any of some numbers."""

    values: tuple[float, ...]

    def allows(self, value: float, _read: Mapping[str, float]) -> bool:
        """Whether a value is one of them, within a float's width."""
        return any(math.isclose(value, v, rel_tol=1e-5, abs_tol=1e-6) for v in self.values)

    def __str__(self) -> str:
        """Return it in words."""
        return " or ".join(f"{v:g}" for v in self.values)


@dataclass(frozen=True, slots=True)
class Between:
    """Any number from ``least`` to ``most``, both included."""

    least: float
    most: float

    def allows(self, value: float, _read: Mapping[str, float]) -> bool:
        """Whether a value lies between them."""
        return self.least - 1e-5 <= value <= self.most + 1e-5

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.least:g} to {self.most:g}"


@dataclass(frozen=True, slots=True)
class Below:
    """Any number above 0 and below another parameter's."""

    other: str

    def allows(self, value: float, read: Mapping[str, float]) -> bool:
        """Whether a value is below the other one's."""
        return 0 < value < read.get(self.other, math.inf)

    def __str__(self) -> str:
        """Return it in words."""
        return f"above 0 and below {self.other}"


@dataclass(frozen=True, slots=True)
class Expected:
    """A parameter, what it may be, and what goes wrong where it is not."""

    name: str
    allowed: OneOf | Between | Below
    why: str


COMMON: tuple[Expected, ...] = (
    Expected("COM_RC_IN_MODE", OneOf((4,)), "no stick or joystick may take over a drone in a dock"),
    Expected(
        "COM_LOW_BAT_ACT", OneOf((3,)), "at a critical battery it must return, at the last one land"
    ),
    Expected("BAT_EMERGEN_THR", Below("BAT_CRIT_THR"), "landing must come after returning"),
    Expected("BAT_CRIT_THR", Below("BAT_LOW_THR"), "returning must come after the warning"),
    Expected("GF_ACTION", OneOf((2, 3)), "outside the fence it must hold or return, and not fall"),
    Expected("COM_ARM_WO_GPS", OneOf((0,)), "it must not take off without GPS"),
    Expected(
        "RTL_TYPE", OneOf((0, 3)), "it must return to home or the nearest rally point, straight"
    ),
    Expected("RTL_LAND_DELAY", OneOf((0,)), "a return must end on the ground, at once"),
    Expected(
        "RTL_PLD_MD",
        OneOf((0,)),
        "a return must come down at home: one that looks for a marker and sees none lands up to "
        "3 m beside it",
    ),
    Expected("COM_DISARM_LAND", Between(0.1, 10), "motors must stop before the dock closes"),
    Expected("COM_DISARM_PRFLT", Between(0.1, 30), "armed in the dock it must not stay so"),
    Expected("COM_HOME_EN", OneOf((1,)), "home must be where it took off"),
    Expected("COM_HOME_IN_AIR", OneOf((0,)), "home must not move in flight"),
    Expected(
        "NAV_TRAFF_AVOID", OneOf((0, 1)), "the controller avoids aircraft; two must not do it"
    ),
    Expected("CBRK_SUPPLY_CHK", OneOf((0,)), "the check of its power must not be switched off"),
)
"""What holds in every city."""


def profile(city: City) -> tuple[Expected, ...]:
    """Return the parameters that a city's autopilots must have."""
    limits = city.limits
    lost = (2,) if limits.on_link_loss == "return" else (0,)
    return (
        *COMMON,
        Expected(
            "BAT_LOW_THR",
            Between(0.01, limits.reserve_percent / 100),
            f"the autopilot must not act before the reserve of {limits.reserve_percent:g} % is reached",
        ),
        Expected(
            "NAV_DLL_ACT", OneOf(lost), f"a drone that hears nobody is to {limits.on_link_loss}"
        ),
        Expected(
            "RTL_RETURN_ALT",
            Between(5, limits.ceiling_m),
            f"a return must stay under the ceiling of {limits.ceiling_m:g} m",
        ),
    )


def differences(expected: Sequence[Expected], read: Mapping[str, float | None]) -> tuple[str, ...]:
    """Say in words which parameters are not as they must be.

    Parameters
    ----------
    expected
        The profile.
    read
        What the vehicle answered, by name; None for one that it did not answer for.
    """
    return tuple(_differences(expected, read))


def _differences(expected: Sequence[Expected], read: Mapping[str, float | None]) -> Iterator[str]:
    known = {name: value for name, value in read.items() if value is not None}
    for one in expected:
        value = known.get(one.name)
        if value is None:
            yield f"{one.name} cannot be read; it must be {one.allowed}: {one.why}"
        elif not math.isfinite(value) or not one.allowed.allows(value, known):
            yield f"{one.name} is {value:g}; it must be {one.allowed}: {one.why}"


def names(expected: Sequence[Expected]) -> tuple[str, ...]:
    """Return the parameters that a profile needs to be read."""
    others = (one.allowed.other for one in expected if isinstance(one.allowed, Below))
    return tuple(dict.fromkeys((*(one.name for one in expected), *others)))
