"""What a keeper's drone is held against: one moment of it, its dock and the sky around it."""

from __future__ import annotations

from dataclasses import dataclass

from shapely.geometry import Polygon

from fleet.flight.bounds import MARGIN_M
from fleet.flight.carried import Carried
from fleet.flight.keeper import Keeper
from fleet.flight.safety import View
from fleet.model.live import SiteLive
from fleet.model.states import DroneState


def look(s: Keeper) -> None:
    """Put the drone into the sky that all are judged by.

    One that is not heard and whose battery must have ended is in the air no more.
    """
    world = s.world
    world.sky.put(
        s.drone.id,
        s.state,
        s.t.model_copy(update={"in_air": False}) if s.spent else s.t,
        s.pad,
        world.city.city.elevation_m,
        _transit_altitude_m(s),
        world.clock.monotonic(),
    )


def view(s: Keeper) -> View:
    """Return this moment of a drone."""
    world, plan, t = s.world, s.programme, s.t
    return View(
        state=s.state,
        drone=s.drone,
        pad=s.pad,
        telemetry=t,
        dock=s.dock.state,
        limits=world.city.limits,
        policy=world.policy,
        word=s.wanted.word,
        commanding=s.commanding or s.wanted.overrules(t.mode),
        transit_altitude_m=_transit_altitude_m(s),
        at_end=s.goes_back or (plan is not None and t.mission_current >= plan.last),
        lasting=s.memory.lasting,
        now=world.clock.now(),
        now_s=world.clock.monotonic(),
        words=s.words,
        mean=s.memory.mean,
        sky=world.sky,
        aircraft=world.aircraft,
        fence=s.fence,
        video_lost_s=_video_lost_s(s),
        operator_absent_s=world.absent_s(),
        trouble=tuple(s.link.troubles),
        differences=None if s.link.differences is None else tuple(s.link.differences),
        ground_amsl_m=world.city.city.elevation_m,
        alternate=s.alternate,
        closed=_Closed(s) if world.airways.shut else None,
    )


@dataclass(frozen=True, slots=True)
class _Closed:
    """What is closed to a drone, in words."""

    keeper: Keeper

    def here(self) -> str | None:
        """Say what is closed where the drone is."""
        found = self.keeper.concern.here(self.keeper.t) if self.keeper.t.in_air else None
        return None if found is None else f"in what is closed: {found.words}"

    def ahead(self) -> str | None:
        """Say what is closed that its mission leads through."""
        s = self.keeper
        found = s.concern.ahead(s.t, s.programme, begun=s.t.in_air)
        return None if found is None else f"its way is closed: {found.words}"

    def way_out(self) -> tuple[float, float] | None:
        """Return the nearest place out of what is closed, within the vehicle's fence."""
        s = self.keeper
        airways, place = s.world.airways, s.concern.place(s.t)
        carried = s.carried or Carried.of(s.sortie)
        ring = carried.ring if carried is not None else ()
        within = airways.known.frame.polygon(ring).buffer(-MARGIN_M) if ring else None
        if place is None or (within is not None and not isinstance(within, Polygon)):
            return None
        out = airways.space.way_out(place, within)
        return None if out is None else airways.known.frame.to_lonlat(*out)


def _transit_altitude_m(s: Keeper) -> float:
    return s.sortie.altitude_m if s.sortie is not None else 0.0


def _video_lost_s(s: Keeper) -> float | None:
    """Return for how long the site that the drone watches now has been blind."""
    if s.state is not DroneState.ON_TASK or s.programme is None:
        return None
    site = s.programme.leg(s.t.mission_current).site
    if site is None:
        return None
    seen = s.world.hub.get("site", site)
    blind = isinstance(seen, SiteLive) and seen.state == "blind"
    return s.lasting(f"blind {site}", blind)
