"""A site that is watched from the place that the city file names."""

from __future__ import annotations

from missions.city import Site
from missions.errors import PlanError
from missions.sortie import Leg, LegKind, LookAt, Waypoint


def stare_leg(site: Site, hold_s: float, speed_m_s: float) -> Leg:
    """Return the leg on which a drone hovers and watches a site.

    Raises
    ------
    PlanError
        If the site has no place to stare from.
    """
    stare = site.stare
    if stare is None:
        raise PlanError(f"site {site.id!r} has no stare: no drone can watch it")
    return Leg(
        LegKind.STARE,
        (Waypoint(stare.position[0], stare.position[1], stare.altitude_m, hold_s),),
        speed_m_s,
        look_at=LookAt(stare.look_at[0], stare.look_at[1], stare.look_at_altitude_m),
        site=site.id,
    )
