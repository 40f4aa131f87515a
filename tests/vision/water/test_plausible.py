"""A river does not jump; what jumps is something before the board."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from vision.water.plausible import JUMP_M, RATE_M_S, STAYS_S, Plausible

START = datetime(2026, 1, 1, tzinfo=UTC)


def play(readings):
    """Return which of (seconds, level) readings are believed."""
    river = Plausible()
    return [river.take(START + timedelta(seconds=t), level) for t, level in readings]


def test_a_boat_before_the_board_is_not_believed_and_what_comes_after_is():
    level = [(t, 0.86) for t in range(5)]
    boat = [(t, 1.06 + 0.3) for t in range(5, 11)]
    after = [(t, 0.87) for t in range(11, 15)]
    assert play(level + boat + after) == [True] * 5 + [False] * 6 + [True] * 4


def test_a_fast_flood_is_believed_throughout():
    assert all(play([(t * 0.7, 2.0 + 0.045 * t * 0.7) for t in range(100)]))


def test_a_level_that_stays_is_believed_after_a_while():
    believed = play([(0, 2.0)] + [(1 + t, 3.5) for t in range(40)])
    assert believed.index(True, 1) == 1 + STAYS_S
    assert all(believed[int(1 + STAYS_S) :])


def test_jumps_to_and_fro_never_become_the_river():
    assert not any(play([(0, 2.0)] + [(1 + t, 5.0 + (t % 2) * 9.0) for t in range(30)])[1:])


def test_a_clock_set_back_starts_anew():
    assert play([(100, 2.0), (0, 4.0), (1, 4.0)]) == [True, True, True]


@given(st.floats(-5, 5), st.lists(st.tuples(st.floats(0.05, 10), st.floats(-1, 1)), max_size=50))
def test_no_river_within_the_rate_is_ever_doubted(level, steps):
    readings, t = [(0.0, level)], 0.0
    for seconds, share in steps:
        t += seconds
        level += share * 0.99 * (JUMP_M + RATE_M_S * seconds)
        readings.append((t, level))
    assert all(play(readings))
