"""Asking twice before what cannot be undone."""

from __future__ import annotations

import secrets

from fleet.link.clock import Clock

VALID_S = 20.0
"""A word that is not said by then is void."""
_CONSONANTS, _VOWELS = "bdfgkmnprstvz", "aeiou"


class Confirmations:
    """A short word for each drone and pilot; good once, for 20 s, and not over a restart."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._words: dict[tuple[str, str], tuple[str, float]] = {}

    def ask(self, drone: str, actor: str) -> str:
        """Return the word that the pilot has to say, in place of an earlier one."""
        word = "".join(secrets.choice(letters) for letters in (_CONSONANTS, _VOWELS) * 2)
        self._words[drone, actor] = word, self._clock.monotonic() + VALID_S
        return word

    def asked(self, drone: str, actor: str) -> str | None:
        """Return the word that the pilot was asked to say, while it is good."""
        word, until = self._words.get((drone, actor), ("", 0.0))
        return word if word and self._clock.monotonic() < until else None

    def accepts(self, drone: str, actor: str, word: str) -> bool:
        """Say whether that is the word; whatever it is, it must be asked for anew afterwards."""
        asked, until = self._words.pop((drone, actor), ("", 0.0))
        said = word.strip().lower().encode()
        right = secrets.compare_digest(asked.encode(), said)
        return bool(asked) and right and self._clock.monotonic() < until
