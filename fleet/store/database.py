"""The database: engine, transactions and the discipline of one writer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from fleet.errors import StoreError
from fleet.store import sqlite

MIGRATIONS = Path(__file__).parent / "migrations"


class Transaction:
    """A write in progress: its session, and what is to happen once it is committed."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session
        self._after: list[Callable[[], None]] = []

    def after_commit(self, action: Callable[[], None]) -> None:
        """Do something once, after the commit and before any later writer begins.

        So what is published follows the order of the commits.
        """
        self._after.append(action)

    def committed(self) -> None:
        """Carry out what was asked for."""
        for action in self._after:
            action()


class Database:
    """One database; many readers and one writer at a time.

    Parameters
    ----------
    url
        SQLAlchemy address with an asynchronous driver.

    Raises
    ------
    StoreError
        If the address is none, or its driver is not there or not asynchronous.
    """

    def __init__(self, url: str) -> None:
        try:
            self.engine: AsyncEngine = create_async_engine(url, pool_size=4, pool_timeout=10)
        except (
            SQLAlchemyError,
            ImportError,
            ValueError,
        ) as error:  # ValueError: a port that is none
            words = str(error).splitlines()[0]  # holds the driver's name, never the password
            raise StoreError(
                f"no such database can be opened: {words}",
                hint="SKYBEAT_DATABASE_URL is a SQLAlchemy address with an asynchronous driver, "
                "e.g. sqlite+aiosqlite:////srv/skybeat.db",
            ) from error
        embedded = self.engine.dialect.name == "sqlite"
        self._workers = sqlite.prepare(self.engine) if embedded else None
        self._writer = self.engine.execution_options(**{sqlite.WRITE: True})
        self._writing = asyncio.Lock()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """Open a session that sees one consistent state and changes nothing.

        Raises
        ------
        StoreError
            If the database cannot be reached or refuses.
        """
        try:
            async with AsyncSession(self.engine, expire_on_commit=False) as session:
                yield session
        except (SQLAlchemyError, OSError) as error:
            raise _store_error("read", error) from error

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        """Open the one write transaction; it is committed when the block ends without an error.

        Raises
        ------
        StoreError
            If the database cannot be reached or refuses; nothing was changed then.
        """
        try:
            async with self._writing:
                async with (
                    AsyncSession(self._writer, expire_on_commit=False) as session,
                    session.begin(),
                ):
                    transaction = Transaction(session)
                    yield transaction
                transaction.committed()
        except (SQLAlchemyError, OSError) as error:
            raise _store_error("write", error) from error

    async def migrate(self) -> tuple[str | None, str | None]:
        """Bring the tables up to date in one transaction.

        Returns
        -------
        tuple
            Revision before and after.

        Raises
        ------
        StoreError
            If the database cannot be reached or was made by a newer Skybeat.
        """
        try:
            async with self._writing, self._writer.begin() as connection:
                return await connection.run_sync(_upgrade)
        except CommandError as error:
            raise StoreError(
                f"the database is of another version of Skybeat: {error}",
                hint="start the Skybeat that made it, or name another data folder with --data",
            ) from error
        except (SQLAlchemyError, OSError) as error:
            raise _store_error("migrate", error) from error

    async def close(self) -> None:
        """Close every connection, and see the embedded database's threads end."""
        await self.engine.dispose()
        if self._workers is not None:
            await self._workers.ended()


def _upgrade(connection: Connection) -> tuple[str | None, str | None]:
    from alembic.runtime.migration import MigrationContext

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    before = MigrationContext.configure(connection).get_current_revision()
    command.upgrade(config, "head")
    after = MigrationContext.configure(connection).get_current_revision()
    return before, after


def _store_error(verb: str, error: Exception) -> StoreError:
    words = str(getattr(error, "orig", None) or error).splitlines()[0]
    return StoreError(
        f"cannot {verb} the database: {words}",
        hint="check free space and permissions of the data folder",
    )
