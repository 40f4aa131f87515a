"""A fence that is read counts where its rings are whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fleet.link.fence import whole
from fleet.link.items import fence_items

RING = [(117.64, 24.5), (117.66, 24.5), (117.66, 24.52), (117.64, 24.52)]
HOLE = [(117.65, 24.51), (117.651, 24.51), (117.651, 24.511)]
ITEMS = list(fence_items(RING, [HOLE, HOLE]))


def test_whole_rings_are_a_fence() -> None:
    assert whole(ITEMS)
    assert whole(list(fence_items([], [HOLE])))
    assert whole([])


@given(index=st.integers(0, len(ITEMS) - 1))
def test_a_corner_that_is_missing_or_read_twice_is_seen(index: int) -> None:
    assert not whole(ITEMS[:index] + ITEMS[index + 1 :])
    assert not whole([*ITEMS[: index + 1], *ITEMS[index:]])
