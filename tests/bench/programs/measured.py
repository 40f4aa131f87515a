"""`skybeat serve` with a clock beside it: how late its event loop is, and what its links lost.

Loaded by the server that forks controllers. Writes a line of figures to ``asked["figures"]`` on
each SIGUSR1, over the time since the last; and beside it when commands went out.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import signal
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

EACH_S = 0.005


class Probe:
    """Sleeps again and again, and notes by how much too long."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._late: list[float] = []
        self._told = False
        self._gatekeepers = _noted("fleet.link.gatekeeper", "Gatekeeper")
        self._before = {"packets": 0, "packets_lost": 0}
        self._cpu = time.process_time()
        self._since = time.monotonic()

    async def run(self) -> None:
        """Measure for ever."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self.tell)
        while True:
            due = time.perf_counter() + EACH_S
            await asyncio.sleep(EACH_S)
            if not self._told:
                self._late.append(max(0.0, time.perf_counter() - due))
            self._told = False  # telling takes a moment that is nobody else's

    def tell(self) -> None:
        """Write what was measured, and begin anew."""
        late = sorted(self._late) or [0.0]
        took = time.monotonic() - self._since
        cpu = time.process_time() - self._cpu
        passed, lost = self._counted()
        figures = {
            "lag_p50_ms": round(1000 * late[len(late) // 2], 2),
            "lag_p99_ms": round(1000 * late[min(len(late) - 1, int(0.99 * len(late)))], 2),
            "lag_max_ms": round(1000 * late[-1], 2),
            "cpu": round(cpu / took, 4),
            "seconds": round(took, 1),
            "packets_s": round(passed / took),
            "packets_lost": lost,
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(figures) + "\n")
        self._told = True
        self._late, self._cpu, self._since = [], time.process_time(), time.monotonic()

    def _counted(self) -> tuple[int, int]:
        """Return packets taken and lost on all links since the last call."""
        now = {
            "packets": sum(g.counters.passed for g in self._gatekeepers),
            "packets_lost": sum(g.counters.lost for g in self._gatekeepers),
        }
        before, self._before = self._before, now
        return now["packets"] - before["packets"], now["packets_lost"] - before["packets_lost"]


FLYING = frozenset({11, 41, 75, 76})
"""SET_MODE, MISSION_SET_CURRENT, COMMAND_INT, COMMAND_LONG."""
ABOUT_MESSAGES = frozenset({511, 512, 520})


def note_commands(path: Path) -> None:
    """Have a line of drone and time written for every command about flying that goes out."""
    from fleet.link.tap import Tap
    from fleet.link.wire import fields, message_id

    file, send = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), Tap.send

    def noting(tap: Any, frame: bytes) -> None:
        send(tap, frame)
        kind = message_id(frame)
        if kind in FLYING and not (kind > 41 and fields(frame)[7] in ABOUT_MESSAGES):
            os.write(file, f"{tap.drone.id} {time.time():.6f}\n".encode())

    Tap.send = noting  # type: ignore[assignment, method-assign]


def _noted(module: str, kind: str) -> list[Any]:
    """Return a list that every object of a class is in, from now on."""
    made: list[Any] = []
    of = getattr(importlib.import_module(module), kind)
    init = of.__init__

    def noting(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        made.append(self)

    of.__init__ = noting
    return made


def main(asked: dict[str, str]) -> None:
    """Serve, measured."""
    from fleet import cli

    run = asyncio.run

    def measured(work: Coroutine[Any, Any, None]) -> None:
        async def both() -> None:
            note_commands(Path(asked["figures"] + ".commands"))
            probe = asyncio.create_task(Probe(Path(asked["figures"])).run())
            try:
                await work
            finally:
                probe.cancel()

        run(both())

    asyncio.run = measured  # type: ignore[assignment]
    cli.serve(
        city=Path(asked["city"]), docks="", data=Path(asked["data"]), host="127.0.0.1", port=0,
        json_log=True,
    )  # fmt: skip
