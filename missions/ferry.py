"""The flight of a drone from a dock where it is a guest to its own."""

from __future__ import annotations

from missions.builder import Builder
from missions.draft import Draft
from missions.errors import PlanError


def ferry(builder: Builder, home: str) -> Draft:
    """Return the flight to a drone's own dock.

    Parameters
    ----------
    builder
        Of its sorties, at the altitude to try.
    home
        Its dock.

    Raises
    ------
    PlanError
        If there is no way, or the battery does not hold it.
    """
    if home not in builder.ground.places:
        raise PlanError(f"there is no dock {home!r}; there are {sorted(builder.ground.places)}")
    draft = builder.home(builder.start(), home)
    builder.check_energy(draft)
    return draft
