"""The MQTT client, with waits that end when they are cancelled."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable
from typing import TypeVar

import aiomqtt

T = TypeVar("T")


class Client(aiomqtt.Client):
    """An aiomqtt client whose calls never go on after their task was cancelled.

    Its own waits by ``asyncio.wait_for``, which on Python 3.11 returns as if nothing were where the
    cancellation comes in the moment of the broker's answer.
    """

    async def _wait_for(self, fut: Awaitable[T], timeout: float | None) -> T:
        seconds = self.timeout if timeout is None else timeout
        try:
            async with asyncio.timeout(None if seconds == math.inf else seconds):
                return await fut
        except TimeoutError:
            raise aiomqtt.MqttError("Operation timed out") from None
