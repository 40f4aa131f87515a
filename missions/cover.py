"""A shape seen as far as the airspace lets it be: tracks cut at what is closed, gaps flown too.

Every piece of ground over which a drone may fly is seen; what is not is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import shapely
from shapely.geometry import Polygon, box
from shapely.geometry.base import BaseGeometry

from missions.airspace import Airspace
from missions.footprint import Footprint, swept
from missions.lawnmower import lawnmower, sides_deg
from missions.tracks import Track, in_turn, line_or_point, lines_of, outside, track_of

FENCE_M = 10.0
"""Tracks keep so far inside the city's fence; 5 m from it a drone is warned."""
GAP_M2 = 4.0
"""A gap that is smaller is not flown."""
ROUNDS = 4
HAIR_M = 0.1
EVERYWHERE_M = 1e6


@dataclass(frozen=True, slots=True)
class Shut:
    """Where no track may lead at one altitude, and what of it is not to be seen either.

    Parameters
    ----------
    tracks
        No-fly zones with their margin, docks' columns, all outside the city's fence.
    ground
        The same without the columns: what is left out of a shape that is asked for.
    """

    tracks: BaseGeometry
    ground: BaseGeometry

    @classmethod
    def at(cls, airspace: Airspace, altitude_m: float) -> Shut:
        """Return what is shut in an airspace."""
        ground = airspace.closed_at(altitude_m)
        tracks = airspace.kept_from_at(altitude_m)
        if airspace.bounds is not None:
            world = box(-EVERYWHERE_M, -EVERYWHERE_M, EVERYWHERE_M, EVERYWHERE_M)
            ground = ground.union(world.difference(airspace.bounds))
            tracks = tracks.union(world.difference(airspace.bounds.buffer(-FENCE_M)))
        return cls(tracks, ground)

    def cut(self, tracks: Iterable[Track]) -> list[Track]:
        """Return what may be flown of tracks, in their order."""
        return [part for track in tracks for part in outside(track, self.tracks)]


@dataclass(frozen=True, slots=True)
class Cover:
    """Tracks over a shape, and how much of it they see.

    Parameters
    ----------
    tracks
        In the order and direction flown.
    share
        Seen part of what was asked, 0 to 1.
    closed
        Part of it that is closed, and so left out, 0 to 1.
    """

    tracks: tuple[Track, ...]
    share: float
    closed: float

    @property
    def words(self) -> str:
        """What is seen and what is left out, for an operator."""
        said = f"{100.0 * self.share:.1f} % of it is seen"
        if self.closed > 0.0005:
            said += f"; {100.0 * self.closed:.1f} % is closed to flight and left out"
        return said


def whole(
    tracks: Sequence[Track],
    shape: BaseGeometry,
    shut: Shut,
    seen: Footprint,
    side_overlap: float,
    patch: Footprint | None = None,
) -> tuple[Cover, tuple[Track, ...]]:
    """Return the cover that tracks give once they are cut, and what more is flown to fill gaps.

    Parameters
    ----------
    tracks
        As they would be with nothing closed.
    shape
        What is to be seen, metres.
    shut
        What is closed.
    seen
        What the camera sees on the tracks.
    side_overlap
        Of neighbouring tracks in a gap.
    patch
        What the camera sees on the tracks over gaps; None: the same.

    Returns
    -------
    tuple[Cover, tuple[Track, ...]]
        The cover with both kinds of tracks, and those over gaps alone.
    """
    patch = patch or seen
    flown = shut.cut(tracks)
    left = shape.difference(shut.ground)
    unseen = left.difference(swept(flown, seen))
    more, unseen = _filled(unseen, shut, patch, side_overlap)
    more = in_turn(more, flown[-1][-1] if flown else (0.0, 0.0))
    area = shape.area
    cover = Cover(
        (*flown, *more),
        share=(left.area - unseen.area) / area if area > 0 else 0.0,
        closed=1.0 - left.area / area if area > 0 else 0.0,
    )
    return cover, tuple(more)


def gaps(
    tracks: Sequence[Track],
    left: BaseGeometry,
    airspace: Airspace,
    altitude_m: float,
    seen: Footprint,
) -> tuple[Track, ...]:
    """Return what is flown besides tracks to see all that is left of a shape, but docks' columns.

    Parameters
    ----------
    tracks
        Flown anyway, outside what is closed.
    left
        What is to be seen, without what is closed.
    airspace, altitude_m
        What is closed.
    seen
        What the camera sees.
    """
    kept_from = airspace.kept_from_at(altitude_m)
    if not kept_from.intersects(shapely.union_all([left, *map(line_or_point, tracks)])):
        return ()
    unseen = left.difference(kept_from).difference(swept(tracks, seen))
    shut = Shut(kept_from, kept_from)
    more, _ = _filled(unseen, shut, seen, 0.0)
    return tuple(in_turn(more, tracks[-1][-1] if tracks else (0.0, 0.0)))


def _filled(
    unseen: BaseGeometry, shut: Shut, seen: Footprint, side_overlap: float
) -> tuple[list[Track], BaseGeometry]:
    """Return tracks over gaps, and what even they leave unseen."""
    more: list[Track] = []
    for _ in range(ROUNDS):
        found = [t for gap in _gaps(unseen) for t in _over(gap, shut, seen, side_overlap)]
        if not found:
            break
        more += found
        unseen = unseen.difference(swept(found, seen))
    return more, unseen


def _gaps(unseen: BaseGeometry) -> list[Polygon]:
    parts = shapely.get_parts(unseen).tolist()
    return [p for p in parts if isinstance(p, Polygon) and p.area > GAP_M2]


def _over(gap: Polygon, shut: Shut, seen: Footprint, side_overlap: float) -> list[Track]:
    """Return tracks that see something of a gap: straight over it, or along what is shut."""
    width = min(seen.near_width_m, seen.far_width_m)
    found = []
    left: BaseGeometry = gap
    straight = shut.cut(lawnmower(gap, width, side_overlap, sides_deg(gap)[0]))
    rim = shut.tracks.buffer(HAIR_M, join_style="mitre").boundary
    near = [track_of(line) for line in lines_of(rim.intersection(gap.buffer(width / 2.0)))]
    for track in (*straight, *near):
        view = swept([track], seen)
        if left.intersection(view).area > GAP_M2:
            found.append(track)
            left = left.difference(view)
    return found
