"""Pictures are taken soon after a change, and never all at once."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from fleet.link.news import MOVED, NOTABLE
from fleet.link.refresher import LEAST, MOTION_S, Refresher
from fleet.model.live import Telemetry


class Link:
    def __init__(self, drone: str, *, armed: bool = True, cost_s: float = 0.0) -> None:
        self.drone = drone
        self.telemetry = Telemetry(at=datetime(2026, 7, 1, tzinfo=UTC), armed=armed)
        self.cost_s = cost_s
        self.at: list[float] = []
        self.fails = False

    def refresh(self) -> None:
        self.at.append(time.monotonic())
        end = time.monotonic() + self.cost_s
        while time.monotonic() < end:
            pass
        if self.fails:
            raise ValueError("nonsense")


async def until(seen) -> None:
    async with asyncio.timeout(10):
        while not seen():
            await asyncio.sleep(0.002)


async def test_a_notable_change_is_told_at_once_and_a_burst_of_them_together() -> None:
    link = Link("a")
    refresher = Refresher({"a": link})
    refresher.mark("a", NOTABLE)
    refresher.work()
    assert len(link.at) == 1
    for _ in range(50):
        refresher.mark("a", NOTABLE)
        refresher.work()
    await until(lambda: len(link.at) == 2)
    assert link.at[1] - link.at[0] < 1.0
    refresher.close()


async def test_mere_motion_waits_its_turn_and_a_change_overtakes_it() -> None:
    moving, parked = Link("m"), Link("p", armed=False)
    refresher = Refresher({"m": moving, "p": parked})
    for link in (moving, parked):
        refresher.mark(link.drone, MOVED)
    refresher.work()
    for link in (moving, parked):
        refresher.mark(link.drone, MOVED)
    refresher.mark("p", NOTABLE)
    refresher.work()
    assert (len(moving.at), len(parked.at)) == (1, 1)
    await until(lambda: len(moving.at) == 2 and len(parked.at) == 2)
    assert parked.at[1] < moving.at[1]
    assert moving.at[1] - moving.at[0] >= MOTION_S
    refresher.close()


async def test_two_hundred_changes_at_once_leave_the_event_loop_its_turns() -> None:
    links = {str(i): Link(str(i), cost_s=0.002) for i in range(200)}
    refresher = Refresher(links)
    for drone in links:
        refresher.mark(drone, NOTABLE)
    refresher.work()
    done = sum(bool(link.at) for link in links.values())
    assert LEAST <= done < 200, "a slice, not all"
    turns = 0
    while not all(link.at for link in links.values()):
        await asyncio.sleep(0)
        turns += 1
    assert turns >= 5
    refresher.close()


async def test_one_links_nonsense_does_not_freeze_the_others() -> None:
    links = {"a": Link("a"), "b": Link("b")}
    links["a"].fails = True
    refresher = Refresher(links)
    for drone in links:
        refresher.mark(drone, NOTABLE)
    refresher.work()
    assert links["b"].at
    refresher.close()
