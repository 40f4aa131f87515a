"""aiosqlite's threads, one a connection: seen to their end before the store counts as closed.

A connection that could not be opened, or was cut off with the task that used it, is stopped without
anybody waiting; its thread then speaks to an event loop that may be closed already.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from typing import Any
from weakref import WeakSet

import structlog

END_S = 5.0
"""A thread ends as soon as the statement does that it is at."""
log = structlog.get_logger(__name__)


class Workers:
    """The threads that have opened connections."""

    def __init__(self) -> None:
        self._threads: WeakSet[threading.Thread] = WeakSet()

    def connect(self, *args: Any, **kwargs: Any) -> sqlite3.Connection:
        """Open a connection in the thread that asks, as sqlite3's own factory does."""
        self._threads.add(threading.current_thread())
        return sqlite3.Connection(*args, **kwargs)

    async def ended(self) -> None:
        """Wait until every thread has ended, at most 5 s; what has not by then is told."""
        loop = asyncio.get_running_loop()
        end = loop.time() + END_S
        for thread in list(self._threads):
            await asyncio.to_thread(thread.join, max(0.0, end - loop.time()))
        left = sum(thread.is_alive() for thread in self._threads)
        if left:
            log.warning("connections of the database are still at work", connections=left)
