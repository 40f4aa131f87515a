"""How often each cell is owed a visit, where calls are to be expected, and how many may fly.

Arrays are in the order of ``city_cells``. Seconds; infinite where nothing is owed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import GeometryCollection, LineString, Point
from shapely.geometry.base import BaseGeometry

from missions.callmap import CallMap, call_map
from missions.cells import city_cells, city_frame
from missions.city import City
from missions.geo import Floats, LocalFrame
from missions.learned import Learned, PastCall, learn
from missions.policy import Known, Policy, Where
from missions.when import Calendar

NO_FLAGS: frozenset[str] = frozenset()
BEAT = ""
"""What is named where no rule makes a cell's interval shorter than its beat's."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Demand:
    """What standing policy asks of one city.

    Parameters
    ----------
    policy, calendar
        The rules, and the days they go by.
    beat_s
        What is owed by the beats alone.
    rule_s
        (rules, cells): what each rule owes where it holds; infinite in cells that it leaves out.
    calls
        Where and when the city file expects calls.
    learned
        What past calls say of it.
    airborne
        Drones that the city lets into the air at once.
    """

    policy: Policy
    calendar: Calendar
    beat_s: Floats
    rule_s: Floats
    calls: CallMap
    learned: Learned
    airborne: int

    @classmethod
    def of(
        cls,
        city: City,
        policy: Policy | None = None,
        calls_history: Sequence[PastCall] = (),
    ) -> Demand:
        """Return what a policy asks of a city.

        Parameters
        ----------
        city
            The city.
        policy
            One that fits it; left out, that of its file.
        calls_history
            Past calls; those older than the policy's ``history.days`` do not count.
        """
        policy = city.policy if policy is None else policy
        cells, known = city_cells(city), call_map(city)
        beats = {beat.id: beat.revisit_s for beat in city.beats}
        rules = [
            np.where(cells_of(rule.where, city), rule.every_min * 60.0, np.inf)
            for rule in policy.rules
        ]
        learned = learn(city, policy.history, known, calls_history)
        often = learned.often[np.newaxis, :]
        return cls(
            policy,
            policy.calendar(city.city.timezone),
            np.array([beats[cell.beat] for cell in cells]) / learned.often,
            np.array(rules).reshape(len(rules), len(cells)) / often,
            known,
            learned,
            city.limits.max_airborne,
        )

    def owed_s(self, at: datetime, flags: Collection[str] = NO_FLAGS) -> Floats:
        """Return how often each cell is owed a visit at a time, while some flags are set."""
        holding = self._holding(at, flags)
        return np.minimum(self.beat_s, self.rule_s[holding].min(axis=0, initial=np.inf))

    def owed_by(self, at: datetime, flags: Collection[str] = NO_FLAGS) -> list[str]:
        """Return the rule that decides in each cell, by its id; ``BEAT`` where none does."""
        holding = self._holding(at, flags)
        every = np.vstack([self.beat_s, self.rule_s[holding]])
        names = [BEAT, *(self.policy.rules[number].id for number in holding)]
        return [names[row] for row in every.argmin(axis=0)]

    def weights(self, at: datetime) -> Floats:
        """Return how likely the next call is to come from each cell; they add up to 1."""
        return self.learned.shares(self.calls.per_hour(at))

    def ceiling(self, at: datetime) -> int:
        """Return how many drones may be in the air on patrol."""
        shifts = [s.airborne for s in self.policy.shifts if self.calendar.any_holds(s.when, at)]
        return min([self.airborne, *shifts])

    def reserve(self, at: datetime) -> int:
        """Return how many charged drones are to stay ready in their docks."""
        shifts = [s.reserve for s in self.policy.shifts if self.calendar.any_holds(s.when, at)]
        return max([0, *shifts])

    def _holding(self, at: datetime, flags: Collection[str]) -> list[int]:
        """Return the numbers of the rules that hold at a time."""
        return [
            number
            for number, rule in enumerate(self.policy.rules)
            if (rule.flag is None or rule.flag in flags) and self.calendar.any_holds(rule.when, at)
        ]


def known(city: City) -> Known:
    """Return what a policy may name in a city."""
    return Known(
        beats={beat.id for beat in city.beats},
        cells={cell.id for cell in city_cells(city)},
        targets={name for target in city.targets for name in (target.id, target.kind)},
        hot_spots={spot.id for spot in city.hot_spots},
        sites={site.id for site in city.sites},
        airborne=city.limits.max_airborne,
        drones=len(city.drones),
    )


def cells_of(where: Where, city: City) -> Mask:
    """Return which cells of a city a rule names; names that the city has not are passed over."""
    cells = city_cells(city)
    if where.everywhere:
        return np.ones(len(cells), dtype=np.bool_)
    beats, names = set(where.beats), set(where.cells)
    named = np.array([cell.beat in beats or cell.id in names for cell in cells])
    places = _places(where, city, city_frame(city))
    if not places:
        return named
    away = shapely.distance([cell.shape for cell in cells], GeometryCollection(places))
    return named | (away <= where.within_m)


def _places(where: Where, city: City, frame: LocalFrame) -> list[BaseGeometry]:
    """Return what cells must be near to, in metres."""
    positions = [t.position for t in city.targets if {t.id, t.kind} & set(where.targets)]
    positions += [spot.position for spot in city.hot_spots if spot.id in where.hot_spots]
    positions += [site.position for site in city.sites if site.id in where.sites]
    places: list[BaseGeometry] = [Point(frame.to_enu(*position)) for position in positions]
    if where.line is not None:
        places.append(LineString(frame.points_to_enu(where.line)))
    return places
