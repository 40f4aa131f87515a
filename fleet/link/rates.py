"""Asking an autopilot for the streams that are looked at, and for no others.

PX4's onboard link sends 360 packets a second, 100 of them ATTITUDE and most of the rest read by
nobody here. A hundred vehicles at that rate take more than a processor, so this is the first thing
that is asked of one, the heaviest streams first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from itertools import islice

import structlog

from fleet.link.asking import Asking, NoAnswer
from fleet.link.messages import Command
from fleet.link.refresher import PICTURES_HZ
from fleet.link.wire import (
    ATTITUDE,
    COMMAND_ACK,
    GLOBAL_POSITION_INT,
    GPS_RAW_INT,
    LOCAL_POSITION_NED,
    VFR_HUD,
    WIND_COV,
    fields,
    message_id,
)

SET_MESSAGE_INTERVAL = 511
MOVES_HZ: Mapping[int, float] = {
    ATTITUDE: 20.0,
    GLOBAL_POSITION_INT: 10.0,
    LOCAL_POSITION_NED: 20.0,
}
"""What tells where a vehicle is: so often, or as often as pictures are taken of it."""
OTHERS_HZ: Mapping[int, float] = {
    31: 0.0,  # ATTITUDE_QUATERNION
    105: 0.0,  # HIGHRES_IMU
    331: 0.0,  # ODOMETRY
    VFR_HUD: 1.0,
    WIND_COV: 1.0,
    36: 0.0,  # SERVO_OUTPUT_RAW
    83: 0.0,  # ATTITUDE_TARGET
    85: 0.0,  # POSITION_TARGET_LOCAL_NED
    132: 0.0,  # DISTANCE_SENSOR
    141: 0.0,  # ALTITUDE
    265: 0.0,  # MOUNT_ORIENTATION
    GPS_RAW_INT: 5.0,
}
NONE_OF_IT = -1.0
"""An interval that ends a stream."""
AT_ONCE = 4
"""Requests sent before their answers are waited for: PX4 keeps 8 answers to be sent."""
ANSWER_S = 1.0
TRIES = 5
PAUSE_S = 2.0

log = structlog.get_logger(__name__)


def rates(vehicles: int) -> dict[int, float]:
    """Return messages a second to ask of each of so many vehicles, by message id; 0 is none."""
    most = PICTURES_HZ / max(1, vehicles)
    heaviest = {number: round(min(hz, most), 1) for number, hz in MOVES_HZ.items()}
    return heaviest | dict(OTHERS_HZ)


class Rater:
    """Asks one vehicle for rates whenever it is met: one that was started again forgot them."""

    def __init__(self, drone: str, asking: Asking, wanted: Mapping[int, float]) -> None:
        self._drone = drone
        self._asking = asking
        self._wanted = dict(wanted)
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Ask, in the place of what is under way."""
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.get_running_loop().create_task(self._ask())

    async def close(self) -> None:
        """Ask no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _ask(self) -> None:
        try:
            await self._asking.plugins()
        except NoAnswer as error:
            log.debug("vehicle keeps its own rates", drone=self._drone, why=str(error))
            return  # asked again when it is heard again
        left = list(self._wanted.items())
        for _ in range(TRIES):
            left = await self._try(left)
            if not left:
                return
            await asyncio.sleep(PAUSE_S)
        log.debug("vehicle keeps its own rates", drone=self._drone, not_answered=len(left))

    async def _try(self, wanted: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
        """Ask for some rates; return those of which it is not sure that they were heard."""
        left: list[tuple[int, float]] = []
        rest = iter(wanted)
        while some := list(islice(rest, AT_ONCE)):
            if not await self._answered(some):
                left += some
        return left

    async def _answered(self, some: Sequence[tuple[int, float]]) -> bool:
        """Ask for a few at once; say whether as many answers came, whatever they say.

        An answer does not tell which of them it is to. Waiting for each in its turn takes three
        times as long, while the vehicle sends at full rate.
        """
        acks, all_there = 0, asyncio.Event()

        def hear(frames: Sequence[bytes]) -> None:
            nonlocal acks
            acks += sum(
                message_id(f) == COMMAND_ACK and fields(f)[0] == SET_MESSAGE_INTERVAL
                for f in frames
            )
            if acks >= len(some):
                all_there.set()

        stop = self._asking.tap.on_frames(hear)
        try:
            for number, hz in some:
                params = (float(number), 1e6 / hz if hz else NONE_OF_IT)
                self._asking.send(Command(SET_MESSAGE_INTERVAL, params))
            async with asyncio.timeout(ANSWER_S):
                await all_there.wait()
        except TimeoutError:
            return False
        finally:
            stop()
        return True
