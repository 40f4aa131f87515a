"""The autopilot's texts, put together again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymavlink.dialects.v20 import common as mav

from fleet.link.port import TEXT_LOG_SIZE
from fleet.link.words import MOST_OPEN, PIECE, WAIT_S, Words

AT = datetime(2026, 7, 1, tzinfo=UTC)


def pieces(text: str, number: int = 7, severity: int = 2) -> list[bytes]:
    raw = text.encode()
    chunks = [raw[i : i + PIECE] for i in range(0, len(raw), PIECE)]
    if len(chunks[-1]) == PIECE:
        chunks.append(b"")
    packer = mav.MAVLink(None, 1, 1)
    return [
        bytes(mav.MAVLink_statustext_message(severity, chunk, number, i).pack(packer))
        for i, chunk in enumerate(chunks)
    ]


def say(words: Words, raws: list[bytes], now: float = 0.0) -> list[bool]:
    return [words.hear(raw, 1, AT + timedelta(seconds=now), now) for raw in raws]


LONG = "Preflight Fail: Compass 0 is uncalibrated; calibrate it before the next flight, away from steel"


def test_a_short_text_is_told_at_once() -> None:
    words = Words()
    assert say(words, pieces("Takeoff detected\t", number=0, severity=6)) == [True]
    assert say(words, pieces("Failsafe activated", number=3, severity=0)) == [True]
    assert [(t.severity, t.text, t.grave) for t in words.texts] == [
        ("INFO", "Takeoff detected", False),
        ("EMERGENCY", "Failsafe activated", True),
    ]


@pytest.mark.parametrize("order", [[0, 1], [1, 0], [0, 0, 1]])
def test_a_long_text_is_whole_whatever_order_it_comes_in(order: list[int]) -> None:
    words, sent = Words(), pieces(LONG)
    say(words, [sent[i] for i in order])
    assert [t.text for t in words.texts] == [LONG]


@given(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=400))
def test_any_length_comes_out_as_it_went_in(text: str) -> None:
    words = Words()
    say(words, pieces(text))
    assert [t.text for t in words.texts] == [text]


def test_two_texts_whose_pieces_come_mixed_are_two_texts() -> None:
    words, one, two = Words(), pieces(LONG, 1), pieces(LONG.upper(), 2)
    say(words, [one[0], two[0], two[1], one[1]])
    assert [t.text for t in words.texts] == [LONG.upper(), LONG]


def test_a_lost_piece_is_waited_for_and_then_shown_missing() -> None:
    words, sent = Words(), pieces(LONG + LONG)
    say(words, [sent[0], sent[2], sent[3]], 5.0)
    assert not words.expire(5.0 + WAIT_S / 2)
    assert words.texts == ()
    assert words.expire(5.1 + WAIT_S)
    (text,) = words.texts
    assert text.text == (LONG + LONG)[:50] + " … " + (LONG + LONG)[100:]
    assert text.at == AT + timedelta(seconds=5)


def test_the_last_two_hundred_are_kept_and_open_ones_are_bounded() -> None:
    words = Words()
    for i in range(TEXT_LOG_SIZE + 30):
        say(words, pieces(f"text {i}", number=0))
    assert len(words.texts) == TEXT_LOG_SIZE
    assert words.texts[0].text == "text 30"
    for i in range(1, 3 * MOST_OPEN):
        say(words, pieces(LONG, i)[:1])
    assert len(words._open) <= MOST_OPEN


def test_what_is_no_text_is_not_shown_as_one() -> None:
    words = Words()
    say(words, pieces("bell \x07 and \x1b[31m red", number=0))
    assert words.texts[0].text == "bell  and [31m red"


@given(st.lists(st.tuples(st.binary(max_size=54), st.integers(0, 255), st.floats(0, 9))))
def test_no_content_makes_it_fail(came: list[tuple[bytes, int, float]]) -> None:
    words = Words()
    for payload, component, now in came:
        raw = b"\xfd" + bytes([len(payload)]) + bytes(5) + b"\xfd\0\0" + payload + b"\0\0"
        words.hear(raw, component, AT, now)
    assert all(t.text.isprintable() for t in words.texts)
