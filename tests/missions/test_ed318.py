"""Zones as others write them are read whole, or refused with the feature and the field."""

from __future__ import annotations

import contextlib
import copy
import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon

from missions import ed318, zonefile, zonejson
from missions.geo import LocalFrame
from missions.geojson import MOST_VERTICES
from missions.hours import active_between, active_spans
from missions.zonefile import ZoneFileError

EXAMPLES = Path(__file__).parents[3] / "shared" / "standards" / "ed318" / "examples"
RING = [[117.64, 24.49], [117.66, 24.49], [117.66, 24.51], [117.64, 24.51], [117.64, 24.49]]
HOLE = [
    [117.645, 24.495],
    [117.645, 24.505],
    [117.655, 24.505],
    [117.655, 24.495],
    [117.645, 24.495],
]
FRAME = LocalFrame(117.65, 24.5)
LAYER = {"upper": 400, "upperReference": "AMSL", "lower": 100, "lowerReference": "AGL", "uom": "ft"}


def feature(**changes: Any) -> dict[str, Any]:
    said: dict[str, Any] = {
        "identifier": "A1",
        "country": "CHN",
        "type": "PROHIBITED",
        "variant": "COMMON",
        "zoneAuthority": [{"purpose": "INFORMATION"}],
        "name": [{"text": "Airfield", "lang": "en"}],
    }
    geometry = changes.pop("geometry", {"type": "Polygon", "coordinates": [RING], "layer": LAYER})
    return {"type": "Feature", "geometry": geometry, "properties": said | changes}


def collection(*features: object) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the standard's examples are not here")
def test_the_standards_examples_are_read_and_the_invalid_one_is_not() -> None:
    def read(name: str) -> zonefile.ZonesRead:
        return ed318.read(json.loads((EXAMPLES / name).read_text(encoding="utf-8")))

    found = read("Example_Collection.json").zones
    assert [zone.id for zone in found] == ["fra-nfz6547-1", "fra-nfz6547-2", "fra-abc1234"]
    assert [(zone.floor_m, zone.ceiling_m) for zone in found] == [(50, 150), (0, 50), (50, 150)]
    assert [len(zone.active or ()) for zone in found] == [2, 2, 0]
    assert len(read("Example_GeoZone_2_Layers.json").zones) == 2
    assert len(read("Example_GeoZone_with_extension.json").zones) == 1
    (round_one,) = read("Example_GeoZone_Circle.json").zones
    frame = LocalFrame(2.636866, 50.122901)
    shape = Polygon([frame.to_enu(*p) for p in round_one.area])
    assert shape.covers(Point(0, 0).buffer(3499.9))
    assert Point(0, 0).buffer(3500 * 1.02).covers(shape)
    with pytest.raises(ZoneFileError, match="validFrom"):
        read("InvalidExample_GeoZone_2_Layers.json")


def test_layers_holes_units_references_and_hours_are_kept() -> None:
    period = {
        "startDateTime": "2026-01-01T00:00:00Z",
        "schedule": [
            {"day": ["MON", "TUE"], "startTime": "16:00:00+08:00", "endTime": "17:00:00+08:00"}
        ],
    }
    geometry = {"type": "Polygon", "coordinates": [RING, HOLE], "layer": LAYER}
    (zone,) = ed318.read(
        collection(feature(geometry=geometry, limitedApplicability=[period]))
    ).zones
    assert (zone.id, zone.kind, zone.name) == ("chn-a1", "no_fly", "Airfield")
    assert (zone.floor_m, zone.floor_reference) == (pytest.approx(30.48), "agl")
    assert (zone.ceiling_m, zone.ceiling_reference) == (pytest.approx(121.92), "amsl")
    assert len(zone.holes) == 1
    assert zone.active is not None
    (hours,) = zone.active
    assert (hours.days, str(hours.start), hours.timezone) == (
        ("mon", "tue"),
        "16:00:00",
        "Etc/GMT-8",
    )


