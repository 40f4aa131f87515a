"""Tokens that the store has lately said are good, for when it does not answer."""

from __future__ import annotations

from collections import OrderedDict

from fleet.store.tokens import TokenRecord, digest

GOOD_S = 600.0
"""A token that was good so long ago may have been revoked since."""
SIZE = 1000


class RememberedTokens:
    """The newest ``SIZE`` of them, by their hashes. One that was found revoked is forgotten."""

    def __init__(self) -> None:
        self._found: OrderedDict[str, tuple[TokenRecord, float]] = OrderedDict()

    def note(self, token: str, record: TokenRecord | None, now_s: float) -> None:
        """Take what the store says of a token."""
        key = digest(token)
        self._found.pop(key, None)
        if record is not None:
            self._found[key] = record, now_s
            if len(self._found) > SIZE:
                self._found.popitem(last=False)

    def get(self, token: str, now_s: float) -> TokenRecord | None:
        """Return the record of a token that was good within ``GOOD_S``, or None."""
        record, at_s = self._found.get(digest(token), (None, 0.0))
        return record if now_s - at_s <= GOOD_S else None
