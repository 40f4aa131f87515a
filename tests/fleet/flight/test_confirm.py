"""The word of a second question: short, the pilot's own, good once and for 20 s."""

from __future__ import annotations

from datetime import UTC, datetime

from fleet.flight.confirm import VALID_S, Confirmations


class Hands:
    seconds = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return self.seconds


def test_it_is_short_and_another_each_time() -> None:
    asked = {Confirmations(Hands()).ask("u1", "li") for _ in range(200)}
    assert all(len(word) == 4 and word.isalpha() and word.islower() for word in asked)
    assert len(asked) > 150


def test_it_is_good_once_for_its_pilot_and_drone() -> None:
    words = Confirmations(Hands())
    for drone, actor in (("u2", "li"), ("u1", "wang")):
        word = words.ask("u1", "li")
        assert not words.accepts(drone, actor, word)
        assert words.accepts("u1", "li", f" {word.upper()} ")
        assert not words.accepts("u1", "li", word)


def test_a_wrong_word_ends_it() -> None:
    words = Confirmations(Hands())
    word = words.ask("u1", "li")
    assert not words.accepts("u1", "li", "wrong")
    assert not words.accepts("u1", "li", word)
    assert not words.accepts("u1", "li", "")
    assert not words.accepts("u1", "li", "字")


def test_it_ends_after_20_s() -> None:
    clock = Hands()
    words = Confirmations(clock)
    word = words.ask("u1", "li")
    clock.seconds = VALID_S - 0.01
    assert words.accepts("u1", "li", word)
    word = words.ask("u1", "li")
    clock.seconds += VALID_S
    assert not words.accepts("u1", "li", word)
