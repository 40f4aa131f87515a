"""Transactions, their order, and what a kill leaves behind."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from fleet.errors import StoreError
from fleet.model.records import DroneRecord
from fleet.model.states import DroneState
from fleet.store import audit, drones, visits
from fleet.store.audit import AuditEntry
from fleet.store.store import Store

NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)


def record(name: str, reason: str = "") -> DroneRecord:
    return DroneRecord(name, DroneState.DOCKED, reason, None, NOW)


async def write_and_fail(store: Store, done: list[str]) -> None:
    async with store.write() as tx:
        await drones.save(tx.session, record("u1"))
        tx.after_commit(lambda: done.append("never"))
        raise ZeroDivisionError


async def test_an_error_in_the_block_leaves_nothing(store: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        await write_and_fail(store, [])
    assert await store.flights.drones() == {}


async def test_what_follows_a_commit_is_not_done_without_one(store: Store) -> None:
    done: list[str] = []
    with pytest.raises(ZeroDivisionError):
        await write_and_fail(store, done)
    async with store.write() as tx:
        tx.after_commit(lambda: done.append("yes"))
        assert done == []
    assert done == ["yes"]


async def test_many_writers_at_once_each_commit_in_turn(store: Store) -> None:
    order: list[int] = []

    async def write(number: int) -> None:
        async with store.write() as tx:
            await drones.save(tx.session, record("u1", str(number)))
            tx.after_commit(lambda: order.append(number))

    await asyncio.gather(*(write(n) for n in range(50)))
    assert sorted(order) == list(range(50))
    assert (await store.flights.drones())["u1"].reason == str(order[-1])


async def test_a_reader_sees_one_state_and_does_not_wait_for_a_writer(store: Store) -> None:
    await store.flights.save_drone(record("u1", "before"))
    async with store.write() as tx:
        await drones.save(tx.session, record("u1", "after"))
        await tx.session.flush()
        async with asyncio.timeout(2):
            assert (await store.flights.drones())["u1"].reason == "before"
    assert (await store.flights.drones())["u1"].reason == "after"


async def test_a_cancelled_writer_lets_the_next_one_in(store: Store) -> None:
    inside = asyncio.Event()

    async def hang() -> None:
        async with store.write() as tx:
            await drones.save(tx.session, record("u1", "cancelled"))
            await tx.session.flush()
            inside.set()
            await asyncio.sleep(3600)

    task = asyncio.create_task(hang())
    await inside.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with asyncio.timeout(3):
        await store.flights.save_drone(record("u2"))
    assert set(await store.flights.drones()) == {"u2"}


@pytest.mark.parametrize("database_url", [None])
async def test_commits_wait_for_the_disk_and_readers_do_not_block(store: Store) -> None:
    async with store.read() as session:
        assert await session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert await session.scalar(text("PRAGMA synchronous")) == 2  # FULL
        assert await session.scalar(text("PRAGMA foreign_keys")) == 1


async def test_the_audit_only_grows(store: Store) -> None:
    async with store.write() as tx:
        await audit.add(tx.session, AuditEntry(NOW, "o", "incident.confirm", "incident:1"))
    changes = ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"]
    if store.database.engine.dialect.name == "postgresql":
        changes += ["TRUNCATE audit", "TRUNCATE audit, tokens CASCADE"]
    for statement in changes:
        with pytest.raises(StoreError, match="append-only"):
            async with store.write() as tx:
                await tx.session.execute(text(statement))
    async with store.read() as session:
        (entry,) = await audit.of_subject(session, "incident:1")
    assert entry.actor == "o"


async def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="without a zone"):
        async with store.write() as tx:
            await visits.add(tx.session, "c", datetime(2026, 5, 1), "u1")


async def test_a_folder_that_is_gone_is_a_store_error(tmp_path: Path) -> None:
    store = Store(tmp_path / "nowhere")
    with pytest.raises(StoreError, match="unable to open database file") as caught:
        await store.migrate()
    assert caught.value.hint
    await store.close()


async def test_a_store_is_closed_when_the_last_of_its_threads_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of a connection which was never opened too, though nobody waits for its end."""
    failed, release = threading.Event(), threading.Event()
    opened = sqlite3.Connection

    class Slow(opened):  # type: ignore[misc, valid-type]
        def __init__(self, *args: object, **kwargs: object) -> None:
            threads.append(threading.current_thread())
            failed.set()
            release.wait(10)
            super().__init__(*args, **kwargs)

    threads: list[threading.Thread] = []
    monkeypatch.setattr(sqlite3, "Connection", Slow)
    store = Store(tmp_path / "nowhere")
    task = asyncio.create_task(store.migrate())
    assert await asyncio.to_thread(failed.wait, 10)
    task.cancel()  # it is not to wait for the connection
    await asyncio.gather(task, return_exceptions=True)
    closing = asyncio.create_task(store.close())
    assert not (await asyncio.wait({closing}, timeout=0.2))[0]
    release.set()
    await closing
    assert [thread.is_alive() for thread in threads] == [False]


@pytest.mark.parametrize(
    "url", ["nonsense", "foo://u:hush@h/x", "sqlite:///x.db", "sqlite+aiosqlite://h:x/"]
)
def test_an_address_that_is_none_is_a_store_error_without_the_password(
    tmp_path: Path, url: str
) -> None:
    with pytest.raises(StoreError, match="no such database") as caught:
        Store(tmp_path, url)
    assert "SKYBEAT_DATABASE_URL" in caught.value.hint
    assert "hush" not in str(caught.value)


WRITER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from fleet.model.records import DroneRecord, TrackPoint
from fleet.model.states import DroneState
from fleet.store import drones, tracks
from fleet.store.store import Store

async def main():
    store = Store(Path(sys.argv[1]))
    await store.migrate()
    number = 0
    while True:
        number += 1
        now = datetime.now(UTC)
        async with store.write() as tx:
            await drones.save(tx.session, DroneRecord("u1", DroneState.ON_WAY, str(number), None, now))
            point = TrackPoint("u1", now, 117.0, 24.0, float(number), None, DroneState.ON_WAY)
            await tracks.add(tx.session, [point])
        print(number, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("commits", [1, 7, 40])
async def test_what_was_committed_before_a_sigkill_is_there_and_whole(
    tmp_path: Path, commits: int
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        for _ in range(commits):
            last = int(process.stdout.readline())
    finally:
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read()
        process.wait()
        process.stdout.close()
    said = [int(word) for word in rest.split()]
    last = said[-1] if said else last
    store = Store(tmp_path)
    await store.migrate()
    kept = int((await store.flights.drones())["u1"].reason)
    async with store.read() as session:
        points = await session.scalar(text("SELECT count(*) FROM tracks"))
    await store.close()
    # one commit may have been done and not said
    assert kept in (last, last + 1)
    assert points == kept, "a transaction was torn apart"
