"""``skybeat plan``: a day in the city without flying it."""

from __future__ import annotations

import json
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from multiprocessing import active_children
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from missions.city import City
    from missions.day.measure import Measured

app = typer.Typer(no_args_is_help=True, help="Try a plan out without flying it.")

WRONG = 2
MOST_SEED = 2**31 - 1
"""PyVRP takes 32 bits, and each part of a city has a seed of its own."""
LABELS = {
    "rolling": "rolling plan",
    "idle": "idle fleet",
    "round_robin": "round robin",
    "greedy": "most overdue",
}
ROWS = (
    ("calls", "calls"),
    ("unanswered", "never answered"),
    ("within_60_s", "drone overhead within 60 s"),
    ("within_120_s", "within 120 s"),
    ("within_300_s", "within 300 s"),
    ("p50_s", "p50, s"),
    ("p95_s", "p95, s"),
    ("p99_s", "p99, s"),
    ("worst_s", "worst, s"),
    ("covered_in_120_s", "calls in reach of 120 s, mean"),
    ("visits", "visits of cells"),
    ("visits_owed", "visits owed"),
    ("overdue_cell_h", "overdue cell-hours"),
    ("overdue_share", "of all cell-hours"),
    ("revisit_mean_min", "revisit, mean, min"),
    ("revisit_p95_min", "revisit, p95, min"),
    ("revisit_worst_min", "revisit, worst, min"),
    ("flight_h", "flight hours"),
    ("in_air_mean", "in the air, mean"),
    ("sorties", "sorties"),
    ("energy_kwh", "energy, kWh"),
    ("charges", "charges"),
    ("reliefs", "reliefs"),
    ("preemptions", "preemptions"),
    ("closures", "closures"),
    ("diverted", "drones diverted"),
    ("lowest_landing_percent", "lowest landing, %"),
)


@app.callback()
def plan() -> None:
    """Try a plan out without flying it."""


@app.command()
def simulate(
    city: Annotated[Path, typer.Option("--city", help="The city file (YAML).")],
    days: Annotated[float, typer.Option("--days", min=0.01, max=366, help="How many days.")] = 1.0,
    seed: Annotated[
        int,
        typer.Option("--seed", min=0, max=MOST_SEED, help="Of calls, wind, faults and closures."),
    ] = 1,
    wind: Annotated[float, typer.Option("--wind", min=0, help="Mean wind, m/s.")] = 4.0,
    closures: Annotated[
        float, typer.Option("--closures", min=0, max=100, help="Closures a day, in the mean.")
    ] = 3.0,
    iterations: Annotated[
        int, typer.Option("--iterations", min=1, help="Of PyVRP, for each plan.")
    ] = 120,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw the runs into this file (PNG).")
    ] = None,
) -> None:
    """Run the planner, the energy model and the responder through days of a city.

    The same calls, wind, faults and closures go to the rolling plan, to a fleet that only waits for calls,
    and to two simple ways to patrol.
    """
    if plot is not None:
        _check_plot(plot)
    known = _city(city)
    if wind > known.limits.wind_m_s:
        _wrong(f"--wind {wind:g}: above the city's limit of {known.limits.wind_m_s:g} m/s")
    runs = _runs(known, days, seed, iterations, wind, closures)
    told = _told(known, days, seed, runs)
    typer.echo(json.dumps(told) if as_json else table(told))
    if plot is not None:
        _draw(plot, known, runs)


def _check_plot(plot: Path) -> None:
    """Refuse a file that cannot be written, before the run: it may take an hour."""
    if plot.suffix.lower() != ".png":
        _wrong(f"--plot {plot}: must end in .png")
    if plot.is_dir():
        _wrong(f"--plot {plot}: is a folder")
    if not plot.parent.is_dir():
        _wrong(f"--plot {plot}: there is no folder {plot.parent}")


def _draw(plot: Path, city: City, runs: dict[str, Measured]) -> None:
    from fleet.dayplot import draw

    try:
        draw(plot, city, runs, LABELS)
    except OSError as error:
        _wrong(f"--plot {plot}: cannot be written: {error.strerror or error}")


def _wrong(words: str) -> NoReturn:
    typer.echo(words, err=True)
    raise typer.Exit(WRONG)


def _city(file: Path) -> City:
    from fleet.config import read_city
    from fleet.errors import SettingsError
    from missions.errors import CityFileError

    try:
        return read_city(file)
    except (CityFileError, SettingsError) as error:
        _wrong(str(error))


def _runs(
    city: City, days: float, seed: int, iterations: int, wind: float, closures: float
) -> dict[str, Measured]:
    """Return what each run counted; they share the processors."""
    from missions.day.simulate import NAMES, run_day
    from missions.errors import PlanError

    drawn = {"wind_m_s": wind, "closures_a_day": closures}
    with ProcessPoolExecutor() as pool:
        asked = {
            name: pool.submit(run_day, city, days, seed, name, iterations=iterations, **drawn)
            for name in NAMES
        }
        wait(asked.values(), return_when=FIRST_EXCEPTION)
        failed = next((e for run in asked.values() if run.done() and (e := run.exception())), None)
        if failed is None:
            return {name: run.result() for name, run in asked.items()}
        for child in active_children():
            child.terminate()  # the other runs would go on to their end, hours maybe
    if isinstance(failed, PlanError):
        _wrong(f"--wind {wind:g}: nobody can fly: {failed}")
    raise failed


def _told(city: City, days: float, seed: int, runs: dict[str, Measured]) -> dict[str, Any]:
    from missions.day.report import figures, load, per_cell
    from missions.day.simulate import BEGIN
    from missions.demand import Demand
    from missions.ground import ground_of

    ground = ground_of(city)
    owed = Demand.of(city).beat_s
    bound = load(ground, owed)
    return {
        "city": city.city.name,
        "days": days,
        "seed": seed,
        "begins": BEGIN.date().isoformat(),
        "cells": len(ground.cells),
        "drones": len(ground.drones),
        "load": round(bound, 3),
        "runs": {name: figures(run, days) for name, run in runs.items()},
        "per_cell": per_cell(runs["rolling"], ground, owed, bound),
    }


def table(told: dict[str, Any]) -> str:
    """Return the runs side by side."""
    runs = told["runs"]
    width = max(len(label) for _, label in ROWS)
    head = "".join(f"{LABELS[name]:>14}" for name in runs)
    lines = [
        f"{told['city']}: {told['drones']} drones, {told['cells']} cells, {told['days']:g} days, "
        f"seed {told['seed']}; what is owed needs {told['load']:.0%} of what the fleet can fly",
        f"{'':{width}}{head}",
    ]
    for key, label in ROWS:
        cells = "".join(f"{_shown(key, run[key]):>14}" for run in runs.values())
        lines.append(f"{label:{width}}{cells}")
    return "\n".join(lines)


def _shown(key: str, value: float | None) -> str:
    if value is None:
        return "-"
    if key.startswith("within") or key in ("covered_in_120_s", "overdue_share"):
        return f"{value:.2%}"
    return f"{value:g}"
