"""The exception tree of ``missions``.

MissionError
 ├── GeometryError      a polygon, line or position that cannot be used
 ├── RecurrenceError    a rule of recurrence that cannot be used
 ├── ExchangeError      a file of another program that cannot be taken, or given
 ├── CityFileError      a city file that is not sound; carries every finding
 └── PlanError          a sortie that cannot be planned, with the limit it breaks
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


class MissionError(Exception):
    """Base of every error that ``missions`` raises on purpose."""


class GeometryError(MissionError, ValueError):
    """A geometry that cannot be used; the message names the offending value."""


class RecurrenceError(MissionError, ValueError):
    """A rule of recurrence that cannot be used; the message names the part and what is allowed."""


class ExchangeError(MissionError, ValueError):
    """A file of another program that cannot be taken, or given.

    Parameters
    ----------
    where
        The item that is wrong, e.g. ``mission.items[3]``.
    reason
        What is wrong with it, and what is allowed.
    """

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong in a city file.

    Parameters
    ----------
    line
        Line in the file, from 1.
    key
        Path of the key, e.g. ``drones[1].system_id``; items are counted from 0. Empty where the
        file as a whole is meant.
    rule
        What is broken: the offending value and what is allowed.
    """

    line: int
    key: str
    rule: str


class CityFileError(MissionError):
    """A city file that is not sound.

    Printed, it is one line a finding: ``file:line: key: rule``.

    Parameters
    ----------
    name
        Name of the file, as it is to be shown.
    findings
        Everything that is wrong; kept sorted by line.
    """

    def __init__(self, name: str, findings: Iterable[Finding]) -> None:
        self.name = name
        self.findings = sorted(findings)
        super().__init__(
            "\n".join(
                f"{name}:{f.line}: {f.key}: {f.rule}" if f.key else f"{name}:{f.line}: {f.rule}"
                for f in self.findings
            )
        )


Constraint = Literal["energy", "airspace", "altitude", "wind", "reach", "window", "fleet", "drones"]
"""What can stand against a sortie: the battery; zones, fences and other drones; the heights
allowed; wind; that a place cannot be come to or seen; the time; that no drone is free; that
others count on the drones that are."""


class PlanError(MissionError):
    """A sortie that cannot be planned; the message names the limit it would break.

    Parameters
    ----------
    message
        What is asked, and what is allowed.
    constraint
        What kind of limit it is.
    """

    def __init__(self, message: str, constraint: Constraint = "reach") -> None:
        super().__init__(message)
        self.constraint: Constraint = constraint
