"""The watch of a dock's marker while a drone lands: every frame, and every sighting told at once."""

from __future__ import annotations

from vision.errors import SourceError
from vision.frame import Frame
from vision.marker import MarkerFinder, Sighting
from vision.source import LiveSource
from vision.task import Report, Task
from vision.wire import LandingTarget, MarkerWatch

WAIT_S = 1.0


class MarkerWatcher:
    """What happens with each frame of a landing drone's camera.

    Parameters
    ----------
    task
        A watch whose detector is a marker.

    Raises
    ------
    DetectorError
        If there is no such marker.
    """

    def __init__(self, task: Task) -> None:
        asked = task.watch.detector
        if not isinstance(asked, MarkerWatch):
            raise TypeError(f"watch {task.watch.key!r} asks for {asked.kind!r}, not for a marker")
        self._key = task.watch.key
        self._finder = MarkerFinder(asked.marker_id, asked.size_m, task.watch.position)
        self.frames = 0
        self.reason = ""
        """Why the last frame gave no sighting, empty where it gave one."""

    def step(self, source: LiveSource) -> list[Report]:
        """Wait for the newest frame, at most ``WAIT_S``, and return what there is to report.

        A camera that is silent is nothing to tell: the drone lands without.
        """
        try:
            frame = source.read(WAIT_S)
        except SourceError as error:
            self.reason = str(error)
            return []
        return self.take(frame)

    def take(self, frame: Frame) -> list[Report]:
        """Look for the marker in one frame and return what there is to report."""
        self.frames += 1
        seen = self._finder.find(frame)
        if not isinstance(seen, Sighting):
            self.reason = seen.reason
            return []
        self.reason = ""
        target = LandingTarget(
            captured_at=seen.captured_at,
            north_m=round(seen.north_m, 4),
            east_m=round(seen.east_m, 4),
            down_m=round(seen.down_m, 4),
        )
        return [Report(self._key, target=target)]
