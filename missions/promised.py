"""The drones that other orders count on: who takes their turns is nobody else's meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from missions.diary import Booking
from missions.planning import Planning
from missions.wishes import order_of


def without(planning: Planning, drones: Iterable[str]) -> Planning:
    """Return the same with some drones gone."""
    gone = set(drones)
    return replace(planning, offers=[o for o in planning.offers if o.id not in gone])


def still_to_leave(planning: Planning, bookings: Iterable[Booking]) -> list[str]:
    """Return who of those in their docks other orders count on, besides those that fly for them."""
    busy = {sortie.drone for sortie in planning.flying}
    by_order: dict[str, list[str]] = {}
    for booking in bookings:
        by_order.setdefault(booking.order, []).append(booking.drone)
    found: list[str] = []
    for order, drones in by_order.items():
        out = sum(order_of(sortie.order) == order for sortie in planning.flying)
        docked = [drone for drone in drones if drone not in busy]
        found += docked[: max(0, len(drones) - out)]
    return found
