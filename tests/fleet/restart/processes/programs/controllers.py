"""A server that forks controllers: everything is imported once, so that one starts in no time.

Run as a program: one JSON object a line on standard input: ``{"city", "data", "out", "err"}``
starts ``skybeat serve``, answered by ``{"pid"}``; the end of a controller is told as
``{"ended", "status"}``. Ends with its input and takes every controller with it.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any


def die_with_parent() -> None:
    """Have Linux end this process when the one that started it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)


def warm() -> None:
    """Import what ``skybeat serve`` does."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import aiosqlite
    import alembic.command
    import httpx
    import shapely
    import uvicorn.loops.auto
    import uvicorn.protocols.http.auto

    import fleet.cli
    import fleet.docks.mqtt
    import fleet.flight.controller
    import fleet.link.mavsdk_pool
    import fleet.logs
    import fleet.service
    import missions.planner

    assert all((aiosqlite, alembic, httpx, shapely, uvicorn, fleet, missions))


def tell(what: dict[str, Any]) -> None:
    """Answer in one line, whole: the signal handler tells too."""
    os.write(1, (json.dumps(what) + "\n").encode())


def reap(*_: object) -> None:
    """Tell of every controller that has ended."""
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            tell({"ended": pid, "status": os.waitstatus_to_exitcode(status)})


def become_controller(asked: dict[str, str]) -> None:
    """Be ``skybeat serve`` from here on."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    die_with_parent()
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    for number, path in ((1, asked["out"]), (2, asked["err"])):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, number)
    status = 1
    try:
        run = asked.get("program")
        if run:
            sys.path.insert(0, str(Path(run).parent))
            __import__(Path(run).stem).main(asked)
        else:
            from fleet import cli

            cli.serve(
                city=Path(asked["city"]), docks="", data=Path(asked["data"]), host="127.0.0.1",
                port=0, json_log=True,
            )  # fmt: skip
        status = 0
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:  # noqa: BLE001 - told, and the process ends
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    """Serve until the input ends."""
    die_with_parent()
    warm()
    signal.signal(signal.SIGCHLD, reap)
    tell({"ready": True})
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            become_controller(asked)
        tell({"pid": pid})


if __name__ == "__main__":
    main()
