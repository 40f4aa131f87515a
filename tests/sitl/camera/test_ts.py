from __future__ import annotations

import io
import struct
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from missions.city import CameraSpec
from sitl.camera.stream import Encoder
from sitl.camera.ts import KLV_PID, PACKET, VIDEO_PID, Mux, crc32_mpeg


def packets(data: bytes) -> list[bytes]:
    assert len(data) % PACKET == 0
    out = [data[at : at + PACKET] for at in range(0, len(data), PACKET)]
    assert all(p[0] == 0x47 for p in out)
    return out


def pid(packet: bytes) -> int:
    return struct.unpack(">H", packet[1:3])[0] & 0x1FFF


def test_pyav_gives_back_every_picture_and_every_klv_byte() -> None:
    encoder, mux = Encoder(CameraSpec(width_px=320, height_px=180, fps=10)), Mux()
    rng = np.random.default_rng(0)
    sent: list[tuple[bytes, int]] = []
    data = b""
    for k in range(25):
        image = rng.integers(0, 60, (180, 320, 3)).astype(np.uint8)
        video, key = encoder.encode(image, k * 9000, key=False)
        klv = bytes([k]) * (1 + k * 37)  # from less than a packet to several
        sent.append((klv, k * 9000))
        data += mux.frame(video, klv, k * 9000, key=key)
    with av.open(io.BytesIO(data), format="mpegts") as container:
        assert "klv" in repr(container.streams.data[0])
        frames, got = 0, []
        for packet in container.demux():
            if packet.stream.type == "data":
                if packet.size:
                    assert packet.time_base == Fraction(1, 90_000)
                    got.append((bytes(packet), packet.pts))
            else:
                frames += len(packet.decode())
    assert frames == 25
    assert [klv for klv, _ in got] == [klv for klv, _ in sent]
    steps = {b - a for (_, a), (_, b) in pairwise(got)}
    assert steps == {9000}


def test_a_key_frame_begins_with_the_tables() -> None:
    mux = Mux()
    key = [pid(p) for p in packets(mux.frame(b"v" * 400, b"k" * 10, 0, key=True))]
    other = [pid(p) for p in packets(mux.frame(b"v" * 400, b"k" * 10, 9000, key=False))]
    assert key == [0, 0x1000, KLV_PID, VIDEO_PID, VIDEO_PID, VIDEO_PID]
    assert other == [KLV_PID, VIDEO_PID, VIDEO_PID, VIDEO_PID]


@given(st.integers(0, 70_000), st.integers(1, 700), st.integers(0, 1 << 40))
def test_any_sizes_fill_whole_packets_and_count_on(video: int, klv: int, ticks: int) -> None:
    mux = Mux()
    counters: dict[int, int] = {}
    payload: dict[int, bytes] = {}
    for key in (True, False):
        for packet in packets(mux.frame(b"\xab" * video, b"\xcd" * klv, ticks, key=key)):
            number, counter = pid(packet), packet[3] & 15
            assert counter == (counters.get(number, -1) + 1) % 16
            counters[number] = counter
            start = 5 + packet[4] if packet[3] & 0x20 else 4
            payload[number] = payload.get(number, b"") + packet[start:]
    for stream, start, unit in (
        (KLV_PID, b"\x00\x00\x01\xbd", b"\xcd" * klv),
        (VIDEO_PID, b"\x00\x00\x01\xe0", b"\xab" * video),
    ):
        parts = payload[stream].split(start)[1:]
        assert [part[10:] for part in parts] == [unit, unit]  # after length, flags and time


def test_the_checksum_of_sections() -> None:
    # CRC-32/MPEG-2 of "123456789", from the catalogue of parametrised CRC algorithms
    assert crc32_mpeg(b"123456789") == 0x0376E6E7


@pytest.mark.parametrize("fps", [5.0, 10.0, 25.0])
def test_a_key_frame_comes_each_second_and_when_asked(fps: float) -> None:
    encoder = Encoder(CameraSpec(width_px=320, height_px=180, fps=fps))
    image = np.zeros((180, 320, 3), np.uint8)
    keys = []
    for k in range(int(2 * fps) + 1):
        image[:, (7 * k) % 300 :] += 1
        keys.append(encoder.encode(image, round(k * 90_000 / fps), key=k == 3)[1])
    assert keys[0]
    assert keys[3]
    gaps = np.diff(np.flatnonzero(keys))
    assert gaps.max() <= fps
