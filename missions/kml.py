"""KML: placemarks read to what there is to fly, and orders written as placemarks (OGC 12-007r2).

A file is read with nothing but its own text: one that declares a document type, and so could
declare entities, is refused.
"""

from __future__ import annotations

import xml.parsers.expat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NoReturn
from xml.sax.saxutils import escape

from missions.drawing import MOST_DRAWINGS, Drawing, DrawingKind, check_size, geometry
from missions.errors import ExchangeError
from missions.geojson import LineString, LonLat, Point, Polygon

DEEPEST = 60
MOST_ELEMENTS = 100_000
NAMESPACE = "http://www.opengis.net/kml/2.2"
KINDS: dict[str, DrawingKind] = {"Point": "stare", "LineString": "route", "Polygon": "area"}
"""What a placemark's geometry is taken to be, where the file does not say."""
_NUMBERS = ("altitude_m", "speed_m_s", "width_m", "radius_m", "turns", "hold_s", "side_overlap")
_SAID: tuple[DrawingKind, ...] = ("area", "corridor", "orbit", "stare", "route", "search")


@dataclass(slots=True)
class _Element:
    """An element without its namespace."""

    name: str
    line: int
    text: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[_Element] = field(default_factory=list)

    def every(self, *names: str) -> Iterator[_Element]:
        """Yield the elements below it of these names, not those within each other."""
        for child in self.children:
            if child.name in names:
                yield child
            else:
                yield from child.every(*names)

    def child(self, name: str) -> _Element | None:
        """Return its first child of a name."""
        return next((child for child in self.children if child.name == name), None)


def read(text: str) -> tuple[Drawing, ...]:
    """Return the placemarks of a KML file, those in folders and collections too.

    Raises
    ------
    ExchangeError
        If it is none, declares a document type, or a geometry cannot be used; names the line.
    """
    check_size(text)
    root = _parse(text)
    if root.name != "kml":
        raise ExchangeError(f"line {root.line}", f"<{root.name}> is no <kml>")
    found: list[Drawing] = []
    for placemark in root.every("Placemark"):
        found += _placemark(placemark)
    if not found:
        raise ExchangeError("file", "has no Placemark with a Point, LineString or Polygon")
    if len(found) > MOST_DRAWINGS:
        raise ExchangeError("file", f"{len(found)} geometries; at most {MOST_DRAWINGS}")
    return tuple(found)


