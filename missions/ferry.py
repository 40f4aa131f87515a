"""The flight of a drone from a dock where it is a guest to its own."""

from __future__ import annotations

from collections.abc import Iterable

from missions.airspace import Tube
from missions.builder import Builder
from missions.draft import Draft
from missions.errors import PlanError


def ferry(builder: Builder, home: str, tubes: Iterable[Tube]) -> Draft | None:
    """Return the flight to a drone's own dock; None where others are in its way.

    Of the drones of either dock the docks' gates keep it apart over them.

    Parameters
    ----------
    builder
        Of its sorties, at the altitude to try.
    home
        Its dock.
    tubes
        Where others are.

    Raises
    ------
    PlanError
        If there is no way, or the battery does not hold it.
    """
    if home not in builder.ground.places:
        raise PlanError(f"there is no dock {home!r}; there are {sorted(builder.ground.places)}")
    draft = builder.home(builder.start(), home)
    builder.check_energy(draft)
    path = draft.path
    out = Tube.of(builder.dock, [*path, (*path[-1][:2], 0.0)])
    back = Tube.of(home, [*path[::-1], (*path[0][:2], 0.0)])
    meets = any((back if other.dock == home else out).meets(other) for other in tubes)
    return None if meets else draft
