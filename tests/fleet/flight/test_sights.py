"""What looks at the drones' video: what their order asks for, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from fleet.errors import OrderUnfit
from fleet.flight.orderrules import Wanted, understood
from fleet.flight.sights import Sights, check_shown
from fleet.model.order import OrderRequest
from fleet.model.states import DroneState
from missions.cells import city_cells
from missions.city import City
from missions.sortie import Leg, LegKind, LookAt, Sortie, Waypoint

S = DroneState
AT = datetime(2026, 11, 22, 4, tzinfo=UTC)


def looked(town: Any) -> list[tuple[str, str]]:
    return [(one.kind, one.site) for one in town.live().detectors]


async def test_who_flies_an_order_has_its_detectors_and_no_others(
    make_town: Callable[..., Any],
) -> None:
    for asked, runs in ((None, ["bridge"]), (["water"], ["bridge"]), ([], [])):
        town = make_town()
        async with town.open():
            await town.reach(S.DOCKED)
            body = {"kind": "patrol", "beats": ["b1"], "detectors": asked}
            await town.controller.submit(OrderRequest.model_validate(body), "pilot")
            await town.reach(S.TAKING_OFF)
            assert town.controller.watch_assignments() == []
            await town.reach(S.ON_TASK)
            assert town.controller.watch_assignments() == [(site, "a1") for site in runs]
            await town.until(lambda t=town, r=runs: looked(t) == [("water", s) for s in r], 5)
            await town.reach(S.RETURNING)
            assert town.controller.watch_assignments() == []
            await town.until(lambda t=town: looked(t) == [], 5)


async def test_detectors_are_changed_in_flight_and_outlast_the_controller(
    make_town: Callable[..., Any],
) -> None:
    town = make_town()
    town.planner.hold_s = 200.0
    async with town.open():
        await town.reach(S.DOCKED)
        order = await town.patrol()
        await town.reach(S.ON_TASK)
        assert town.controller.watch_assignments() == [("bridge", "a1")]
        await town.controller.desk.change(order.id, {"detectors": []}, "wang")
        assert town.controller.watch_assignments() == []
        await town.kill()
        await town.start_again()
        await town.reach(S.ON_TASK)
        assert town.controller.watch_assignments() == []
        before = town.clock.now()
        await town.controller.desk.change(order.id, {"detectors": ["water"]}, "wang")
        assert town.controller.watch_assignments() == [("bridge", "a1")]
        await town.until(lambda: looked(town) == [("water", "bridge")], 5)
        since = town.live().detectors[0].since
        assert since >= before
        town.controller.watch_assignments()
        assert town.controller.supervisors["a1"].looked[0].since == since
        assert town.state() is S.ON_TASK, "its drone was not called home for it"


@pytest.fixture
def city(make_city: Callable[..., City]) -> City:
    return make_city("a1", "a2")


def over(city: City, cell: int, order: str) -> Sortie:
    """A sortie that flies over the middle of a cell."""
    found = city_cells(city)[cell]
    (west, south), *_ = found.ring
    places = [(west, south), *found.ring[2:3]]
    leg = Leg(LegKind.SURVEY, tuple(Waypoint(*place, 60) for place in places), 10.0, cell=found.id)
    return Sortie("s1", order, "a1", "d1", *city.docks[0].position, 60.0, (leg,), None)


def shown(city: City, sortie: Sortie, orders: dict[str, dict[str, Any]], **more: Any) -> list[str]:
    """Return whose detectors look at the video of a drone that flies a sortie."""
    wanted = {
        name: understood(OrderRequest.model_validate(body), city, AT)
        for name, body in orders.items()
    }
    patrols = [one for one in wanted.values() if one.task is None and not one.sites]
    sights = Sights(city, SimpleNamespace(now=lambda: AT), wanted.get, lambda: patrols)
    keeper: Any = SimpleNamespace(
        drone=city.drones[0], sortie=sortie, answering=None, state=S.ON_WAY, looked=()
    )
    for name, value in more.items():
        setattr(keeper, name, value)
    sights.look([keeper])
    return [one.site for one in keeper.looked]


def cell_of_bridge(city: City) -> int:
    lon, lat = city.sites[0].position
    return next(
        number
        for number, cell in enumerate(city_cells(city))
        if cell.ring[0][0] <= lon < cell.ring[2][0] and cell.ring[0][1] <= lat < cell.ring[2][1]
    )


def test_a_tour_of_several_patrols_has_the_detectors_of_those_whose_cells_show_the_site(
    city: City,
) -> None:
    here = cell_of_bridge(city)
    name, other = city_cells(city)[here].id, city_cells(city)[here + 5].id
    sortie, plain = over(city, here, "b"), {"kind": "patrol", "cells": [other]}
    looks = {"kind": "patrol", "cells": [name], "detectors": ["water"]}
    assert shown(city, sortie, {"a": looks, "b": plain}) == ["bridge"]
    assert shown(city, sortie, {"b": plain}) == []
    assert shown(city, sortie, {"b": {**looks, "detectors": []}}) == []
    assert shown(city, sortie, {"b": {"kind": "patrol", "cells": [name]}}) == []
    elsewhere = over(city, here + 5, "b")
    assert shown(city, elsewhere, {"b": {**looks, "beats": ["b1"], "cells": []}}) == []
    assert shown(city, sortie, {"a": looks}, answering=sortie) == [], "it answers a call"


def test_a_task_has_those_of_the_sites_that_it_names_or_comes_by(city: City) -> None:
    lon, lat = city.sites[0].position
    asked = {"kind": "orbit", "place": "site:bridge", "radius_m": 50}
    leg = Leg(LegKind.ORBIT, (Waypoint(lon, lat, 60),), 5.0, look_at=LookAt(lon, lat))
    home = city.docks[0].position
    sortie = Sortie("s2", "o#0-1", "a1", "d1", *home, 60.0, (leg,), None)
    assert shown(city, sortie, {"o#0-1": asked}) == ["bridge"]
    by = {"kind": "orbit", "geometry": {"type": "Point", "coordinates": [lon, lat + 0.0006]}}
    assert shown(city, sortie, {"o#0-1": by}) == []
    assert shown(city, sortie, {"o#0-1": {**by, "detectors": ["water"]}}) == ["bridge"]
    away = replace(sortie, legs=(replace(leg, look_at=LookAt(lon, lat + 0.002)),))
    assert shown(city, away, {"o#0-1": {**by, "detectors": ["water"]}}) == []


def test_a_detector_that_an_order_gives_nothing_to_look_at_is_refused(city: City) -> None:
    lon, lat = city.sites[0].position

    def check(**body: Any) -> Wanted:
        request = OrderRequest.model_validate({"detectors": ["water"], **body})
        found = understood(request, city, AT)
        check_shown(found, city)
        return found

    def point(north: float) -> dict[str, Any]:
        return {"type": "Point", "coordinates": [lon, lat + north]}

    check(kind="stare", sites=["bridge"])
    check(kind="patrol", beats=["b1"])
    check(kind="orbit", geometry=point(0.001))
    check(kind="orbit", geometry=point(0.01), detectors=[])
    with pytest.raises(OrderUnfit, match=r"water: it names no site that has it.*bridge") as caught:
        check(kind="orbit", geometry=point(0.01))
    assert caught.value.field == "detectors"
