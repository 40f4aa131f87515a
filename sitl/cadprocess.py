"""The simulator's end of the CAD: a process of its own, started, broken, mended and stopped."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from missions.city import CadEndpoint, City
from sitl.child import end_by_input
from sitl.errors import SimError

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 1.5
_LOCAL = {"127.0.0.1", "localhost"}


class CadProcessError(SimError):
    """The CAD's process does not start, or has ended by itself."""


def local_cads(city: City) -> list[CadEndpoint]:
    """Return the CADs of a city whose addresses are this machine's: those are simulated."""
    return [cad for cad in city.cad if urlsplit(cad.url).hostname in _LOCAL]


def package_env() -> dict[str, str]:
    """Return an environment in which a child finds this package, installed or not."""
    root = str(Path(__file__).parents[1])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}


class CadProcess:
    """A CAD as a child process.

    Parameters
    ----------
    place
        Its part of the city file.
    log
        Its log; what is in it counts as received.
    """

    def __init__(self, place: CadEndpoint, log: Path | None) -> None:
        self.place = place
        self.url = place.url
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._wanted = False
        self._started = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """Its process id, or None before it was started."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start it and wait until it listens.

        Raises
        ------
        CadProcessError
            With the CAD's own words, or if it says nothing in time.
        """
        url = urlsplit(self.place.url)
        port = url.port or 80
        argv = ["cad", "--listen", f"{url.hostname}:{port}", "--path", url.path or "/"]
        argv += ["--secret-env", self.place.secret_env, "--until-input-ends"]
        if self._log is not None:
            argv += ["--log", str(self._log)]
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sitl.cli", *argv,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE, env=package_env(),
        )  # fmt: skip
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise CadProcessError(
                f"CAD {self.place.id!r} said nothing in {START_TIMEOUT_S:g} s"
            ) from None
        if not line:
            raise await self._ended()
        self.url = json.loads(line)["cad"]
        self._wanted = True
        self._started.set()

    async def _ended(self) -> CadProcessError:
        """Return what the CAD said before it ended."""
        assert self._process is not None
        assert self._process.stderr is not None
        words = (await self._process.stderr.read(65_536)).decode("utf-8", "replace").strip()
        message, _, hint = words.partition("\nhint: ")
        return CadProcessError(
            message.removeprefix("skybeat cad: ") or f"CAD {self.place.id!r} ended at once",
            hint=hint,
        )

    async def watch(self) -> None:
        """Wait for it to end by itself, which is an error.

        What it says meanwhile goes nowhere: it has a log.
        """
        while True:
            process = self._process
            assert process is not None
            assert process.stderr is not None
            last = b""
            while line := await process.stderr.readline():
                last = line
            status = await process.wait()
            if process is self._process and self._wanted:
                words = last.decode("utf-8", "replace").strip()
                raise CadProcessError(f"CAD {self.place.id!r} ended with status {status}: {words}")
            self._started.clear()
            if process is self._process:
                await self._started.wait()

    async def fault(self, how: str, *, active: bool) -> None:
        """Break it or mend it: ``down`` ends the process and starts it again, which reads its log."""
        if how == "down":
            await (self.stop() if active else self.start())
            return
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            target = str(httpx.URL(self.url).copy_with(path="/fault"))
            await client.put(target, json={"fault": how if active else "none"})

    async def stop(self) -> None:
        """Close its input, which ends it; kill it where it takes too long."""
        self._wanted = False
        await end_by_input(self._process, STOP_TIMEOUT_S)
