"""Eight vehicles, eight plans, a bad radio: nobody ever holds another's plan."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time

import pytest

from fleet.errors import LinkError
from fleet.link.items import programme
from fleet.link.mavsdk_pool import MavsdkPool
from missions.city import Drone
from sitl.autopilot.clock import SpeedClock
from sitl.autopilot.core import VehicleSpec
from sitl.autopilot.vehicle import EmbeddedVehicle, fly
from sitl.radio import CLEAR, SILENT, Faults, Radio

PAD = (117.65, 24.51)
POOR = Faults(loss=0.05, duplicate=0.05, reorder=0.03)


def ports(number: int) -> tuple[int, int]:
    """Return two free ports; the vehicle binds the first one's partner 40 above."""
    while True:
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError, OverflowError):
            socks = [stack.enter_context(socket.socket(type=socket.SOCK_DGRAM)) for _ in range(3)]
            socks[0].bind(("0.0.0.0", 0))
            first = int(socks[0].getsockname()[1])
            socks[1].bind(("0.0.0.0", first + 40))
            socks[2].bind(("127.0.0.1", 0))
            return first, int(socks[2].getsockname()[1])


@contextlib.asynccontextmanager
async def town(count: int, speed: float = 2.0):
    """Embedded vehicles, each behind a radio of its own, and one pool."""
    async with contextlib.AsyncExitStack() as stack:
        drones, vehicles, radios = [], [], []
        for number in range(1, count + 1):
            near, far = ports(number)
            url = f"udpin://127.0.0.1:{far}"
            drones.append(Drone(id=f"a{number}", dock="d1", system_id=number, mavlink=url))
            spec = VehicleSpec(f"a{number}", number, PAD[0], PAD[1], 10.0)
            vehicles.append(EmbeddedVehicle(spec, f"udpin://127.0.0.1:{near}"))
            radio = Radio(("127.0.0.1", near), ("127.0.0.1", far), seed=number)
            radios.append(await stack.enter_async_context(radio))
        pool = await stack.enter_async_context(MavsdkPool(drones))
        task = asyncio.create_task(fly(vehicles, clock=SpeedClock(speed)))
        try:
            yield pool, radios
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_eight_plans_on_bad_radios_are_never_mixed(sortie, until) -> None:
    async with town(8) as (pool, radios):
        links = list(pool.links.values())
        await asyncio.gather(*(until(link, lambda t: t.connected, 20) for link in links))
        for radio in radios:
            radio.be(POOR)
        for turn in range(2):
            mine = {
                link.drone: programme(sortie(points=3 + n, reach_m=40.0 + 10 * n + 3 * turn))
                for n, link in enumerate(links)
            }

            async def load(link) -> None:
                for attempt in range(4):  # a radio as bad as this may end a load; never falsely
                    try:
                        await link.load(mine[link.drone])  # noqa: B023
                        return
                    except LinkError:
                        if attempt == 3:
                            raise

            await asyncio.gather(*(load(link) for link in links))

            async def keeps_its_own(link) -> None:
                ours = await link.holds(mine[link.drone])  # noqa: B023
                assert ours is None, f"{link.drone}: {ours}"

            await asyncio.gather(*(keeps_its_own(link) for link in links))

        async def holds_no_other(n: int, link) -> None:
            other = links[(n + 1) % len(links)].drone
            theirs = await link.holds(mine[other])
            assert theirs is not None, f"{link.drone} holds the plan of {other}"

        await asyncio.gather(*(holds_no_other(n, link) for n, link in enumerate(links)))


async def test_a_link_that_dies_in_the_middle_of_an_upload_leaves_the_next_one_free(
    sortie, until
) -> None:
    async with town(1) as (pool, (radio,)):
        link = pool.links["a1"]
        await until(link, lambda t: t.connected, 20)
        long, short = programme(sortie(points=300)), programme(sortie(points=2))
        await link.load(short)
        load = asyncio.create_task(link.load(long))
        before = radio.to_controller.passed
        while radio.to_controller.passed < before + 60 and not load.done():
            await asyncio.sleep(0)
        assert not load.done()
        radio.be(SILENT)
        with pytest.raises(LinkError, match="no answer"):
            await load
        radio.be(CLEAR)
        await until(link, lambda t: t.connected, 20)
        began = time.monotonic()
        assert await link.holds(long) is not None
        await link.load(long)
        assert await link.holds(long) is None
        assert time.monotonic() - began < 20
