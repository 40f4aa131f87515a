"""MISB ST 0601 UAS datalink local set: the pose that travels with the picture, written.

Formulas are those of MISB ST 0601.17: integers are linear maps of the range of each item, the most
negative value of a signed item says "out of range", and the checksum (item 1, last) is the 16-bit
sum of section 6.3 over everything before it, its own tag and length included.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

KEY = bytes.fromhex("060e2b34020b01010e01030101000000")
VERSION = 17

PITCH_LIMIT_DEG = 20.0
ROLL_LIMIT_DEG = 50.0


@dataclass(frozen=True, slots=True)
class Frame:
    """What item values are made from.

    Angles are degrees, positions WGS-84, heights metres above mean sea level.
    ``azimuth``, ``elevation`` and ``rotation`` are the sensor's, relative to the platform.
    ``slant_range_m`` and the frame's centre are None where the optical axis meets no ground.
    """

    time_us: int
    heading_deg: float
    pitch_deg: float
    roll_deg: float
    platform: str
    lat: float
    lon: float
    altitude_m: float
    hfov_deg: float
    vfov_deg: float
    azimuth_deg: float
    elevation_deg: float
    rotation_deg: float
    slant_range_m: float | None = None
    centre_lat: float | None = None
    centre_lon: float | None = None
    centre_elevation_m: float | None = None


def checksum(data: bytes) -> int:
    """Return the 16-bit sum of ST 0601: bytes at even places count 256-fold."""
    return (sum(data[0::2]) * 256 + sum(data[1::2])) & 0xFFFF


def length(count: int) -> bytes:
    """Return a BER length: short form below 128, else long form.

    Raises
    ------
    ValueError
        If the count is negative or above 65535.
    """
    if not 0 <= count <= 0xFFFF:
        raise ValueError(f"length {count}: must be 0..65535")
    if count < 128:
        return bytes([count])
    if count < 256:
        return bytes([0x81, count])
    return struct.pack(">BH", 0x82, count)


def unsigned(value: float, low: float, high: float, size: int) -> bytes:
    """Return a value of low..high mapped on all of an unsigned integer; beyond, the nearest end."""
    top = (1 << (8 * size)) - 1
    share = (value - low) / (high - low)
    return round(min(max(share, 0.0), 1.0) * top).to_bytes(size, "big")


def signed(value: float, limit: float, size: int) -> bytes:
    """Return a value of -limit..limit mapped on a signed integer; beyond, the "out of range" mark."""
    top = (1 << (8 * size - 1)) - 1
    if not abs(value) <= limit:
        return (-top - 1).to_bytes(size, "big", signed=True)
    return round(value / limit * top).to_bytes(size, "big", signed=True)


def _turn(angle: float) -> float:
    return angle % 360.0


def _half_turn(angle: float) -> float:
    return (angle + 180.0) % 360.0 - 180.0


def items(frame: Frame) -> list[tuple[int, bytes]]:
    """Return the items of a frame in the order they are sent, without the checksum."""
    out = [
        (2, struct.pack(">Q", frame.time_us)),
        (5, unsigned(_turn(frame.heading_deg), 0, 360, 2)),
        (6, signed(frame.pitch_deg, PITCH_LIMIT_DEG, 2)),
        (7, signed(frame.roll_deg, ROLL_LIMIT_DEG, 2)),
        (10, frame.platform.encode("utf-8")[:127]),
        (13, signed(frame.lat, 90, 4)),
        (14, signed(frame.lon, 180, 4)),
        (15, unsigned(frame.altitude_m, -900, 19000, 2)),
        (16, unsigned(frame.hfov_deg, 0, 180, 2)),
        (17, unsigned(frame.vfov_deg, 0, 180, 2)),
        (18, unsigned(_turn(frame.azimuth_deg), 0, 360, 4)),
        (19, signed(_half_turn(frame.elevation_deg), 180, 4)),
        (20, unsigned(_turn(frame.rotation_deg), 0, 360, 4)),
    ]
    if frame.slant_range_m is not None:
        out.append((21, unsigned(frame.slant_range_m, 0, 5_000_000, 4)))
    if frame.centre_lat is not None and frame.centre_lon is not None:
        out += [(23, signed(frame.centre_lat, 90, 4)), (24, signed(frame.centre_lon, 180, 4))]
    if frame.centre_elevation_m is not None:
        out.append((25, unsigned(frame.centre_elevation_m, -900, 19000, 2)))
    out.append((65, bytes([VERSION])))
    if abs(frame.pitch_deg) > PITCH_LIMIT_DEG:
        out.append((90, signed(frame.pitch_deg, 90, 4)))
    if abs(frame.roll_deg) > ROLL_LIMIT_DEG:
        out.append((91, signed(frame.roll_deg, 90, 4)))
    return out


def encode(frame: Frame) -> bytes:
    """Return a frame as one local set: key, length, items, checksum.

    Raises
    ------
    ValueError
        If an angle or height is not a finite number.
    """
    for name in ("heading_deg", "pitch_deg", "roll_deg", "lat", "lon", "altitude_m"):
        if not math.isfinite(value := getattr(frame, name)):
            raise ValueError(f"{name} is {value!r}: must be a finite number")
    body = b"".join(bytes([tag]) + length(len(value)) + value for tag, value in items(frame))
    head = KEY + length(len(body) + 4) + body + bytes([1, 2])
    return head + struct.pack(">H", checksum(head))
