"""The exception tree of ``missions``.

MissionError
 ├── GeometryError      a polygon, line or position that cannot be used
 ├── CityFileError      a city file that is not sound; carries every finding
 └── PlanError          a sortie that cannot be planned, with the limit it breaks
"""

from __future__ import annotations


class MissionError(Exception):
    """Base of every error that ``missions`` raises on purpose."""


class GeometryError(MissionError, ValueError):
    """A geometry that cannot be used; the message names the offending value."""


class PlanError(MissionError):
    """A sortie that cannot be planned; the message names the limit it would break."""
