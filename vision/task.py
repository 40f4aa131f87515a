"""What a watching process is given, and what it sends back through its pipe."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vision.wire import Detection, LandingTarget, SiteStatus, Watch


@dataclass(frozen=True, slots=True)
class Task:
    """What a watching process is given.

    Attributes
    ----------
    station
        The station file as read from JSON, and its pictures by name (encoded); water only.
    model
        ONNX network for crowds.
    max_fps
        Frames analysed a second, at most; a marker is looked for in every frame.
    """

    watch: Watch
    station: dict[str, Any] | None = None
    pictures: dict[str, bytes] = field(default_factory=dict)
    model: Path | None = None
    max_fps: float = 5.0


@dataclass(frozen=True, slots=True)
class Report:
    """What a watching process sends to the supervisor.

    How it goes, or a detection with its JPEG, or where a drone's marker is.
    """

    key: str
    status: SiteStatus | None = None
    detection: Detection | None = None
    image: bytes = b""
    target: LandingTarget | None = None
