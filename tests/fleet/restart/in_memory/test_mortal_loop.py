"""What a dead controller leaves behind in the loop is let go of in silence."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize("buried", [False, True])
def test_a_task_that_dies_before_it_begins_is_closed(
    mortal_town: Callable[[], Any], buried: bool
) -> None:
    loop, town = mortal_town()

    async def step() -> None:
        raise AssertionError("a dead process runs nothing")

    async def die() -> None:
        town.life.dead = False
        town.life.task(step())
        town.life.dead = True
        if not buried:
            await asyncio.sleep(0)

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        loop.run_until_complete(die())
        loop.run_until_complete(town.close())
        loop.bury()
        gc.collect()
    asyncio.set_event_loop(None)
    assert not [str(w.message) for w in told if issubclass(w.category, RuntimeWarning)]
