"""A store, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fleet.store.store import Store


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """Address of an empty database; None is the embedded one."""
    if request.param == "sqlite":
        return None
    _, port = request.getfixturevalue("postgres")
    return f"postgresql+asyncpg://skybeat@127.0.0.1:{port}/skybeat"


@pytest.fixture
async def store(tmp_path: Path, database_url: str | None) -> AsyncIterator[Store]:
    folder = tmp_path / "data"
    folder.mkdir()
    made = Store(folder, database_url)
    await made.migrate()
    yield made
    await made.close()
