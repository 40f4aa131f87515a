"""``skybeat demo``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sitl.demo.run import Options

app = typer.Typer()

DEFAULT_CITY = Path(__file__).parents[1] / "cities" / "zhangzhou.yaml"
DEFAULT_DOCKS = "xc-bridge,xc-market,xc-old-town,lw-park"


def _options(
    city_file: Path,
    docks: str,
    folder: Path,
    seconds: float | None,
    autopilot: str,
    scene: Path | None,
) -> Options:
    from missions.cityfile import parse
    from missions.errors import CityFileError
    from sitl.demo.run import Options

    try:
        city = parse(city_file.read_text(encoding="utf-8"), str(city_file))
        names = tuple(name for name in docks.split(",") if name)
        part = city.part(frozenset(names)) if names else city
    except (OSError, CityFileError, KeyError) as error:
        typer.echo(f"skybeat demo: {error}", err=True)
        raise typer.Exit(2) from error
    return Options(
        city_file=city_file,
        city=part,
        docks=tuple(d.id for d in part.docks),
        folder=folder,
        seconds=seconds,
        autopilot=autopilot,
        scene=_scenario(city_file, scene),
    )


def _scenario(city_file: Path, asked: Path | None) -> Path | None:
    """Return the scenario's file: the one named, or the one of that name beside the city's scene."""
    if asked is None or asked.exists() or asked.suffix:
        return asked
    return city_file.with_suffix("") / f"{asked.name}.yaml"


@app.command()
def demo(
    city: Annotated[Path, typer.Option(help="City file.")] = DEFAULT_CITY,
    docks: Annotated[
        str, typer.Option(help="Docks to fly, with commas; empty for all.")
    ] = DEFAULT_DOCKS,
    headless: Annotated[bool, typer.Option("--headless", help="No terminal art.")] = False,
    seconds: Annotated[
        float | None,
        typer.Option("--for", min=1, help="After this many seconds call every drone home and end."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print, last, one JSON object.")] = False,
    autopilot: Annotated[
        str, typer.Option(help="embedded, or px4: real PX4 instances.")
    ] = "embedded",
    scene: Annotated[
        Path | None,
        typer.Option(
            "--scenario",
            "--scene",
            help="Scenario file, or the name of one in the city's own folder, e.g. rough.",
        ),
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(help="Keep data and logs in this new folder.")
    ] = None,
) -> None:
    """Start a simulated city and the controller, and show what flies, what is seen, what is sent."""
    import asyncio

    from sitl.demo.scratch import scratch
    from sitl.demo.show import run

    if keep is not None and keep.exists() and any(keep.iterdir()):
        typer.echo(f"skybeat demo: {keep} is not empty; name a new folder", err=True)
        raise typer.Exit(2)
    with scratch() as own:
        folder = (keep or own).resolve()
        options = _options(city.resolve(), docks, folder, seconds, autopilot, scene)
        status = asyncio.run(run(options, headless=headless, as_json=as_json))
    raise typer.Exit(status)
