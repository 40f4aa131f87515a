"""MPEG transport stream with one H.264 stream and one KLV stream (ISO/IEC 13818-1, MISB ST 1402).

PyAV's muxer can carry KLV too, but it holds every packet back until each stream has one, a frame
late; here each picture leaves at once, with its KLV before it, and the tables before every key
frame, so that a client can start there.
"""

from __future__ import annotations

import struct
from functools import cache

PACKET = 188
PMT_PID, VIDEO_PID, KLV_PID = 0x1000, 0x0100, 0x0101
_PAYLOAD = PACKET - 4
_DELAY = 9000
"""Ticks of 90 kHz by which presentation lies after the clock reference."""


@cache
def _crc_table() -> tuple[int, ...]:
    table = []
    for n in range(256):
        crc = n << 24
        for _ in range(8):
            crc = (crc << 1) ^ (0x04C11DB7 if crc & 0x80000000 else 0)
        table.append(crc & 0xFFFFFFFF)
    return tuple(table)


def crc32_mpeg(data: bytes) -> int:
    """Return the CRC-32 of MPEG-2 sections (polynomial 04C11DB7, no reflection)."""
    table, crc = _crc_table(), 0xFFFFFFFF
    for byte in data:
        crc = ((crc << 8) & 0xFFFFFFFF) ^ table[(crc >> 24) ^ byte]
    return crc


def _section(table: int, key: int, body: bytes) -> bytes:
    """Return a section with its pointer field, as the payload of one packet."""
    rest = struct.pack(">HBBB", key, 0xC1, 0, 0) + body
    head = struct.pack(">BH", table, 0xB000 | (len(rest) + 4)) + rest
    return b"\x00" + head + struct.pack(">I", crc32_mpeg(head))


@cache
def _tables() -> tuple[bytes, bytes]:
    pat = _section(0x00, 1, struct.pack(">HH", 1, 0xE000 | PMT_PID))
    registration = b"\x05\x04KLVA"
    streams = struct.pack(">BHH", 0x1B, 0xE000 | VIDEO_PID, 0xF000)
    streams += (
        struct.pack(">BHH", 0x06, 0xE000 | KLV_PID, 0xF000 | len(registration)) + registration
    )
    pmt = _section(0x02, 1, struct.pack(">HH", 0xE000 | VIDEO_PID, 0xF000) + streams)
    return pat, pmt


def _timestamp(mark: int, ticks: int) -> bytes:
    ticks &= (1 << 33) - 1
    return struct.pack(
        ">BHH",
        mark << 4 | (ticks >> 30 & 7) << 1 | 1,
        (ticks >> 15 & 0x7FFF) << 1 | 1,
        (ticks & 0x7FFF) << 1 | 1,
    )


def _pes(stream: int, ticks: int, data: bytes) -> bytes:
    """Return an elementary packet; its length is 0 (open) where it does not fit in 16 bits."""
    header = b"\x84\x80\x05" + _timestamp(2, ticks)
    size = len(header) + len(data)
    return b"\x00\x00\x01" + struct.pack(">BH", stream, size if size < 65536 else 0) + header + data


class Mux:
    """Turns pictures with their KLV into transport packets. Keeps the continuity counters."""

    def __init__(self) -> None:
        self._counters: dict[int, int] = {}

    def frame(self, video: bytes, klv: bytes, ticks: int, *, key: bool) -> bytes:
        """Return the packets of one picture.

        Parameters
        ----------
        video
            One access unit, Annex B.
        klv
            The local set that belongs to it.
        ticks
            Presentation time in 90 kHz.
        key
            Whether decoding can start here; the tables are then sent first.
        """
        parts: list[bytes] = []
        if key:
            pat, pmt = _tables()
            parts += self._packets(0, pat, fill=True) + self._packets(PMT_PID, pmt, fill=True)
        shown = ticks + _DELAY
        parts += self._packets(KLV_PID, _pes(0xBD, shown, klv))
        parts += self._packets(VIDEO_PID, _pes(0xE0, shown, video), clock=ticks, random_access=key)
        return b"".join(parts)

    def _packets(
        self, pid: int, payload: bytes, *, fill: bool = False, clock: int | None = None,
        random_access: bool = False,
    ) -> list[bytes]:  # fmt: skip
        out: list[bytes] = []
        at, first = 0, True
        while at < len(payload):
            adaptation = b""
            if first and clock is not None:
                base = clock & ((1 << 33) - 1)
                flags = 0x50 if random_access else 0x10
                adaptation = bytes([flags]) + struct.pack(
                    ">IH", base >> 1, (base & 1) << 15 | 0x7E00
                )
            room = _PAYLOAD - (len(adaptation) + 1 if adaptation else 0)
            chunk = payload[at : at + room]
            at += len(chunk)
            counter = self._counters.get(pid, 0)
            self._counters[pid] = (counter + 1) & 15
            head = struct.pack(">BH", 0x47, (0x4000 if first else 0) | pid)
            missing = room - len(chunk)
            if fill:
                out.append(head + bytes([0x10 | counter]) + chunk + b"\xff" * missing)
            elif not adaptation and not missing:
                out.append(head + bytes([0x10 | counter]) + chunk)
            else:
                out.append(
                    head + bytes([0x30 | counter]) + _adaptation(adaptation, missing) + chunk
                )
            first = False
        return out


def _adaptation(content: bytes, missing: int) -> bytes:
    """Return an adaptation field with stuffing, so that the packet is full."""
    if content:
        return bytes([len(content) + missing]) + content + b"\xff" * missing
    if missing == 1:
        return b"\x00"
    return bytes([missing - 1, 0x00]) + b"\xff" * (missing - 2)
