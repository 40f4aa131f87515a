"""Models and migrations agree; a database of a newer Skybeat is refused; a half-made one is not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, select, text

from fleet.errors import StoreError
from fleet.model.records import DroneRecord
from fleet.model.states import DroneState
from fleet.store.database import MIGRATIONS
from fleet.store.store import Store
from fleet.store.tables import Base, OrderRow

NEWEST = ScriptDirectory(str(MIGRATIONS)).get_current_head()
"""There is one: two heads are an error."""


async def test_models_and_migrations_agree(store: Store) -> None:
    def differences(connection: Connection) -> object:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, Base.metadata)

    async with store.database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_migrations_make_every_table_and_the_second_run_changes_nothing(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path)
    assert await store.migrate() == (None, NEWEST)
    assert await store.migrate() == (NEWEST, NEWEST)
    async with store.database.engine.connect() as connection:
        tables = await connection.run_sync(lambda c: set(inspect(c).get_table_names()))
    assert set(Base.metadata.tables) <= tables
    await store.close()


async def test_a_database_with_data_of_0001_is_brought_forward(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def first_only(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")

    async with store.database.engine.begin() as connection:
        await connection.run_sync(first_only)
        await connection.execute(
            text(
                "INSERT INTO drones (drone, state, reason, sortie, at) "
                "VALUES ('u1', 'on_task', '河', 's1', '2026-05-01 08:00:00.000000')"
            )
        )
    assert await store.migrate() == ("0001", NEWEST)
    at = datetime(2026, 5, 1, 8, tzinfo=UTC)
    assert await store.flights.drones() == {
        "u1": DroneRecord("u1", DroneState.ON_TASK, "河", "s1", at)
    }
    await store.flights.save_drone(DroneRecord("u1", DroneState.LANDING, "", "s1", at, "d2"))
    assert (await store.flights.drones())["u1"].berth == "d2"
    level = DroneRecord("u1", DroneState.RETURNING, "", "s1", at, level_m=75.0)
    await store.flights.save_drone(level)
    assert await store.flights.drones() == {"u1": level}
    await store.close()


async def test_an_order_that_named_no_detectors_has_those_of_its_sites_still(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path)
    bodies = ('{"kind": "stare", "sites": ["x"], "detectors": []}', '{"detectors": ["water"]}')

    def before(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0007")

    async with store.database.engine.begin() as connection:
        await connection.run_sync(before)
        for body in bodies:
            row = f"'{uuid4().hex}', '{body}', 'active', '2026-05-01', 'a', ''"
            names = "id, request, status, created_at, created_by, reason"
            await connection.exec_driver_sql(f"INSERT INTO orders ({names}) VALUES ({row})")
    assert await store.migrate() == ("0007", NEWEST)
    async with store.database.engine.connect() as connection:
        kept = list(await connection.scalars(select(OrderRow.request)))
    wanted = [{"kind": "stare", "sites": ["x"], "detectors": None}, {"detectors": ["water"]}]
    assert sorted(kept, key=len) == sorted(wanted, key=len)
    await store.close()


async def test_a_database_of_a_newer_skybeat_is_refused_in_words(store: Store) -> None:
    async with store.write() as tx:
        await tx.session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"another version of Skybeat.*9999") as caught:
        await store.migrate()
    assert caught.value.hint


async def test_a_file_that_is_no_database_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "skybeat.db").write_bytes(b"not a database at all" * 100)
    store = Store(tmp_path)
    with pytest.raises(StoreError, match="not a database"):
        await store.migrate()
    await store.close()
