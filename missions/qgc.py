"""QGroundControl's ``.plan`` files: read to what there is to fly, and written for its planner.

After the file formats in QGroundControl's developer guide: Plan 1, mission 2, geoFence 2,
rallyPoints 2, survey 5, CorridorScan 2. Positions there are latitude, longitude. Heights must be
above home: those above the sea are refused, since nobody could say how high they are above it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from missions.drawing import MOST_DRAWINGS, Drawing, check_size, geometry, polygon
from missions.errors import ExchangeError
from missions.geojson import LineString, LonLat, Point, Polygon

WAYPOINT, LOITER_UNLIM, LOITER_TURNS, LOITER_TIME = 16, 17, 18, 19
RTL, LAND, TAKEOFF = 20, 21, 22
CHANGE_SPEED, ROI_LOCATION, ROI_NONE, ROI = 178, 195, 197, 201
_NOTHING = {RTL, LAND, TAKEOFF, 85, 84, 203, 205, 206, 530, 531, 532, 2000, 2001, 2500, 2501, 1000}
"""Take-off and landing, which are the controller's, and the camera's, which are its worker's."""
_ASIDE = (CHANGE_SPEED, ROI_LOCATION, ROI_NONE)
"""What goes with what is flown."""
NOTE = "note"
"""Key of ours in the first item of what is flown: what it is for."""
RELATIVE_FRAMES = (3, 6)
"""GLOBAL_RELATIVE_ALT and its _INT."""
PX4, MULTIROTOR = 12, 2
HEIGHT_M = 60.0
"""Written where an order leaves the height to the planner."""


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A plan: what to fly, and the fence and rally points it was drawn with.

    ``fence`` has the polygons not to be left, ``holes`` those not to be entered. ``rally`` are
    (longitude, latitude, metres above home).
    """

    drawings: tuple[Drawing, ...]
    fence: tuple[Polygon, ...] = ()
    holes: tuple[Polygon, ...] = ()
    rally: tuple[tuple[float, float, float], ...] = ()


def read(text: str) -> PlanFile:
    """Return what a ``.plan`` file says.

    Raises
    ------
    ExchangeError
        If it is none, or has an item that cannot be taken; names the item.
    """
    check_size(text)
    try:
        whole = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ExchangeError("file", f"is no JSON: {error}") from error
    if not isinstance(whole, dict) or whole.get("fileType") != "Plan":
        raise ExchangeError("fileType", "is not 'Plan': this is no plan of QGroundControl")
    mission = _part(whole, "mission", dict, "mission")
    drawings = tuple(_Reader().read(_part(mission, "items", list, "mission.items")))
    if not drawings:
        raise ExchangeError("mission.items", "there is nothing in it to fly")
    if len(drawings) > MOST_DRAWINGS:
        raise ExchangeError("mission.items", f"{len(drawings)} missions; at most {MOST_DRAWINGS}")
    fence, holes = _fences(whole.get("geoFence"))
    return PlanFile(drawings, fence, holes, _rally(whole.get("rallyPoints")))


class _Reader:
    """Reads mission items one after the other; waypoints in a row become one route."""

    def __init__(self) -> None:
        self._route: list[LonLat] = []
        self._name = ""
        self._height: float | None = None
        self._speed: float | None = None
        self._roi: LonLat | None = None

    def read(self, items: Sequence[Any]) -> Iterator[Drawing]:
        for number, item in enumerate(items):
            where = f"mission.items[{number}]"
            if not isinstance(item, dict):
                raise ExchangeError(where, "is no object")
            kind = item.get("type")
            if kind == "SimpleItem":
                yield from self._simple(where, item)
            elif kind == "ComplexItem":
                yield from self._end_route(where)
                yield replace(_complex(where, item, self._speed), name=_note(where, item))
            else:
                raise ExchangeError(f"{where}.type", f"{kind!r} is no SimpleItem or ComplexItem")
        yield from self._end_route("mission.items")

    def _simple(self, where: str, item: Mapping[str, Any]) -> Iterator[Drawing]:
        command = item.get("command")
        params = _part(item, "params", list, f"{where}.params")
        if len(params) != 7:
            raise ExchangeError(f"{where}.params", f"{len(params)} numbers; there are 7")
        if command == CHANGE_SPEED:
            self._speed = _number(f"{where}.params[1]", params[1])
        elif command in (ROI_LOCATION, ROI):
            self._roi = _place(where, params)
        elif command == ROI_NONE:
            self._roi = None
        elif command in (WAYPOINT, LOITER_TIME, LOITER_UNLIM, LOITER_TURNS):
            yield from self._place(where, item, params)
        elif command not in _NOTHING:
            raise ExchangeError(f"{where}.command", f"{command!r} cannot be taken")

    def _place(
        self, where: str, item: Mapping[str, Any], params: Sequence[Any]
    ) -> Iterator[Drawing]:
        """Take a place to fly to: one of a route, or one to stay at."""
        command, height = item["command"], _height(where, item, params)
        hold = _number(f"{where}.params[0]", params[0] or 0.0)
        note = _note(where, item)
        if note and self._route:  # another route begins
            yield from self._end_route(where)
        if command == WAYPOINT and not (hold > 0 and self._roi is not None):
            self._name = self._name if self._route else note
            if self._route and height != self._height:
                raise ExchangeError(
                    where, f"{height:g} m after {self._height:g} m: an order flies at one height"
                )
            self._height = height
            self._route.append(_place(where, params))
            return
        yield from self._end_route(where)
        here = _place(where, params)
        if command == LOITER_TURNS:
            radius = abs(_number(f"{where}.params[2]", params[2] or 0.0))
            yield Drawing(
                "orbit",
                _point(where, here),
                note,
                altitude_m=height,
                speed_m_s=self._speed,
                radius_m=radius or None,
                turns=hold or None,
            )
        else:
            stays = hold if command in (WAYPOINT, LOITER_TIME) and hold > 0 else None
            at = _point(where, self._roi or here)
            yield Drawing("stare", at, note, altitude_m=height, hold_s=stays)

    def _end_route(self, where: str) -> Iterator[Drawing]:
        route, self._route = self._route, []
        if not route:
            return
        if len(route) == 1:
            yield Drawing("stare", _point(where, route[0]), self._name, altitude_m=self._height)
            return
        line = geometry(where, "LineString", route)
        height, speed = self._height, self._speed
        yield Drawing("route", line, self._name, altitude_m=height, speed_m_s=speed)


def _note(where: str, item: Mapping[str, Any]) -> str:
    """Return what an item is for: QGroundControl has no such key, and passes over it."""
    return str(_part(item, NOTE, str, f"{where}.{NOTE}", ""))


def _complex(where: str, item: Mapping[str, Any], speed: float | None) -> Drawing:
    """Read a survey or a corridor."""
    kind = item.get("complexItemType")
    style = _part(item, "TransectStyleComplexItem", dict, f"{where}.TransectStyleComplexItem")
    camera = _part(style, "CameraCalc", dict, f"{where}.TransectStyleComplexItem.CameraCalc")
    height = camera.get("DistanceToSurface")
    altitude = None if height is None else _number(f"{where}.DistanceToSurface", height)
    side = camera.get("SideOverlap")
    overlap = None if side is None else _number(f"{where}.SideOverlap", side) / 100
    if camera.get("DistanceMode", 1) != 1 and camera.get("DistanceToSurfaceRelative") is not True:
        raise ExchangeError(f"{where}.DistanceMode", "heights must be above home (1)")
    if kind == "survey":
        ring = _lonlats(f"{where}.polygon", item.get("polygon"))
        shape = polygon(f"{where}.polygon", ring)
        return Drawing("area", shape, altitude_m=altitude, speed_m_s=speed, side_overlap=overlap)
    if kind == "CorridorScan":
        line = _lonlats(f"{where}.polyline", item.get("polyline"))
        return Drawing(
            "corridor",
            geometry(f"{where}.polyline", "LineString", line),
            altitude_m=altitude,
            speed_m_s=speed,
            width_m=_number(f"{where}.CorridorWidth", item.get("CorridorWidth")),
            side_overlap=overlap,
        )
    raise ExchangeError(
        f"{where}.complexItemType", f"{kind!r} cannot be taken; survey and CorridorScan can"
    )


def _fences(fence: Any) -> tuple[tuple[Polygon, ...], tuple[Polygon, ...]]:
    inside: list[Polygon] = []
    outside: list[Polygon] = []
    if not isinstance(fence, dict):
        return (), ()
    for number, one in enumerate(_part(fence, "polygons", list, "geoFence.polygons", [])):
        where = f"geoFence.polygons[{number}]"
        if not isinstance(one, dict):
            raise ExchangeError(where, "is no object")
        shape = polygon(where, _lonlats(f"{where}.polygon", one.get("polygon")))
        (inside if one.get("inclusion", True) else outside).append(shape)
    return tuple(inside), tuple(outside)


def _rally(rally: Any) -> tuple[tuple[float, float, float], ...]:
    if not isinstance(rally, dict):
        return ()
    found = []
    for number, one in enumerate(_part(rally, "points", list, "rallyPoints.points", [])):
        where = f"rallyPoints.points[{number}]"
        if not isinstance(one, list) or len(one) != 3:
            raise ExchangeError(where, "is not [latitude, longitude, height]")
        lat, lon, height = (_number(where, value) for value in one)
        found.append((*_point(where, (lon, lat)).coordinates, height))
    return tuple(found)


def _part(
    whole: Mapping[str, Any], key: str, kind: type[Any], where: str, default: Any = None
) -> Any:
    value = whole.get(key, default)
    if not isinstance(value, kind):
        raise ExchangeError(where, f"is {type(value).__name__}, not {kind.__name__}")
    return value


def _number(where: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ExchangeError(where, f"{value!r} is no number")
    return float(value)


def _place(where: str, params: Sequence[Any]) -> LonLat:
    lat, lon = (_number(f"{where}.params[{i}]", params[i]) for i in (4, 5))
    return _point(where, (lon, lat)).coordinates


def _point(where: str, place: LonLat) -> Point:
    found = geometry(where, "Point", place)
    assert isinstance(found, Point)
    return found


def _height(where: str, item: Mapping[str, Any], params: Sequence[Any]) -> float:
    if item.get("frame") not in RELATIVE_FRAMES:
        raise ExchangeError(
            f"{where}.frame", f"{item.get('frame')!r}: heights must be above home (frame 3)"
        )
    return _number(f"{where}.params[6]", params[6])


def _lonlats(where: str, places: Any) -> list[LonLat]:
    if not isinstance(places, list):
        raise ExchangeError(where, "is no list of [latitude, longitude]")
    found = []
    for number, place in enumerate(places):
        if not isinstance(place, list) or len(place) < 2:
            raise ExchangeError(f"{where}[{number}]", "is not [latitude, longitude]")
        lat, lon = (_number(f"{where}[{number}]", value) for value in place[:2])
        found.append((lon, lat))
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def write(
    drawings: Sequence[Drawing],
    home: LonLat,
    *,
    fence: Sequence[Polygon] = (),
    holes: Sequence[Polygon] = (),
) -> str:
    """Return a ``.plan`` file that QGroundControl opens.

    Parameters
    ----------
    drawings
        What is to be flown, in order.
    home
        Where the drone takes off (longitude, latitude).
    fence, holes
        Polygons not to be left, and not to be entered.

    Raises
    ------
    ExchangeError
        If a polygon has holes, which a survey there cannot have.
    """
    items: list[dict[str, Any]] = [_item(TAKEOFF, [0, 0, 0, None, *home[::-1], HEIGHT_M])]
    for number, drawing in enumerate(drawings):
        made = list(_items(f"drawings[{number}]", drawing))
        if drawing.name:
            next(one for one in made if one.get("command") not in _ASIDE)[NOTE] = drawing.name
        items += made
    items.append(_item(RTL, [0] * 7, frame=2))
    for number, item in enumerate(items):
        if item["type"] == "SimpleItem":
            item["doJumpId"] = number + 1
    rings = [(shape, True) for shape in fence] + [(shape, False) for shape in holes]
    whole = {
        "fileType": "Plan",
        "version": 1,
        "groundStation": "QGroundControl",
        "mission": {
            "version": 2,
            "firmwareType": PX4,
            "vehicleType": MULTIROTOR,
            "cruiseSpeed": 12,
            "hoverSpeed": 5,
            "globalPlanAltitudeMode": 1,
            "plannedHomePosition": [home[1], home[0], 0],
            "items": items,
        },
        "geoFence": {
            "version": 2,
            "circles": [],
            "polygons": [
                {"version": 1, "inclusion": inside, "polygon": _latlons(shape.vertices)}
                for shape, inside in rings
            ],
        },
        "rallyPoints": {"version": 2, "points": []},
    }
    return json.dumps(whole, indent=1)


def _items(where: str, drawing: Drawing) -> Iterator[dict[str, Any]]:
    shape, height = drawing.geometry, drawing.altitude_m or HEIGHT_M
    if drawing.speed_m_s is not None:
        yield _item(CHANGE_SPEED, [1, drawing.speed_m_s, -1, 0, 0, 0, 0], frame=2)
    if isinstance(shape, Polygon):
        if shape.holes:
            raise ExchangeError(where, "has holes, which a survey of QGroundControl cannot have")
        yield _survey(drawing, {"polygon": _latlons(shape.vertices)}, "survey", 5, height)
    elif drawing.kind == "corridor":
        line = {"polyline": _latlons(shape.vertices), "CorridorWidth": drawing.width_m or 60.0}
        yield _survey(drawing, line, "CorridorScan", 2, height)
    elif isinstance(shape, LineString):
        for lon, lat in shape.vertices:
            yield _item(WAYPOINT, [0, 0, 0, None, lat, lon, height])
    elif drawing.kind == "orbit":
        lon, lat = shape.coordinates
        params = [drawing.turns or 1.0, 0, drawing.radius_m or 40.0, 1, lat, lon, height]
        yield _item(LOITER_TURNS, params)
    else:
        lon, lat = shape.coordinates
        yield _item(ROI_LOCATION, [0, 0, 0, 0, lat, lon, 0])
        command = LOITER_UNLIM if drawing.hold_s is None else LOITER_TIME
        yield _item(command, [drawing.hold_s or 0, 0, 0, None, lat, lon, height])
        yield _item(ROI_NONE, [0] * 7, frame=2)


def _item(command: int, params: Sequence[Any], frame: int = 3) -> dict[str, Any]:
    return {
        "type": "SimpleItem",
        "command": command,
        "frame": frame,
        "params": list(params),
        "autoContinue": True,
        "AMSLAltAboveTerrain": None,
        "Altitude": params[6],
        "AltitudeMode": 1,
    }


def _survey(
    drawing: Drawing, shape: Mapping[str, Any], kind: str, version: int, height: float
) -> dict[str, Any]:
    overlap = 0.2 if drawing.side_overlap is None else drawing.side_overlap
    return {
        "type": "ComplexItem",
        "complexItemType": kind,
        "version": version,
        "angle": 0,
        "entryLocation": 0,
        "EntryPoint": 0,
        "flyAlternateTransects": False,
        "splitConcavePolygons": False,
        **shape,
        "TransectStyleComplexItem": {
            "version": 2,
            "CameraShots": 0,
            "CameraTriggerInTurnAround": False,
            "FollowTerrain": False,
            "HoverAndCapture": False,
            "Refly90Degrees": False,
            "TurnAroundDistance": 0,
            "Items": [],
            "VisualTransectPoints": [],
            "CameraCalc": {
                "version": 2,
                "CameraName": "Manual (no camera specs)",
                "AdjustedFootprintFrontal": height,
                "AdjustedFootprintSide": height * (1 - overlap),
                "DistanceToSurface": height,
                "DistanceMode": 1,
                "SideOverlap": overlap * 100,
            },
        },
    }


def _latlons(places: Sequence[LonLat]) -> list[list[float]]:
    return [[lat, lon] for lon, lat in places]
