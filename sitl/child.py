"""How the simulator's child processes end: with their parent, or by the end of their input."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent(number: int) -> Callable[[], None] | None:
    """Return a ``preexec_fn`` that has Linux send a child this signal when its parent dies.

    None where the system cannot.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)  # loaded here: little is safe between fork and exec

    def arrange() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)

    return arrange


async def end_by_input(process: asyncio.subprocess.Process | None, timeout_s: float) -> None:
    """Close a child's input, which ends it; kill it where it takes longer than ``timeout_s``."""
    if process is None or process.returncode is not None:
        return
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    try:
        async with asyncio.timeout(timeout_s):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
