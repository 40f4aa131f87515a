"""MISB ST 0601 (UAS Datalink Local Set) in and out: the pose that travels with the picture.

A packet is a 16-byte universal label, a BER length, and tag-length-value items; the last item is
tag 1, a 16-bit running sum over everything before its value. Integers are big-endian and mapped
linearly onto a range (ST 0601, section 8); the lowest value of a signed integer means "out of
range" and an item without bytes "not known": both decode to ``None``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from vision.errors import KlvError

LABEL = bytes.fromhex("060e2b34020b01010e01030101000000")
"""Universal label of the UAS Datalink Local Set."""

VERSION = 19
"""ST 0601 revision that `encode` writes into tag 65."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Map(NamedTuple):
    """Linear map of an integer of `size` bytes onto ``low .. high``."""

    name: str
    size: int
    low: float
    high: float
    signed: bool = False


_MAPS: dict[int, _Map] = {
    5: _Map("heading_deg", 2, 0, 360),
    6: _Map("pitch_deg", 2, -20, 20, True),
    7: _Map("roll_deg", 2, -50, 50, True),
    13: _Map("lat", 4, -90, 90, True),
    14: _Map("lon", 4, -180, 180, True),
    15: _Map("altitude_amsl_m", 2, -900, 19000),
    16: _Map("hfov_deg", 2, 0, 180),
    17: _Map("vfov_deg", 2, 0, 180),
    18: _Map("sensor_azimuth_deg", 4, 0, 360),
    19: _Map("sensor_elevation_deg", 4, -180, 180, True),
    20: _Map("sensor_roll_deg", 4, 0, 360),
    21: _Map("slant_range_m", 4, 0, 5_000_000),
    23: _Map("centre_lat", 4, -90, 90, True),
    24: _Map("centre_lon", 4, -180, 180, True),
    25: _Map("centre_elevation_m", 2, -900, 19000),
    90: _Map("pitch_deg", 4, -90, 90, True),
    91: _Map("roll_deg", 4, -90, 90, True),
}
_WIDE = {6: 90, 7: 91}
"""Tag that takes over where a value passes the range of the first."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What one packet says. Angles in degrees, lengths in metres; ``None`` where it does not say.

    ``heading_deg``, ``pitch_deg`` and ``roll_deg`` are the platform's (nose up and right wing down
    positive); ``sensor_*`` are the camera's relative to it (see `vision.camera`). ``centre_*`` is
    where the optical axis meets the ground.
    """

    captured_at: datetime | None = None
    platform: str | None = None
    heading_deg: float | None = None
    pitch_deg: float | None = None
    roll_deg: float | None = None
    lat: float | None = None
    lon: float | None = None
    altitude_amsl_m: float | None = None
    hfov_deg: float | None = None
    vfov_deg: float | None = None
    sensor_azimuth_deg: float | None = None
    sensor_elevation_deg: float | None = None
    sensor_roll_deg: float | None = None
    slant_range_m: float | None = None
    centre_lat: float | None = None
    centre_lon: float | None = None
    centre_elevation_m: float | None = None


def checksum(packet: bytes) -> int:
    """Return the 16-bit running sum of `packet` (without the two bytes of the sum itself).

    ST 0601 section 6.2: bytes at even offsets count 256-fold, modulo 65536.
    """
    return (256 * sum(packet[0::2]) + sum(packet[1::2])) & 0xFFFF


def decode(data: bytes) -> Metadata:
    """Return what the first local set in `data` says.

    Parameters
    ----------
    data
        Bytes that hold one packet; a header before the label (metadata access unit) is skipped.

    Raises
    ------
    KlvError
        If there is no label, a length does not fit, or the checksum is missing or wrong.
    """
    start = data.find(LABEL)
    if start < 0:
        raise KlvError(f"no ST 0601 label in {len(data)} bytes that begin {data[:16].hex()}")
    packet = data[start:]
    length, offset = _ber(packet, len(LABEL))
    end = offset + length
    if end > len(packet):
        raise KlvError(f"packet says {length} bytes of value, {len(packet) - offset} are there")
    values: dict[str, object] = {}
    summed = False
    for tag, first, size in _items(packet, offset, end):
        raw = packet[first : first + size]
        if tag == 1:
            if size != 2 or int.from_bytes(raw) != checksum(packet[:first]):
                raise KlvError(
                    f"checksum is {raw.hex()}, {checksum(packet[:first]):04x} was computed"
                )
            summed = True
        elif tag == 2:
            values["captured_at"] = _time(raw)
        elif tag == 10:
            values["platform"] = raw.decode("utf-8", errors="replace")
        elif tag in _MAPS:
            _take(values, tag, raw)
    if not summed:
        raise KlvError("packet has no checksum (tag 1)")
    return Metadata(**values)  # type: ignore[arg-type]  # names come from the table above


