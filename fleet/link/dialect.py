"""MAVLink 2 messages made and read, with pymavlink."""

from __future__ import annotations

from typing import Any

from pymavlink.dialects.v20 import development as mav


class Writer:
    """Makes frames; each component that it speaks as has its own sequence, as receivers count."""

    def __init__(self, system: int) -> None:
        self._system = system
        self._sequence: dict[int, int] = {}

    def frame(self, message: Any, component: int) -> bytes:
        """Return a message as one MAVLink 2 frame."""
        sequence = self._sequence.get(component, 0)
        self._sequence[component] = (sequence + 1) % 256
        packer = mav.MAVLink(None, self._system, component)
        packer.seq = sequence
        return bytes(message.pack(packer))


_READER = mav.MAVLink(None)


def read(frame: bytes) -> Any | None:
    """Return the message in a whole frame; None where its checksum or length is wrong."""
    try:
        return _READER.decode(bytearray(frame))
    except mav.MAVError:
        return None


def text(value: str | bytes) -> str:
    """Return a fixed-size text of a message without its padding."""
    plain = value.decode(errors="replace") if isinstance(value, bytes) else value
    return plain.split("\0", 1)[0]
