"""Rules of a city file that tie its parts together, checked on whatever parts are sound alone.

Each rule is one function over a ``Draft``; adding one is writing it and naming it in ``RULES``.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from shapely.geometry import Point, Polygon

from missions import geo
from missions.airspace import APART_M
from missions.cells import beat_cells
from missions.city import (
    Beat,
    CadEndpoint,
    CityInfo,
    CrowdDetector,
    CrowdLevels,
    District,
    Dock,
    Drone,
    Limits,
    Site,
    WaterDetector,
    WaterLevels,
    Zone,
)
from missions.dronerules import nonsense
from missions.fields import Ring
from missions.links import link_key
from missions.places import Building, HotSpot, KeyTarget
from missions.policy import Known, Policy, faults
from missions.yamltree import Path, Tree

DOCKS_APART_M = 2.0 * APART_M
"""Docks are no nearer to each other: the columns of air over them do not overlap."""

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Part(Generic[M]):
    """A sound part of the file and where it stands."""

    path: Path
    value: M


class Draft:
    """The parts of a city file that are sound when taken alone.

    Parameters
    ----------
    tree
        The file; findings go there.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.districts = self._parts("districts", District)
        self.beats = self._parts("beats", Beat)
        self.docks = self._parts("docks", Dock)
        self.drones = self._parts("drones", Drone)
        self.sites = self._parts("sites", Site)
        self.hot_spots = self._parts("hot_spots", HotSpot)
        self.targets = self._parts("targets", KeyTarget)
        self.zones = self._parts("zones", Zone)
        self.buildings = self._parts("buildings", Building)
        self.cad = self._parts("cad", CadEndpoint)
        self.limits = _valid(Limits, tree.data.get("limits", {}))
        self.policy = _valid(Policy, tree.data.get("policy", {}))
        self.info = _valid(CityInfo, tree.data.get("city"))
        self.ground_amsl_m = self.info.elevation_m if self.info is not None else 0.0

    def _items(self, key: str) -> list[Any]:
        items = self.tree.data.get(key)
        return items if isinstance(items, list) else []

    def _parts(self, key: str, model: type[M]) -> list[Part[M]]:
        parts = []
        for index, item in enumerate(self._items(key)):
            value = _valid(model, item)
            if value is not None:
                parts.append(Part((key, index), value))
        return parts

    def ids(self, key: str) -> list[tuple[Path, str]]:
        """Return the ids of a list, also of items that are not sound otherwise."""
        return [
            ((key, index), item["id"])
            for index, item in enumerate(self._items(key))
            if isinstance(item, dict) and isinstance(item.get("id"), str)
        ]

    def whole(self, key: str) -> bool:
        """Return whether every item of a list is sound alone."""
        parts: Iterable[object] = getattr(self, key)
        return len(list(parts)) == len(self._items(key))


def _valid(model: type[M], data: Any) -> M | None:
    try:
        return model.model_validate(data)
    except ValidationError:
        return None  # the caller has validated the whole and reports what is wrong here


def check(tree: Tree) -> None:
    """Add to the tree's findings every rule that its data breaks.

    Parameters
    ----------
    tree
        A file whose data is a mapping.
    """
    draft = Draft(tree)
    for rule in RULES:
        rule(draft)


LISTS = (
    "districts", "beats", "docks", "drones", "sites", "hot_spots", "targets", "zones",
    "buildings", "cad",
)  # fmt: skip


def _unique_ids(draft: Draft) -> None:
    for key in LISTS:
        _unique(draft, ((path, "id", value) for path, value in draft.ids(key)), "id {!r}")
    for site in draft.sites:
        cameras = enumerate(site.value.cameras)
        _unique(
            draft, (((*site.path, "cameras", i), "id", c.id) for i, c in cameras), "camera id {!r}"
        )


def _unique(draft: Draft, entries: Iterable[tuple[Path, str, Hashable]], what: str) -> None:
    """Report each value that an earlier entry has already."""
    first: dict[Hashable, Path] = {}
    for path, key, value in entries:
        here = (*path, key)
        if value in first:
            line = draft.tree.line(first[value])
            draft.tree.add(here, f"{what.format(value)} is already used on line {line}")
        else:
            first[value] = here


