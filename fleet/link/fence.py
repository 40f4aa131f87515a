"""A fence into a vehicle that may be in the air, and read back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise

from fleet.errors import LinkError, Refused
from fleet.link.items import Item
from fleet.link.loading import HELD_READS, Loader
from fleet.link.plans import FENCE
from fleet.link.port import why

IN_FORCE_S = 0.7
"""PX4 acknowledges a fence, and a moment later takes it or says why not; that it has taken it, it
does not say."""
NOT_TAKEN = "Geofence invalid"
"""What it says of a fence without its home or itself in it: it has no fence then."""


class FenceLoader(Loader):
    """Loads programmes, and fences alone."""

    async def load_fence(self, fence: Sequence[Item]) -> None:
        """Replace the fence; returns when it was read back and is in force.

        Raises
        ------
        Refused
            If the vehicle does not take it.
        LinkError
            If it does not answer, or holds another.
        """
        async with self._one:
            self.loaded_at = begun = self._seen.clock.now()
            await self._replace(FENCE, fence)
            await asyncio.sleep(IN_FORCE_S)
            words = why(self._seen.texts, begun)
            if NOT_TAKEN in words:
                raise Refused(f"{self._seen.drone}: fence: {words}")

    async def held_fence(self) -> Sequence[Item]:
        """Read the fence that the vehicle holds.

        Raises
        ------
        LinkError
            If it does not answer, or with rings that are none.
        """
        async with self._one:
            for _ in range(HELD_READS):
                items = await self._read(FENCE)
                if whole(items):
                    return items
        raise LinkError(f"{self._seen.drone}: the fence read is not one: {len(items)} corners")


def whole(items: Sequence[Item]) -> bool:
    """Whether items are whole rings: each corner says how many its ring has."""
    left = list(items)
    while left:
        size = round(left[0].params[0])
        ring, left = left[:size], left[size:]
        alike = {(item.command, round(item.params[0])) for item in ring}
        if len(ring) < 3 or len(ring) != size or len(alike) != 1:
            return False
        if any((a.x, a.y) == (b.x, b.y) for a, b in pairwise(ring)):
            return False  # one that was read twice
    return True
