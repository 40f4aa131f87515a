"""What really happened: the demo's summary from the logs of the vehicles, the docks and the CAD.

Pure: log entries in, figures and faults out. The controller's word is used for one thing only: to
know which incidents it opened, so that one that never reached the CAD is found.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

Entry = Mapping[str, Any]
Homes = Mapping[str, str]
"""The dock that each drone lives in."""

HOME_RADIUS_M = 3.0
"""A drone that landed within this distance of its dock has come home."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures that ``skybeat demo --json`` prints, in this order."""

    sorties_started: int
    sorties_completed: int
    drones_flown: int
    docks_cycled: int
    detections: int
    incidents: int
    cad_received: int
    cad_duplicates: int
    seconds_to_first_takeoff: float | None
    seconds_frame_to_cad_p50: float | None
    seconds_frame_to_cad_p95: float | None

    def as_dict(self) -> dict[str, int | float | None]:
        """Return the figures as a JSON-ready object."""
        return asdict(self)


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the nearest-rank percentile of some values, or None of none.

    Parameters
    ----------
    values
        Any order.
    share
        0 to 1, e.g. 0.95.
    """
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _time(entry: Entry, key: str = "at") -> datetime:
    return datetime.fromisoformat(str(entry[key]))


def came_home(entry: Entry, homes: Homes) -> bool:
    """Whether a ``landed`` entry is a landing in the drone's own dock."""
    near = float(entry.get("dock_distance_m", math.inf)) <= HOME_RADIUS_M
    return near and entry.get("dock") == homes.get(entry["drone"])


def away(vehicles: Iterable[Entry], homes: Homes) -> set[str]:
    """Return the drones whose last take-off was not followed by a landing in their dock."""
    out: set[str] = set()
    for entry in vehicles:
        if entry["kind"] == "takeoff":
            out.add(entry["drone"])
        elif entry["kind"] == "landed" and came_home(entry, homes):
            out.discard(entry["drone"])
    return out


def last_doors(docks: Iterable[Entry]) -> dict[str, str]:
    """Return the last state of each door."""
    return {e["dock"]: e["door"] for e in docks if e["kind"] == "door"}


def _cycled(docks: Sequence[Entry]) -> set[str]:
    opened = {e["dock"] for e in docks if e["kind"] == "door" and e["door"] == "open"}
    return {dock for dock, door in last_doors(docks).items() if dock in opened and door == "closed"}


def summarise(
    *,
    homes: Homes,
    controller_up: datetime,
    vehicles: Sequence[Entry],
    docks: Sequence[Entry],
    cad: Sequence[Entry],
    detections: Iterable[str],
    incidents: Iterable[str],
) -> Summary:
    """Count what the simulator's logs show.

    Parameters
    ----------
    homes
        The dock of each drone.
    controller_up
        When the controller first said that it was ready.
    vehicles, docks, cad
        Entries of ``vehicles.jsonl``, ``docks.jsonl`` and ``cad.jsonl``.
    detections
        Ids of the detections that workers say they delivered.
    incidents
        Ids of the incidents that the controller, or a receipt to a worker, ever named.
    """
    takeoffs = [e for e in vehicles if e["kind"] == "takeoff"]
    taken = [e for e in cad if e["kind"] == "received" and not e["duplicate"]]
    created = Counter(e["incident"] for e in taken if e["type"] == "incident.created")
    latency = [
        (_time(e, "received_at") - _time(e, "captured_at")).total_seconds()
        for e in taken
        if e["type"] == "incident.created"
    ]
    first = min((_time(e) for e in takeoffs), default=None)
    p50, p95 = percentile(latency, 0.5), percentile(latency, 0.95)
    return Summary(
        sorties_started=len(takeoffs),
        sorties_completed=sum(1 for e in vehicles if e["kind"] == "landed" and came_home(e, homes)),
        drones_flown=len({e["drone"] for e in takeoffs}),
        docks_cycled=len(_cycled(docks)),
        detections=len(set(detections)),
        incidents=len(set(incidents) | set(created)),
        cad_received=len(created),
        cad_duplicates=sum(n - 1 for n in created.values()),
        seconds_to_first_takeoff=None
        if first is None
        else round((first - controller_up).total_seconds(), 2),
        seconds_frame_to_cad_p50=None if p50 is None else round(p50, 3),
        seconds_frame_to_cad_p95=None if p95 is None else round(p95, 3),
    )


def faults(
    *,
    homes: Homes,
    vehicles: Sequence[Entry],
    docks: Sequence[Entry],
    cad: Sequence[Entry],
    incidents: Iterable[str],
    expected_sites: Iterable[str],
    excused: Iterable[str] = (),
) -> list[str]:
    """Return what went wrong, in words; an empty list is a run that ends with status 0.

    ``expected_sites`` are sites whose scene passed its alarm level for long enough that an
    incident must have come of it. ``excused`` are drones that a scenario's fault brought down or
    drove into another dock.
    """
    missing = away(vehicles, homes) - set(excused)
    found = [f"{drone} took off and did not come home" for drone in sorted(missing)]
    if not any(e["kind"] == "takeoff" for e in vehicles):
        found.append("no drone took off")
    found += [
        f"the door of {d} is {s}" for d, s in sorted(last_doors(docks).items()) if s != "closed"
    ]
    good = [e for e in cad if e["kind"] == "received"]
    arrived = {e["incident"] for e in good}
    found += [f"incident {i} did not reach the CAD" for i in sorted(set(incidents) - arrived)]
    found += [
        f"the picture of incident {e['incident']} is damaged" for e in good if not e["image_ok"]
    ]
    found += [f"the CAD refused a message: {e['reason']}" for e in cad if e["kind"] == "refused"]
    sites = {e["site"] for e in good}
    found += [
        f"no incident of {site} reached the CAD" for site in sorted(set(expected_sites) - sites)
    ]
    created = Counter(
        e["incident"] for e in good if e["type"] == "incident.created" and not e["duplicate"]
    )
    found += [
        f"incident {i} took effect {n} times at the CAD"
        for i, n in sorted(created.items())
        if n > 1
    ]
    return found
