"""The store as the rest of ``fleet`` holds it: database, evidence folder and what flight remembers."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from fleet.config import DATABASE
from fleet.store import sqlite
from fleet.store.calls import SqlCalls
from fleet.store.database import Database, Transaction
from fleet.store.evidence import EvidenceFolder
from fleet.store.flights import SqlFlights
from fleet.store.standing import SqlStanding


class Store:
    """Everything that is on disk.

    Parameters
    ----------
    folder
        Data folder; the evidence lies below it, and the database unless ``url`` names another.
    url
        SQLAlchemy address of the database with an asynchronous driver.
    """

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self.database = Database(url or sqlite.url(folder / DATABASE))
        self.evidence = EvidenceFolder(folder / "evidence")
        self.flights = SqlFlights(self.database)
        self.calls = SqlCalls(self.database)
        self.standing = SqlStanding(self.database)

    def read(self) -> AbstractAsyncContextManager[AsyncSession]:
        """See :meth:`fleet.store.database.Database.read`."""
        return self.database.read()

    def write(self) -> AbstractAsyncContextManager[Transaction]:
        """See :meth:`fleet.store.database.Database.write`."""
        return self.database.write()

    async def migrate(self) -> tuple[str | None, str | None]:
        """See :meth:`fleet.store.database.Database.migrate`."""
        return await self.database.migrate()

    async def close(self) -> None:
        """Close the database."""
        await self.database.close()
