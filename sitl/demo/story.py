"""How the controller's picture of the drones and docks changes, kept as a list of what is new. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

_NUMBER = re.compile(r"\d+(?:[.:]\d+)*")


class Story:
    """Takes in one picture after the other.

    Words that differ from the last ones by their numbers only (a wind that freshens, an aircraft that
    comes nearer) are not new; a warning that ends and comes back is.

    Attributes
    ----------
    entries
        ``at``, ``what`` (a drone or a dock) and ``words``, in order of time.
    """

    def __init__(self) -> None:
        self.entries: list[dict[str, str]] = []
        self._last: dict[str, dict[str, str]] = {}

    def take(self, state: Mapping[str, Any], at: datetime) -> None:
        """Take in the live picture of a time; the first one is where the story begins."""
        for one in [*state["drones"], *state["docks"]]:
            now = {_NUMBER.sub("#", words): words for words in _said(one)}
            before = self._last.get(one["id"])
            self._last[one["id"]] = now
            if before is None:
                continue
            for plain in [plain for plain in now if plain not in before]:
                entry = {"at": at.isoformat(), "what": one["id"], "words": now[plain]}
                self.entries.append(entry)


def _said(one: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the controller tells of a drone or a dock."""
    if "door" in one:
        yield f"door {one['door']}" if one["online"] else "offline"
        return
    reason = one.get("reason")
    yield f"{one['state']} ({reason})" if reason else str(one["state"])
    for warning in one.get("warnings", ()):
        yield f"warned: {warning}"