def _system_ids(draft: Draft) -> None:
    _unique(
        draft,
        ((d.path, "system_id", d.value.system_id) for d in draft.drones),
        "MAVLink system id {}",
    )


def _links(draft: Draft) -> None:
    first: dict[str, Part[Drone]] = {}
    for drone in draft.drones:
        path = (*drone.path, "mavlink")
        url = drone.value.mavlink
        key = link_key(url)
        if key is None:
            draft.tree.add(
                path,
                f"{url!r} is not allowed: must be udpin://HOST:PORT, udpout://HOST:PORT, "
                "tcpout://HOST:PORT (port 1 to 65535) or serial://DEVICE:BAUD",
            )
            continue
        other = first.setdefault(key, drone)
        if other is not drone:
            draft.tree.add(
                path,
                f"{url!r} is the address of drone {other.value.id!r} ({other.value.mavlink}) on "
                f"line {draft.tree.line((*other.path, 'mavlink'))}; each drone needs its own",
            )


def _videos(draft: Draft) -> None:
    _unique(
        draft,
        ((d.path, "video", d.value.video) for d in draft.drones if d.value.video is not None),
        "video address {!r}",
    )


def _rings(draft: Draft) -> Iterator[tuple[Path, str, Ring]]:
    for district in draft.districts:
        yield (*district.path, "area"), f"district {district.value.id!r}", district.value.area
    for beat in draft.beats:
        yield (*beat.path, "area"), f"beat {beat.value.id!r}", beat.value.area
    for zone in draft.zones:
        yield (*zone.path, "area"), f"zone {zone.value.id!r}", zone.value.area
        for index, hole in enumerate(zone.value.holes):
            yield (*zone.path, "holes", index), f"hole of zone {zone.value.id!r}", hole
    for building in draft.buildings:
        yield (*building.path, "ring"), f"building {building.value.id!r}", building.value.ring
    for site in draft.sites:
        if isinstance(site.value.detector, CrowdDetector):
            path = (*site.path, "detector", "zone")
            yield path, f"crowd zone of site {site.value.id!r}", site.value.detector.zone


def _simple_rings(draft: Draft) -> None:
    for path, what, ring in _rings(draft):
        fault = geo.ring_fault(ring)
        if fault is not None:
            draft.tree.add(path, f"{what} {fault}")


def _areas(parts: Iterable[Part[M]]) -> Iterator[tuple[Part[M], Polygon]]:
    """Yield the parts whose rings are sound, as polygons in degrees."""
    for part in parts:
        ring = getattr(part.value, "area")  # noqa: B009 - a district, beat or zone
        holes = part.value.holes if isinstance(part.value, Zone) else ()
        if all(geo.ring_fault(one) is None for one in (ring, *holes)):
            yield part, Polygon(ring, holes)


def _beats_in_districts(draft: Draft) -> None:
    known = [value for _, value in draft.ids("districts")]
    areas = {part.value.id: area for part, area in _areas(draft.districts)}
    for beat in draft.beats:
        name = beat.value.district
        if name not in known:
            draft.tree.add((*beat.path, "district"), _unknown("district", name, known))
    for beat, area in _areas(draft.beats):
        district = areas.get(beat.value.district)
        if district is not None and district.intersection(area).area == 0:
            draft.tree.add(
                (*beat.path, "area"),
                f"beat {beat.value.id!r} lies outside its district {beat.value.district!r}",
            )


