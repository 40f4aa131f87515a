"""The simulator's logs: what really happened, as JSON lines."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sitl.errors import SimError


class LogError(SimError):
    """A log that cannot be written."""


def now_iso() -> str:
    """Return the time as ISO 8601 with offset."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


class JsonLog:
    """Appends one JSON object a line, each written out at once.

    Parameters
    ----------
    path
        The file; None keeps nothing. Its folder is made.

    Raises
    ------
    LogError
        If the file cannot be opened.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._file = None
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise LogError(
                f"{path}: cannot be written: {error.strerror}",
                hint="name another folder with --log",
            ) from error

    def write(self, kind: str, **fields: Any) -> None:
        """Append a line with ``at``, ``kind`` and the fields."""
        if self._file is None:
            return
        entry = {"at": now_iso(), "kind": kind, **fields}
        self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
