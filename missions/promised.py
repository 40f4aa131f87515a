"""The drones that other watches count on: who takes their turns is nobody else's meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from missions.errors import PlanError
from missions.planning import Planning
from missions.rota import rota
from missions.stares import post_of, watched
from missions.wishes import OrderWish

Promised = Mapping[str, tuple[str, ...]]
"""Wish to the drones that take its turns."""


def promised(planning: Planning, wish: OrderWish, begins: datetime) -> Promised:
    """Return who takes turns for the watches that come before one, and last into it.

    Parameters
    ----------
    planning
        The city with a fleet that is ready.
    wish
        The watch; those before it are its ``besides``.
    begins
        When it begins.
    """
    assert wish.window is not None
    found: dict[str, tuple[str, ...]] = {}
    for other in sorted(wish.besides, key=lambda o: (-o.priority, o.created)):
        until = wish.window[1] if other.window is None else min(other.window[1], wish.window[1])
        lasts_s = (until - begins).total_seconds()
        drones: list[str] = []
        for name in watched(other):
            free = without(planning, [*drones, *(d for one in found.values() for d in one)])
            try:
                turns = rota(free, other, post_of(free, other, name), lasts_s).turns
            except PlanError:
                continue  # what nobody can watch holds nobody
            drones += dict.fromkeys(turn.drone for turn in turns)
        found[other.id] = tuple(drones)
    return found


def without(planning: Planning, drones: Iterable[str]) -> Planning:
    """Return the same with some drones gone."""
    gone = set(drones)
    return replace(planning, offers=[o for o in planning.offers if o.id not in gone])


def still_to_leave(planning: Planning, others: Promised) -> list[str]:
    """Return who of those in their docks other watches count on, besides those that fly for them."""
    busy = {sortie.drone for sortie in planning.flying}
    found: list[str] = []
    for order, drones in others.items():
        out = sum(sortie.order == order for sortie in planning.flying)
        docked = [drone for drone in drones if drone not in busy]
        found += docked[: max(0, len(drones) - out)]
    return found
