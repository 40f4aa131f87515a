"""What each of a scenario's faults led to. Pure: log entries in, words out.

When a fault began and ended, what a vehicle or a dock really did: these are the simulator's own logs.
Why the controller did something is its own word, as its live picture said it at that time.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

Entry = Mapping[str, Any]
Homes = Mapping[str, str]

AFTER_S = 30.0
"""What happens this long after a fault has ended may still come of it."""
MOST_WORDS = 12
FELLING = ("vehicle_gps", "vehicle_motor", "vehicle_battery")
"""Faults that may bring a drone down where it is: it is then not expected home."""
ALL = "all"
WARNED = "warned: "
_NUMBER = re.compile(r"\d+(?:[.:]\d+)*")


@dataclass(frozen=True, slots=True)
class Aftermath:
    """A fault and what came of it.

    ``seconds`` is how long it lasted, None where it had not ended; ``led_to`` is in order of time.
    """

    fault: str
    target: str
    value: float | None
    began: str
    seconds: float | None
    led_to: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {**asdict(self), "led_to": list(self.led_to)}

    def line(self) -> str:
        """Return it in one line for people."""
        value = "" if self.value is None else f" {self.value:g}"
        return f"{self.fault}{value} on {self.target}: " + ("; ".join(self.led_to) or "nothing")


def _time(entry: Entry) -> datetime:
    return datetime.fromisoformat(str(entry["at"]))


def aftermath(
    faults: Sequence[Entry],
    *,
    homes: Homes,
    told: Sequence[Entry],
    vehicles: Sequence[Entry],
    docks: Sequence[Entry],
) -> list[Aftermath]:
    """Return every fault that was played, with what followed.

    Parameters
    ----------
    faults
        Entries of ``faults.jsonl``.
    homes
        The dock of each drone.
    told
        Changes in the controller's picture: ``at``, ``what`` (a drone or a dock) and ``words``.
    vehicles, docks
        Entries of ``vehicles.jsonl`` and ``docks.jsonl``.
    """
    facts = sorted(
        [*_of_vehicles(vehicles, homes), *_of_docks(docks), *told], key=lambda e: str(e["at"])
    )
    out: list[Aftermath] = []
    for k, entry in enumerate(faults):
        same = (entry["fault"], entry["target"])
        if entry["kind"] == "impossible":
            words = (f"could not be played: {entry['reason']}",)
            out.append(Aftermath(*same, entry.get("value"), str(entry["at"]), None, words))
        if entry["kind"] != "begins":
            continue
        end = next((e for e in faults[k:] if e["kind"] == "ends" and _is(e, same)), None)
        touched = _touched(*same, homes)
        last = None if end is None else _time(end) + timedelta(seconds=AFTER_S)
        led_to = _words(e for e in facts if _within(e, _time(entry), last) and e["what"] in touched)
        seconds = None if end is None else round((_time(end) - _time(entry)).total_seconds(), 1)
        out.append(Aftermath(*same, entry.get("value"), str(entry["at"]), seconds, led_to))
    return out


def _is(entry: Entry, same: tuple[str, str]) -> bool:
    return (entry["fault"], entry["target"]) == same


def _within(entry: Entry, begin: datetime, end: datetime | None) -> bool:
    at = _time(entry)
    return at >= begin and (end is None or at <= end)


def _words(entries: Iterable[Entry]) -> tuple[str, ...]:
    """Return what entries say, each once, ``MOST_WORDS`` of them: warnings are left out first.

    The same words with other numbers are no news, nor is a warning of what a state's reason says.
    """
    said: dict[tuple[str, str], str] = {}
    reasons: set[tuple[str, str]] = set()
    for entry in entries:
        what, words = str(entry["what"]), _NUMBER.sub("#", str(entry["words"]))
        reason = (what, words.partition("(")[2].removesuffix(")"))
        warning = (what, words.removeprefix(WARNED))
        if words.startswith(WARNED) and warning in reasons:
            continue
        reasons.add(reason)
        said.setdefault((what, words), f"{what}: {entry['words']}")
    kept = list(said)
    while len(kept) > MOST_WORDS:
        warned = [key for key in kept if key[1].startswith(WARNED)]
        kept.remove(warned[-1] if warned else kept[-1])
    more = len(said) - len(kept)
    return (*(said[key] for key in kept), *([f"and {more} more"] if more else ()))


def _touched(fault: str, target: str, homes: Homes) -> set[str]:
    """Return the drones and docks that a fault can reach."""
    if target == ALL:
        return {*homes, *homes.values()}
    if fault.startswith(("dock_", "weather_")):
        return {target, *(drone for drone, dock in homes.items() if dock == target)}
    return {target}


def _of_vehicles(entries: Iterable[Entry], homes: Homes) -> list[Entry]:
    """Return what vehicles really did that nobody planned: landings outside the own dock."""
    out: list[Entry] = []
    for entry in entries:
        if entry["kind"] != "landed":
            continue
        away = float(entry.get("dock_distance_m", math.inf))
        where = f"{away:.1f} m from dock {entry['dock']}"
        own = entry["dock"] == homes.get(entry["drone"]) and away <= 3
        words = f"landed at home, {where}" if own else f"landed {where}"
        out.append({"at": entry["at"], "what": entry["drone"], "words": words})
    return out


def _of_docks(entries: Iterable[Entry]) -> list[Entry]:
    out: list[Entry] = []
    for entry in entries:
        if entry["kind"] == "struck_lid":
            words = f"struck the lid of {entry['dock']}"
            out.append({"at": entry["at"], "what": entry["drone"], "words": words})
        elif entry["kind"] == "door" and entry["door"] == "jammed":
            out.append({"at": entry["at"], "what": entry["dock"], "words": "door jammed"})
    return out


def stranded(vehicles: Iterable[Entry], faults: Sequence[Entry], homes: Homes) -> set[str]:
    """Return the drones that stand outside their docks because a fault brought them down.

    That is: their last entry is a landing not at home, and a fault of ``FELLING`` had begun on them
    between their last take-off and that landing.
    """
    began = [
        (e["target"], _time(e)) for e in faults if e["kind"] == "begins" and e["fault"] in FELLING
    ]
    out: set[str] = set()
    lifted: dict[str, datetime] = {}
    for entry in vehicles:
        drone = entry["drone"]
        if entry["kind"] == "takeoff":
            lifted[drone] = _time(entry)
            out.discard(drone)
        elif entry["kind"] == "landed":
            start, end = lifted.get(drone), _time(entry)
            hit = any(d == drone and start is not None and start <= t <= end for d, t in began)
            home = entry.get("dock") == homes.get(drone) and float(entry["dock_distance_m"]) <= 3
            if hit and not home:
                out.add(drone)
    return out


def sheltered(vehicles: Iterable[Entry], docks: Iterable[Entry], homes: Homes) -> set[str]:
    """Return the drones whose last landing was into another dock, where they stand now."""
    inside: dict[str, str] = {}
    for entry in docks:
        if entry["kind"] == "occupant":
            if entry["present"]:
                inside[entry["drone"]] = entry["dock"]
            elif inside.get(entry["drone"]) == entry["dock"]:
                del inside[entry["drone"]]
    down = {
        e["drone"]: e["kind"] == "landed" for e in vehicles if e["kind"] in ("takeoff", "landed")
    }
    return {d for d, dock in inside.items() if dock != homes.get(d) and down.get(d)}
