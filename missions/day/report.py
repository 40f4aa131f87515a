"""What a simulated run is told as: figures by name, each with its unit."""

from __future__ import annotations

from typing import Any

import numpy as np

from missions.day.measure import BOUNDS_S, Measured
from missions.energy import CALM
from missions.geo import Floats
from missions.ground import Ground
from missions.patrol.cells import mean_speed, service_s, usual_drone
from missions.patrol.ready import LEAVE_PERCENT, usable_s
from missions.patrol.rolling import patrol_m

Figures = dict[str, Any]


def figures(measured: Measured, days: float) -> Figures:
    """Return the figures of a run."""
    times = measured.times()
    intervals = np.array([i for cell in measured.intervals for i in cell])
    wanted_h = 24.0 * days * len(measured.intervals)
    found: Figures = {"calls": len(times), "unanswered": int(np.isinf(times).sum())}
    for bound in BOUNDS_S:
        found[f"within_{bound:g}_s"] = round(measured.within(bound), 5)
    for percent in (50, 95, 99):
        found[f"p{percent}_s"] = _percentile(times, percent)
    found["worst_s"] = _percentile(times, 100)
    found |= {
        "revisit_mean_min": _minutes(intervals.mean()) if len(intervals) else None,
        "revisit_p95_min": _minutes(np.percentile(intervals, 95)) if len(intervals) else None,
        "revisit_worst_min": _minutes(intervals.max()) if len(intervals) else None,
        "visits": len(intervals),
        "visits_owed": round(float(measured.owed_rate.sum())),
        "overdue_cell_h": round(float(measured.overdue_s.sum()) / 3600.0, 1),
        "overdue_share": round(float(measured.overdue_s.sum()) / 3600.0 / wanted_h, 4),
        "covered_in_120_s": round(float(np.mean(measured.covered)), 4),
        "flight_h": round(measured.flight_s / 3600.0, 1),
        "in_air_mean": round(float(np.mean(measured.aloft)), 2),
        "in_air_most": int(np.max(measured.aloft)),
        "sorties": measured.sorties,
        "energy_kwh": round(measured.energy_wh / 1000.0, 1),
        "charges": measured.charges,
        "reliefs": measured.reliefs,
        "preemptions": measured.preemptions,
        "faults": measured.faults,
        "closures": measured.closures,
        "diverted": measured.diverted,
        "lowest_landing_percent": round(measured.lowest_percent, 1),
    }
    return found


def _percentile(times: Floats, percent: float) -> float | None:
    """Return it; None where it lies with those calls, or just below them, that nobody answered."""
    if not len(times) or np.isinf(np.percentile(times, percent, method="higher")):
        return None
    return round(float(np.percentile(times, percent)), 1)


def _minutes(seconds: float) -> float:
    return round(float(seconds) / 60.0, 1)


def load(ground: Ground, owed_s: Floats) -> float:
    """Return how much of what is owed needs of what the fleet can fly at best.

    Flying over every cell as often as it is owed, without any way between cells or from a dock,
    in calm air, against what batteries give where each flight ends at what patrols keep. Above 1 no
    plan can keep the intervals.
    """
    drone = usual_drone(ground)
    height = patrol_m(ground)
    speed = mean_speed(drone, CALM)
    service = service_s(ground, drone.camera.hfov_deg, height, speed)
    owed = np.isfinite(owed_s) & np.isfinite(service)
    needed = float((service[owed] / owed_s[owed]).sum())
    flies = usable_s(ground, drone.id, LEAVE_PERCENT, height, CALM)
    low = ground.city.limits.patrols_keep_percent
    charges = drone.battery.charge_min * 60.0 * (LEAVE_PERCENT - low) / 70.0
    return needed / (len(ground.drones) * flies / (flies + charges))


def per_cell(measured: Measured, ground: Ground, owed_s: Floats, bound: float) -> list[Figures]:
    """Return each cell's intervals against what is owed and against what can be at best.

    Parameters
    ----------
    bound
        ``load``: at best every interval is so many times what is owed.
    """
    rows = []
    for cell, owed, seen in zip(ground.cells, owed_s, measured.intervals, strict=True):
        rows.append(
            {
                "cell": cell.id,
                "visits": len(seen),
                "mean_min": _minutes(float(np.mean(seen))) if seen else None,
                "p95_min": _minutes(float(np.percentile(seen, 95))) if seen else None,
                "worst_min": _minutes(max(seen)) if seen else None,
                "owed_min": _minutes(float(owed)) if np.isfinite(owed) else None,
                "at_best_min": _minutes(float(owed) * bound) if np.isfinite(owed) else None,
            }
        )
    return rows
