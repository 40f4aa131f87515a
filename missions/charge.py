"""A battery in its dock: what it holds after a while, and how long it takes to a level.

Chargers give a constant power until the cells reach their highest voltage, and from there on ever
less (constant current, constant voltage). Here the first lasts to ``KNEE_PERCENT``; from there the
rate falls in proportion to what has been charged, to a tenth of it at full, where chargers end.
The city file says the rate, by the minutes from 20 to 90 %. Percent are of what the battery holds
now, at its age: an aged one is charged no faster.

So the planner knows what a dock holds also where that has ceased to tell.
"""

from __future__ import annotations

import math

from missions.city import Battery

FROM_PERCENT = 20.0
KNEE_PERCENT = 90.0
"""What ``Battery.charge_min`` is the time between; above the second the rate falls."""
LAST_SHARE = 0.1
"""Of the constant rate, left at 100 %: chargers of lithium cells end at a tenth or a twentieth."""
_FALL = (1.0 - LAST_SHARE) / (100.0 - KNEE_PERCENT)
"""What the rate loses for each percent above the knee, as a share of the constant rate."""


def percent_after(battery: Battery, percent: float, seconds: float) -> float:
    """Return what a battery holds after some seconds in its dock, percent.

    Parameters
    ----------
    battery
        As the city file says.
    percent
        What it holds at first; what a gauge tells outside 0 to 100 is taken for the nearer of them.
    seconds
        In the dock, charging.

    Raises
    ------
    ValueError
        If the time is negative or not finite, or the percent are no number.
    """
    if not 0.0 <= seconds < math.inf:
        raise ValueError(f"{seconds:g} s of charging; must be finite and at least 0")
    return _percent_at(battery, _time_of(battery, _level(percent)) + seconds)


def seconds_to(battery: Battery, percent: float, wanted: float) -> float:
    """Return how long a battery charges until it holds so much; 0 where it does.

    Raises
    ------
    ValueError
        If what is wanted is not within 0 to 100 %, or the percent are no number.
    """
    if not 0.0 <= wanted <= 100.0:
        raise ValueError(f"{wanted:g} % is wanted of a battery; must be within 0 to 100 %")
    return max(0.0, _time_of(battery, wanted) - _time_of(battery, _level(percent)))


def _level(percent: float) -> float:
    if math.isnan(percent):
        raise ValueError("battery level is no number")
    return min(100.0, max(0.0, percent))


def _rate(battery: Battery) -> float:
    """Return the constant rate, percent a second."""
    return (KNEE_PERCENT - FROM_PERCENT) / (60.0 * battery.charge_min)


def _time_of(battery: Battery, percent: float) -> float:
    """Return the seconds from empty to a level."""
    rate = _rate(battery)
    if percent <= KNEE_PERCENT:
        return percent / rate
    left = 1.0 - _FALL * (percent - KNEE_PERCENT)
    return KNEE_PERCENT / rate - math.log(left) / (_FALL * rate)


def _percent_at(battery: Battery, seconds: float) -> float:
    """Return the level that so many seconds from empty bring."""
    rate = _rate(battery)
    slower = seconds - KNEE_PERCENT / rate
    if slower <= 0.0:
        return seconds * rate
    return min(100.0, KNEE_PERCENT - math.expm1(-_FALL * rate * slower) / _FALL)
