"""Hand-over on station: who stares at what, until when, and when the relief has taken over."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta

import structlog

from fleet.flight.place import come_home_percent, distance_m
from fleet.flight.supervisor import Supervisor
from fleet.flight.word import Word
from fleet.model.flightlog import EventKind
from fleet.model.live import SiteLive
from fleet.model.states import DroneState
from missions.energy import PowerModel, Wind
from missions.relief import Station
from missions.sortie import Leg, LegKind

S = DroneState
THERE_M = 10.0
LEVEL_M = 5.0
STILL_THERE_M = 60.0
"""One that was there stays so while it takes the place from aside."""
log = structlog.get_logger(__name__)


def stations(keepers: Iterable[Supervisor], now: datetime) -> Iterator[Station]:
    """Yield the sorties that stare at a site, with when each must leave."""
    for s in keepers:
        sortie = s.sortie
        if sortie is not None and sortie.sites and s.state in {S.ON_WAY, S.ON_TASK}:
            yield Station(sortie.id, now + timedelta(seconds=stays_s(s, now)))


def stays_s(s: Supervisor, now: datetime) -> float:
    """Return for how long a drone can stay on its station: by its battery, or by its mission."""
    sortie = s.sortie
    if sortie is None or s.sortie_since is None:
        return 0.0
    home_s = distance_m(s.t, s.pad) / s.drone.cruise_m_s + sortie.altitude_m
    ends = s.sortie_since + timedelta(seconds=sortie.energy.duration_s - home_s)
    planned = max(0.0, (ends - now).total_seconds())
    return min(planned, battery_s(s, sortie.altitude_m))


def battery_s(s: Supervisor, altitude_m: float) -> float:
    """Return for how long a drone can stay where it is before its battery takes it home.

    Parameters
    ----------
    s
        Its keeper; infinite where its battery tells nothing.
    altitude_m
        It comes home at, above its dock.
    """
    if s.t.battery_percent is None:
        return math.inf
    policy, cold = s.policy, s.dock.state.temperature_c
    takes = max(
        come_home_percent(s.drone, s.t, pad, altitude_m, s.wind_m_s, cold)
        for pad in (s.pad, s.alternate)
        if pad is not None
    )
    floor = takes * policy.come_home_factor + policy.come_home_extra_percent
    left = s.t.battery_percent - max(floor, s.world.city.limits.reserve_percent)
    model = PowerModel.of(s.drone, cold)
    a_second = model.still_w(Wind(s.wind_m_s)) / (36.0 * model.capacity_wh)
    return max(0.0, left / a_second)


def stares_at(s: Supervisor, before: str | None = None) -> str | None:
    """Return the site that a drone stares at from its place, or None while it is not there.

    ``before`` is the one that it stared at a moment ago.
    """
    leg = _leg(s)
    if leg is None or leg.kind is not LegKind.STARE or s.state is not S.ON_TASK:
        return None
    point = leg.waypoints[0]
    away = distance_m(s.t, (point.lon, point.lat))
    if leg.site == before:
        return leg.site if away <= STILL_THERE_M else None
    level = abs((s.t.altitude_m or 0.0) - point.altitude_m) <= LEVEL_M
    return leg.site if level and away <= THERE_M else None


def _is_blind(s: Supervisor, site: str) -> bool:
    """Whether there is no picture of a site, though drones are there."""
    seen = s.world.hub.get("site", site)
    return isinstance(seen, SiteLive) and seen.state == "blind"


def _leg(s: Supervisor) -> Leg | None:
    return None if s.programme is None else s.programme.leg(s.t.mission_current)


class Reliefs:
    """Sends home whoever is relieved, and tells of every site that is left unwatched meanwhile."""

    def __init__(self) -> None:
        self._watched: dict[str, str] = {}
        """Site to the drone that stares at it."""
        self._gaps: dict[str, float] = {}
        """Site to the monotonic time since which nobody does."""

    def look(self, keepers: Collection[Supervisor], wanted: Collection[str], now_s: float) -> None:
        """Look at every station.

        Parameters
        ----------
        keepers
            Every drone.
        wanted
            Sites that an active order wants watched; others may be left.
        now_s
            Monotonic time.
        """
        there: defaultdict[str, list[Supervisor]] = defaultdict(list)
        before = {drone: site for site, drone in self._watched.items()}
        for s in keepers:
            site = stares_at(s, before.get(s.drone.id))
            if site is not None:
                there[site].append(s)
        for site, drones in there.items():
            self._watch(site, drones, now_s)
        for site in [site for site in self._watched if site not in there]:
            drone = self._watched.pop(site)
            if site in wanted:
                self._gaps[site] = now_s
                self._tell(keepers, drone, f"site {site} is left unwatched by {drone}")
        for site in [site for site in self._gaps if site not in wanted]:
            del self._gaps[site]

    def _watch(self, site: str, drones: list[Supervisor], now_s: float) -> None:
        """Take note of who is there; the newest stays and the others go home.

        Not while the newest is called away itself, nor while nobody sees the site.
        """
        drones.sort(key=lambda s: s.sortie_since.timestamp() if s.sortie_since else 0.0)
        newest = drones[-1]
        since = self._gaps.pop(site, None)
        if since is not None:
            words = f"site {site} is watched again after {now_s - since:.0f} s"
            self._tell((newest,), newest.drone.id, words)
        self._watched[site] = newest.drone.id
        if newest.wanted.word is not None or _is_blind(newest, site):
            return
        for relieved in drones[:-1]:
            if relieved.wanted.word is None and relieved.holder is None:
                relieved.flown = True  # what it was sent for it has done
                relieved.note(EventKind.STATE, f"relieved at {site} by {newest.drone.id}")
                relieved.tell(Word("return", f"relieved by {newest.drone.id}"))

    def _tell(self, keepers: Iterable[Supervisor], drone: str, words: str) -> None:
        log.warning("station", drone=drone, what=words)
        for s in keepers:
            if s.drone.id == drone:
                s.note(EventKind.STATE, words)
