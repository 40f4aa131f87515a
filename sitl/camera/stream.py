"""One camera: renders, encodes and muxes while somebody watches."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Protocol

import av
import numpy as np
from av.video.frame import PictureType

from missions.city import CameraSpec
from sitl.camera.pose import CameraPose, Lens, metadata, view
from sitl.camera.ts import Mux
from sitl.scene import Scene
from sitl.scene.canvas import Image

CLOCK_HZ = 90_000
FRESH_S = 0.25
"""A pose older than this is taken as of now: its vehicle does not move or does not answer."""
BITS_PER_SECOND = 2_500_000
MAX_QUEUED = 4 << 20
"""Bytes that may wait for a watcher, about 10 s of video; beyond, it is dropped."""


class CameraFault(StrEnum):
    """What can be wrong with a camera."""

    NONE = "none"
    FREEZE = "freeze"
    """Connections stay, nothing is sent."""
    DROP = "drop"
    """Connections are cut and refused."""
    RUBBISH = "rubbish"
    """Random bytes are sent."""


@dataclass(frozen=True, slots=True)
class PoseSample:
    """Where a vehicle was at a time (seconds since 1970): really, and as it believes."""

    time_s: float
    true: CameraPose
    reported: CameraPose


@dataclass(frozen=True, slots=True)
class Chunk:
    """Transport packets of one picture. Playing can start at a key one."""

    data: bytes
    key: bool
    ticks: int


class Watcher(Protocol):
    """Somebody who watches a camera."""

    def deliver(self, chunk: Chunk) -> None:
        """Take packets; must not block. Called in the event loop."""

    def cut(self) -> None:
        """Lose the connection."""


class Encoder:
    """H.264 without delay, a key frame every second and wherever one is asked for."""

    def __init__(self, spec: CameraSpec) -> None:
        fps = Fraction(spec.fps).limit_denominator(1000)
        codec = av.CodecContext.create("libx264", "w")
        codec.width, codec.height = spec.width_px, spec.height_px
        codec.pix_fmt = "yuv420p"
        codec.time_base = Fraction(1, CLOCK_HZ)
        codec.framerate = fps
        codec.bit_rate = BITS_PER_SECOND
        codec.gop_size = max(1, round(spec.fps))
        codec.thread_count = 1
        codec.options = {
            "preset": "ultrafast", "tune": "zerolatency", "forced-idr": "1", "maxrate": "4000k",
            "bufsize": "2000k", "x264-params": "repeat-headers=1:scenecut=0",
        }  # fmt: skip
        self._codec = codec

    def encode(self, image: Image, ticks: int, *, key: bool) -> tuple[bytes, bool]:
        """Return one access unit (Annex B) and whether it is a key frame."""
        frame = av.VideoFrame.from_ndarray(image, format="bgr24")
        frame.pts = ticks
        frame.time_base = Fraction(1, CLOCK_HZ)
        if key:
            frame.pict_type = PictureType.I
        packets = self._codec.encode(frame)
        return b"".join(bytes(p) for p in packets), any(p.is_keyframe for p in packets)


class Camera:
    """The camera of one drone. It works only while it has watchers.

    Parameters
    ----------
    drone
        Whose it is; goes into the KLV as the platform.
    spec
        Size, field of view, frame rate.
    scene
        What is seen.
    start
        Clock of the scene: seconds since 1970 of its time zero.
    """

    def __init__(self, drone: str, spec: CameraSpec, scene: Scene, start: SceneClock) -> None:
        self.drone = drone
        self.spec = spec
        self.frames = 0
        self.lens = Lens(spec.width_px, spec.height_px, spec.hfov_deg)
        self._scene = scene
        self._clock = start
        self._sample: PoseSample | None = None
        self._has_sample = threading.Event()
        self._watchers: dict[Watcher, bool] = {}
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._want_key = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._random = np.random.default_rng(1)
        self.fault = CameraFault.NONE

    @property
    def watchers(self) -> int:
        """How many watch now."""
        return len(self._watchers)

    def place(self, sample: PoseSample) -> None:
        """Take a newer pose."""
        self._sample = sample
        self._has_sample.set()

    def set_fault(self, fault: CameraFault) -> None:
        """Break the camera, or mend it."""
        self.fault = fault
        if fault is CameraFault.DROP:
            for watcher in list(self._watchers):
                self.leave(watcher)
                watcher.cut()

    def join(self, watcher: Watcher) -> bool:
        """Begin to watch, from the next key frame on; False where the camera is broken."""
        if self.fault is CameraFault.DROP:
            return False
        self._watchers[watcher] = False
        self._want_key.set()
        if self._thread is None:
            self._stop = threading.Event()
            self._thread = threading.Thread(
                target=self._run, args=(self._stop,), name=f"camera {self.drone}", daemon=True
            )
            self._thread.start()
        return True

    def leave(self, watcher: Watcher) -> None:
        """Watch no longer. The last one to leave stops the camera."""
        self._watchers.pop(watcher, None)
        if not self._watchers and self._thread is not None:
            self._stop.set()
            self._thread = None

    def close(self) -> None:
        """Cut everybody off."""
        for watcher in list(self._watchers):
            self.leave(watcher)
            watcher.cut()

    def _publish(self, chunk: Chunk, stop: threading.Event) -> None:
        """Hand packets to the watchers (event loop)."""
        if stop.is_set() or self.fault is CameraFault.FREEZE:
            return
        if self.fault is CameraFault.RUBBISH:
            chunk = Chunk(self._random.bytes(len(chunk.data)), chunk.key, chunk.ticks)
        self.frames += 1
        for watcher, started in list(self._watchers.items()):
            if not started and not chunk.key:
                continue
            self._watchers[watcher] = True
            watcher.deliver(chunk)

    def _run(self, stop: threading.Event) -> None:
        """Render and encode at the camera's rate until told to stop (own thread)."""
        encoder, mux = Encoder(self.spec), Mux()
        period = 1.0 / self.spec.fps
        due = time.monotonic()
        last = -1
        while not stop.wait(max(0.0, due - time.monotonic())):
            due = max(due + period, time.monotonic() - period)
            if not self._has_sample.wait(0.5):
                continue
            sample = self._sample
            assert sample is not None
            chunk = self._shoot(sample, encoder, mux, last)
            last = chunk.ticks
            try:
                self._loop.call_soon_threadsafe(self._publish, chunk, stop)
            except RuntimeError:  # the loop has ended, and so does the camera
                return

    def _shoot(self, sample: PoseSample, encoder: Encoder, mux: Mux, last: int) -> Chunk:
        """Return the packets of a picture taken at the sample's time from its true pose."""
        now = time.time()
        at = sample.time_s if now - sample.time_s < FRESH_S else now
        ticks = max(last + 1, round((at - self._clock.epoch_s) * CLOCK_HZ))
        frame, elevation = self._scene.frame, self._scene.elevation_m
        seen = view(sample.true, self.lens, frame, elevation)
        image = self._scene.render(seen, self._clock.scene_s(at))
        klv = metadata(sample.reported, self.lens, frame, elevation, round(at * 1e6), self.drone)
        want = self._want_key.is_set()
        if want:
            self._want_key.clear()
        video, key = encoder.encode(image, ticks, key=want)
        return Chunk(mux.frame(video, klv, ticks, key=key), key, ticks)


class SceneClock:
    """When the scene's time zero was. Until it is started, the scene stands at zero."""

    def __init__(self, epoch_s: float | None = None) -> None:
        self.epoch_s = time.time() if epoch_s is None else epoch_s
        self._start = epoch_s

    def start(self, epoch_s: float) -> None:
        """Let the scene begin at a time in seconds since 1970."""
        self._start = epoch_s

    def scene_s(self, at: float) -> float:
        """Return the scene's time at a time in seconds since 1970."""
        return 0.0 if self._start is None else max(0.0, at - self._start)
