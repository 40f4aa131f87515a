"""One watch in a process of its own: source -> pose check -> detector -> alarm -> supervisor.

The process knows neither the controller nor its token. What it has to say it sends through a
pipe to the supervisor (`vision.worker`), and it ends when the supervisor ends.
"""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
from collections import deque
from datetime import UTC, datetime
from multiprocessing import connection, parent_process
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal
from uuid import uuid4

import cv2
import numpy as np

from missions.geo import GeometryError as RingError
from missions.geo import distance_m
from vision.address import redact
from vision.alarm import Alarm, AlarmEvent, AlarmRule
from vision.camera import View
from vision.crowd.detector import CrowdDetector
from vision.crowd.ground import Zone
from vision.detect import jpeg
from vision.errors import (
    DetectorError,
    GeometryError,
    SourceError,
    StationError,
    VisionError,
)
from vision.frame import Frame, FrameDetector, Image, Measurement
from vision.landing import MarkerWatcher
from vision.source import STALL_S, LiveSource
from vision.task import Report, Task
from vision.water.level import WaterDetector
from vision.water.plausible import STAYS_S, Plausible
from vision.water.station import build
from vision.wire import (
    CrowdWatch,
    Detection,
    MarkerWatch,
    SiteStatus,
    State,
    Watch,
    WaterWatch,
)

STATUS_S = 1.0
MAX_RANGE_M = 500.0
"""A camera farther away than this does not watch a site, even if it lies in the picture."""
SURE_ENOUGH = 0.3
"""A measurement with less confidence is shown, but raises and ends no alarm."""
SILENT_FRAMES = 3
"""So many frames that are missing are a silence, where they come slowly."""
NICE = 5


def main(task: Task, pipe: Connection) -> None:
    """Watch until the supervisor ends or terminates this process (entry of the process)."""
    for number in (signal.SIGINT, signal.SIGHUP):  # a terminal sends these to the whole group
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    cv2.setNumThreads(1)
    watcher: Watcher | MarkerWatcher
    try:
        if isinstance(task.watch.detector, MarkerWatch):  # a landing waits for it: not nice
            watcher = MarkerWatcher(task)
        else:
            os.nice(NICE)
            watcher = Watcher(task, make_detector(task))
    except (VisionError, RingError) as error:
        _send(pipe, Report(task.watch.key, _problem(task.watch, "not_measurable", str(error))))
        raise SystemExit(2) from error
    with LiveSource(task.watch.source) as source:
        while True:
            for report in watcher.step(source):
                _send(pipe, report)


def make_detector(task: Task) -> FrameDetector:
    """Return the detector that a task asks for.

    Raises
    ------
    VisionError
        If the station or the network cannot be used.
    missions.errors.GeometryError
        If the zone is no polygon.
    """
    asked = task.watch.detector
    if isinstance(asked, CrowdWatch):
        model = Path(asked.model) if asked.model else task.model
        return CrowdDetector(Zone.of(asked.zone, asked.person_height_m), model=model)
    if task.station is None:
        raise StationError(f"site {task.watch.site}: the controller names no station for it")

    def picture(name: str) -> Image:
        raw = task.pictures.get(name, b"")
        image = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR) if raw else None
        if image is None:
            raise SourceError(f"{name}: is no picture that can be read", reason="not_video")
        return np.asarray(image, np.uint8)

    return WaterDetector(build(task.station, picture, where=f"station of {task.watch.site}"))


def rule_of(asked: WaterWatch | CrowdWatch) -> AlarmRule:
    """Return when the alarms of a watch are raised: a river's warning level is orange, danger red."""
    if isinstance(asked, WaterWatch):
        steps = {"orange": asked.levels.warning_m, "red": asked.levels.danger_m}
        return AlarmRule(steps, asked.hysteresis_m, asked.dwell_s)  # type: ignore[arg-type]
    levels = asked.levels
    return AlarmRule(
        {"yellow": levels.yellow_per_m2, "orange": levels.orange_per_m2, "red": levels.red_per_m2},
        asked.hysteresis_per_m2,
        asked.dwell_s,
    )


def where_it_looks(frame: Frame, position: tuple[float, float], *, carried: bool) -> str:
    """Return why a frame does not show `position`, empty where it does.

    Parameters
    ----------
    carried
        By a drone: then a frame without a pose, or with the horizon in its middle, may show any
        place at all. A fixed camera is taken to look where it was mounted to look.
    """
    if frame.pose is None:
        return "the picture does not say where the camera looks" if carried else ""
    away = distance_m((frame.pose.lon, frame.pose.lat), position)
    if away > MAX_RANGE_M:
        return f"the camera is {away:.0f} m from the site, {MAX_RANGE_M:.0f} m are the most"
    height, width = frame.image.shape[:2]
    try:
        view = View.of(frame.pose, width, height)
    except GeometryError as error:
        return f"the pose cannot be used: {error}"
    return "" if view.sees(position) else f"the camera, {away:.0f} m away, looks elsewhere"