def encode(meta: Metadata) -> bytes:
    """Return `meta` as one packet with tags 2, 65 and 1, and each value that is not ``None``.

    Pitch and roll go into tags 6 and 7, and into 90 and 91 where they pass +-20 and +-50 degrees.

    Raises
    ------
    KlvError
        If a value lies outside the range that its tag can hold.
    """
    if meta.captured_at is None:
        raise KlvError("captured_at is None, tag 2 must come first in every packet")
    body = _item(2, ((meta.captured_at - _EPOCH) // timedelta(microseconds=1)).to_bytes(8))
    if meta.platform is not None:
        body += _item(10, meta.platform.encode())
    for tag, spec in _MAPS.items():
        value = getattr(meta, spec.name)
        if value is None or tag in _WIDE.values():
            continue
        if not spec.low <= value <= spec.high and tag in _WIDE:
            tag = _WIDE[tag]
        body += _item(tag, _to_integer(tag, value))
    body += _item(65, bytes([VERSION])) + b"\x01\x02"
    packet = LABEL + _ber_length(len(body) + 2) + body
    return packet + checksum(packet).to_bytes(2)


def _items(packet: bytes, offset: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield (tag, offset of the value, size) of each item."""
    while offset < end:
        tag = packet[offset] & 0x7F
        while packet[offset] & 0x80:  # BER-OID: tags of 128 and more take several bytes
            offset += 1
            if offset >= end:
                raise KlvError(f"tag at byte {offset} runs past the packet's end")
            tag = tag << 7 | packet[offset] & 0x7F
        size, offset = _ber(packet, offset + 1)
        if offset + size > end:
            raise KlvError(f"tag {tag} says {size} bytes, {end - offset} are there")
        yield tag, offset, size
        offset += size


def _take(values: dict[str, object], tag: int, raw: bytes) -> None:
    spec = _MAPS[tag]
    if not raw:
        return
    if len(raw) != spec.size:
        raise KlvError(f"tag {tag} has {len(raw)} bytes, {spec.size} are allowed")
    value = _from_integer(spec, raw)
    if tag in _WIDE.values() or spec.name not in values:  # the wide tag outranks the narrow one
        values[spec.name] = value


def _from_integer(spec: _Map, raw: bytes) -> float | None:
    number = int.from_bytes(raw, signed=spec.signed)
    bits = 8 * spec.size
    if not spec.signed:
        return spec.low + number * (spec.high - spec.low) / (2**bits - 1)
    if number == -(2 ** (bits - 1)):
        return None
    return number * (spec.high - spec.low) / (2**bits - 2)


def _to_integer(tag: int, value: float) -> bytes:
    spec = _MAPS[tag]
    if not spec.low <= value <= spec.high:
        raise KlvError(f"{spec.name} is {value!r}, tag {tag} holds {spec.low} to {spec.high}")
    bits = 8 * spec.size
    if spec.signed:
        number = round(value * (2**bits - 2) / (spec.high - spec.low))
    else:
        number = round((value - spec.low) * (2**bits - 1) / (spec.high - spec.low))
    return number.to_bytes(spec.size, signed=spec.signed)


def _time(raw: bytes) -> datetime | None:
    if not raw:
        return None
    if len(raw) != 8:
        raise KlvError(f"tag 2 has {len(raw)} bytes, 8 are allowed")
    try:
        return _EPOCH + timedelta(microseconds=int.from_bytes(raw))
    except OverflowError as error:
        raise KlvError(f"tag 2 is {raw.hex()}, past the year 9999") from error


def _item(tag: int, raw: bytes) -> bytes:
    return bytes([tag]) + _ber_length(len(raw)) + raw


def _ber_length(length: int) -> bytes:
    if length < 128:
        return bytes([length])
    raw = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes([0x80 | len(raw)]) + raw


def _ber(packet: bytes, offset: int) -> tuple[int, int]:
    """Return the BER length at `offset` and the offset behind it."""
    if offset >= len(packet):
        raise KlvError(f"packet ends at byte {len(packet)}, where a length should be")
    first = packet[offset]
    if first < 128:
        return first, offset + 1
    count = first & 0x7F
    raw = packet[offset + 1 : offset + 1 + count]
    if not 1 <= count <= 4 or len(raw) < count:
        raise KlvError(f"length at byte {offset} has {count} bytes, 1 to 4 are allowed")
    return int.from_bytes(raw), offset + 1 + count


assert {spec.name for spec in _MAPS.values()} <= {f.name for f in fields(Metadata)}
