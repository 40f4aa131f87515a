"""The simulator's end of the camera server: starts it, tells it poses, stops it."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from missions.city import City
from sitl.cadprocess import package_env
from sitl.camera.pose import CameraPose
from sitl.child import end_by_input
from sitl.errors import SimError
from sitl.scenario import Scenario

RATE_HZ = 30.0
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 1.5
MAX_WAITING = 1 << 20
"""Bytes of poses that may wait for the server; beyond, poses are left out, never piled up."""


class HasPose(Protocol):
    """What a vehicle's pose has that a camera needs."""

    lon: float
    lat: float
    altitude_amsl_m: float
    roll_deg: float
    pitch_deg: float
    yaw_deg: float
    gimbal_pitch_deg: float
    gimbal_yaw_deg: float


class Carrier(Protocol):
    """A vehicle that carries a camera."""

    def true_pose(self) -> Any: ...

    def reported_pose(self) -> Any: ...


def numbers(pose: HasPose) -> list[float]:
    """Return a vehicle's pose as the numbers of a :class:`CameraPose`."""
    return CameraPose(
        pose.lon, pose.lat, pose.altitude_amsl_m, pose.roll_deg, pose.pitch_deg, pose.yaw_deg,
        pose.gimbal_pitch_deg, pose.gimbal_yaw_deg,
    ).numbers()  # fmt: skip


class CameraProcessError(SimError):
    """The camera server does not start, or has ended by itself."""


class CameraProcess:
    """The camera server as a child process.

    Parameters
    ----------
    city, scenario
        What it serves and shows.
    log
        Folder for ``scene.jsonl``, the truth about the scene once a second; None keeps none.
    """

    def __init__(self, city: City, scenario: Scenario, log: Path | None = None) -> None:
        self._config = {
            "city": city.model_dump(mode="json"),
            "scenario": scenario.model_dump(mode="json"),
            "log": None if log is None else str(log),
        }
        self._process: asyncio.subprocess.Process | None = None
        self._doors: dict[str, float] = {}
        self.urls: dict[str, str] = {}

    @property
    def pid(self) -> int | None:
        """Its process id, or None before it was started."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start it and wait until it listens.

        Raises
        ------
        CameraProcessError
            With the server's own words, or if it says nothing in time.
        """
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sitl.camera",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=package_env(),
        )  # fmt: skip
        assert self._process.stdout is not None
        self._tell(self._config)
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise CameraProcessError(
                f"the camera server said nothing in {START_TIMEOUT_S:g} s"
            ) from None
        answer = json.loads(line) if line else {}
        if answer.get("kind") != "ready":
            message = answer.get("message", "the camera server ended at once")
            raise CameraProcessError(message, hint=answer.get("hint", ""))
        self.urls = answer["urls"]

    def _tell(self, message: dict[str, Any]) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    def begin(self, epoch_s: float) -> None:
        """Let the scene's time begin, seconds since 1970."""
        self._tell({"start": epoch_s})

    def fault(self, drone: str, fault: str) -> None:
        """Break a camera or mend it: ``freeze``, ``drop``, ``rubbish``, ``none``."""
        self._tell({"drone": drone, "fault": fault})

    def place(self, carriers: Mapping[str, Carrier]) -> None:
        """Tell where every carrier is now; left out while the server does not keep up."""
        assert self._process is not None
        assert self._process.stdin is not None
        if self._process.stdin.transport.get_write_buffer_size() > MAX_WAITING:
            return
        poses = {
            drone: [round(n, 9) for n in numbers(c.true_pose()) + numbers(c.reported_pose())]
            for drone, c in carriers.items()
        }
        self._tell({"at": time.time(), "poses": poses})

    def doors(self, opened: Mapping[str, float]) -> None:
        """Tell how far each dock's lid is open, 0 to 1, where that has changed."""
        changed = {d: o for d, o in opened.items() if self._doors.get(d) != o}
        if changed:
            self._doors.update(changed)
            self._tell({"doors": changed})

    async def follow(
        self, carriers: Mapping[str, Carrier], lids: Callable[[], Mapping[str, float]]
    ) -> None:
        """Tell poses and the docks' lids at ``RATE_HZ`` until cancelled.

        Raises
        ------
        CameraProcessError
            If the server ends by itself.
        """
        assert self._process is not None
        ended = asyncio.create_task(self._process.wait(), name="camera server")
        try:
            while not ended.done():
                self.doors(lids())
                self.place(carriers)
                await asyncio.wait([ended], timeout=1 / RATE_HZ)
        finally:
            ended.cancel()
        raise CameraProcessError(f"the camera server ended with status {self._process.returncode}")

    async def stop(self) -> None:
        """Close its input, which ends it; kill it where it takes too long."""
        await end_by_input(self._process, STOP_TIMEOUT_S)