class _Reader:
    def __init__(self) -> None:
        self.root: _Element | None = None
        self._open: list[_Element] = []
        self._count = 0
        self.parser = xml.parsers.expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        line = self.parser.CurrentLineNumber
        self._count += 1
        if self._count > MOST_ELEMENTS or len(self._open) >= DEEPEST:
            raise ExchangeError(
                f"line {line}", f"more than {MOST_ELEMENTS} elements, or {DEEPEST} in each other"
            )
        element = _Element(name.rpartition(" ")[2], line, attributes=attributes)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def _end(self, _name: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        if self._open:
            self._open[-1].text += text

    def _doctype(self, *_: object) -> NoReturn:
        raise ExchangeError(
            f"line {self.parser.CurrentLineNumber}", "declares a document type, which is not read"
        )


def _parse(text: str) -> _Element:
    reader = _Reader()
    try:
        reader.parser.Parse(text.encode(), True)
    except xml.parsers.expat.ExpatError as error:
        raise ExchangeError("file", f"is no XML: {error}") from error
    except (UnicodeError, LookupError, ValueError) as error:
        if isinstance(error, ExchangeError):
            raise
        raise ExchangeError("file", f"is no XML: {error}") from error
    assert reader.root is not None
    return reader.root


def _placemark(placemark: _Element) -> Iterator[Drawing]:
    """Yield what a placemark has; several geometries of one have its name and its data."""
    named = placemark.child("name")
    name = named.text.strip()[:200] if named is not None else ""
    said = {
        data.attributes.get("name", ""): (value.text.strip() if value is not None else "")
        for data in placemark.every("Data")
        for value in [data.child("value")]
    }
    for shape in placemark.every("Point", "LineString", "Polygon"):
        found = _geometry(shape)
        kind = said.get("skybeat:kind", KINDS[shape.name])
        if kind not in _SAID:
            raise ExchangeError(f"line {shape.line}", f"skybeat:kind {kind!r} is none of {_SAID}")
        more: dict[str, float] = {}
        for key in _NUMBERS:
            if f"skybeat:{key}" in said:
                more[key] = _number(f"line {placemark.line}", said[f"skybeat:{key}"])
        yield Drawing(kind, found, name, **more)


def _geometry(shape: _Element) -> Point | LineString | Polygon:
    where = f"line {shape.line}"
    if shape.name != "Polygon":
        places = _places(shape, where)
        if shape.name == "LineString":
            return geometry(where, "LineString", places)
        if len(places) != 1:
            raise ExchangeError(where, f"a Point has one position, not {len(places)}")
        return geometry(where, "Point", places[0])
    rings: list[list[LonLat]] = []
    for boundary in ("outerBoundaryIs", "innerBoundaryIs"):
        for side in [child for child in shape.children if child.name == boundary]:
            rings += [_places(ring, f"line {ring.line}") for ring in side.every("LinearRing")]
        if boundary == "outerBoundaryIs" and len(rings) != 1:
            raise ExchangeError(where, f"a Polygon has one outer boundary, not {len(rings)}")
    return geometry(where, "Polygon", rings)


def _places(shape: _Element, where: str) -> list[LonLat]:
    """Return the positions of a geometry; heights are ordered apart."""
    said = shape.child("coordinates")
    if said is None:
        raise ExchangeError(where, f"the {shape.name} has no coordinates")
    places = []
    for one in said.text.split():
        numbers = one.split(",")
        if len(numbers) not in (2, 3):
            raise ExchangeError(where, f"{one[:60]!r} is no longitude,latitude[,height]")
        lon, lat = (_number(where, number) for number in numbers[:2])
        places.append((lon, lat))
    return places


def _number(where: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ExchangeError(where, f"{text[:60]!r} is no number") from None


def write(name: str, drawings: Sequence[Drawing]) -> str:
    """Return a KML file with a placemark for each drawing.

    What KML has no word for (kind, width, turns ...) stands in its ExtendedData as ``skybeat:...``.
    """
    marks = "".join(_mark(drawing) for drawing in drawings)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<kml xmlns="{NAMESPACE}"><Document><name>{_plain(name)}</name>\n{marks}</Document></kml>\n'
    )


def _mark(drawing: Drawing) -> str:
    said = {"kind": drawing.kind} | {
        key: repr(float(value)) for key in _NUMBERS if (value := getattr(drawing, key)) is not None
    }
    data = "".join(
        f'<Data name="skybeat:{key}"><value>{value}</value></Data>' for key, value in said.items()
    )
    return (
        f"<Placemark><name>{_plain(drawing.name)}</name><ExtendedData>{data}</ExtendedData>"
        f"{_shape(drawing)}</Placemark>\n"
    )


def _shape(drawing: Drawing) -> str:
    shape, height = drawing.geometry, drawing.altitude_m or 0.0
    mode = "relativeToGround" if drawing.altitude_m is not None else "clampToGround"
    how = f"<altitudeMode>{mode}</altitudeMode>"

    def places(ring: Sequence[LonLat]) -> str:
        text = " ".join(f"{lon!r},{lat!r},{height!r}" for lon, lat in ring)
        return f"<coordinates>{text}</coordinates>"

    if not isinstance(shape, Polygon):
        return f"<{shape.type}>{how}{places(shape.vertices)}</{shape.type}>"
    outer, *inner = (f"<LinearRing>{places(ring)}</LinearRing>" for ring in shape.coordinates)
    holes = "".join(f"<innerBoundaryIs>{ring}</innerBoundaryIs>" for ring in inner)
    return f"<Polygon>{how}<outerBoundaryIs>{outer}</outerBoundaryIs>{holes}</Polygon>"


def _plain(text: str) -> str:
    """Return a text as XML has it, without what XML cannot hold."""
    kept = "".join(c for c in text if c.isprintable() and not "\ud800" <= c <= "\udfff")
    return escape(kept)
