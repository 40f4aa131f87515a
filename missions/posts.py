"""Places that are watched for as long as somebody wants them to be: a site's, or one by a point."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from missions.asked import Sight
from missions.city import City, Site
from missions.course import course
from missions.energy import CALM, Point, PowerModel
from missions.errors import PlanError
from missions.geo import LocalFrame
from missions.ground import ground_of
from missions.lawnmower import Flown
from missions.sortie import LookAt
from missions.task import Task


@dataclass(frozen=True, slots=True)
class Post:
    """Where a drone hovers, and what it looks at.

    Parameters
    ----------
    name
        What is watched: a site by its id, or a point.
    place
        Metres in the city's frame.
    look_at
        What the camera is kept on.
    """

    name: str
    place: Point
    look_at: LookAt


def point_name(task: Task) -> str:
    """Return what a point that is watched is called: longitude and latitude, to a metre."""
    lon, lat = task.shape[0]
    return f"{lon:.5f},{lat:.5f}"


def site_post(frame: LocalFrame, site: Site) -> Post:
    """Return the place that the city file names to watch a site from.

    Raises
    ------
    PlanError
        If it names none.
    """
    stare = site.stare
    if stare is None:
        raise PlanError(f"site {site.id!r} has no stare: no drone can watch it")
    east, north = frame.to_enu(*stare.position)
    place = Point(float(east), float(north), stare.altitude_m)
    return Post(site.id, place, LookAt(*stare.look_at, stare.look_at_altitude_m))


def point_post(city: City, task: Task, since: datetime, until: datetime) -> Post:
    """Return the place to watch a point from, the same one for all drones that take turns there.

    Chosen by buildings, airspace and where the sun will be all the while. It is come to from above
    at any layer.

    Raises
    ------
    PlanError
        If there is none, with what stands against it.
    """
    found = _point_post(city, task, since, until)
    if isinstance(found, PlanError):
        raise found
    return found


@lru_cache(maxsize=256)
def _point_post(city: City, task: Task, since: datetime, until: datetime) -> Post | PlanError:
    """Return the place, or why there is none; kept, for it is asked for at each plan."""
    ground, drone = ground_of(city), city.drones[0]
    flown = Flown(drone.cruise_m_s, PowerModel.of(drone), CALM)
    sight = Sight(drone.camera, ground.layers[-1], flown, (0.0, 0.0), since)
    whole = replace(task, hold_s=(until - since).total_seconds())
    try:
        (run,) = course(ground, whole, sight).runs
    except PlanError as error:
        return error
    assert run.look_at is not None
    return Post(point_name(task), Point(*run.tracks[0][0], run.altitude_m), run.look_at)
