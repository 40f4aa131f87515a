"""Files of other programs: what is written is read again; what cannot be taken is named."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from missions import kml, qgc
from missions.drawing import MOST_BYTES, Drawing, geometry
from missions.errors import ExchangeError
from missions.geojson import LineString, Point, Polygon

HOME = (117.65, 24.51)
NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), max_size=20)
LON = st.floats(117.0, 118.0).map(lambda v: round(v, 7))
LAT = st.floats(24.0, 25.0).map(lambda v: round(v, 7))
PLACE = st.tuples(LON, LAT)
HEIGHT = st.floats(20, 120)


@st.composite
def rectangles(draw: st.DrawFn, hole: bool) -> Polygon:
    west, south = draw(PLACE)
    wide, high = draw(st.floats(0.002, 0.02)), draw(st.floats(0.002, 0.02))

    def ring(part: float) -> list[tuple[float, float]]:
        a, b = west + wide * (1 - part) / 2, south + high * (1 - part) / 2
        c, d = a + wide * part, b + high * part
        return [(a, b), (c, b), (c, d), (a, d), (a, b)]

    rings = [ring(1.0)] + ([ring(0.5)] if hole and draw(st.booleans()) else [])
    return Polygon(type="Polygon", coordinates=tuple(map(tuple, rings)))


@st.composite
def drawings(draw: st.DrawFn, *, holes: bool, names: bool) -> Drawing:
    kinds = ["area", "corridor", "orbit", "stare", "route"] + (["search"] if names else [])
    kind = draw(st.sampled_from(kinds))
    shape: Any
    if kind in ("area", "search"):
        shape = draw(rectangles(holes))
    elif kind in ("corridor", "route"):
        line = draw(st.lists(PLACE, min_size=2, max_size=6, unique=True))
        shape = LineString(type="LineString", coordinates=tuple(line))
    else:
        shape = Point(type="Point", coordinates=draw(PLACE))
    more: dict[str, Any] = {"altitude_m": draw(HEIGHT)}
    if kind == "corridor":
        more["width_m"] = draw(st.floats(10, 300))
    if kind == "orbit":
        more |= {"radius_m": draw(st.floats(20, 200)), "turns": draw(st.floats(0.5, 5))}
    if kind == "stare":
        more["hold_s"] = draw(st.floats(10, 900))
    return Drawing(kind, shape, draw(NAMES) if names else "", **more)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(st.lists(drawings(holes=True, names=True), min_size=1, max_size=4))
def test_kml_comes_back_as_it_was(given_: list[Drawing]) -> None:
    back = kml.read(kml.write("missions", given_))
    assert [d.geometry for d in back] == [d.geometry for d in given_]
    assert [d.name for d in back] == [d.name.strip() for d in given_]
    assert [(d.kind, d.altitude_m, d.width_m, d.radius_m, d.turns, d.hold_s) for d in back] == [
        (d.kind, d.altitude_m, d.width_m, d.radius_m, d.turns, d.hold_s) for d in given_
    ]


@settings(max_examples=60, deadline=None)
@given(drawings(holes=False, names=False), NAMES, rectangles(False))
def test_a_plan_comes_back_as_it_was(given_: Drawing, name: str, fence: Polygon) -> None:
    given_ = replace(given_, name=name)
    back = qgc.read(qgc.write([given_], HOME, fence=[fence], holes=[fence]))
    (one,) = back.drawings
    assert (one.kind, one.geometry, one.altitude_m, one.name) == (
        given_.kind,
        given_.geometry,
        given_.altitude_m,
        given_.name,
    )
    assert (one.width_m, one.radius_m, one.turns, one.hold_s) == (
        given_.width_m,
        given_.radius_m,
        given_.turns,
        given_.hold_s,
    )
    assert (back.fence, back.holes) == ((fence,), (fence,))


def test_each_of_a_plan_keeps_what_it_is_for() -> None:
    line = LineString(type="LineString", coordinates=((117.65, 24.51), (117.66, 24.51)))
    other = LineString(type="LineString", coordinates=((117.65, 24.52), (117.66, 24.52)))
    point = Point(type="Point", coordinates=(117.65, 24.53))
    given_ = [
        Drawing("route", line, "the north bank", altitude_m=60),
        Drawing("route", other, "the south bank", altitude_m=60),
        Drawing("stare", point, "灯会", altitude_m=60, hold_s=60),
        Drawing("orbit", point, altitude_m=60, radius_m=40, turns=1),
    ]
    back = qgc.read(qgc.write(given_, HOME)).drawings
    assert [(d.kind, d.name, d.geometry) for d in back] == [
        (d.kind, d.name, d.geometry) for d in given_
    ]


def plan(*items: Any, **more: Any) -> str:
    return json.dumps({"fileType": "Plan", "version": 1, "mission": {"items": items}} | more)


def simple(command: int, *params: Any, frame: int = 3) -> dict[str, Any]:
    return {"type": "SimpleItem", "command": command, "frame": frame, "params": list(params)}


def way(lat: float, lon: float, height: float = 50, hold: float = 0) -> dict[str, Any]:
    return simple(qgc.WAYPOINT, hold, 0, 0, None, lat, lon, height)


SURVEY = {
    "type": "ComplexItem",
    "complexItemType": "survey",
    "polygon": [[24.5, 117.6], [24.5, 117.61], [24.51, 117.61]],
    "TransectStyleComplexItem": {
        "CameraCalc": {"DistanceToSurface": 70, "DistanceMode": 1, "SideOverlap": 30}
    },
}


def test_a_plan_as_it_is_drawn_becomes_what_there_is_to_fly() -> None:
    text = plan(
        simple(qgc.TAKEOFF, 15, 0, 0, None, 24.5, 117.6, 50),
        simple(qgc.CHANGE_SPEED, 1, 8, -1, 0, 0, 0, 0, frame=2),
        way(24.5, 117.6),
        way(24.51, 117.61),
        SURVEY,
        simple(qgc.ROI_LOCATION, 0, 0, 0, 0, 24.52, 117.62, 0),
        way(24.53, 117.63, 40, hold=90),
        simple(qgc.ROI_NONE, 0, 0, 0, 0, 0, 0, 0),
        simple(qgc.LOITER_TURNS, 2, 0, -35, 1, 24.5, 117.6, 45),
        simple(qgc.RTL, 0, 0, 0, 0, 0, 0, 0, frame=2),
        rallyPoints={"version": 2, "points": [[24.5, 117.6, 30]]},
        geoFence={"version": 2, "polygons": []},
    )
    found = qgc.read(text)
    assert [d.kind for d in found.drawings] == ["route", "area", "stare", "orbit"]
    route, area, stare, orbit = found.drawings
    assert route.geometry.coordinates == ((117.6, 24.5), (117.61, 24.51))
    assert (route.altitude_m, route.speed_m_s) == (50, 8)
    assert (area.altitude_m, area.side_overlap) == (70, 0.3)
    assert stare.geometry.coordinates == (117.62, 24.52)
    assert (stare.hold_s, stare.altitude_m) == (90, 40)
    assert (orbit.radius_m, orbit.turns) == (35, 2)
    assert found.rally == ((117.6, 24.5, 30.0),)


CROSSED = SURVEY | {"polygon": [[24.5, 117.6], [24.51, 117.61], [24.5, 117.61], [24.51, 117.6]]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "file: is no JSON"),
        ("[" * 100_000, "file: is no JSON"),
        ('{"fileType": NaN}', "file: is no JSON"),
        ("{}", "fileType"),
        (plan(), "mission.items: there is nothing"),
        (plan(5), r"mission.items\[0\]: is no object"),
        (plan(simple(99, *[0] * 7)), r"mission.items\[0\].command: 99"),
        (plan(simple(16, 0, 0)), r"mission.items\[0\].params: 2 numbers"),
        (plan(way(124.5, 117.6)), r"mission.items\[0\]: .*latitude 124.5"),
        (plan(simple(16, 0, 0, 0, None, 24.5, 117.6, 50, frame=0)), "above home"),
        (plan(way(24.5, 117.6), way(24.51, 117.6, 60)), "one height"),
        (plan(simple(16, 0, 0, 0, None, "x", 117.6, 50)), "'x' is no number"),
        (plan(CROSSED), r"mission.items\[0\].polygon: .*Self-intersection"),
        (plan(SURVEY | {"complexItemType": "StructureScan"}), "'StructureScan' cannot be taken"),
        (plan(SURVEY | {"polygon": 7}), "is no list"),
        (plan({"type": "ComplexItem"}), "TransectStyleComplexItem"),
        (plan(SURVEY, geoFence={"polygons": [{"polygon": [[0, 0]]}]}), r"geoFence.polygons\[0\]"),
        (plan(SURVEY, rallyPoints={"points": [[1, 2]]}), r"rallyPoints.points\[0\]"),
        (" " * (MOST_BYTES + 1), "characters; at most"),
    ],
)
def test_a_plan_that_cannot_be_taken_says_why(text: str, said: str) -> None:
    with pytest.raises(ExchangeError, match=said):
        qgc.read(text)


def test_a_survey_has_no_holes() -> None:
    rings = [[(0, 0), (4, 0), (4, 4), (0, 0)], [(2, 1), (3, 1), (3, 2), (2, 1)]]
    shape = geometry("x", "Polygon", rings)
    with pytest.raises(ExchangeError, match="holes"):
        qgc.write([Drawing("area", shape)], HOME)


def document(inside: str, head: str = "") -> str:
    return f'{head}<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{inside}</Document></kml>'


def test_kml_of_other_programs_is_read_with_folders_holes_and_other_namespaces() -> None:
    ring = "<LinearRing><coordinates>{}</coordinates></LinearRing>"
    outer = ring.format("117.6,24.5,0 117.61,24.5,0\n 117.61,24.51,0 117.6,24.51 117.6,24.5")
    inner = ring.format("117.602,24.502 117.604,24.502 117.604,24.504 117.602,24.502")
    text = f"""<?xml version="1.0"?><k:kml xmlns:k="http://earth.google.com/kml/2.0"
      xmlns:gx="http://www.google.com/kml/ext/2.2"><k:Folder><k:Folder><k:Placemark>
      <k:name> River &amp; bank </k:name><gx:balloonVisibility>1</gx:balloonVisibility>
      <k:MultiGeometry><Polygon><outerBoundaryIs>{outer}</outerBoundaryIs>
      <innerBoundaryIs>{inner}</innerBoundaryIs></Polygon>
      <k:Point><k:coordinates>117.6,24.5,30</k:coordinates></k:Point></k:MultiGeometry>
      </k:Placemark></k:Folder></k:Folder></k:kml>"""
    area, spot = kml.read(text)
    assert (area.kind, spot.kind) == ("area", "stare")
    assert (area.name, spot.name) == ("River & bank", "River & bank")
    assert isinstance(area.geometry, Polygon)
    assert len(area.geometry.holes) == 1
    assert spot.geometry.coordinates == (117.6, 24.5)


POINT = "<Placemark><Point><coordinates>{}</coordinates></Point></Placemark>"
BOMB = '<!DOCTYPE k [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
XXE = '<!DOCTYPE k [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no XML"),
        ("PK\x03\x04", "is no XML"),
        ("<html/>", "<html> is no <kml>"),
        (document(""), "no Placemark"),
        (document(POINT.format("&b;"), BOMB), "declares a document type"),
        (document(POINT.format("&x;"), XXE), "declares a document type"),
        (document(POINT.format("117.6"), ""), "is no longitude,latitude"),
        (document(POINT.format("117.6,abc")), "'abc' is no number"),
        (document(POINT.format("117.6,nan")), "line 1: .*finite"),
        (document(POINT.format("117.6,95")), "latitude 95"),
        (document(POINT.format("1,2 3,4")), "one position, not 2"),
        (document("<Placemark><Polygon/></Placemark>"), "one outer boundary"),
        (document("<a>" * 100), "is no XML|in each other"),
        (document("<Placemark><Point/></Placemark>"), "has no coordinates"),
        (" " * (MOST_BYTES + 1), "characters; at most"),
    ],
)
def test_kml_that_cannot_be_taken_says_why(text: str, said: str) -> None:
    with pytest.raises(ExchangeError, match=said):
        kml.read(text)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_read_or_refused(one: str, other: str) -> None:
    for text in (one, document(f"<Placemark>{one}</Placemark>"), document(POINT.format(other))):
        with suppress(ExchangeError):
            kml.read(text)
    with suppress(ExchangeError):
        qgc.read(one)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.sampled_from([16, 3]),
    lambda inner: st.lists(inner, max_size=7) | st.dictionaries(
        st.sampled_from(["type", "command", "frame", "params", "polygon", "complexItemType",
                         "TransectStyleComplexItem", "CameraCalc", "polyline"]), inner),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(JSON, max_size=3), JSON)
def test_any_items_are_read_or_refused(items: list[Any], fence: Any) -> None:
    good = [simple(16, *[0] * 7), SURVEY]
    for changed in (items, [*good, *items], [SURVEY | {"polygon": items}]):
        with suppress(ExchangeError):
            qgc.read(plan(*changed, geoFence=fence, rallyPoints={"points": items}))
