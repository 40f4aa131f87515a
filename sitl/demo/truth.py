"""Reads the simulator's logs as they grow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class LogTail:
    """A JSON-lines file that another process appends to; holds what was read so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: list[dict[str, Any]] = []
        self._offset = 0

    def refresh(self) -> list[dict[str, Any]]:
        """Read what has been appended and return only that.

        A line without its end is left for the next time; a file that is not there yet is empty.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        fresh = [json.loads(line) for line in whole.splitlines() if line.strip()]
        self.entries.extend(fresh)
        return fresh


class Truth:
    """The logs of ``skybeat sim --log DIR``."""

    def __init__(self, folder: Path) -> None:
        self.vehicles = LogTail(folder / "vehicles.jsonl")
        self.docks = LogTail(folder / "docks.jsonl")
        self.cad = LogTail(folder / "cad.jsonl")
        self.faults = LogTail(folder / "faults.jsonl")

    def refresh(self) -> None:
        """Read what is new in each log."""
        for tail in (self.vehicles, self.docks, self.cad, self.faults):
            tail.refresh()
