"""No plan lands under its reserve: planned by the Builder and by reach, and flown in small steps.

What is flown here knows nothing of the planner's sums: it is moved in steps of time, in any wind up
to the one that was planned with, holding its air speed or its ground speed, and its climb takes what
momentum theory says. Only the power of level flight is the planner's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from missions.builder import MARGIN_PERCENT, Builder
from missions.city import Battery, City, Drone
from missions.energy import ACCELERATION_M_S2, LEAN, Point, PowerModel, step_cost
from missions.errors import PlanError
from missions.ground import ground_of
from missions.posts import site_post
from missions.power import GRAVITY_M_S2, W_PER_KG
from missions.reach import Reserves, best_dock, stay_s
from missions.ways import Place
from missions.wind import Wind, ground_speed

DRIVE = 0.75
"""What motor and controller give of what they take."""
STEPS = 24
ROUNDING = 0.05
"""Percent of the battery: the planner takes mean powers of three speeds."""


def drones(**fields: Any) -> st.SearchStrategy[Drone]:
    def build(hover: float, share: float, minutes: float, **rest: Any) -> Drone:
        health, payload = rest.pop("health"), rest.pop("payload")
        battery = Battery(
            capacity_wh=hover * minutes / 60,
            hover_w=hover,
            cruise_w=hover * share,
            health_percent=health,
        )
        name = {"id": "one", "dock": "dock-1", "system_id": 1, "mavlink": "udpin://0.0.0.0:1"}
        kg = payload * hover / W_PER_KG
        return Drone.model_validate(name | rest | {"battery": battery, "payload_kg": kg})

    drawn = {
        "hover": st.floats(100, 1500),
        "share": st.floats(0.6, 1.6),
        "minutes": st.floats(15, 50),
        "cruise_m_s": st.floats(8, 20),
        "climb_m_s": st.floats(1, 6),
        "descent_m_s": st.floats(0.7, 4),
        "health": st.floats(60, 100),
        "payload": st.floats(0, 0.5),
        "payload_w": st.floats(0, 50),
    }
    return st.builds(build, **(drawn | fields))


WINDS = st.builds(Wind, st.floats(0, 7), st.one_of(st.none(), st.floats(0, 360)))
COLD = st.one_of(st.none(), st.floats(-10, 40))
HOLDS: st.SearchStrategy[Literal["air", "ground"]] = st.sampled_from(["air", "ground"])


@dataclass
class Flown:
    """A drone that is flown in small steps; ``joules`` is what it has taken."""

    drone: Drone
    model: PowerModel
    wind: Wind
    holds: Literal["air", "ground"]
    joules: float = 0.0

    def stay(self, seconds: float) -> None:
        self.joules += seconds * self.model.power_w(self.wind.speed_m_s)

    def go(self, a: Point, b: Point, speed: float) -> None:
        """Fly level, and climb or descend meanwhile."""
        level = math.hypot(b.east - a.east, b.north - a.north)
        track = math.degrees(math.atan2(b.east - a.east, b.north - a.north))
        seconds = self._level(level, track, speed) if level > 0.1 else 0.0
        up = b.altitude_m - a.altitude_m
        rate = self.drone.climb_m_s if up > 0 else self.drone.descent_m_s
        self.stay(max(0.0, abs(up) / rate - seconds))
        if up > 0:
            self._climb(up)

    def land(self, height: float) -> None:
        slow = min(height, 10.0)
        self.stay((height - slow) / self.drone.descent_m_s + slow / 0.7)

    def _climb(self, up: float) -> None:
        kg = self.drone.battery.hover_w / W_PER_KG + self.drone.payload_kg
        hovering = (
            0.65
            * 0.75
            * self.drone.battery.hover_w
            / (self.drone.battery.hover_w / W_PER_KG * GRAVITY_M_S2)
        )
        hovering *= math.sqrt(1 + self.drone.payload_kg * W_PER_KG / self.drone.battery.hover_w)
        rate = self.drone.climb_m_s
        through = rate / 2 + math.hypot(rate / 2, hovering)
        self.joules += kg * GRAVITY_M_S2 * (through - hovering) / DRIVE * up / rate

    def _level(self, level: float, track: float, speed: float) -> float:
        top = ground_speed(speed, track, self.wind) if self.holds == "air" else speed
        top = min(top, math.sqrt(level * ACCELERATION_M_S2))
        ramp_s = top / ACCELERATION_M_S2
        steady_s = max(0.0, level / top - ramp_s)
        for i in range(STEPS):
            now = top * (i + 0.5) / STEPS
            self.joules += 2 * ramp_s / STEPS * LEAN * self._power(now, track)
        self.joules += steady_s * self._power(top, track)
        return 2 * ramp_s + steady_s

    def _power(self, over_ground: float, track: float) -> float:
        head, cross = self.wind.along(track)
        return self.model.power_w(math.hypot(over_ground + head, cross))


def blows(planned: Wind, share: float, from_deg: float) -> Wind:
    """Return a wind that the plan must bear: weaker, and from anywhere where that is not known."""
    known = planned.from_deg
    return Wind(planned.speed_m_s * share, from_deg if known is None else known)


def fly(flown: Flown, path: Sequence[tuple[Point, float]]) -> None:
    """Fly from the pad over every point (with the speed to it) and down again."""
    first, last = path[0][0], path[-1][0]
    flown.go(replace(first, altitude_m=0.0), first, path[0][1])
    for (a, _), (b, speed) in pairwise(path):
        flown.go(a, b, speed)
        flown.stay(b.hold_s)
    flown.land(last.altitude_m)


def landed_percent(flown: Flown, percent: float) -> float:
    return percent - 100 * flown.joules / 3600 / flown.model.capacity_wh


@settings(max_examples=80, deadline=None)
@given(
    drones(),
    WINDS,
    COLD,
    st.floats(45, 100),
    st.sampled_from([40.0, 60.0, 80.0]),
    st.lists(st.integers(0, 15), max_size=3, unique=True),
    HOLDS,
    st.floats(0, 1),
    st.floats(0, 360),
)
def test_no_sortie_of_the_builder_lands_under_its_reserve(
    small: City,
    drone: Drone,
    wind: Wind,
    cold: float | None,
    percent: float,
    altitude: float,
    cells: list[int],
    holds: Literal["air", "ground"],
    share: float,
    from_deg: float,
) -> None:
    ground = ground_of(small)
    builder = Builder(ground, drone, altitude, percent, wind, None, cold)
    try:
        draft = builder.start()
        for cell in cells:
            draft = builder.survey(draft, cell % len(ground.cells))
        draft = (
            builder.home(draft) if cells else builder.stare(site_post(ground.frame, small.sites[0]))
        )
        builder.check_energy(draft)
    except PlanError:
        return
    path = [
        (point, leg.speed_m_s or drone.cruise_m_s) for leg in draft.legs for point in leg.points
    ]
    flown = Flown(drone, builder.model, blows(wind, share, from_deg), holds)
    fly(flown, path)
    kept = small.limits.reserve_percent + MARGIN_PERCENT
    assert landed_percent(flown, percent) >= kept - ROUNDING


LENGTHS = st.floats(0.2, 60) | st.floats(0.2, 2000)


@example(  # a short way with the wind: it never gains air speed
    Drone.model_validate(
        {"id": "one", "dock": "dock-1", "system_id": 1, "mavlink": "udpin://0.0.0.0:1"}
        | {"battery": Battery(capacity_wh=25, hover_w=100, cruise_w=100), "cruise_m_s": 10}
    ),
    Wind(2.0, 147.0),
    12.0,
    0.0,
    "air",
    1.0,
)
@settings(max_examples=200)
@given(drones(), WINDS, LENGTHS, st.floats(0, 360), HOLDS, st.floats(0, 1))
def test_no_leg_takes_more_than_is_planned_for_it(
    drone: Drone,
    wind: Wind,
    length: float,
    track: float,
    holds: Literal["air", "ground"],
    share: float,
) -> None:
    turn = math.radians(track)
    here, there = Point(0, 0, 60), Point(length * math.sin(turn), length * math.cos(turn), 60)
    model = PowerModel.of(drone, None)
    try:
        planned = step_cost(here, there, drone.cruise_m_s, model, wind)
    except PlanError:
        return
    flown = Flown(drone, model, blows(wind, share, 0.0), holds)
    flown.go(here, there, drone.cruise_m_s)
    # the mean power of a ramp is by Simpson's rule: up to 1 % off where the curve is steep
    assert flown.joules / 3600 <= 1.02 * planned.energy_wh


@settings(max_examples=150, deadline=None)
@given(
    drones(),
    WINDS,
    COLD,
    st.floats(20, 100),
    st.builds(Point, st.floats(-3000, 3000), st.floats(-3000, 3000), st.floats(0, 120)),
    st.dictionaries(
        st.sampled_from("abcd"),
        st.tuples(st.floats(-3000, 3000), st.floats(-3000, 3000)),
        min_size=1,
    ),
    HOLDS,
    st.floats(0, 1),
    st.floats(0, 360),
)
def test_who_stays_as_long_as_reach_allows_lands_with_the_reserve(
    drone: Drone,
    wind: Wind,
    cold: float | None,
    percent: float,
    here: Point,
    docks: dict[str, Place],
    holds: Literal["air", "ground"],
    share: float,
    from_deg: float,
) -> None:
    model, has = PowerModel.of(drone, cold), Reserves(percent, 20.0)
    try:
        home = best_dock(here, docks, model, has, wind, altitude_m=60)
    except PlanError:
        return
    flown = Flown(drone, model, blows(wind, share, from_deg), holds)
    flown.stay(stay_s(home, model, has, wind))
    up = replace(here, altitude_m=home.altitude_m)
    flown.go(here, up, drone.cruise_m_s)
    flown.go(up, Point(*docks[home.dock], home.altitude_m), drone.cruise_m_s)
    flown.land(home.altitude_m)
    assert landed_percent(flown, percent) >= 20.0 - ROUNDING


# more of anything that costs never takes less of the battery

STEP = st.tuples(st.floats(-2000, 2000), st.floats(-2000, 2000), st.floats(-80, 80))
PAIRS = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted)


def percent_of(drone: Drone, step: tuple[float, float, float], wind: Wind, cold: float) -> float:
    model = PowerModel.of(drone, cold)
    a, b = Point(0, 0, 100), Point(step[0], step[1], 100 + step[2], hold_s=20)
    cost = step_cost(a, b, drone.cruise_m_s, model, wind)
    return 100 * cost.energy_wh / model.capacity_wh


@settings(deadline=None)
@given(drones(), STEP, st.floats(0, 360), PAIRS)
def test_more_wind_never_takes_less(
    drone: Drone, step: tuple[float, float, float], from_deg: float, share: list[float]
) -> None:
    strongest = 0.6 * drone.cruise_m_s
    for direction in (from_deg, None):
        less, more = (percent_of(drone, step, Wind(strongest * s, direction), 20) for s in share)
        assert more >= less * (1 - 1e-9)


@given(drones(), STEP, WINDS, PAIRS)
def test_a_longer_way_never_takes_less(
    drone: Drone, step: tuple[float, float, float], wind: Wind, share: list[float]
) -> None:
    assume(wind.speed_m_s < drone.cruise_m_s - 1)
    level = [percent_of(drone, (step[0] * s, step[1] * s, 0.0), wind, 20) for s in share]
    assert level[1] >= level[0] * (1 - 1e-9)
    height = [percent_of(drone, (0.0, 0.0, step[2] * s), wind, 20) for s in share]
    assert height[1] >= height[0] * (1 - 1e-9)


@given(drones(payload=st.just(0.0)), STEP, WINDS, PAIRS, st.floats(0, 60))
def test_more_payload_never_takes_less(
    drone: Drone, step: tuple[float, float, float], wind: Wind, share: list[float], draws: float
) -> None:
    assume(wind.speed_m_s < drone.cruise_m_s - 1)

    def carries(share: float) -> Drone:
        return drone.model_copy(update={"payload_kg": share * 3, "payload_w": share * draws})

    less, more = (percent_of(carries(s), step, wind, 20) for s in share)
    assert more >= less * (1 - 1e-9)


@given(drones(), STEP, WINDS, st.floats(-30, 50), st.floats(0, 30), st.floats(50, 100), PAIRS)
def test_cold_and_age_never_take_less(
    drone: Drone,
    step: tuple[float, float, float],
    wind: Wind,
    warm: float,
    colder: float,
    health: float,
    share: list[float],
) -> None:
    assume(wind.speed_m_s < drone.cruise_m_s - 1)

    def aged(health: float) -> Drone:
        battery = drone.battery.model_copy(update={"health_percent": health})
        return drone.model_copy(update={"battery": battery})

    now = percent_of(aged(health), step, wind, warm)
    assert percent_of(aged(health), step, wind, warm - colder) >= now * (1 - 1e-9)
    assert percent_of(aged(max(50.0, health * share[0])), step, wind, warm) >= now * (1 - 1e-9)
