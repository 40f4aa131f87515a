"""Orders over HTTP: what comes while the planner still tries one, and has the last word."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from fleet.errors import Conflict
from fleet.model.order import OrderRequest

SQUARE = [[117.645, 24.505], [117.655, 24.505], [117.655, 24.515], [117.645, 24.515]]
AREA: dict[str, Any] = {
    "kind": "area",
    "geometry": {"type": "Polygon", "coordinates": [[*SQUARE, SQUARE[0]]]},
}


async def _is_tried(flight: Any) -> None:
    """Wait until the planner has been asked."""
    async with asyncio.timeout(5):
        while flight.asked[-1][0] != "try":
            await asyncio.sleep(0)


async def _change_on_trial(pilot: Any, flight: Any) -> tuple[str, asyncio.Task[Any]]:
    """Return where an order is, and a change of it that the planner has been asked about."""
    at = f"/api/v1/missions/{(await pilot.post('/api/v1/missions', json=AREA)).json()['id']}"
    flight.asked.append(("now",))
    flight.trial_ends = asyncio.Event()
    change = asyncio.create_task(pilot.patch(at, json={"priority": 7}))
    await _is_tried(flight)
    return at, change


async def test_what_was_cancelled_while_a_change_was_tried_stays_cancelled(
    api: Any, flight: Any, store: Any
) -> None:
    async with api.as_("pilot") as pilot:
        at, change = await _change_on_trial(pilot, flight)
        assert (await pilot.delete(at)).json()["status"] == "cancelled"
        flight.trial_ends.set()
        answer = await change
        assert (answer.status_code, "cancelled already" in answer.text) == (409, True)
        again = (await pilot.get(at)).json()
        assert (again["status"], again["request"]["priority"]) == ("cancelled", 0)
    assert await store.flights.open_orders() == []


async def test_a_pause_waits_for_no_trial_and_outlasts_it(
    api: Any, flight: Any, store: Any
) -> None:
    async with api.as_("pilot") as pilot:
        at, change = await _change_on_trial(pilot, flight)
        async with asyncio.timeout(5):
            assert (await pilot.post(f"{at}/pause")).json()["status"] == "paused"
        flight.trial_ends.set()
        changed = (await change).json()
        assert (changed["status"], changed["request"]["priority"]) == ("paused", 7)
    (kept,) = await store.flights.open_orders()
    assert (kept.status, kept.request.priority) == ("paused", 7)


async def test_a_recall_ends_what_is_still_being_tried_too(
    api: Any, flight: Any, store: Any
) -> None:
    async with api.as_("pilot") as pilot:
        flight.asked.append(("now",))
        flight.trial_ends = asyncio.Event()
        order = asyncio.create_task(pilot.post("/api/v1/missions", json=AREA))
        await _is_tried(flight)
        await flight.book.cancel_all("recalled by a pilot: storm")
        flight.trial_ends.set()
        answer = await order
        assert (answer.status_code, "ended by a recall" in answer.text) == (409, True)
        assert await store.flights.open_orders() == []
        assert (await pilot.post("/api/v1/missions", json=AREA)).status_code == 201


async def test_of_a_file_that_a_recall_overtakes_nothing_is_left(
    api: Any, flight: Any, store: Any
) -> None:
    asked_at = datetime.now(UTC)
    await flight.book.cancel_all("recalled by a pilot: storm")
    with pytest.raises(Conflict, match="ended by a recall"):
        await flight.desk.submit(OrderRequest.model_validate(AREA), "a pilot", asked_at)
    assert await store.flights.open_orders() == []


async def test_an_order_waits_for_the_trial_of_another_no_longer_than_it_may(
    api: Any, flight: Any, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fleet.flight.orderdesk.TURN_S", 0.05)
    async with api.as_("pilot") as pilot:
        at, change = await _change_on_trial(pilot, flight)
        spot = {"type": "Point", "coordinates": [117.65, 24.51]}
        async with asyncio.timeout(5):
            answer = await pilot.post("/api/v1/missions", json={"kind": "orbit", "geometry": spot})
        assert (answer.status_code, "send it again" in answer.text) == (409, True)
        assert len(await store.flights.open_orders()) == 1
        flight.trial_ends.set()
        assert (await change).status_code == 200
        assert (await pilot.patch(at, json={"priority": 1})).status_code == 200
