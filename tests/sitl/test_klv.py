from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitl import klv

FRAME = klv.Frame(
    time_us=1_700_000_000_123_456,
    heading_deg=159.974365,
    pitch_deg=-0.431531724,
    roll_deg=3.40586566,
    platform="xc-bridge-a",
    lat=24.504856,
    lon=117.66,
    altitude_m=18.0,
    hfov_deg=60.0,
    vfov_deg=35.98,
    azimuth_deg=160.719211474396,
    elevation_deg=-33.5,
    rotation_deg=359.0,
    slant_range_m=19.2,
    centre_lat=24.505,
    centre_lon=117.66,
    centre_elevation_m=10.0,
)


def unpack(data: bytes) -> dict[int, bytes]:
    """Take a set apart by hand: key, BER length, then tag, length, value."""
    assert data[:16] == bytes.fromhex("060E2B34020B01010E01030101000000")
    at = 16
    if data[at] & 0x80:
        count = data[at] & 0x7F
        size = int.from_bytes(data[at + 1 : at + 1 + count], "big")
        at += 1 + count
    else:
        size, at = data[at], at + 1
    assert at + size == len(data)
    out: dict[int, bytes] = {}
    while at < len(data):
        tag, length = data[at], data[at + 1]
        assert length < 128
        out[tag] = data[at + 2 : at + 2 + length]
        at += 2 + length
    return out


def test_items_read_back_by_the_standards_own_formulas() -> None:
    found = unpack(klv.encode(FRAME))
    assert struct.unpack(">Q", found[2]) == (FRAME.time_us,)
    assert struct.unpack(">H", found[5])[0] * 360 / 65535 == pytest.approx(159.974365, abs=0.003)
    assert struct.unpack(">h", found[6])[0] * 40 / 65534 == pytest.approx(-0.431531724, abs=4e-4)
    assert struct.unpack(">h", found[7])[0] * 100 / 65534 == pytest.approx(3.40586566, abs=8e-4)
    assert found[10] == b"xc-bridge-a"
    assert struct.unpack(">i", found[13])[0] * 180 / 4294967294 == pytest.approx(
        24.504856, abs=5e-8
    )
    assert struct.unpack(">i", found[14])[0] * 360 / 4294967294 == pytest.approx(117.66, abs=1e-7)
    assert struct.unpack(">H", found[15])[0] * 19900 / 65535 - 900 == pytest.approx(18.0, abs=0.16)
    assert struct.unpack(">H", found[16])[0] * 180 / 65535 == pytest.approx(60.0, abs=0.002)
    assert struct.unpack(">I", found[18])[0] * 360 / 4294967295 == pytest.approx(
        160.7192115, abs=1e-6
    )
    assert struct.unpack(">i", found[19])[0] * 360 / 4294967294 == pytest.approx(-33.5, abs=1e-6)
    assert struct.unpack(">I", found[20])[0] * 360 / 4294967295 == pytest.approx(359.0, abs=1e-6)
    assert struct.unpack(">I", found[21])[0] * 5_000_000 / 4294967295 == pytest.approx(
        19.2, abs=0.002
    )
    assert struct.unpack(">i", found[23])[0] * 180 / 4294967294 == pytest.approx(24.505, abs=5e-8)
    assert struct.unpack(">H", found[25])[0] * 19900 / 65535 - 900 == pytest.approx(10.0, abs=0.16)
    assert found[65] == bytes([klv.VERSION])
    assert 90 not in found
    assert 91 not in found


def test_the_examples_of_the_standard() -> None:
    # ST 0601.17, examples of items 5, 6, 7, 13, 14, 15, 18
    assert klv.unsigned(159.974365, 0, 360, 2).hex() == "71c2"
    assert klv.signed(-0.431531724, 20, 2).hex() == "fd3d"
    assert klv.signed(3.40586566, 50, 2).hex() == "08b8"
    assert klv.signed(60.1768229669783, 90, 4).hex() == "5595b66d"
    assert klv.signed(128.426759042045, 180, 4).hex() == "5b5360c4"
    assert klv.unsigned(14190.72, -900, 19000, 2).hex() == "c221"
    assert klv.unsigned(160.719211474396, 0, 360, 4).hex() == "724a0a20"


def test_the_checksum_is_last_and_sums_16_bit_words() -> None:
    data = klv.encode(FRAME)
    assert data[-4:-2] == b"\x01\x02"
    total = 0
    body = data[:-2]
    for at in range(0, len(body), 2):
        total += int.from_bytes(body[at : at + 2].ljust(2, b"\x00"), "big")
    assert struct.unpack(">H", data[-2:])[0] == total & 0xFFFF
    assert next(iter(unpack(data))) == 2
    assert list(unpack(data))[-1] == 1


def test_wide_angles_go_into_the_full_items() -> None:
    found = unpack(klv.encode(replace(FRAME, pitch_deg=-25.0, roll_deg=60.0)))
    assert found[6] == b"\x80\x00"
    assert found[7] == b"\x80\x00"
    assert struct.unpack(">i", found[90])[0] * 180 / 4294967294 == pytest.approx(-25.0, abs=1e-6)
    assert struct.unpack(">i", found[91])[0] * 180 / 4294967294 == pytest.approx(60.0, abs=1e-6)


def test_without_ground_in_view_there_is_no_frame_centre() -> None:
    found = unpack(
        klv.encode(
            replace(
                FRAME, slant_range_m=None, centre_lat=None, centre_lon=None, centre_elevation_m=None
            )
        )
    )
    assert {21, 23, 24, 25}.isdisjoint(found)


def test_a_long_set_has_a_long_length() -> None:
    data = klv.encode(replace(FRAME, platform="x" * 120))
    assert data[16] == 0x81
    assert unpack(data)[10] == b"x" * 120


def test_a_pose_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="lat is nan"):
        klv.encode(replace(FRAME, lat=float("nan")))


@given(st.floats(-180, 180), st.floats(-90, 90), st.floats(-1e4, 1e4))
def test_any_position_reads_back(lon: float, lat: float, turn: float) -> None:
    found = unpack(klv.encode(replace(FRAME, lon=lon, lat=lat, heading_deg=turn)))
    assert struct.unpack(">i", found[14])[0] * 360 / 4294967294 == pytest.approx(lon, abs=1e-7)
    assert struct.unpack(">i", found[13])[0] * 180 / 4294967294 == pytest.approx(lat, abs=1e-7)
    heading = struct.unpack(">H", found[5])[0] * 360 / 65535
    assert abs((heading - turn + 180) % 360 - 180) < 0.004
