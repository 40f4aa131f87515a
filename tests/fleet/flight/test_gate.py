"""One door, one drone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fleet.flight.gate import Gate

moves = st.lists(
    st.tuples(st.sampled_from(["take", "release"]), st.sampled_from("abc")), max_size=40
)


@given(moves)
def test_it_is_held_by_the_one_who_took_it_until_that_one_gives_it_back(
    steps: list[tuple[str, str]],
) -> None:
    gate, holder = Gate(), None
    for what, drone in steps:
        if what == "take":
            assert gate.take(drone) == (holder in {None, drone})
            holder = holder or drone
        else:
            gate.release(drone)
            holder = None if holder == drone else holder
        assert gate.holder == holder
