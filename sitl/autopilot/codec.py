"""MAVLink 2 frames, packed with pymavlink's layouts but without its per-message objects.

A vehicle sends about 400 messages a second; making and packing a pymavlink object for each would
cost several times what the struct layout behind it costs.
"""

from __future__ import annotations

import struct
from typing import Any

from pymavlink.dialects.v20 import common as mav

_HEADER = struct.Struct("<BBBBBBBHB")
_STX = 0xFD


class Layout:
    """How one message is laid out on the wire.

    Parameters
    ----------
    msgid, crc_extra
        Its number, and the seed that guards its layout.
    packer
        Payload layout; fields in wire order, extensions last.
    """

    __slots__ = ("crc_extra", "msgid", "name", "pack")

    def __init__(self, msgid: int, crc_extra: int, packer: struct.Struct, name: str) -> None:
        self.msgid = msgid
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

    def frame(self, shape: Layout, payload: bytes, component: int | None = None) -> bytes:
        """Return one frame; trailing zero bytes of the payload are left out, as MAVLink 2 does."""
        payload = payload.rstrip(b"\0") or b"\0"
        head = _HEADER.pack(
            _STX,
            len(payload),
            0,
            0,
            self._seq,
            self._system,
            self._component if component is None else component,
            shape.msgid & 0xFFFF,
            shape.msgid >> 16,
        )
        self._seq = (self._seq + 1) & 0xFF
        body = head[1:] + payload
        crc: int = mav.x25crc(body + shape.crc_extra).crc
        return b"\xfd" + body + struct.pack("<H", crc)

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
