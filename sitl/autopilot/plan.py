"""The plan a vehicle holds: mission, fence and rally points, and how far the mission is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sitl.autopilot.fence import Fence
from sitl.autopilot.items import FENCE, MISSION, RALLY, Item, stored


class Plan:
    """Mission, fence and rally points of one vehicle, shared by all of its links."""

    def __init__(self) -> None:
        self._items: dict[int, tuple[Item, ...]] = {MISSION: (), FENCE: (), RALLY: ()}
        self._crc = {MISSION: 0, FENCE: 0, RALLY: 0}
        self.rally_frames: tuple[int, ...] = ()
        """The frames in which the rally points were sent: PX4's return looks at them."""
        self.fence = Fence()
        self.valid = False
        """Whether the mission passed its check."""
        self.current = 0
        self.reached = -1
        self.finished = False
        self.busy = False
        """Whether an upload is under way on any link."""
        self.on_change: Callable[[int], None] = lambda _type: None
        """Told the type of what was replaced."""

    def items(self, mission_type: int) -> tuple[Item, ...]:
        """Return the items of one type."""
        return self._items[mission_type]

    @property
    def mission(self) -> tuple[Item, ...]:
        """Return the mission."""
        return self._items[MISSION]

    @property
    def ids(self) -> tuple[int, int, int]:
        """Return the checks over mission, fence and rally points that identify them."""
        return self._crc[MISSION], self._crc[FENCE], self._crc[RALLY]

    def replace(self, mission_type: int, items: Sequence[Item], current: int = 0) -> None:
        """Take a complete upload.

        An upload equal to what is held changes nothing, as in PX4: progress is kept.
        """
        crc = 0
        for item in items:
            crc = item.crc(crc)
        if crc == self._crc[mission_type] and items:
            return
        self._crc[mission_type] = crc
        self._items[mission_type] = tuple(stored(item) for item in items)
        if mission_type == RALLY:
            self.rally_frames = tuple(item.frame for item in items)
        if mission_type == FENCE:
            self.fence = Fence(self._items[FENCE])
        elif mission_type == MISSION:
            self.current, self.reached, self.finished = current, -1, False
        self.on_change(mission_type)
