from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fleet.errors import StoreError
from fleet.flight.standing import Standing, Unremembered
from fleet.model.standing import Flag, PolicyRecord
from missions.city import City
from missions.policy import Policy

FLOOD = Policy.model_validate({"rules": [{"id": "flood", "every_min": 5, "flag": "flood_warning"}]})


class Broken(Unremembered):
    """A store that takes nothing."""

    async def add(self, record: PolicyRecord) -> None:
        """Refuse it."""
        raise StoreError("disk full")

    async def set_flag(self, flag: Flag) -> None:
        """Refuse it."""
        raise StoreError("disk full")


async def test_the_cells_that_are_shown_are_owed_what_policy_says(make_town: Any) -> None:
    async with make_town().open() as town:
        standing, clock = town.controller.standing, town.clock
        await standing.put(FLOOD, "river is rising", "a pilot", 0)
        until = clock.now() + timedelta(hours=1)
        await standing.set_flag(
            "flood_warning", on=True, until=until, reason="level", actor="a pilot"
        )
        town.controller._cells.refresh()
        assert {cell.owed_s for cell in town.hub.all("cell").values()} == {300.0}


async def test_what_the_store_does_not_take_is_not_in_force(make_town: Any) -> None:
    town = make_town()
    standing = Standing(town.city, Broken(), town.clock)
    await standing.load()
    with pytest.raises(StoreError):
        await standing.put(FLOOD, "river is rising", "a pilot", None)
    assert (standing.record.version, standing.policy) == (0, town.city.policy)
    city: City = town.city.model_copy(update={"policy": FLOOD})
    other = Standing(city, Broken(), town.clock)
    with pytest.raises(StoreError):
        await other.set_flag("flood_warning", on=True, until=None, reason="level", actor="a pilot")
    assert other.set_flags(town.clock.now()) == frozenset()
