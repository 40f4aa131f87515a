from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fleet.model.call import Call
from fleet.store import calls
from fleet.store.store import Store

NOW = datetime(2026, 5, 6, 12, tzinfo=UTC)


async def test_past_calls_are_the_newest_since_a_time_and_no_more_than_asked(store: Store) -> None:
    async with store.write() as tx:
        for day in range(6):
            call = Call(
                id=f"c{day}",
                lon=117.0 + day,
                lat=24.5,
                kind="help",
                priority=5,
                want=1,
                on_scene_s=600,
                source="call",
                received_at=NOW - timedelta(days=day),
                received_by="cad",
            )
            await calls.save(tx.session, call)
    found = await store.standing.calls_since(NOW - timedelta(days=3), 100)
    assert [lon for lon, _, _ in found] == [117.0, 118.0, 119.0, 120.0]
    assert found[1] == (118.0, 24.5, NOW - timedelta(days=1))
    few = await store.standing.calls_since(NOW - timedelta(days=3), 2)
    assert [lon for lon, _, _ in few] == [117.0, 118.0]
