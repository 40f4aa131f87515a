"""The port to one CAD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Notice:
    """What a CAD is sent: the same bytes under the same name at every try."""

    webhook_id: str
    body: bytes


class CadPort(Protocol):
    """A CAD that takes notices."""

    @property
    def id(self) -> str:
        """The CAD's name in the city file."""

    async def deliver(self, notice: Notice) -> None:
        """Hand a notice over; returns once the CAD has acknowledged it, within a bound.

        Raises
        ------
        fleet.errors.CadError
            If it did not; it may have the notice all the same.
        """

    async def close(self) -> None:
        """Let go of connections."""
