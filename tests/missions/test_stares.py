"""A watch and its relief keep clear of all that fly, also when they come home early, and end in time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from missions.city import City
from missions.energy import CALM
from missions.planning import DOUBT_S, DRIFT, Planning
from missions.relief import EARLY_S, Station
from missions.sortie import LegKind, Sortie
from missions.stares import stares
from missions.task import Task
from missions.trajectory import Trajectory
from missions.wishes import DroneOffer, OrderWish

NOW = datetime(2025, 5, 1, 4, 0, tzinfo=UTC)
TASK = Task("stare", ((117.6536, 24.5130),), radius_m=60)
ENDS_S = 720.0
ORDER = OrderWish(
    "o", "stare", NOW, task=TASK, window=(NOW, NOW + timedelta(seconds=ENDS_S)), drones=()
)
LONG = OrderWish("o", "stare", NOW, task=TASK, window=(NOW, NOW + timedelta(hours=6)))


def planned(
    city: City,
    order: OrderWish,
    others: Mapping[str, Trajectory],
    flying: tuple[Sortie, ...] = (),
    leaves_s: float = 60.0,
) -> tuple[Sortie, Trajectory]:
    """Return the one sortie that a watch sends, and when it is where."""
    numbers = count(1)
    stations = [Station(sortie.id, NOW + timedelta(seconds=leaves_s)) for sortie in flying]
    planning = Planning(
        city,
        NOW,
        [DroneOffer(d.id, d.dock, 100.0) for d in city.drones],
        {},
        CALM,
        flying,
        stations,
        new_id=lambda: f"s{next(numbers)}",
        trajectories=others,
    )
    stares(planning, order)
    assert not planning.refusals
    (sortie,) = planning.sorties
    return sortie, planning.traffic[sortie.drone]


def crosses(way: Trajectory, place_s: float, at_s: float) -> Trajectory:
    """Return a way through where another is at one time, at a time of its own."""
    place = way.at(place_s)
    assert place is not None
    east, north, height = place
    return Trajectory.of(
        [(at_s - 5.0, east, north - 60.0, height), (at_s + 5.0, east, north + 60.0, height)]
    )


def holds_s(sortie: Sortie) -> float:
    """Return for how long a place is watched, the wait beside it not counted."""
    return [leg for leg in sortie.legs if leg.kind is LegKind.STARE][-1].waypoints[0].hold_s


def test_a_watch_keeps_off_the_height_of_one_that_crosses_its_way(zhangzhou: City) -> None:
    free, way = planned(zhangzhou, ORDER, {})
    half_s = way.start_s + 15.0
    kept, _ = planned(zhangzhou, ORDER, {"other": crosses(way, half_s, half_s)})
    assert kept.drone == free.drone
    assert kept.altitude_m != free.altitude_m


@pytest.mark.parametrize(("sooner_s", "kept"), [(90.0, True), (220.0, False)])
def test_one_that_may_be_called_home_early_keeps_clear_of_others_then_too(
    zhangzhou: City, sooner_s: float, kept: bool
) -> None:
    free, way = planned(zhangzhou, ORDER, {})
    home_s = way.end_s - 10.0
    doubt_s = DOUBT_S + DRIFT * (way.end_s - way.start_s)
    assert doubt_s + 10.0 < 90.0 < doubt_s + EARLY_S < 220.0 - 10.0
    other = {"other": crosses(way, home_s, home_s - sooner_s)}
    sortie, _ = planned(zhangzhou, ORDER, other)
    assert (sortie.altitude_m != free.altitude_m) == kept


def test_a_watch_lasts_to_the_end_of_its_window(zhangzhou: City) -> None:
    sortie, _ = planned(zhangzhou, ORDER, {})
    assert ENDS_S - 120.0 < holds_s(sortie) < ENDS_S + 60.0
    longer, _ = planned(zhangzhou, LONG, {})
    assert holds_s(longer) > ENDS_S + 60.0


def test_a_relief_keeps_clear_of_a_third_and_ends_with_the_window(zhangzhou: City) -> None:
    there, station = planned(zhangzhou, LONG, {})
    on_station = {there.drone: station}
    relief, way = planned(zhangzhou, LONG, on_station, (there,))
    middle_s = way.start_s + 10.0
    third = crosses(way, middle_s, middle_s)
    kept, _ = planned(zhangzhou, LONG, {**on_station, "third": third}, (there,))
    assert (kept.drone, kept.altitude_m != relief.altitude_m) == (relief.drone, True)
    window = (NOW, NOW + timedelta(seconds=ENDS_S))
    soon = OrderWish("o", "stare", NOW, task=TASK, window=window)
    there, station = planned(zhangzhou, soon, {})
    last, _ = planned(zhangzhou, soon, {there.drone: station}, (there,))
    assert holds_s(last) < ENDS_S + 60.0
    assert holds_s(relief) > ENDS_S + 60.0
