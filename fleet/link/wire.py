"""What must be known of each MAVLink message to judge a frame without decoding it.

Tables by message id, made once from pymavlink's dialect: the extra byte of the checksum, where
``target_system`` stands, and where ``time_boot_ms`` stands in those streams that keep time well.
"""

from __future__ import annotations

import struct
from binascii import crc_hqx
from typing import Any, Final

from pymavlink.dialects.v20 import development as mav

V1: Final = 0xFE
V2: Final = 0xFD
SIGNED: Final = 0x01
"""MAVLINK_IFLAG_SIGNED, the only incompatibility flag there is: 13 bytes follow the checksum."""
SIGNATURE: Final = 13

HEARTBEAT: Final = 0
SYS_STATUS: Final = 1
SYSTEM_TIME: Final = 2
PING: Final = 4
PARAM_VALUE: Final = 22
GPS_RAW_INT: Final = 24
ATTITUDE: Final = 30
ATTITUDE_QUATERNION: Final = 31
LOCAL_POSITION_NED: Final = 32
GLOBAL_POSITION_INT: Final = 33
MISSION_CURRENT: Final = 42
MISSION_ITEM_REACHED: Final = 46
MISSION_ACK: Final = 47
VFR_HUD: Final = 74
TIMESYNC: Final = 111
COMMAND_ACK: Final = 77
WIND_COV: Final = 231
HOME_POSITION: Final = 242
EXTENDED_SYS_STATE: Final = 245
ADSB_VEHICLE: Final = 246
STATUSTEXT: Final = 253

AUTOPILOT: Final = 1
"""MAV_COMP_ID_AUTOPILOT1."""
STATION: Final = 245
"""System id that this controller speaks as, which is mavsdk's for a ground station."""

_YOUNGER = {8: 117, 380: 232, 410: 160, 411: 106, 412: 33, 413: 77}
"""Checksum extras of messages that PX4 sends and pymavlink's dialect does not have."""

REVERSED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
"""Each byte with its bits the other way round."""


def _extras() -> dict[int, bytes]:
    found = {number: kind.crc_extra for number, kind in mav.mavlink_map.items()} | _YOUNGER
    return {number: REVERSED[extra : extra + 1] for number, extra in found.items()}


CRC_EXTRA: Final = _extras()
"""The byte that ends a message's checksum, bits reversed, by message id."""


def checked(reversed_frame: bytes, start: int, end: int, extra: bytes) -> bool:
    """Say whether a frame's checksum is right.

    MAVLink's is CRC-16/MCRF4XX, which is ``crc_hqx`` with all bits reversed; so one call of the
    standard library does it, some twenty times as fast as a loop in Python.

    Parameters
    ----------
    reversed_frame
        Bytes that went through ``translate(REVERSED)``.
    start, end
        The first byte after the magic one, and the first byte of the checksum.
    extra
        From ``CRC_EXTRA``.
    """
    crc = crc_hqx(reversed_frame[start:end] + extra, 0xFFFF)
    return crc == reversed_frame[end] << 8 | reversed_frame[end + 1]


def _offsets(field: str) -> dict[int, int]:
    """Return where a field stands in the payload, by message id."""
    found: dict[int, int] = {}
    for number, kind in mav.mavlink_map.items():
        names = kind.ordered_fieldnames
        if field in names:
            codes = _codes(kind)
            found[number] = struct.calcsize("<" + "".join(codes[: names.index(field)]))
    return found


def _codes(kind: Any) -> list[str]:
    """Return the struct code of each field in wire order, arrays with their count."""
    codes, count = [], ""
    for char in kind.unpacker.format.lstrip("<"):
        if char.isdigit():
            count += char
        else:
            codes.append(count + char)
            count = ""
    return codes


TARGET_AT: Final = _offsets("target_system")
"""Offset of ``target_system`` in the payload, for the messages that have one."""

BOOT_TIME_AT: Final = {
    number: offset
    for number, offset in _offsets("time_boot_ms").items()
    if number
    in {SYSTEM_TIME, ATTITUDE, ATTITUDE_QUATERNION, LOCAL_POSITION_NED, GLOBAL_POSITION_INT}
}
"""Offset of ``time_boot_ms``, in those streams that are only sent when there is a new value.

Others (setpoints, the state of a gimbal) may repeat an old one with its old time.
"""

_UNPACK = {number: kind.unpacker for number, kind in mav.mavlink_map.items()}


def payload(raw: bytes) -> bytes:
    """Return the payload of a whole frame; MAVLink 2 leaves zeros at the end out."""
    start = 10 if raw[0] == V2 else 6
    return raw[start : start + raw[1]]


def message_id(raw: bytes) -> int:
    """Return the message id of a whole frame."""
    return raw[7] | raw[8] << 8 | raw[9] << 16 if raw[0] == V2 else raw[5]


def target(raw: bytes) -> int:
    """Return the system that a whole frame is meant for; 0 for all."""
    at = TARGET_AT.get(message_id(raw))
    if at is None or at >= raw[1]:
        return 0
    return raw[at + (10 if raw[0] == V2 else 6)]


def fields(raw: bytes) -> tuple[Any, ...]:
    """Return the values of a frame as they stand on the wire (larger types first), arrays flat.

    Some ten times as fast as pymavlink's ``decode``, which is for messages that come seldom.

    Raises
    ------
    KeyError
        If the dialect has no such message.
    """
    unpacker = _UNPACK[message_id(raw)]
    data = payload(raw)[: unpacker.size]
    return tuple(unpacker.unpack(data.ljust(unpacker.size, b"\0")))
