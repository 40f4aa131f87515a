"""What a turn over a watched place takes: door and way out, an overlap with the next, the way home."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from missions.city import City
from missions.energy import CALM
from missions.geo import LocalFrame
from missions.planning import Planning
from missions.posts import Post, point_name
from missions.relief import DOCK_S, SLACK_S, SPARE_S
from missions.rota import READY_PERCENT, Rota, rota
from missions.stares import post_of
from missions.task import Task
from missions.wishes import DroneOffer, OrderWish

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
HOURS = 12


def planning_of(city: City, number: int) -> Planning:
    """Return a plan with so many drones alike in one dock, charged as they are sent again."""
    first = city.drones[0]
    drones = tuple(
        first.model_copy(update={"id": f"x{n}", "system_id": n + 1}) for n in range(number)
    )
    offers = [DroneOffer(drone.id, drone.dock, READY_PERCENT) for drone in drones]
    return Planning(city.model_copy(update={"drones": drones}), NOW, offers, {}, CALM, (), (), str)


def turns(planning: Planning, away_m: float) -> tuple[Rota, Post]:
    """Return the turns over a point that lies so far to the north of the dock."""
    dock = planning.ground.docks[planning.offers[0].dock]
    spot = LocalFrame(*dock.position).to_lonlat(0.0, away_m)
    window = (NOW, NOW + timedelta(hours=HOURS))
    order = OrderWish(
        "o", "stare", NOW, task=Task("stare", (tuple(spot),), radius_m=60), window=window
    )
    assert order.task is not None
    post = post_of(planning, order, point_name(order.task))
    return rota(planning, order, post, HOURS * 3600.0), post


def test_the_next_is_there_before_one_must_leave(zhangzhou: City) -> None:
    """One whom nobody relieves stays until its battery takes it home."""
    alone = turns(planning_of(zhangzhou, 1), 400.0)[0].turns[0]
    relieved = turns(planning_of(zhangzhou, 6), 400.0)[0].turns[0]
    stays_s = [turn.gone_s - turn.there_s for turn in (alone, relieved)]
    assert stays_s[0] - stays_s[1] == pytest.approx(SPARE_S + SLACK_S)


def test_a_turn_begins_in_the_dock_and_ends_there(zhangzhou: City) -> None:
    planning = planning_of(zhangzhou, 6)
    found, post = turns(planning, 400.0)
    builder = planning.builder(planning.offers[0], next(planning.layers(planning.offers[0].dock)))
    out = builder.out_to((post.place.east, post.place.north))
    home_s = builder.watched(out, post).cost.duration_s - out.cost.duration_s
    for turn in found.turns:
        assert turn.there_s - turn.leaves_s == pytest.approx(DOCK_S + out.cost.duration_s)
        assert turn.home_s - turn.gone_s == pytest.approx(home_s)


@pytest.mark.parametrize("away_m", [300.0, 900.0, 1800.0])
def test_with_as_many_as_it_takes_there_is_no_gap_however_far_it_is(
    zhangzhou: City, away_m: float
) -> None:
    number = turns(planning_of(zhangzhou, 12), away_m)[0].drones
    assert turns(planning_of(zhangzhou, number), away_m)[0].gap is None
    assert turns(planning_of(zhangzhou, number - 1), away_m)[0].gap is not None