@pytest.mark.parametrize("kind", ["REQ_AUTHORIZATION", "CONDITIONAL", "USPACE"])
def test_what_asks_closes_unless_it_is_authorised(kind: str) -> None:
    asked = collection(feature(type=kind))
    assert len(ed318.read(asked).zones) == 1
    for name in ("A1", "CHN/A1"):
        read = ed318.read(asked, frozenset({name}))
        assert read.zones == ()
        assert read.left_out == (f"A1: {kind}, and authorised",)


def test_no_restriction_closes_nothing_and_prohibited_whatever_is_authorised() -> None:
    free = ed318.read(collection(feature(type="NO_RESTRICTION")))
    assert (free.zones, free.left_out) == ((), ("A1: NO_RESTRICTION closes nothing",))
    assert len(ed318.read(collection(feature()), frozenset({"A1"})).zones) == 1


def shape(coordinates: object, kind: str = "Polygon") -> dict[str, Any]:
    return feature(geometry={"type": kind, "coordinates": coordinates})


def layered(**layer: Any) -> dict[str, Any]:
    return feature(geometry={"type": "Polygon", "coordinates": [RING], "layer": layer})


def scheduled(**daily: Any) -> dict[str, Any]:
    return feature(limitedApplicability=[{"schedule": [{"day": ["ANY"], **daily}]}])


BOW_TIE = [[117.64, 24.49], [117.66, 24.51], [117.66, 24.49], [117.64, 24.51], [117.64, 24.49]]
POLE = [[lon, 79.0] for lon in (-180, -90, 0, 90, 180)] + [[-180, 79.0]]
MANY = [[117.64 + n * 1e-6, 24.49] for n in range(MOST_VERTICES)] + [
    [117.64, 24.51],
    [117.64, 24.49],
]


@pytest.mark.parametrize(
    ("broken", "field", "reason"),
    [
        (feature(type="REQ_AUTHORISATION"), "properties.type", "is no zone type; one of"),
        (feature(type=None), "properties.type", "is no zone type"),
        (feature(identifier=""), "properties.identifier", "1 to 30 characters"),
        (shape([RING[:-1]]), "coordinates", "not closed"),
        (shape([BOW_TIE]), "coordinates", "Self-intersection"),
        (shape([POLE]), "coordinates", "pole"),
        (shape([[[0, 89], [1, 89], [1, 90], [0, 89]]]), "coordinates", "latitude"),
        (shape([MANY]), "coordinates", "vertices; at most"),
        (shape([[["a", 1], [1, 1], [1, 2], ["a", 1]]]), "coordinates", "number"),
        (shape([RING, BOW_TIE]), "coordinates", "cannot be used"),
        (shape([[117.6, 24.4], [117.7, 24.5]], "LineString"), "geometry.type", "bounds no air"),
        (shape([117.6, 24.4], "Point"), "geometry.extent", "must be an object"),
        (feature(geometry=None), "geometry", "must be an object"),
        (
            feature(geometry={"type": "GeometryCollection", "geometries": []}),
            "geometries",
            "list of",
        ),
        (layered(upper=10, lower=20), "layer.lower", "is not below"),
        (layered(upper=10, upperReference="WGS84"), "layer.upperReference", "geoid"),
        (layered(upper="high"), "layer.upper", "is no height"),
        (layered(upper=10, uom="fathom"), "layer.uom", "is no unit"),
        (scheduled(startEvent="DAWN", endEvent="SS"), "startEvent", "one of BMCT, SR, SS, EECT"),
        (scheduled(startEvent="sr", endEvent="SS"), "startEvent", "is no daylight event"),
        (scheduled(startEvent=["SR"], endEvent="SS"), "startEvent", "is no daylight event"),
        (scheduled(startEvent="SR"), "endTime", "None is no time of day"),
        (
            scheduled(startEvent="SR", startTime="10:00:00Z", endEvent="SS"),
            "startEvent",
            "stands beside startTime",
        ),
        (scheduled(startTime="25:00:00Z", endTime="10:00:00Z"), "startTime", "is no time of day"),
        (scheduled(day=["XMAS"]), "day", "must be a list of"),
        (feature(limitedApplicability=[{"startDateTime": "soon"}]), "startDateTime", "no date and"),
        ("a feature", "features[1]", "must be an object"),
    ],
)
def test_what_is_not_sound_is_refused_whole_with_its_place(
    broken: Any, field: str, reason: str
) -> None:
    with pytest.raises(ZoneFileError) as caught:
        ed318.read(collection(feature(identifier="OK"), copy.deepcopy(broken)))
    assert "features[1]" in caught.value.field
    assert field in caught.value.field
    assert reason in caught.value.reason


