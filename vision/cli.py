"""Commands of ``vision``; heavy imports stay inside the commands, so that ``skybeat`` starts quickly."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer

app = typer.Typer()
detect = typer.Typer(
    no_args_is_help=True, help="Measure in a file, a folder of pictures or a stream."
)
app.add_typer(detect, name="detect")

Source = Annotated[
    str,
    typer.Argument(
        help="Video file, folder of pictures, picture, rtsp://, tcp:// or udp:// address."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Overlay = Annotated[
    Path | None,
    typer.Option("--overlay", help="Folder to write each picture with the measurement drawn in."),
]
Every = Annotated[int, typer.Option("--every", min=1, help="Measure every n-th frame of a file.")]
For = Annotated[
    float,
    typer.Option(
        "--for", min=0.1, help="How long a stream is followed, seconds.", show_default=True
    ),
]


@detect.command("water")
def water(
    source: Source,
    station: Annotated[Path, typer.Option("--station", help="Station file (YAML).")],
    as_json: Json = False,
    overlay: Overlay = None,
    every: Every = 1,
    for_s: For = 60.0,
) -> None:
    """Read the water level of a station, metres on its datum."""
    from vision.detect import run
    from vision.errors import VisionError
    from vision.water.level import WaterDetector
    from vision.water.station import load

    try:
        run(
            WaterDetector(load(station)),
            source,
            as_json=as_json,
            overlay=overlay,
            every=every,
            for_s=for_s,
        )
    except VisionError as error:
        _refuse(error)


@detect.command("crowd")
def crowd(
    source: Source,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model", help="ONNX network with a YOLOX head, in place of the built-in detector."
        ),
    ] = None,
    zone: Annotated[
        str | None,
        typer.Option(
            "--zone",
            help="Corners of the ground to count on, 'lon,lat lon,lat lon,lat ...'; needs a stream with pose.",
        ),
    ] = None,
    person_px: Annotated[
        float | None,
        typer.Option(
            "--person-px", min=12, help="How tall people look, where there is no pose; else learnt."
        ),
    ] = None,
    as_json: Json = False,
    overlay: Overlay = None,
    every: Every = 1,
    for_s: For = 60.0,
) -> None:
    """Count people, or people per square metre of a zone."""
    from missions.geo import GeometryError
    from vision.crowd.detector import CrowdDetector
    from vision.crowd.ground import Zone, corners
    from vision.detect import run
    from vision.errors import VisionError

    try:
        ground = Zone.of(corners(zone)) if zone else None
        detector = CrowdDetector(ground, model=model, person_px=person_px)
        run(detector, source, as_json=as_json, overlay=overlay, every=every, for_s=for_s)
    except (VisionError, GeometryError) as error:
        _refuse(error)


@detect.command("marker")
def marker(
    source: Source,
    number: Annotated[int, typer.Option("--id", help="Number of the marker.")],
    size: Annotated[float, typer.Option("--size", help="Edge of its black square, metres.")],
    as_json: Json = False,
    overlay: Overlay = None,
    every: Every = 1,
    for_s: For = 60.0,
) -> None:
    """Find a dock's marker; how far off its middle the camera is, metres. Needs a stream with pose."""
    from vision.detect import run
    from vision.errors import VisionError
    from vision.marker import MarkerFinder

    try:
        finder = MarkerFinder(number, size)
        run(finder, source, as_json=as_json, overlay=overlay, every=every, for_s=for_s)
    except VisionError as error:
        _refuse(error)


@app.command("marker")
def print_marker(
    number: Annotated[int, typer.Argument(help="Number of the marker, 0 to 999.")],
    out: Annotated[Path, typer.Option("--out", help="Picture to write (PNG).")],
    edge: Annotated[
        int, typer.Option("--edge", help="Pixels of the whole, a multiple of 8.")
    ] = 2048,
) -> None:
    """Write a dock's marker to print, with its white margin; its black square is 3/4 of the edge."""
    import cv2

    from vision.errors import VisionError
    from vision.marker import picture

    try:
        _, data = cv2.imencode(".png", picture(number, edge))
        out.write_bytes(data.tobytes())
    except (VisionError, OSError) as error:
        _refuse(error)


@app.command("watch")
def watch(
    controller: Annotated[
        str, typer.Option("--controller", help="Address of the controller, http://host:port.")
    ],
    as_json: Json = False,
    model: Annotated[
        Path | None,
        typer.Option("--model", help="ONNX network for crowds whose city file names none."),
    ] = None,
    max_fps: Annotated[
        float, typer.Option("--max-fps", min=0.1, help="Frames analysed a second, at most.")
    ] = 5.0,
    alive: Annotated[
        Path | None,
        typer.Option(
            "--alive", help="File to touch whenever the controller has answered, for health checks."
        ),
    ] = None,
) -> None:
    """Watch what the controller asks to be watched; its token is in SKYBEAT_TOKEN."""
    import os

    from vision.errors import VisionError
    from vision.worker import run

    token = os.environ.pop("SKYBEAT_TOKEN", "")  # the watching processes are not to inherit it
    if not token:
        _refuse("SKYBEAT_TOKEN is not set: put a token with the role `worker` into it")
    try:
        if alive is not None:
            alive.touch()  # can it be written? then away with what an earlier worker left
            alive.unlink()
        run(controller, token, as_json=as_json, model=model, max_fps=max_fps, alive=alive)
    except (VisionError, OSError) as error:
        _refuse(error)


def _refuse(error: object) -> NoReturn:
    """Say what is wrong in one line and exit with 2."""
    typer.echo(f"skybeat: {error}", err=True)
    raise typer.Exit(2)
