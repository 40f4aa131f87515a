"""A store, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable
from itertools import count
from pathlib import Path

import pytest

from fleet.store.store import Store

_NUMBERS = count(1)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """Address of an empty database; None is the embedded one."""
    if request.param == "sqlite":
        return None
    make: Callable[[str], str] = request.getfixturevalue("postgres")
    return make(f"store{next(_NUMBERS)}")


@pytest.fixture
async def store(tmp_path: Path, migrated: Path, database_url: str | None) -> AsyncIterator[Store]:
    made = Store(shutil.copytree(migrated, tmp_path / "data"), database_url)
    if database_url is not None:
        await made.migrate()
    yield made
    await made.close()