def places(value: object, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where each value of a document stands."""
    yield at
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*at, key))


def whole_file() -> dict[str, Any]:
    ring = {"type": "Polygon", "coordinates": [RING, HOLE], "layer": LAYER}
    round_one = {
        "type": "Point",
        "coordinates": [117.65, 24.5],
        "extent": {"subType": "Circle", "radius": 500},
    }
    daily = [
        {"day": ["MON", "ANY"], "startTime": "08:00:00Z", "endTime": "10:00:00Z"},
        {"day": ["TUE"], "startEvent": "SR", "endEvent": "SS"},
    ]
    period = {"startDateTime": "2026-01-01T00:00:00Z", "schedule": daily}
    both = {"type": "GeometryCollection", "geometries": [ring, round_one]}
    one = feature(geometry=both, limitedApplicability=[period])
    return copy.deepcopy(collection(one, feature(identifier="B2"))) | {"metadata": {}}


JUNK = st.sampled_from([None, True, -1, 1e308, math.nan, "", "x", [], {}, [[]], [{}], {"a": 1}])


@settings(max_examples=300)
@given(at=st.sampled_from(sorted(places(whole_file()), key=str)), junk=JUNK)
def test_junk_anywhere_in_a_file_is_read_or_refused_with_its_place(
    at: tuple[Any, ...], junk: object
) -> None:
    document: Any = {"whole": whole_file()}
    holder, key = document, "whole"
    for step in at:
        holder, key = holder[key], step
    holder[key] = copy.deepcopy(junk)
    for reader in (ed318.read, zonejson.read):
        with contextlib.suppress(ZoneFileError):
            reader(document["whole"])


def test_a_circle_needs_a_radius() -> None:
    point = {"type": "Point", "coordinates": [117.65, 24.5], "extent": {"subType": "Circle"}}
    with pytest.raises(ZoneFileError, match=r"extent.radius: None must be"):
        ed318.read(collection(feature(geometry=point)))
    with pytest.raises(ZoneFileError, match="subType"):
        ed318.read(collection(feature(geometry={**point, "extent": {"subType": "Square"}})))


def test_geojson_comes_back_as_it_was_written() -> None:
    document = collection(
        {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [RING, HOLE]},
            "properties": {
                "id": "market",
                "name": "Night market",
                "ceiling_m": 90,
                "ceiling_reference": "amsl",
                "active": [{"days": ["fri"], "start": "18:00", "end": "02:00"}],
            },
        },
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [117.65, 24.5]},
            "properties": {"id": "fire", "radius_m": 300},
        },
    )
    read = zonejson.read(document).zones
    written = json.loads(json.dumps(zonejson.write([(zone, {}) for zone in read])))
    assert zonejson.read(written).zones == read
    assert read[0].active is not None
    assert len(read[1].area) == zonefile.CORNERS


@pytest.mark.parametrize(
    ("properties", "field"),
    [
        ({"kind": "no-fly"}, "properties.kind"),
        ({"id": "Not a slug"}, "properties.id"),
        ({"floor_m": 90, "ceiling_m": 80}, "properties.floor_m"),
        ({"active": [{"start": "18:00"}]}, "properties.active.0"),
        ({"colour": "red"}, "properties.colour"),
    ],
)
def test_geojson_that_is_not_sound_is_refused(properties: dict[str, Any], field: str) -> None:
    one = {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [RING]},
        "properties": properties,
    }
    with pytest.raises(ZoneFileError) as caught:
        zonejson.read(collection(one))
    assert f"features[0].{field}" in caught.value.field


def active(zone: Any, start: datetime, hours: float) -> list[tuple[datetime, datetime]]:
    return active_spans(zone.active, "Asia/Shanghai", start, start + timedelta(hours=hours))


def close(found: datetime, wanted: datetime, minutes: float = 4) -> bool:
    return abs(found - wanted) < timedelta(minutes=minutes)


CHINA = timezone(timedelta(hours=8))


def test_a_zone_of_the_daylight_is_active_from_sunrise_to_sunset_over_it() -> None:
    """Zhangzhou on 22 November: the sun rises at 6:30 and sets at 17:21."""
    (zone,) = ed318.read(collection(scheduled(startEvent="SR", endEvent="SS"))).zones
    (hours,) = zone.active or ()
    assert hours.place == pytest.approx((117.65, 24.5))
    midnight = datetime(2026, 11, 22, tzinfo=CHINA)
    ((begin, end),) = active(zone, midnight, 24)
    assert close(begin, midnight.replace(hour=6, minute=28))
    assert close(end, midnight.replace(hour=17, minute=23))
    noon = midnight + timedelta(hours=12)
    assert active_between(zone.active, "Asia/Shanghai", noon, noon)
    assert not active_between(zone.active, "Asia/Shanghai", midnight, midnight)
    for hour in range(24):  # whatever is asked of it
        at = midnight + timedelta(hours=hour)
        assert active_between(zone.active, "Asia/Shanghai", at, at) == (7 <= hour <= 17)


def test_a_zone_of_the_night_lasts_over_midnight_on_the_days_of_the_city() -> None:
    night = scheduled(startEvent="EECT", endEvent="BMCT", day=["SUN"])
    (zone,) = ed318.read(collection(night)).zones
    sunday = datetime(2026, 11, 22, tzinfo=CHINA)
    ((begin, end),) = active(zone, sunday - timedelta(days=1), 72)
    assert close(begin, sunday.replace(hour=17, minute=43))
    assert close(end, (sunday + timedelta(days=1)).replace(hour=6, minute=8))


def test_the_sun_and_a_clock_together() -> None:
    (zone,) = ed318.read(collection(scheduled(startTime="06:00:00+08:00", endEvent="SS"))).zones
    midnight = datetime(2026, 11, 22, tzinfo=CHINA)
    ((begin, end),) = active(zone, midnight, 24)
    assert begin == midnight.replace(hour=6)
    assert close(end, midnight.replace(hour=17, minute=23))
    (zone,) = ed318.read(collection(scheduled(startEvent="SR", endTime="10:00:00Z"))).zones
    assert [close(b, b.replace(hour=22, minute=28)) for b, _ in active(zone, midnight, 48)[1:]]
    assert {e.hour for _, e in active(zone, midnight, 48)} == {10}


def test_where_the_sun_does_not_rise_the_zone_is_active_all_day() -> None:
    ring = [[15.0, 69.6], [15.1, 69.6], [15.1, 69.7], [15.0, 69.7], [15.0, 69.6]]
    said = [{"schedule": [{"day": ["ANY"], "startEvent": "SR", "endEvent": "SS"}]}]
    polar = feature(limitedApplicability=said, geometry={"type": "Polygon", "coordinates": [ring]})
    (zone,) = ed318.read(collection(polar)).zones
    dark = datetime(2026, 12, 21, tzinfo=UTC)
    for hour in range(24):
        at = dark + timedelta(hours=hour)
        assert active_between(zone.active, "Europe/Oslo", at, at)


def test_a_zone_with_more_than_one_sun_is_refused() -> None:
    ring = [[117.0, 24.0], [118.0, 24.0], [118.0, 24.1], [117.0, 24.1], [117.0, 24.0]]
    said = [{"schedule": [{"day": ["ANY"], "startEvent": "SR", "endEvent": "SS"}]}]
    wide = feature(limitedApplicability=said, geometry={"type": "Polygon", "coordinates": [ring]})
    with pytest.raises(ZoneFileError, match=r"schedule\[0\]: daylight events of a zone 1.00 degr"):
        ed318.read(collection(wide))
