"""The exception tree of ``sitl``.

SimError
 ├── AddressError    a MAVLink address that a simulated vehicle cannot use
 ├── VehicleError    a simulated vehicle that cannot be made or driven as asked
 └── Px4Error        a real PX4 that does not start, does not answer or does not stop
      └── Px4Missing no PX4 binary and no container engine on this machine
"""

from __future__ import annotations


class SimError(Exception):
    """Base of every error that ``sitl`` raises on purpose."""

    hint: str = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class AddressError(SimError, ValueError):
    """A MAVLink address that a simulated vehicle cannot use; names it and what is allowed."""


class VehicleError(SimError):
    """A simulated vehicle that cannot be made or driven as asked."""


class Px4Error(SimError):
    """A real PX4 that does not start, does not answer or does not stop."""


class Px4Missing(Px4Error):
    """No PX4 binary and no container engine on this machine."""
