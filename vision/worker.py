"""``skybeat watch``: asks the controller what to watch, and keeps one process a stream for it.

The supervisor alone speaks HTTP. Watching processes tell it what they see through pipes; it keeps
the newest status of each watch and posts it once a second, and it keeps detections in a queue and
posts them in order until the controller has taken them, over restarts of the controller too. Where
a landing drone's marker is, is told as soon as it is known, the newest only and once only.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import signal
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from vision import watching
from vision.client import LASTING, Controller
from vision.errors import ControllerError
from vision.task import Report, Task
from vision.wire import Detection, LandingTarget, SiteStatus, Watch, WaterWatch

POLL_S = 1.0
STATUS_S = 1.0
BACKOFF_S = (0.5, 10.0)
"""Shortest and longest wait between tries; it doubles in between and never gives up."""
RESTART_S = (1.0, 30.0)
"""The same for a watching process that died."""
MAX_WATCHES = 64
MAX_QUEUED = 256
"""Detections that wait for the controller; when one more comes the oldest is given up, and logged."""
STALE_S = 0.5
"""A marker's place that is older than this is of no use to a landing, and is not told."""
FLUSH_S = 1.5
"""How long detections that wait are still posted when the worker is told to stop."""


class Log:
    """Lines on standard output, for people or as JSON."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def __call__(self, event: str, **what: object) -> None:
        """Print one line."""
        at = datetime.now(UTC)
        if self.as_json:
            line = json.dumps({"at": at.isoformat(), "event": event, **what}, default=str)
        else:
            line = f"{at:%H:%M:%S} {event}  " + "  ".join(f"{k} {v}" for k, v in what.items())
        with contextlib.suppress(BrokenPipeError):  # whoever read us is gone; the watch goes on
            print(line, file=sys.stdout, flush=True)


@dataclass(slots=True)
class _Watched:
    """A watch and its process."""

    watch: Watch
    process: SpawnProcess | None = None
    failures: int = 0
    not_before: float = 0.0
    started: float = 0.0
    reason: str = ""


class Worker:
    """Supervises the watching processes of one controller.

    Parameters
    ----------
    controller
        Whom to ask and tell.
    log
        Where lines go.
    model
        ONNX network for crowds whose watch names none.
    max_fps
        Frames that each watch analyses a second, at most.
    alive
        File that is touched whenever the controller has answered, for whoever checks the worker's
        health by its age.
    """

    def __init__(
        self,
        controller: Controller,
        log: Log,
        *,
        model: Path | None = None,
        max_fps: float = 5.0,
        alive: Path | None = None,
    ) -> None:
        self._controller = controller
        self._log = log
        self._model = model
        self._max_fps = max_fps
        self._alive = alive
        self._spawn = multiprocessing.get_context("spawn")
        self._watched: dict[str, _Watched] = {}
        self._statuses: dict[str, SiteStatus] = {}
        self._fresh: set[str] = set()
        self._queue: deque[tuple[Detection, bytes]] = deque()
        self._queued = asyncio.Event()
        self._targets: dict[str, LandingTarget] = {}
        self._telling: set[str] = set()
        self._targeted = asyncio.Event()
        self._refused: set[str] = set()
        self._complaint = ""

    async def run(self) -> None:
        """Work until cancelled; then stop every process.

        Raises
        ------
        ControllerError
            If the controller refuses the token at the first call.
        """
        await self._first_poll()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._poll_for_ever())
                group.create_task(self._tell_for_ever())
                group.create_task(self._post_for_ever())
                group.create_task(self._target_for_ever())
        finally:
            await self._stop_all()

    async def _first_poll(self) -> None:
        try:
            watches = await self._controller.watches()
        except ControllerError as error:
            if error.status in (401, 403):
                raise
            self._complain(error)
        else:
            await self._reconcile(watches)

    async def _poll_for_ever(self) -> None:
        wait = POLL_S
        while True:
            await asyncio.sleep(wait)
            try:
                watches = await self._controller.watches()
            except ControllerError as error:  # what runs goes on running
                self._complain(error)
                wait = min(2 * wait, BACKOFF_S[1])
                continue
            if self._complaint:
                self._log("controller is back")
                self._complaint = ""
            wait = POLL_S
            await self._reconcile(watches)

    def _complain(self, error: ControllerError) -> None:
        if str(error) != self._complaint:
            self._log("controller", problem=str(error))
        self._complaint = str(error)

    async def _reconcile(self, watches: list[Watch]) -> None:
        """Start what is new, stop what is gone or changed, start again what died."""
        if self._alive is not None:
            self._alive.touch()
        if len(watches) > MAX_WATCHES:
            self._log("too many watches", asked=len(watches), watched=MAX_WATCHES)
        wanted = {watch.key: watch for watch in watches[:MAX_WATCHES]}
        for key, watched in list(self._watched.items()):
            if wanted.get(key) != watched.watch:
                del self._watched[key]
                self._statuses.pop(key, None)
                self._targets.pop(key, None)
                self._refused.discard(key)
                await self._stop(watched)
                self._log("watch ends", site=watched.watch.site, key=key)
        for key, watch in wanted.items():
            watched = self._watched.get(key) or _Watched(watch)
            self._watched[key] = watched
            self._bury(watched)
            if watched.process is None and time.monotonic() >= watched.not_before:
                await self._start(watched)

    def _bury(self, watched: _Watched) -> None:
        """Note that a process died, and when it may start again."""
        process = watched.process
        if process is None or process.is_alive():
            return
        lived = time.monotonic() - watched.started
        watched.failures = 1 if lived > 60 else watched.failures + 1
        wait = min(RESTART_S[0] * 2 ** (watched.failures - 1), RESTART_S[1])
        watched.not_before = time.monotonic() + wait
        watched.process = None
        self._log(
            "watch died", site=watched.watch.site, exit_code=process.exitcode, again_in_s=wait
        )
        if process.exitcode != 2:  # 2: it has told its reason itself
            self._note(watched.watch, "blind", f"the watching process died with {process.exitcode}")

    def _note(self, watch: Watch, state: str, reason: str) -> None:
        """Say how a watch of a site goes; a landing's has nobody to tell."""
        if not watch.site:
            return
        status = SiteStatus.model_validate(
            {"state": state, "reason": reason[:500], "at": datetime.now(UTC), "fps": 0.0}
        )
        self._statuses[watch.key] = status
        self._fresh.add(watch.key)

    async def _start(self, watched: _Watched) -> None:
        watch = watched.watch
        station: tuple[dict[str, object] | None, dict[str, bytes]] = (None, {})
        if isinstance(watch.detector, WaterWatch) and watch.station_url:
            try:
                station = await self._controller.station(watch.station_url)
            except ControllerError as error:
                watched.failures += 1
                wait = min(RESTART_S[0] * 2 ** (watched.failures - 1), RESTART_S[1])
                watched.not_before = time.monotonic() + wait
                self._note(watch, "not_measurable", f"no station: {error}")
                self._log("no station", site=watch.site, problem=str(error), again_in_s=wait)
                return
        task = Task(watch, station[0], station[1], self._model, self._max_fps)
        ours, theirs = self._spawn.Pipe(duplex=False)
        process = self._spawn.Process(
            target=watching.main, args=(task, theirs), name=f"watch {watch.key}", daemon=True
        )
        await asyncio.to_thread(process.start)
        theirs.close()
        watched.process = process
        watched.started = time.monotonic()
        threading.Thread(
            target=self._listen,
            args=(ours, asyncio.get_running_loop()),
            name=f"listen {watch.key}",
            daemon=True,
        ).start()
        self._log("watch begins", site=watch.site, key=watch.key, pid=process.pid)

    def _listen(self, pipe: Connection, loop: asyncio.AbstractEventLoop) -> None:
        """Take what a process reports, until it ends (thread)."""
        with pipe:
            while True:
                try:
                    report: Report = pipe.recv()
                except (EOFError, OSError):
                    return
                try:
                    loop.call_soon_threadsafe(self._take, report)
                except RuntimeError:  # the loop is closed: the worker has ended
                    return

    def _take(self, report: Report) -> None:
        watched = self._watched.get(report.key)
        if report.status is not None and watched is not None and watched.watch.site:
            self._statuses[report.key] = report.status
            self._fresh.add(report.key)
        if report.target is not None and watched is not None:
            self._targets[report.key] = report.target
            self._targeted.set()
        if report.detection is not None:
            if len(self._queue) >= MAX_QUEUED:
                lost, _ = self._queue.popleft()
                self._log("detection given up: too many wait", id=lost.id, site=lost.site)
            self._queue.append((report.detection, report.image))
            self._queued.set()

    async def _tell_for_ever(self) -> None:
        while True:
            await asyncio.sleep(STATUS_S)
            fresh, self._fresh = self._fresh, set()
            async with asyncio.TaskGroup() as group:
                for key in fresh & self._watched.keys() & self._statuses.keys():
                    group.create_task(
                        self._tell(self._watched[key].watch.site, self._statuses[key])
                    )

    async def _tell(self, site: str, status: SiteStatus) -> None:
        try:
            await self._controller.put_status(site, status)
        except ControllerError as error:  # the next status comes in a second
            self._complain(error)

    async def _target_for_ever(self) -> None:
        """Tell each landing drone's newest target, one call a drone at a time."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._targeted.wait()
                self._targeted.clear()
                for key in self._targets.keys() - self._telling:
                    self._telling.add(key)
                    group.create_task(self._target(key, self._targets.pop(key)))

    async def _target(self, key: str, target: LandingTarget) -> None:
        watched = self._watched.get(key)
        age_s = (datetime.now(UTC) - target.captured_at).total_seconds()
        try:
            if watched is not None and watched.watch.drone is not None and age_s < STALE_S:
                await self._controller.put_target(watched.watch.drone, target)
        except ControllerError as error:  # the next one comes with the next picture
            if error.status not in LASTING:
                self._complain(error)
            elif key not in self._refused:
                self._refused.add(key)
                self._log("landing target refused", key=key, problem=str(error))
        finally:
            self._telling.discard(key)
            if key in self._targets:
                self._targeted.set()

    async def _post_for_ever(self) -> None:
        wait = BACKOFF_S[0]
        while True:
            await self._queued.wait()
            if await self._post_first():
                wait = BACKOFF_S[0]
                continue
            await asyncio.sleep(wait)
            wait = min(2 * wait, BACKOFF_S[1])

    async def _post_first(self) -> bool:
        """Post the oldest detection and return whether to go on at once."""
        if not self._queue:
            self._queued.clear()
            return True
        detection, image = self._queue[0]
        try:
            status = await self._controller.post_detection(detection, image)
        except ControllerError as error:
            if error.status not in LASTING:
                self._complain(error)
                return False
            self._log("detection refused", id=detection.id, site=detection.site, problem=str(error))
        else:
            self._log(
                "detection",
                id=detection.id,
                site=detection.site,
                kind=detection.kind,
                level=detection.level,
                value=detection.value,
                unit=detection.unit,
                captured_at=detection.captured_at.isoformat(),
                status=status,
            )
        with contextlib.suppress(IndexError):
            if self._queue[0][0].id == detection.id:
                self._queue.popleft()
        return True

    async def _stop_all(self) -> None:
        watched, self._watched = list(self._watched.values()), {}
        await asyncio.gather(*(self._stop(one) for one in watched))
        end = time.monotonic() + FLUSH_S
        while self._queue and time.monotonic() < end:
            try:
                async with asyncio.timeout(end - time.monotonic()):
                    if not await self._post_first():
                        break
            except TimeoutError:
                break
        for detection, _ in self._queue:
            self._log("detection not delivered", id=detection.id, site=detection.site)

    async def _stop(self, watched: _Watched) -> None:
        process = watched.process
        if process is None:
            return
        watched.process = None
        process.terminate()
        await asyncio.to_thread(process.join, 2.0)
        if process.is_alive():
            process.kill()
            await asyncio.to_thread(process.join, 2.0)


def run(
    address: str,
    token: str,
    *,
    as_json: bool = False,
    model: Path | None = None,
    max_fps: float = 5.0,
    alive: Path | None = None,
) -> None:
    """Watch for the controller at `address` until SIGINT, SIGTERM or SIGHUP.

    Raises
    ------
    ControllerError
        If the address is none, or the controller refuses the token.
    """
    asyncio.run(_run(address, token, Log(as_json=as_json), model, max_fps, alive))


async def _run(
    address: str, token: str, log: Log, model: Path | None, max_fps: float, alive: Path | None
) -> None:
    async with Controller(address, token) as controller:
        supervisor = Worker(controller, log, model=model, max_fps=max_fps, alive=alive)
        worker = asyncio.create_task(supervisor.run())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, worker.cancel)
        log("worker", controller=controller.address)
        with contextlib.suppress(asyncio.CancelledError):
            await worker
        log("worker ends")
