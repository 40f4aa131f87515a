"""One child process that is started, watched and always brought down."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sitl.child import die_with_parent

LINE_LIMIT = 1 << 20
_TOKEN = re.compile(r"\bsky_[A-Za-z0-9_-]{20,}")

LineReader = Callable[[str], None]


class Child:
    """A child process in a session of its own, with its output read line by line.

    Parameters
    ----------
    name
        What it is called in messages.
    argv
        Program and arguments.
    log
        File that everything it prints is appended to, access tokens blotted out.
    on_line
        Called with every line of standard output.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        on_line: LineReader | None = None,
    ) -> None:
        self.name = name
        self.last_lines: deque[str] = deque(maxlen=12)
        self._argv = list(argv)
        self._log = log
        self._env = {**os.environ, **(env or {}), "PYTHONUNBUFFERED": "1"}
        self._on_line = on_line
        self._process: asyncio.subprocess.Process | None = None
        self._readers: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Its process id, or None before it was started."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start the process and begin to read what it prints."""
        self._process = await asyncio.create_subprocess_exec(
            *self._argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._env,
            limit=LINE_LIMIT,
            start_new_session=True,  # a Ctrl-C in the terminal reaches the demo alone, which then ends us in order
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
        self._readers = asyncio.create_task(self._read(), name=f"read {self.name}")

    async def _read(self) -> None:
        assert self._process is not None
        with self._log.open("a", encoding="utf-8") as log:
            await asyncio.gather(
                self._drain(self._process.stdout, log, self._on_line),
                self._drain(self._process.stderr, log, None),
            )

    async def _drain(
        self, stream: asyncio.StreamReader | None, log: Any, on_line: LineReader | None
    ) -> None:
        assert stream is not None
        while raw := await stream.readline():
            line = raw.decode("utf-8", "replace").rstrip("\n")
            kept = _TOKEN.sub("sky_...", line)
            log.write(kept + "\n")
            log.flush()
            self.last_lines.append(kept)
            if on_line is not None:
                on_line(line)

    async def wait(self) -> int:
        """Return its exit status once it has ended and all its output was read."""
        assert self._process is not None
        status = await self._process.wait()
        if self._readers is not None:
            # a grandchild may hold the pipe open: what it prints after us is of no interest
            await asyncio.wait([self._readers], timeout=1.0)
        return status

    async def stop(self, grace_s: float) -> None:
        """End it: SIGTERM, then SIGKILL to its whole session after ``grace_s`` seconds."""
        if self._process is None:
            return
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            try:
                async with asyncio.timeout(grace_s):
                    await self._process.wait()
            except TimeoutError:
                self._kill_session()
                await self._process.wait()
        self._kill_session()
        if self._readers is not None:
            self._readers.cancel()
            await asyncio.gather(self._readers, return_exceptions=True)

    def _kill_session(self) -> None:
        """Kill what is left of its session (it leads one, so its group id is its pid)."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


def json_line(line: str) -> dict[str, Any] | None:
    """Return the JSON object on a line, or None where the line is something else."""
    if not line.startswith("{"):
        return None
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
