"""MAVLink 2 frames, packed with pymavlink's layouts but without its per-message objects.

A vehicle sends about 400 messages a second; making and packing a pymavlink object for each would
cost several times what the struct layout behind it costs.
"""

from __future__ import annotations

import struct
from typing import Any

from pymavlink.dialects.v20 import common as mav

_HEADER = struct.Struct("<BBBBBBHB")
_CRC = struct.Struct("<H")
_STX = b"\xfd"


def _slow_crc(data: bytes) -> int:
    return int(mav.x25crc(data).crc)


try:  # what pymavlink itself uses where it is there, without an object for each frame
    from fastcrc.crc16 import mcrf4xx
except ImportError:
    _crc = _slow_crc
else:
    _INIT = 0xFFFF

    def _crc(data: bytes) -> int:
        return int(mcrf4xx(data, _INIT))


class Layout:
    """How one message is laid out on the wire.

    Parameters
    ----------
    msgid, crc_extra
        Its number, and the seed that guards its layout.
    packer
        Payload layout; fields in wire order, extensions last.
    """

    __slots__ = ("crc_extra", "msgid", "name", "number", "pack")

    def __init__(self, msgid: int, crc_extra: int, packer: struct.Struct, name: str) -> None:
        self.msgid = msgid
        self.number = msgid & 0xFFFF, msgid >> 16
        self.crc_extra = bytes((crc_extra,))
        self.pack = packer.pack
        self.name = name


def layout(message: str) -> Layout:
    """Return the layout of a message that pymavlink's common dialect knows, by lower-case name."""
    cls = getattr(mav, f"MAVLink_{message}_message")
    return Layout(cls.id, cls.crc_extra, cls.unpacker, message.upper())


class Encoder:
    """Puts payloads into MAVLink 2 frames, with the sequence number of one link."""

    __slots__ = ("_component", "_seq", "_system")

    def __init__(self, system: int, component: int) -> None:
        self._system = system
        self._component = component
        self._seq = 0

    def frame(self, shape: Layout, payload: bytes) -> bytes:
        """Return one frame; trailing zero bytes of the payload are left out, as MAVLink 2 does."""
        payload = payload.rstrip(b"\0") or b"\0"
        seq = self._seq
        self._seq = (seq + 1) & 0xFF
        body = (
            _HEADER.pack(len(payload), 0, 0, seq, self._system, self._component, *shape.number)
            + payload
        )
        return b"".join((_STX, body, _CRC.pack(_crc(body + shape.crc_extra))))

    def message(self, message: Any) -> bytes:
        """Return one frame for a pymavlink message object."""
        fields = [getattr(message, name) for name in message.ordered_fieldnames]
        flat: list[Any] = []
        for value, count in zip(fields, _counts(message), strict=True):
            if isinstance(value, str):
                flat.append(value.encode("utf-8", "replace"))
            elif count and not isinstance(value, bytes):
                flat.extend(value)
            else:
                flat.append(value)
        cls = type(message)  # STATUSTEXT has a field named id, which hides the number
        shape = Layout(cls.id, cls.crc_extra, cls.unpacker, cls.msgname)
        return self.frame(shape, cls.unpacker.pack(*flat))


def _counts(message: Any) -> list[int]:
    """Return the array lengths of a message's fields in wire order."""
    return [
        length if kind != "char" else 0
        for length, kind in zip(
            message.array_lengths,
            (message.fieldtypes[message.fieldnames.index(n)] for n in message.ordered_fieldnames),
            strict=True,
        )
    ]