def _unknown(what: str, name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"there is no {what} {name!r}; there are {', '.join(known) or 'none'}{hint}"


def _places_in_beats(draft: Draft) -> None:
    """Docks, hot spots and key targets lie in a beat."""
    beats = [area for _, area in _areas(draft.beats)]
    complete = draft.whole("beats") and len(beats) == len(draft.beats)
    if not beats or not complete:
        return  # a place may lie in the beat that is broken
    kinds: tuple[tuple[str, Sequence[Part[Dock] | Part[HotSpot] | Part[KeyTarget]]], ...] = (
        ("dock", draft.docks),
        ("hot spot", draft.hot_spots),
        ("key target", draft.targets),
    )
    for what, parts in kinds:
        for part in parts:
            where = part.value.position
            if not any(area.covers(Point(where)) for area in beats):
                draft.tree.add(
                    (*part.path, "position"),
                    f"{what} {part.value.id!r} at {_place(where)} lies outside every beat",
                )


def _place(position: tuple[float, float]) -> str:
    return f"[{position[0]}, {position[1]}]"


def _zones(draft: Draft) -> None:
    """Docks and stares are outside what is always closed and inside a fence, where there is one."""
    places: list[tuple[Path, str, tuple[float, float], float]] = []
    for dock in draft.docks:
        places.append(((*dock.path, "position"), f"dock {dock.value.id!r}", dock.value.position, 0))
    for site in draft.sites:
        stare = site.value.stare
        if stare is not None:
            path = (*site.path, "stare", "position")
            places.append(
                (path, f"stare of site {site.value.id!r}", stare.position, stare.altitude_m)
            )
    fences = [(p, area) for p, area in _areas(draft.zones) if p.value.kind == "fence"]
    closed = [
        (p, area)
        for p, area in _areas(draft.zones)
        if p.value.kind == "no_fly" and p.value.active is None
    ]
    for path, what, where, altitude in places:
        for zone, area in closed:
            floor, _ = zone.value.heights_m(draft.ground_amsl_m)
            below = altitude < floor and not what.startswith("dock")
            if area.covers(Point(where)) and not below:
                draft.tree.add(path, f"{what} lies in the no-fly zone {zone.value.id!r}")
        if fences and not any(area.covers(Point(where)) for _, area in fences):
            draft.tree.add(path, f"{what} lies outside the fence {fences[0][0].value.id!r}")


def _zones_hold(draft: Draft) -> None:
    """Hold floors below ceilings and holes within their zones; a fence is whole, and always there."""
    for zone in draft.zones:
        floor, ceiling = zone.value.heights_m(draft.ground_amsl_m)
        if floor >= ceiling:
            draft.tree.add(
                (*zone.path, "floor_m"),
                f"floor {floor:g} m is not below the ceiling {ceiling:g} m of zone "
                f"{zone.value.id!r}",
            )
        if zone.value.kind == "fence":
            for key in ("active", "holes"):
                if getattr(zone.value, key):
                    words = f"fence {zone.value.id!r} has {key}: a fence is whole, and always there"
                    draft.tree.add((*zone.path, key), words)
    for zone, area in _areas(draft.zones):
        if not area.is_valid:
            words = f"the holes of zone {zone.value.id!r} do not lie within it, or cross"
            draft.tree.add((*zone.path, "holes"), words)


def _buildings(draft: Draft) -> None:
    """No dock and no stare is within a building."""
    for building in draft.buildings:
        if geo.ring_fault(building.value.ring) is not None:
            continue
        ground = Polygon(building.value.ring)
        for dock in draft.docks:
            if ground.contains(Point(dock.value.position)):
                what = f"dock {dock.value.id!r} lies in the building {building.value.id!r}"
                draft.tree.add((*dock.path, "position"), what)
        for site in draft.sites:
            stare = site.value.stare
            low = stare is not None and stare.altitude_m < building.value.height_m
            if stare is not None and low and ground.contains(Point(stare.position)):
                what = f"stare of site {site.value.id!r} is in the building {building.value.id!r}"
                draft.tree.add((*site.path, "stare", "position"), what)


def _drones(draft: Draft) -> None:
    for drone in draft.drones:
        for key, rule in nonsense(drone.value):
            path = (*drone.path, *key)
            draft.tree.add(path, f"drone {drone.value.id!r}: {rule}")


def _homes(draft: Draft) -> None:
    known = [value for _, value in draft.ids("docks")]
    living: dict[str, list[str]] = {}
    for drone in draft.drones:
        living.setdefault(drone.value.dock, []).append(drone.value.id)
        if drone.value.dock not in known:
            draft.tree.add((*drone.path, "dock"), _unknown("dock", drone.value.dock, known))
    for dock in draft.docks:
        drones = living.get(dock.value.id, [])
        if len(drones) > dock.value.slots:
            draft.tree.add(
                (*dock.path, "slots"),
                f"dock {dock.value.id!r} has room for {dock.value.slots}, but {len(drones)} drones "
                f"live in it: {', '.join(drones)}",
            )


def _docks_apart(draft: Draft) -> None:
    """Each dock has air of its own: in one column there is one drone at a time, its dock's."""
    for one, other in combinations(draft.docks, 2):
        apart = geo.distance_m(one.value.position, other.value.position)
        if apart < DOCKS_APART_M:
            draft.tree.add(
                (*other.path, "position"),
                f"dock {other.value.id!r} is {apart:.0f} m from dock {one.value.id!r} on line "
                f"{draft.tree.line((*one.path, 'position'))}: docks are {DOCKS_APART_M:g} m apart or "
                "more, as their drones climb beside each other; nearer ones are one dock with more slots",
            )


def _sites(draft: Draft) -> None:
    for site in draft.sites:
        name, stare = site.value.id, site.value.stare
        if stare is None and not site.value.cameras:
            draft.tree.add(
                site.path, f"site {name!r} has neither a stare nor cameras: nothing can watch it"
            )
        ceiling = draft.limits.ceiling_m if draft.limits is not None else None
        if stare is not None and ceiling is not None and stare.altitude_m > ceiling:
            draft.tree.add(
                (*site.path, "stare", "altitude_m"),
                f"stare at {stare.altitude_m:g} m is above the ceiling of {ceiling:g} m",
            )


def _levels(draft: Draft) -> None:
    rising: Mapping[type[BaseModel], tuple[str, ...]] = {
        WaterLevels: ("normal_m", "warning_m", "danger_m"),
        CrowdLevels: ("yellow_per_m2", "orange_per_m2", "red_per_m2"),
    }
    for site in draft.sites:
        detector: WaterDetector | CrowdDetector = site.value.detector
        names = rising[type(detector.levels)]
        for low, high in pairwise(names):
            below, above = getattr(detector.levels, low), getattr(detector.levels, high)
            if above <= below:
                draft.tree.add(
                    (*site.path, "detector", "levels", high),
                    f"{above:g} is not above {low} {below:g}: levels must rise",
                )


def _policy(draft: Draft) -> None:
    policy = draft.policy
    named = ("beats", "sites", "hot_spots", "targets")
    if policy is None or draft.limits is None or not all(draft.whole(key) for key in named):
        return  # what it names may be what is broken
    cells: set[str] = set()
    if any(rule.where.cells for rule in policy.rules):
        beats = [part.value for part, _ in _areas(draft.beats)]
        if draft.info is None or len(beats) < len(draft.beats):
            return
        frame = geo.LocalFrame(*draft.info.origin)
        cells = {cell.id for beat in beats for cell in beat_cells(beat, frame)}
    known = Known(
        beats={part.value.id for part in draft.beats},
        cells=cells,
        targets={name for part in draft.targets for name in (part.value.id, part.value.kind)},
        hot_spots={part.value.id for part in draft.hot_spots},
        sites={part.value.id for part in draft.sites},
        airborne=draft.limits.max_airborne,
        drones=len(draft.drones),
    )
    for path, rule in faults(policy, known):
        draft.tree.add(("policy", *path), rule)


RULES: tuple[Callable[[Draft], None], ...] = (
    _unique_ids,
    _system_ids,
    _links,
    _videos,
    _simple_rings,
    _beats_in_districts,
    _places_in_beats,
    _zones,
    _zones_hold,
    _buildings,
    _drones,
    _homes,
    _docks_apart,
    _sites,
    _levels,
    _policy,
)
