"""Guests flown home: drones that stand in another dock than their own, and that nothing wants."""

from __future__ import annotations

from missions.errors import PlanError
from missions.ferry import ferry
from missions.planning import CROWDED, Planning
from missions.sortie import FERRY
from missions.wishes import DroneOffer


def ferries(planning: Planning) -> None:
    """Send home the guests that are left, each to its own dock."""
    for offer in sorted(planning.free.values(), key=lambda o: o.id):
        if offer.home is None or offer.home == offer.dock:
            continue
        reason = planning.nobody() or _ferry(planning, offer, offer.home)
        if reason:
            planning.refuse(FERRY, offer.id, reason)


def _ferry(planning: Planning, offer: DroneOffer, home: str) -> str | None:
    """Send one home at the first altitude that is clear; return why not."""
    for altitude in planning.layers(offer.dock):
        builder = planning.builder(offer, altitude)
        try:
            draft = ferry(builder, home)
            trajectory = planning.timed(builder, draft)
            if planning.clear(trajectory):
                planning.take(builder, draft, trajectory, FERRY, home)
                return None
        except PlanError as error:
            return str(error)
    return CROWDED
