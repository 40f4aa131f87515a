"""Which detectors look at whose video: those that an order asks for, at the sites that it shows.

A detector is a site's: it is told where to look and what raises an alarm. So what an order asks for
by kind is run for the sites that it names or flies by; a worker looks at each picture whether it
shows the site.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from shapely.geometry import LineString, Point
from shapely.geometry.base import BaseGeometry

from fleet.errors import OrderUnfit
from fleet.flight.keeper import Keeper
from fleet.flight.orderrules import Wanted
from fleet.flight.overlap import patrolled, place_of
from fleet.link.clock import Clock
from fleet.model.live import Looking
from fleet.model.states import DroneState
from missions.cells import city_cells, city_frame
from missions.city import City
from missions.geo import LocalFrame
from missions.sortie import Leg, LegKind, Sortie

SIGHT_M = 100.0
"""A site that is no farther from what is flown may come into the picture: a camera 60 m up that
looks down at 45 degrees has it in there from 60 m on, and at the top of the picture farther."""
_AT_WORK = {
    LegKind.SURVEY,
    LegKind.CORRIDOR,
    LegKind.STARE,
    LegKind.ORBIT,
    LegKind.ROUTE,
    LegKind.SEARCH,
}
_FLIES = {DroneState.ON_WAY, DroneState.ON_TASK}


def check_shown(wanted: Wanted, city: City) -> None:
    """Refuse detectors that an order gives nothing to look at.

    Raises
    ------
    OrderUnfit
        Naming the detector, and the sites that have one.
    """
    for kind in wanted.detectors or ():
        able = {site.id: site.position for site in city.sites if site.detector.kind == kind}
        near = wanted.about + _near(list(_ground(wanted, city)), able, city_frame(city))
        if not able.keys() & set(near):
            raise OrderUnfit(
                "detectors",
                f"{kind}: it names no site that has it, and flies by none within {SIGHT_M:g} m; "
                f"those that have it are {', '.join(able)}",
            )


class _Shows(NamedTuple):
    """Sites that one cell's legs of a sortie come by; those of all other legs are for no cell."""

    cell: str | None
    sites: tuple[str, ...]


class Sights:
    """Says what is to look at the drones' video.

    Parameters
    ----------
    city, clock
        The city; time.
    wanted
        Returns what an order wants, by what a sortie has for its order; None where it is for none.
    patrols
        Returns what the active patrols want: a tour flies cells of several.
    """

    def __init__(
        self,
        city: City,
        clock: Clock,
        wanted: Callable[[str], Wanted | None],
        patrols: Callable[[], Iterable[Wanted]],
    ) -> None:
        self._city = city
        self._clock = clock
        self._wanted = wanted
        self._patrols = patrols
        self._kinds = {site.id: site.detector.kind for site in city.sites}
        self._shown: dict[str, tuple[str, tuple[_Shows, ...]]] = {}

    def look(self, keepers: Iterable[Keeper]) -> None:
        """Give each drone what is to look at its video now; what goes on keeps its beginning."""
        now = self._clock.now()
        patrols = [(one, patrolled(one, self._city)) for one in self._patrols() if one.detectors]
        for s in keepers:
            since = {known.site: known.since for known in s.looked}
            s.looked = tuple(
                Looking(kind=self._kinds[site], site=site, since=since.get(site, now))
                for site in self._sites(s, patrols)
            )

    def _sites(self, s: Keeper, patrols: Iterable[tuple[Wanted, set[str]]]) -> list[str]:
        sortie = s.sortie
        if sortie is None or s.answering is not None or s.state not in _FLIES:
            return []
        wanted = self._wanted(sortie.order)
        found = self._of(wanted, sortie.sites, self._near(s.drone.id, sortie, None))
        cells = {leg.cell for leg in sortie.legs if leg.cell is not None}
        for one, theirs in patrols:
            for cell in cells & theirs:
                found |= self._of(one, (), self._near(s.drone.id, sortie, cell))
        return [site for site in self._kinds if site in found]

    def _of(self, wanted: Wanted | None, flown: Iterable[str], near: Iterable[str]) -> set[str]:
        """Return the sites whose detectors an order asks for, of those that a sortie shows."""
        named = {*flown, *(wanted.about if wanted is not None else ())} & self._kinds.keys()
        if wanted is None or wanted.detectors is None:
            return named
        return {site for site in named | set(near) if self._kinds[site] in wanted.detectors}

    def _near(self, drone: str, sortie: Sortie, cell: str | None) -> tuple[str, ...]:
        """Return the sites that a sortie flies by for a cell, or for none; reckoned once a sortie."""
        known = self._shown.get(drone)
        if known is None or known[0] != sortie.id:
            known = self._shown[drone] = sortie.id, tuple(_shows(sortie, self._city))
        return tuple(site for shows in known[1] if shows.cell == cell for site in shows.sites)


def _shows(sortie: Sortie, city: City) -> Iterator[_Shows]:
    frame = city_frame(city)
    sites = {site.id: site.position for site in city.sites}
    for leg in sortie.legs:
        if leg.kind in _AT_WORK:
            yield _Shows(leg.cell, _near([_line(leg, frame)], sites, frame))


def _line(leg: Leg, frame: LocalFrame) -> BaseGeometry:
    """Return where a leg looks, or flies: metres."""
    if leg.look_at is not None:
        return Point(*frame.to_enu(leg.look_at.lon, leg.look_at.lat))
    places = [(float(e), float(n)) for e, n in frame.points_to_enu(_places(leg))]
    return LineString(places) if len(places) > 1 else Point(places[0])


def _places(leg: Leg) -> list[tuple[float, float]]:
    return [(point.lon, point.lat) for point in leg.waypoints]


def _near(
    shapes: Iterable[BaseGeometry], sites: dict[str, tuple[float, float]], frame: LocalFrame
) -> tuple[str, ...]:
    """Return the sites that one of some shapes comes near."""
    shapes = list(shapes)
    found = {site: Point(*frame.to_enu(*place)) for site, place in sites.items()}
    return tuple(
        site
        for site, place in found.items()
        if any(shape.distance(place) <= SIGHT_M for shape in shapes)
    )


def _ground(wanted: Wanted, city: City) -> Iterator[BaseGeometry]:
    """Yield what an order flies over, metres."""
    frame = city_frame(city)
    if wanted.task is not None:
        yield place_of(wanted.task, frame)
    cells = patrolled(wanted, city)
    for cell in city_cells(city):
        if cell.id in cells:
            yield frame.polygon(cell.ring)
    for site in city.sites:
        if site.id in wanted.sites:
            yield Point(*frame.to_enu(*site.position))
