"""``skybeat detect``: one detector over one source, one line a frame, a summary at the end."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import typer

from vision.address import kind_of
from vision.errors import SourceError, VisionError
from vision.frame import Frame, FrameDetector, Measurement
from vision.source import LiveSource, read_file


def run(
    detector: FrameDetector,
    source: str,
    *,
    as_json: bool,
    overlay: Path | None = None,
    every: int = 1,
    for_s: float = 60.0,
) -> None:
    """Measure every frame of `source` and print what was measured.

    Parameters
    ----------
    detector
        What measures.
    source
        A file, a folder of pictures, or the address of a stream.
    as_json
        Print JSON objects in place of lines for people.
    overlay
        Folder for the pictures with the measurement drawn in.
    every
        Measure every n-th frame of a file.
    for_s
        How long a stream is followed, seconds.

    Raises
    ------
    VisionError
        If the source cannot be read, or the overlays cannot be written.
    """
    frames = (
        _live(source, for_s) if kind_of(source) == "stream" else _every(read_file(source), every)
    )
    values: list[float] = []
    unmeasured = 0
    spent = 0.0
    for frame in frames:
        started = time.perf_counter()
        measured = detector.measure(frame)
        spent += time.perf_counter() - started
        if measured.value is None:
            unmeasured += 1
        else:
            values.append(measured.value)
        typer.echo(json.dumps(as_dict(frame, measured)) if as_json else _line(frame, measured))
        if overlay is not None:
            _write(overlay, frame, detector)
    typer.echo(_summary(detector, values, unmeasured, spent, as_json=as_json))


def as_dict(frame: Frame, measured: Measurement) -> dict[str, Any]:
    """Return a measurement as it is printed with ``--json``."""
    return {
        "frame": frame.index,
        "name": frame.name or None,
        "captured_at": measured.captured_at.isoformat(),
        "value": measured.value,
        "unit": measured.unit,
        "confidence": measured.confidence,
        "sigma": measured.sigma,
        "not_measurable": measured.reason or None,
        "details": measured.details,
    }


def _every(frames: Iterator[Frame], every: int) -> Iterator[Frame]:
    return (frame for frame in frames if frame.index % every == 0)


def _live(address: str, for_s: float) -> Iterator[Frame]:
    """Yield the newest frame again and again; an address that never answers is an error."""
    end = time.monotonic() + for_s
    seen = False
    with LiveSource(address) as source:
        while (left := end - time.monotonic()) > 0:
            try:
                yield source.read(min(left, 10.0))
                seen = True
            except SourceError as error:
                if not seen and (
                    left <= 10.0 or error.reason in ("not_video", "bad_address", "not_found")
                ):
                    raise
                if seen:
                    typer.echo(f"skybeat: {error}", err=True)


def _line(frame: Frame, measured: Measurement) -> str:
    head = (
        f"{measured.captured_at:%Y-%m-%d %H:%M:%S.%f}"[:-3]
        + f"  {frame.name or f'frame {frame.index}'}"
    )
    if measured.value is None:
        return f"{head}  not measurable: {measured.reason}"
    sigma = f" +-{measured.sigma:.3g}" if measured.sigma is not None else ""
    least = "at least " if measured.details.get("lower_bound") else ""
    return f"{head}  {least}{measured.value:.3f}{sigma} {measured.unit}  confidence {measured.confidence:.2f}"


def _summary(
    detector: FrameDetector, values: list[float], unmeasured: int, spent: float, *, as_json: bool
) -> str:
    frames = len(values) + unmeasured
    fps = frames / spent if spent else 0.0
    if as_json:
        return json.dumps(
            {
                "summary": {
                    "detector": detector.name,
                    "frames": frames,
                    "measured": len(values),
                    "not_measurable": unmeasured,
                    "min": min(values, default=None),
                    "median": statistics.median(values) if values else None,
                    "max": max(values, default=None),
                    "detector_fps": round(fps, 2),
                }
            }
        )
    text = f"{detector.name}: {frames} frames, {len(values)} measured, {unmeasured} not measurable"
    if values:
        text += f"; {min(values):.3f} to {max(values):.3f}, median {statistics.median(values):.3f}"
    return f"{text}; {fps:.1f} frames/s"


def _write(folder: Path, frame: Frame, detector: FrameDetector) -> None:
    name = Path(frame.name).stem if frame.name else f"frame-{frame.index:06d}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.jpg"
        path.write_bytes(jpeg(detector.overlay(frame)))
    except OSError as error:
        raise VisionError(f"overlay {folder}: {error.strerror}") from error


def jpeg(image: Any, quality: int = 90) -> bytes:
    """Return `image` as JPEG."""
    ok, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not ok:
        raise VisionError(f"a picture of shape {image.shape} cannot be written as JPEG")
    return data.tobytes()
