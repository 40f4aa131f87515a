"""The command ``skybeat``: what it sets for all that it starts."""

from __future__ import annotations

import os

import pytest

from fleet import command


@pytest.mark.parametrize(("had", "runs_with"), [(None, "1"), ("4", "4")])
def test_linear_algebra_has_one_thread_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, had: str | None, runs_with: str
) -> None:
    """From before the commands are loaded, for numpy reads it once."""
    name = "OPENBLAS_NUM_THREADS"
    monkeypatch.delenv(name, raising=False)
    if had is not None:
        monkeypatch.setenv(name, had)
    seen: list[str | None] = []
    monkeypatch.setattr(command, "build", lambda: lambda: seen.append(os.environ.get(name)))
    command.main()
    assert seen == [runs_with]
