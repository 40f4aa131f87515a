"""The fleet as the responder and the planner see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fleet.flight.response.picture import fleet_now
from fleet.model.order import OrderRequest
from fleet.model.states import DroneState
from missions.ground import ground_of
from missions.picture import Doing

S = DroneState


async def test_one_that_has_to_wait_for_its_mate_cannot_be_sent_at_once(
    make_town: Callable[..., Any],
) -> None:
    """Not to a call; but a plan may count on it."""
    town = make_town(("a1", "a2", "a3"))
    async with town.open():
        for drone in town.vehicles:
            await town.reach(S.DOCKED, drone=drone)
        keepers = town.controller.supervisors

        def seen(at_once: bool) -> dict[str, tuple[Doing, str]]:
            ground = ground_of(town.city)
            fleet = fleet_now(ground, [*keepers.values()], {}, (), lambda _: 0, at_once=at_once)
            return {now.id: (now.doing, now.reason) for now in fleet}

        assert set(seen(at_once=True).values()) == {(Doing.DOCKED, "")}
        keepers["a3"].holder = "wang"
        town.vehicle.set(armable=False)  # so that it stays in its checks
        await town.controller.submit(OrderRequest(kind="patrol", beats=("b1",)), "li")
        await town.until(lambda: town.live("a1").reason == "autopilot is not ready to arm")
        held = (Doing.OUT, "held by wang")
        waits = (Doing.OUT, "a1 leaves its dock")
        assert seen(at_once=True) == {"a1": (Doing.LEAVING, ""), "a2": waits, "a3": held}
        free = (Doing.DOCKED, "")
        assert seen(at_once=False) == {"a1": (Doing.LEAVING, ""), "a2": free, "a3": held}
