"""Everything that is only so with SQLite; no other file of the store knows that dialect.

``synchronous=FULL``: with NORMAL a committed transaction survives the death of the process but not
a loss of power. An alarm that was answered 201 is not sent again by its worker, and a drone's state
must be on disk before the command that follows from it; so each commit waits for the disk.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine

from fleet.store.workers import Workers

BUSY_TIMEOUT_MS = 5_000
"""How long a statement waits for another process (``skybeat tokens``) to finish its write."""

WRITE = "skybeat_write"
"""Execution option of a connection that will write: it takes the write lock when it begins."""


def url(file: Path) -> str:
    """Return the SQLAlchemy address of a database file."""
    return f"sqlite+aiosqlite:///{file}"


def prepare(engine: AsyncEngine) -> Workers:
    """Set WAL, durability, busy timeout and foreign keys on every connection, and own BEGIN.

    Returns the threads that the connections will have.

    A transaction that will write begins IMMEDIATE: a deferred one that reads first can be refused
    at its first write, without any wait, when another process wrote in between.
    """
    workers = Workers()

    @event.listens_for(engine.sync_engine, "do_connect")
    def on_opening(_dialect: object, _record: object, _args: object, more: dict[str, Any]) -> None:
        more["factory"] = workers.connect

    @event.listens_for(engine.sync_engine, "connect")
    def on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver is not to begin transactions by itself
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(WRITE, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return workers