class Watcher:
    """What happens with each frame of one watch.

    Parameters
    ----------
    task
        What to watch.
    detector
        What measures.
    """

    def __init__(self, task: Task, detector: FrameDetector) -> None:
        asked = task.watch.detector
        if isinstance(asked, MarkerWatch):
            raise DetectorError(f"watch {task.watch.key!r}: a marker raises no alarm")
        self.watch = task.watch
        self.detector = detector
        self.alarm = Alarm(rule_of(asked))
        self._kind: Literal["water", "crowd"] = asked.kind
        self._period_s = 1 / task.max_fps
        self._due = 0.0
        self._told = 0.0
        self._state: State | None = None
        self._analysed: deque[float] = deque(maxlen=32)
        self._plausible = Plausible() if isinstance(task.watch.detector, WaterWatch) else None
        self._pause = threading.Event()  # never set: a pause that needs no wake-up

    def step(self, source: LiveSource) -> list[Report]:
        """Wait for the newest frame and return what there is to report."""
        wait = self._due - time.monotonic()
        if wait > 0:
            self._pause.wait(wait)
        age = source.health.age_s
        left = STATUS_S if age is None or age >= STALL_S else max(0.02, STALL_S - age)
        try:
            frame = source.read(min(STATUS_S, left))  # to be told blind when it is, no later
        except SourceError as error:
            age = source.health.age_s
            if age is not None and age < STALL_S:
                return []
            level = self.alarm.level or "normal"  # what was raised stays so, unseen
            return self._tell(_problem(self.watch, "blind", str(error), level))
        self._due = time.monotonic() + self._period_s
        return self.take(frame)

    def _doubt(self, measured: Measurement) -> str:
        """Return why no alarm is raised or ended on a measurement, empty where it may be."""
        if measured.value is None or measured.confidence < SURE_ENOUGH:
            return f"confidence is under {SURE_ENOUGH}: no alarm is raised on it"
        if self._plausible is None or self._plausible.take(measured.captured_at, measured.value):
            return ""
        return f"the level jumped: no alarm is raised on it until it has stayed {STAYS_S:.0f} s"

    def take(self, frame: Frame) -> list[Report]:
        """Measure one frame and return what there is to report."""
        carried = self.watch.drone is not None
        elsewhere = where_it_looks(frame, self.watch.position, carried=carried)
        if elsewhere:
            return self._tell(self._status("off_station", frame, reason=elsewhere))
        started = time.monotonic()
        measured = self.detector.measure(frame)
        self._analysed.append(time.monotonic())
        apart_s = max(self._period_s, self._analysed[-1] - started)
        if measured.value is None:
            return self._tell(self._status("not_measurable", frame, measured, measured.reason))
        reason = self._doubt(measured)
        sure = not reason
        event = self.alarm.update(
            measured.captured_at,
            measured.value if sure else None,
            gap_s=SILENT_FRAMES * apart_s,
        )
        changed = event is not None
        reports = self._tell(self._status("watching", frame, measured, reason), now=changed)
        if event is not None and event.kind == "raised":
            reports.insert(0, self._detection(event, frame, measured))
        return reports

    def _detection(self, event: AlarmEvent, frame: Frame, measured: Measurement) -> Report:
        assert event.level is not None
        image = jpeg(frame.image)
        detection = Detection(
            id=uuid4(),
            site=self.watch.site,
            kind=self._kind,
            level=event.level,
            value=event.value,
            unit=measured.unit,
            threshold=event.threshold,
            confidence=measured.confidence,
            captured_at=event.at,
            exceeded_at=event.exceeded_at,
            lon=self.watch.position[0],
            lat=self.watch.position[1],
            source=redact(self.watch.source)[:256],
            detector=self.detector.name,
            image_sha256=hashlib.sha256(image).hexdigest(),
            details={**measured.details, "sigma": measured.sigma, "drone": self.watch.drone},
        )
        return Report(self.watch.key, detection=detection, image=image)

    def _status(
        self, state: State, frame: Frame, measured: Measurement | None = None, reason: str = ""
    ) -> SiteStatus:
        known = measured is not None and measured.value is not None
        return SiteStatus(
            state=state,
            reason=reason[:500],
            value=measured.value if measured else None,
            unit=measured.unit if measured else "",
            level=self.alarm.level or "normal",
            confidence=measured.confidence if measured and known else None,
            source=redact(self.watch.source)[:256],
            fps=round(self._rate(), 2),
            frame_at=frame.captured_at,
            at=datetime.now(UTC),
        )

    def _rate(self) -> float:
        now = time.monotonic()
        times = [t for t in self._analysed if now - t <= 4.0]
        return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0

    def _tell(self, status: SiteStatus, *, now: bool = False) -> list[Report]:
        """Return `status` as a report, unless the last one is younger than a second and the same state."""
        at = time.monotonic()
        if not now and status.state == self._state and at - self._told < STATUS_S:
            return []
        self._state, self._told = status.state, at
        return [Report(self.watch.key, status)]


def _problem(watch: Watch, state: State, reason: str, level: str = "normal") -> SiteStatus:
    return SiteStatus(
        state=state,
        reason=reason[:500],
        level=level,
        source=redact(watch.source)[:256],
        fps=0.0,
        at=datetime.now(UTC),
    )


def _send(pipe: Connection, report: Report) -> None:
    try:
        pipe.send(report)
    except (BrokenPipeError, ConnectionResetError) as error:
        raise SystemExit(3) from error  # the supervisor is gone


def _end_with_parent() -> None:
    """End this process at once when the supervisor ends, however it ended (thread)."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(3)
