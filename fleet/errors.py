"""The exception tree of ``fleet``.

FleetError
 ├── SettingsError   a setting, city file or data folder that cannot be used
 ├── StoreError      the database cannot be reached or refuses
 ├── LinkError       a vehicle that does not answer, or refuses
 │    └── Refused    it answered no; carries the vehicle's own words
 ├── DockError       a dock that does not answer, or refuses
 ├── CadError        a CAD that does not take an incident
 ├── OrderError      an order or command that cannot be carried out
 │    └── OrderUnfit an order that can never be; names the field
 ├── DetectionError  a detection that cannot be taken
 ├── NotFound        something that was named and is not there
 └── Conflict        what is asked contradicts what was decided before
"""

from __future__ import annotations


class FleetError(Exception):
    """Base of every error that ``fleet`` raises on purpose."""

    hint: str = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class SettingsError(FleetError):
    """A setting, city file or data folder that cannot be used."""


class StoreError(FleetError):
    """The database cannot be reached or refuses."""


class LinkError(FleetError):
    """A vehicle that does not answer."""


class Refused(LinkError):
    """A vehicle that answered no; the message carries its own words."""


class DockError(FleetError):
    """A dock that does not answer, or refuses."""


class CadError(FleetError):
    """A CAD that does not take an incident."""


class OrderError(FleetError):
    """An order or command that cannot be carried out; says why."""


class OrderUnfit(OrderError):
    """An order that can never be flown as it stands.

    Parameters
    ----------
    field
        What of it is wrong, e.g. ``window.until``.
    reason
        The offending value and what is allowed.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field


class DetectionError(FleetError):
    """A detection that cannot be taken; says why."""


class NotFound(FleetError):
    """Something that was named and is not there; the message names it."""


class Conflict(FleetError):
    """What is asked contradicts what was decided before; the message says what and by whom."""
