"""What is known of a vehicle where mavsdk drops what it tells."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from fleet.link.clock import SystemClock
from fleet.link.mavsdk_telemetry import Slots


class Deaf:
    """A plugin none of whose callbacks ever comes."""

    def __getattr__(self, name: str) -> Any:
        assert name.startswith("subscribe_"), name
        return lambda *_: None


class DeafMission(Deaf):
    progress = SimpleNamespace(current=0, total=0)

    def mission_progress(self) -> Any:
        return self.progress


def test_the_item_flown_is_known_though_its_change_was_not_told() -> None:
    slots, mission = Slots(SystemClock()), DeafMission()
    assert slots.picture().mission_current == 0
    slots.subscribe(Deaf(), mission)
    for current in (0, 7, 8):
        mission.progress = SimpleNamespace(current=current, total=8)
        assert slots.picture().mission_current == current
    mission.progress = SimpleNamespace(current=-1, total=-1)
    assert slots.picture().mission_current == 0
