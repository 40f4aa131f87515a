"""Tours as sorties: clear of others in time, no longer than the battery, filled up to it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from missions.conflict import Traffic
from missions.energy import CALM, Wind
from missions.errors import PlanError
from missions.ground import Ground
from missions.patrol.leaving import leave
from missions.patrol.situation import Planned
from missions.planning import CROWDED, Planning
from missions.sortie import LegKind, Sortie
from missions.trajectory import Trajectory
from missions.wishes import DroneOffer

NOW = datetime(2025, 5, 1, 12, tzinfo=UTC)
Make = Callable[..., Any]
QUICK = settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])


def planning(
    ground: Ground,
    percent: float = 100.0,
    others: Sequence[Trajectory] = (),
    wind: Wind = CALM,
) -> Planning:
    offers = [DroneOffer(d.id, d.dock, percent) for d in ground.drones.values()]
    numbers = itertools.count()
    known = {str(n): other for n, other in enumerate(others)}
    return Planning(
        ground.city, NOW, offers, {}, wind, (), (), lambda: f"s{next(numbers)}", known
    )  # fmt: skip


def beat(ground: Ground, name: str) -> list[int]:
    return [i for i, cell in enumerate(ground.cells) if cell.beat == name]


def of(ground: Ground, drone: str, cells: Sequence[int]) -> Planned:
    return Planned(drone, ground.drones[drone].dock, tuple(cells), 0.0, 900.0)


def sortie(made: Planning, tour: Planned, spare: Any = None) -> Sortie:
    ((_, found),) = leave(made, [tour], lambda cell: f"order-{cell}", spare)
    assert isinstance(found, Sortie), found
    return found


def test_a_tour_becomes_a_sortie_over_its_cells_in_order(town: Make) -> None:
    ground = town(2)
    cells = beat(ground, "b0")[3:6]
    made = planning(ground)
    found = sortie(made, of(ground, "v0", cells))
    assert found.cells == tuple(ground.cells[c].id for c in cells)
    assert (found.order, found.drone, found.dock) == (f"order-{cells[0]}", "v0", "k0")
    assert found.energy.feasible
    assert made.sorties == [found]


@QUICK
@given(st.floats(40, 70), st.sampled_from([0.0, 4.0, 8.0]), st.floats(0, 359))
def test_as_much_is_flown_as_the_battery_holds(
    town: Make, percent: float, speed: float, side: float
) -> None:
    ground = town(2)
    cells = [*beat(ground, "b0"), *beat(ground, "b1")]
    wind = Wind(speed, side)
    found = sortie(planning(ground, percent, wind=wind), of(ground, "v0", cells))
    assert found.energy.feasible
    flown = [ground.index[cell] for cell in found.cells]
    assert flown == [c for c in cells if c in set(flown)]
    assert 0 < len(flown) < len(cells)
    # nothing nearby that was left out would have fitted
    left = [c for c in cells if c not in set(flown)]
    longer = sortie(planning(ground, percent, wind=wind), of(ground, "v0", [*flown, *left]))
    assert longer.cells == found.cells


def test_a_battery_for_nothing_is_said(town: Make) -> None:
    ground = town(2)
    cells = beat(ground, "b0")[:2]
    low = ground.city.limits.reserve_percent + 4
    ((tour, found),) = leave(planning(ground, low), [of(ground, "v0", cells)], str)
    assert tour.drone == "v0"
    assert isinstance(found, PlanError)
    assert found.constraint == "energy"


def test_what_the_battery_has_left_is_filled_with_what_is_worth_most(town: Make) -> None:
    ground = town(2)
    first = beat(ground, "b0")[12]
    spare = np.zeros(len(ground.cells))
    alone = sortie(planning(ground), of(ground, "v0", [first]))
    assert len(alone.cells) == 1
    near = ground.neighbours[first]
    spare[list(near)] = 1.0
    spare[near[2]] = 5.0
    before = spare.copy()
    filled = sortie(planning(ground), of(ground, "v0", [first]), spare)
    assert filled.cells[:2] == (ground.cells[first].id, ground.cells[near[2]].id)
    assert set(filled.cells[2:]) <= {ground.cells[c].id for c in near}
    assert len(filled.cells) > 3
    assert filled.energy.feasible
    assert (spare == before).all()


def test_two_that_leave_together_fill_up_with_different_cells(town: Make) -> None:
    ground = town(2)
    cells = beat(ground, "b0")
    tours = [of(ground, "v0", [cells[7]]), of(ground, "v2", [cells[8]])]
    spare = np.ones(len(ground.cells))
    spare[[cells[7], cells[8]]] = 0.0
    made = planning(ground)
    found = [s for _, s in leave(made, tours, str, spare) if isinstance(s, Sortie)]
    seen = [cell for s in found for cell in s.cells]
    assert len(found) == 2
    assert len(seen) == len(set(seen)) > 4


def test_cells_somebody_flies_to_are_left_out(town: Make) -> None:
    ground = town(2)
    cells = beat(ground, "b0")[:3]
    made = planning(ground)
    made.taken.add(ground.cells[cells[1]].id)
    found = sortie(made, of(ground, "v0", cells))
    assert found.cells == (ground.cells[cells[0]].id, ground.cells[cells[2]].id)


def _over(ground: Ground, dock: str, begin_s: float, end_s: float, height: float) -> Trajectory:
    """Return somebody who stays over a dock."""
    east, north = ground.places[dock]
    return Trajectory.of([(begin_s, east, north, height), (end_s, east, north, height)])


def test_heights_are_kept_apart_from_who_is_there_at_the_same_time(town: Make) -> None:
    ground = town(2)
    cell = beat(ground, "b0")[0]
    tour = of(ground, "v0", [cell])
    free = sortie(planning(ground), tour).altitude_m

    def height(begin_s: float, end_s: float) -> float:
        there = _over(ground, "k0", begin_s, end_s, free)
        return sortie(planning(ground, others=[there]), tour).altitude_m

    assert height(0.0, 600.0) != free
    assert height(3000.0, 3600.0) == free  # gone home by then


def test_no_height_is_free(town: Make) -> None:
    ground = town(2)
    cell = beat(ground, "b0")[0]
    others = [_over(ground, "k0", 0.0, 900.0, layer) for layer in ground.layers]
    made = planning(ground, others=others)
    ((_, found),) = leave(made, [of(ground, "v0", [cell])], str)
    assert isinstance(found, PlanError)
    assert str(found) == CROWDED
    assert made.sorties == []


@QUICK
@given(st.integers(0, 1000))
def test_sorties_of_one_moment_never_meet(town: Make, seed: int) -> None:
    ground = town(2)
    rng = np.random.default_rng(seed)
    tours = [
        of(ground, drone, rng.choice(len(ground.cells), 4, replace=False).tolist())
        for drone in ground.drones
    ]
    made = planning(ground)
    found = [s for _, s in leave(made, tours, str) if isinstance(s, Sortie)]
    assert found == made.sorties
    wait = 17.0  # the dock's door, and starting
    ways = []
    for one in found:
        drone = ground.drones[one.drone]
        model = made.builder(DroneOffer(drone.id, drone.dock, 100), one.altitude_m).model
        # without climb and landing, which the docks' gates keep apart
        legs = tuple(leg for leg in one.legs if leg.kind is not LegKind.HOME)
        whole = Trajectory.of_sortie(ground.frame, replace(one, legs=legs), wait, model, CALM)
        level = [
            (t, *p)
            for t, p in zip(whole.times.tolist(), whole.places.tolist(), strict=True)
            if p[2] > one.altitude_m - 0.1
        ]
        ways.append(Trajectory.of(level))
    for at, way in enumerate(ways):
        assert Traffic.of([w for i, w in enumerate(ways) if i != at]).clear(way)


def test_a_drone_that_is_gone_and_a_full_sky_are_passed_over(town: Make) -> None:
    ground = town(2, max_airborne=1)
    cells = beat(ground, "b0")
    made = planning(ground)
    tours = [
        of(ground, "v0", cells[:1]),
        of(ground, "v0", cells[1:2]),
        of(ground, "v2", cells[2:3]),
    ]
    assert [tour.drone for tour, _ in leave(made, tours, str)] == ["v0"]
    assert len(made.sorties) == 1


@QUICK
@given(st.floats(70, 100), st.sampled_from([0.0, 6.0]), st.floats(0, 359))
def test_patrols_come_home_with_what_the_city_says(
    town: Make, percent: float, speed: float, side: float
) -> None:
    ground = town(2)
    limits = ground.city.limits.model_copy(update={"patrol_reserve_percent": 45.0})
    spare = replace(ground, city=ground.city.model_copy(update={"limits": limits}))
    wind = Wind(speed, side)
    cells = [*beat(ground, "b0"), *beat(ground, "b1")]
    made = planning(ground, percent, wind=wind)
    made.ground, made.city = spare, spare.city
    found, full = (
        sortie(m, of(ground, "v0", cells)) for m in (made, planning(ground, percent, wind=wind))
    )
    left = 100.0 * (found.energy.available_wh - found.energy.needed_wh) / 274.0
    assert left >= 45.0
    assert len(found.cells) < len(full.cells)
