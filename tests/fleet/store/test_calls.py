"""Calls and the drones sent to them, on disk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fleet.model.call import Call, CallStatus, Sent, SentStatus
from fleet.store import calls
from fleet.store.store import Store

AT = datetime(2026, 5, 1, 8, tzinfo=UTC)


def call(name: str = "c1", minute: int = 0, **changes: Any) -> Call:
    made = Call(
        id=name, lon=117.65, lat=24.51, kind="斗殴", priority=7, want=2, on_scene_s=600.0,
        note="两人", source="sos", received_at=AT + timedelta(minutes=minute), received_by="li",
    )  # fmt: skip
    return made.model_copy(update=changes)


def sent(drone: str, **changes: Any) -> Sent:
    made = Sent(
        drone=drone, at=AT, due_at=AT + timedelta(seconds=40), from_dock=False,
        way=((117.65, 24.51, 55.0),), stay_s=700.0, ends_at="d1", left_order="o1",
        gives_up="leaves 2 cells", cells=("b1/r0c0", "b1/r0c1"),
    )  # fmt: skip
    return made.model_copy(update=changes)


async def test_a_call_comes_back_as_it_was(store: Store) -> None:
    first = call(sent=(sent("v1"),), status=CallStatus.ASSIGNED)
    await store.calls.save_call(first)
    assert await store.calls.call("c1") == first
    there = sent("v1", status=SentStatus.THERE, there_at=AT + timedelta(seconds=38))
    later = first.model_copy(
        update={"sent": (there, sent("v2")), "status": CallStatus.ON_SCENE, "there_at": AT}
    )
    await store.calls.save_call(later)
    assert await store.calls.call("c1") == later
    assert await store.calls.call("c2") is None


async def test_open_calls_are_those_that_have_not_ended_oldest_first(store: Store) -> None:
    statuses = list(CallStatus)
    for minute, status in enumerate(reversed(statuses)):
        await store.calls.save_call(call(status.value, -minute, status=status))
    found = [made.id for made in await store.calls.open_calls()]
    assert found == ["received", "assigned", "on_scene", "nobody"]
    async with store.read() as session:
        newest = await calls.latest(session, 2)
    assert [made.id for made in newest] == ["cancelled", "done"]


async def test_a_word_of_a_cad_is_heard_once_and_forgotten_in_time(store: Store) -> None:
    async with store.write() as tx:
        await calls.hear(tx.session, "cad-1", "m1", AT)
    async with store.write() as tx:
        assert await calls.is_heard(tx.session, "cad-1", "m1")
        assert not await calls.is_heard(tx.session, "cad-2", "m1")
        await calls.forget_heard(tx.session, AT + timedelta(seconds=1))
    async with store.read() as session:
        assert not await calls.is_heard(session, "cad-1", "m1")


@pytest.mark.parametrize("ids", [["a" * 100], ["cad-1:" + "b" * 60]])
async def test_long_names_are_kept(tmp_path: Path, ids: list[str]) -> None:
    store = Store(tmp_path)
    await store.migrate()
    for name in ids:
        await store.calls.save_call(call(name))
        assert (await store.calls.call(name)) == call(name)
    await store.close()
