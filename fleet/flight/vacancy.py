"""A dock as one that looks for a place in it sees it: what it says, who lives there, who may be over it."""

from __future__ import annotations

from fleet.flight.berths import Berth
from fleet.flight.overhead import unheard_over
from fleet.flight.world import World

LOW_M = 1.0
"""What is closed from above this height on leaves a dock open."""


def _closed_over(world: World, pad: tuple[float, float]) -> str | None:
    airways = world.airways
    if not airways.shut:
        return None
    found = airways.at(airways.place(*pad, LOW_M))
    return None if found is None else found.words


def vacancy(world: World, dock: str) -> Berth:
    """Return a dock with all that decides whether a drone may come to it."""
    at, state = world.dock_at(dock), world.docks[dock].state
    bound = {name for name, mate in world.keepers.items() if dock in {mate.drone.dock, mate.berth}}
    return Berth(
        dock,
        at.position,
        at.slots,
        state,
        world.silent_s(dock),
        frozenset(bound.union(state.occupants)),
        world.doubts.of(dock),
        _closed_over(world, at.position),
        unheard_over(world, dock),
    )
