"""What the planner reckons for a flight is no less than what the embedded vehicle's battery gives.

Numbers are flown, not vehicles: the battery is stepped through a flight as the vehicle's body moves,
holding its ground speed in the wind.
"""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missions.city import Battery
from missions.energy import ACCELERATION_M_S2, Point, PowerModel, Wind, path_cost
from sitl.autopilot.battery import BatteryModel

DT = 0.5
SPECS = st.sampled_from(
    [
        (Battery(), 12.0),
        (Battery(capacity_wh=250, hover_w=540, cruise_w=500), 15.0),
        (Battery(capacity_wh=150, hover_w=190, cruise_w=200), 15.0),
        (Battery(capacity_wh=500, hover_w=900, cruise_w=700), 10.0),
    ]
)
PLACES = st.lists(
    st.tuples(st.floats(-1500, 1500), st.floats(-1500, 1500), st.floats(0, 90)),
    min_size=1,
    max_size=5,
)


def model_of(spec: Battery, cruise: float) -> PowerModel:
    return PowerModel(spec.hover_w, spec.cruise_w, cruise, spec.capacity_wh)


class Flight:
    """A battery on its way."""

    def __init__(self, spec: Battery, cruise: float, wind: Wind) -> None:
        self.battery, self.cruise, self.wind = BatteryModel(spec, cruise), cruise, wind

    def step(self, seconds: float, over_ground: float, track: float, climb: float) -> None:
        head, cross = self.wind.along(track)
        air = math.hypot(over_ground + head, cross)
        while seconds > 0:
            dt = min(DT, seconds)
            self.battery.step(dt, armed=True, flying=True, airspeed=air, climb=climb)
            seconds -= dt

    def fly(self, a: Point, b: Point) -> None:
        level = math.hypot(b.east - a.east, b.north - a.north)
        track = math.degrees(math.atan2(b.east - a.east, b.north - a.north))
        if level > 0.1:
            top = min(self.cruise, math.sqrt(level * ACCELERATION_M_S2))
            ramp_s = top / ACCELERATION_M_S2
            for share in [(i + 0.5) / 8 for i in range(8)]:
                self.step(2 * ramp_s / 8, top * share, track, 0.0)
            self.step(max(0.0, level / top - ramp_s), top, track, 0.0)
        up = b.altitude_m - a.altitude_m
        self.step(abs(up) / (3.0 if up > 0 else 1.5), 0.0, track, 3.0 if up > 0 else -1.5)
        self.step(b.hold_s, 0.0, track, 0.0)

    def land(self, height: float) -> None:
        slow = min(height, 10.0)
        self.step((height - slow) / 1.5, 0.0, 0.0, -1.5)
        self.step(slow / 0.7, 0.0, 0.0, -0.7)


@settings(max_examples=40, deadline=None)
@given(SPECS, PLACES, st.floats(0, 0.6), st.one_of(st.none(), st.floats(0, 360)))
def test_no_flight_takes_more_than_was_reckoned(
    kind: tuple[Battery, float],
    places: list[tuple[float, float, float]],
    wind: float,
    from_deg: float | None,
) -> None:
    spec, cruise = kind
    planned = Wind(wind * cruise, from_deg)
    over = Point(0.0, 0.0, 60.0)
    points = [over, *(Point(east, north, 60.0, hold) for east, north, hold in places), over]
    reckoned = path_cost([(p, cruise) for p in points], model_of(spec, cruise), planned)
    blown = planned if from_deg is not None else Wind(planned.speed_m_s, 123.0)
    flight = Flight(spec, cruise, blown)
    held = flight.battery.remaining_wh = 1e6  # however much it takes
    flight.battery.spec = spec.model_copy(update={"capacity_wh": held})
    flight.fly(Point(0.0, 0.0, 0.0), over)
    for a, b in pairwise(points):
        flight.fly(a, b)
    flight.land(60.0)
    assert reckoned.energy_wh >= held - flight.battery.remaining_wh


@pytest.mark.parametrize(
    ("spec", "cruise"),
    [(Battery(), 12.0), (Battery(capacity_wh=250, hover_w=540, cruise_w=500), 15.0)],
)
def test_the_two_curves_lie_together(spec: Battery, cruise: float) -> None:
    planner, battery = model_of(spec, cruise), BatteryModel(spec, cruise)
    for speed in (0.0, 3.0, 6.0, 9.0, 12.0, 15.0, 18.0):
        ratio = planner.power_w(speed) / battery.flight_power(speed, 0.0)
        assert 0.975 <= ratio <= 1.02, speed
    for climb in (1.0, 3.0, 5.0):
        climbing = planner.power_w(0.0) + 3600 * planner.climb_wh(climb)
        assert climbing >= battery.flight_power(0.0, climb)
