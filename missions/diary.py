"""Who is out when, by what orders were told: so two that want the same drones at one hour are told apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Booking:
    """A drone that an order counts on.

    Parameters
    ----------
    order
        The order, by its id.
    drone
        Who flies.
    start, home
        From when to when it is in the air; of one that stands by for a watch both are the same.
    ready
        When it has charged enough, and can be in the air for another.
    first
        Whether its order comes before the one that is tried: it is more important, or as important
        and older.
    """

    order: str
    drone: str
    start: datetime
    home: datetime
    ready: datetime
    first: bool = False

    def meets(self, start: datetime, end: datetime) -> bool:
        """Whether its drone is not free at some time of a span."""
        return self.start < end and start < self.ready


@dataclass(frozen=True, slots=True)
class Flight:
    """A flight that a drone could make: how long it is in the air, and not ready afterwards."""

    drone: str
    lasts: timedelta
    charges: timedelta


class Diary:
    """What is booked in a span of time.

    Parameters
    ----------
    bookings
        All that reach into it.
    most
        Drones in the air at once.
    """

    def __init__(self, bookings: Iterable[Booking], most: int) -> None:
        self._bookings = list(bookings)
        self._most = most

    def earliest(self, flight: Flight, since: datetime, until: datetime) -> datetime | None:
        """Return when a flight can begin at the earliest, to be home until a time; None: never."""
        start = since
        while start + flight.lasts <= until:
            held = self._held_until(flight, start) or self._full_until(start, start + flight.lasts)
            if held is None:
                return start
            start = held
        return None

    def book(self, order: str, flight: Flight, start: datetime) -> Booking:
        """Take a drone for a flight."""
        home = start + flight.lasts
        booking = Booking(order, flight.drone, start, home, home + flight.charges)
        self._bookings.append(booking)
        return booking

    def _held_until(self, flight: Flight, start: datetime) -> datetime | None:
        """Return when the drone is free again, where it is not for all of a flight."""
        end = start + flight.lasts + flight.charges
        theirs = (b for b in self._bookings if b.drone == flight.drone and b.meets(start, end))
        return max((b.ready for b in theirs), default=None)

    def _full_until(self, start: datetime, end: datetime) -> datetime | None:
        """Return when the first comes home of as many as may fly at once, where so many do."""
        aloft = [b for b in self._bookings if b.start < end and start < b.home]
        for moment in (start, *(b.start for b in aloft if b.start > start)):
            out = [b.home for b in aloft if b.start <= moment < b.home]
            if len(out) >= self._most:
                return min(out)
        return None


def in_the_way(bookings: Iterable[Booking]) -> str:
    """Say which orders count on which drones."""
    by_order: dict[str, dict[str, None]] = {}
    for booking in bookings:
        by_order.setdefault(booking.order, {})[booking.drone] = None
    return "; ".join(f"{', '.join(drones)} for order {order}" for order, drones in by_order.items())
