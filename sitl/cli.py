"""Commands of ``sitl``; heavy imports stay inside the commands, so that ``skybeat`` starts quickly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from missions.city import City
    from sitl.city import Ready
    from sitl.errors import SimError

app = typer.Typer()


def _fail(command: str, error: SimError | str, status: int) -> typer.Exit:
    """Say what went wrong in one line, and what helps in another."""
    typer.echo(f"skybeat {command}: {error}", err=True)
    if hint := getattr(error, "hint", ""):
        typer.echo(f"hint: {hint}", err=True)
    return typer.Exit(status)


def _city(command: str, path: Path, docks: str) -> City:
    from missions.cityfile import parse
    from missions.errors import CityFileError

    try:
        city = parse(path.read_text(encoding="utf-8"), str(path))
        names = frozenset(name.strip() for name in docks.split(",") if name.strip())
        return city.part(names) if names else city
    except KeyError as error:
        raise _fail(command, f"--docks: {error.args[0]}", 2) from error
    except (OSError, UnicodeDecodeError, CityFileError) as error:
        raise _fail(command, str(error), 2) from error


def _scene(city: Path, scene: Path | None) -> Path | None:
    """Return the scenario to play: the one named, or ``scene.yaml`` in the city's own folder."""
    if scene is not None:
        return scene
    own = city.with_suffix("") / "scene.yaml"
    return own if own.exists() else None


CityFile = Annotated[Path, typer.Option("--city", help="City file.")]


@app.command()
def sim(
    city: CityFile,
    docks: Annotated[str, typer.Option(help="Docks to simulate, with commas; empty for all.")] = "",
    autopilot: Annotated[
        str, typer.Option(help="embedded; px4: real ones; attached: real ones that run already.")
    ] = "embedded",
    scene: Annotated[
        Path | None,
        typer.Option(
            "--scene",
            "--scenario",
            help="Scenario; by default scene.yaml in the city file's own folder.",
        ),
    ] = None,
    log: Annotated[
        Path | None, typer.Option(help="Folder for the logs of what really happened.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--for", min=0.1, help="End after this many seconds.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of all that is random; by default the scenario's.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON line when ready.")
    ] = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="Go on when the process that started it ends.")
    ] = False,
    broker: Annotated[
        bool,
        typer.Option("--broker/--no-broker", help="Start the MQTT broker, or use one that runs."),
    ] = True,
) -> None:
    """Simulate a city: broker, docks, vehicles, cameras and the CAD."""
    import asyncio

    from sitl.city import Options, simulate
    from sitl.errors import SimError
    from sitl.scenario import Scenario, ScenarioError, check, load

    if autopilot not in ("embedded", "px4", "attached"):
        raise _fail("sim", f"--autopilot {autopilot!r}: must be embedded, px4 or attached", 2)
    parsed = _city("sim", city, docks)
    try:
        path = _scene(city, scene)
        scenario = load(path) if path else Scenario()
        check(scenario, parsed)
    except ScenarioError as error:
        raise _fail("sim", error, 2) from error
    options = Options(
        parsed, scenario, log, seconds, seed, autopilot, with_parent=not detach, broker=broker
    )
    try:
        asyncio.run(simulate(options, lambda ready: _say_ready(ready, as_json=as_json)))
    except SimError as error:
        raise _fail("sim", error, getattr(error, "status", 1)) from error


def _say_ready(ready: Ready, *, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        print(json.dumps({"kind": "ready", **asdict(ready)}), flush=True)
        return
    print(
        f"ready: {len(ready.vehicles)} vehicles, {len(ready.docks)} docks, "
        f"{len(ready.video)} cameras, {len(ready.cad)} CAD"
    )
    print(f"  broker   {ready.broker}")
    for drone, address in ready.vehicles.items():
        print(f"  vehicle  {drone:16} {address}  {ready.video.get(drone, 'no video')}")
    for name, url in ready.cad.items():
        print(f"  CAD      {name:16} {url}")
    print(end="", flush=True)


@app.command()
def cad(
    listen: Annotated[str, typer.Option(help="HOST:PORT to listen on.")] = "127.0.0.1:8090",
    log: Annotated[
        Path | None, typer.Option(help="Log of what was received; read again at the start.")
    ] = None,
    path: Annotated[str, typer.Option(help="Path that takes incidents.")] = "/incidents",
    secret_env: Annotated[
        str, typer.Option(help="Environment variable with the signing secret (whsec_...).")
    ] = "SKYBEAT_CAD_SECRET",
    until_input_ends: Annotated[
        bool, typer.Option("--until-input-ends", hidden=True, help="End when standard input does.")
    ] = False,
) -> None:
    """Receive incidents as a CAD would, and log them."""
    import asyncio

    from sitl.cad import serve
    from sitl.errors import SimError

    try:
        asyncio.run(serve(listen, log, secret_env, path=path, with_input=until_input_ends))
    except SimError as error:
        raise _fail("cad", error, getattr(error, "status", 1)) from error


@app.command()
def survey(
    city: CityFile,
    site: Annotated[str, typer.Option(help="Site with a water detector.")],
    out: Annotated[Path, typer.Option(help="Folder for the station file and its pictures.")],
    scene: Annotated[
        Path | None,
        typer.Option(help="Scenario; by default scene.yaml in the city file's own folder."),
    ] = None,
) -> None:
    """Survey a simulated water station: reference pictures with control points."""
    from sitl.errors import SimError
    from sitl.scenario import load
    from sitl.survey import survey as make

    parsed = _city("survey", city, "")
    try:
        where = _scene(city, scene)
        if where is None:
            raise _fail(
                "survey", f"no scene.yaml in {city.with_suffix('')}; name one with --scene", 2
            )
        written = make(parsed, load(where), site, out)
    except SimError as error:
        raise _fail("survey", error, 2) from error
    for name in written:
        typer.echo(str(name))


if __name__ == "__main__":
    app()
