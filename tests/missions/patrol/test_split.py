"""A city in parts: every dock and every cell once, each cell with its nearest dock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from missions.ground import Ground
from missions.patrol.split import groups


@pytest.mark.parametrize("most", [1, 26, 60, 120, 10_000])
def test_parts_hold_everything_once(town: Callable[..., Ground], most: int) -> None:
    ground = town(3)
    parts = groups(ground, most)
    assert Counter(dock for part in parts for dock in part.docks) == Counter(list(ground.docks))
    cells = np.concatenate([part.cells for part in parts])
    assert sorted(cells.tolist()) == list(range(len(ground.cells)))
    for part in parts:
        assert len(part.cells) <= most or len(part.docks) == 1
        for cell in part.cells:
            away = {dock: float(ground.distances[dock][cell]) for dock in ground.docks}
            assert min(away[dock] for dock in part.docks) == min(away.values())


def test_a_small_city_is_one_part(town: Callable[..., Ground]) -> None:
    ground = town(2)
    (part,) = groups(ground)
    assert part.docks == frozenset(ground.docks)
    assert part.cells.tolist() == list(range(len(ground.cells)))
