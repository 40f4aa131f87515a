"""A task: one thing to fly once, that is neither a cell's visit nor a site's fixed stare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from missions.sortie import LookAt

TaskKind = Literal["area", "corridor", "orbit", "stare", "route", "search"]
Pattern = Literal["parallel", "expanding-square", "sector"]
LonLats = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Task:
    """What to fly, where, and how.

    Parameters
    ----------
    kind
        ``area``: a polygon, all of it. ``corridor``: a strip along a line, both sides of it.
        ``orbit``: around a point, the camera on it. ``stare``: a point watched from a place that
        is chosen. ``route``: along a line. ``search``: a polygon (``parallel``), or outward from
        a point (``expanding-square``, ``sector``).
    shape
        (lon, lat), degrees: the outer ring of a polygon, not closed; a line's points; one point.
    holes
        Rings of a polygon that are left out.
    altitude_m
        Flown at, above the dock; None: the sortie's own (a stare: what is best).
    speed_m_s
        Flown at; None: the drone's cruise speed, or less where the camera asks for it.
    camera_pitch_deg
        0 ahead, -90 straight down; None: what the kind is best seen with. A corridor whose camera
        is not straight down is looked at from its banks, towards its middle.
    side_overlap, forward_overlap
        Part of a picture that the next track, and the next picture, share with it; 0 to 1.
    width_m
        Of a corridor, from bank to bank.
    radius_m
        Of an orbit; how far a search from a point goes; the farthest that a stare is from its
        target.
    turns, clockwise
        Of an orbit.
    hold_s
        How long a stare lasts; None: for as long as the battery lets it.
    look_at
        What orbit and stare look at; None: the point on the ground.
    water
        Whether what is looked at is water, in which the sun glares.
    pattern
        Of a search.
    detection
        How likely a search is to find what it passes in full view of, over 0 to 1.
    probability
        How likely a search of a polygon is to find what is in it; sets the track spacing.
    """

    kind: TaskKind
    shape: LonLats
    holes: tuple[LonLats, ...] = ()
    altitude_m: float | None = None
    speed_m_s: float | None = None
    camera_pitch_deg: float | None = None
    side_overlap: float = 0.2
    forward_overlap: float = 0.6
    width_m: float = 60.0
    radius_m: float = 40.0
    turns: float = 1.0
    clockwise: bool = True
    hold_s: float | None = None
    look_at: LookAt | None = None
    water: bool = False
    pattern: Pattern = "parallel"
    detection: float = 0.8
    probability: float = 0.6
