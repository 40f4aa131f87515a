"""Pictures of simulated days."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from missions.city import City
from missions.day.measure import Measured
from missions.ground import ground_of

mpl.use("Agg")
COLOURS = ("#0072b2", "#999999", "#e69f00", "#d55e00")
"""Told apart by the colour-blind too (Okabe and Ito)."""


def draw(file: Path, city: City, runs: Mapping[str, Measured], labels: Mapping[str, str]) -> None:
    """Draw how soon calls had a drone overhead, cells overdue by the hour, and where.

    Parameters
    ----------
    file
        PNG, written over.
    city
        The city of the runs.
    runs
        What was counted, by run.
    labels
        What each run is called.
    """
    figure = Figure(figsize=(14, 9), layout="constrained")
    soon, air, where, often = figure.subplots(2, 2).flat
    for (name, run), colour in zip(runs.items(), COLOURS, strict=True):
        times = np.sort(run.times())
        share = np.arange(1, len(times) + 1) / max(1, len(times))
        soon.step(times, share, where="post", color=colour, label=labels[name])
        air.plot(_by_hour(run.aloft), color=colour, label=labels[name])
        if any(run.intervals):
            every = np.sort([i / 60.0 for cell in run.intervals for i in cell])
            often.step(every, np.arange(1, len(every) + 1) / len(every), color=colour)
    soon.set(xlim=(0, 300), xlabel="s until a drone is overhead", ylabel="share of calls")
    soon.axvline(120, color="black", linewidth=0.5)
    soon.legend()
    air.set(xlabel="hour", ylabel="drones in the air")
    often.set(xlabel="min between two visits of a cell", ylabel="share of visits")
    ground, rolling = ground_of(city), runs["rolling"]
    middles = np.array([cell.center for cell in ground.cells]) / 1000.0
    shown = where.scatter(
        *middles.T, c=rolling.overdue_s / 3600.0, cmap="cividis", s=40, marker="s"
    )
    docks = np.array(list(ground.places.values())) / 1000.0
    where.scatter(*docks.T, color="red", marker="^", s=30)
    where.set(aspect="equal", xlabel="km east", ylabel="km north")
    figure.colorbar(shown, ax=where, label=f"hours overdue, {labels['rolling']}")
    figure.savefig(file, dpi=110)


def _by_hour(samples: list[int]) -> list[float]:
    return [float(np.mean(samples[i : i + 60])) for i in range(0, len(samples), 60)]
