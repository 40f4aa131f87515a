"""A pilot says that a dock is to be believed again."""

from __future__ import annotations

from typing import Any

from fleet.store import audit


async def test_a_dock_is_believed_again_with_a_reason_that_is_kept(api: Any, flight: Any) -> None:
    dock = api.context.city.docks[0].id
    body = {"reason": "lid freed, opens all the way"}
    async with api.as_("pilot") as pilot:
        assert (await pilot.post("/api/v1/docks/zz/believe", json=body)).status_code == 404
        short = await pilot.post(f"/api/v1/docks/{dock}/believe", json={"reason": "ok"})
        assert short.status_code == 422
        assert flight.asked == []
        assert (await pilot.post(f"/api/v1/docks/{dock}/believe", json=body)).status_code == 204
        assert flight.asked == [("believe_dock", dock, "a pilot")]
        flight.refuses = f"nothing is held against dock {dock}"
        refused = await pilot.post(f"/api/v1/docks/{dock}/believe", json=body)
        assert refused.status_code == 409
        assert refused.json()["detail"] == flight.refuses
    async with api.as_("officer") as officer:
        assert (await officer.post(f"/api/v1/docks/{dock}/believe", json=body)).status_code == 403
    async with api.context.store.read() as session:
        kept = await audit.of_subject(session, f"dock:{dock}")
    assert {(e.action, e.reason) for e in kept} == {("dock.believe", body["reason"])}
