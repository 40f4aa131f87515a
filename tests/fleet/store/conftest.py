"""A store, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

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
async def store(tmp_path: Path, database_url: str | None) -> AsyncIterator[Store]:
    folder = tmp_path / "data"
    folder.mkdir()
    made = Store(folder, database_url)
    await made.migrate()
    yield made
    await made.close()
