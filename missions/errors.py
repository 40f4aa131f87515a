"""The exception tree of ``missions``.

MissionError
 ├── GeometryError      a polygon, line or position that cannot be used
 ├── CityFileError      a city file that is not sound; carries every finding
 └── PlanError          a sortie that cannot be planned, with the limit it breaks
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class MissionError(Exception):
    """Base of every error that ``missions`` raises on purpose."""


class GeometryError(MissionError, ValueError):
    """A geometry that cannot be used; the message names the offending value."""


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


class PlanError(MissionError):
    """A sortie that cannot be planned; the message names the limit it would break."""
