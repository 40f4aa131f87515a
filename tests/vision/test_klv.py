"""MISB ST 0601: the standard's own example values, round trips, and what is refused."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision import klv
from vision.errors import KlvError

NOW = datetime(2026, 5, 31, 12, 0, 0, 123456, tzinfo=UTC)

# value in the set -> software value, as the standard lists them tag by tag
EXAMPLES = {
    5: ("71c2", "heading_deg", 159.9744),
    6: ("fd3d", "pitch_deg", -0.4315317),
    7: ("08b8", "roll_deg", 3.4058656),
    13: ("5595b66d", "lat", 60.17682297),
    14: ("5b5360c4", "lon", 128.42675904),
    15: ("c221", "altitude_amsl_m", 14190.72),
    16: ("cd9c", "hfov_deg", 144.5713),
    17: ("d917", "vfov_deg", 152.6436),
    18: ("724a0a20", "sensor_azimuth_deg", 160.71921),
    19: ("87f84b86", "sensor_elevation_deg", -168.79232),
    20: ("7dc55ece", "sensor_roll_deg", 176.86544),
    21: ("03830926", "slant_range_m", 68590.98),
    23: ("f101a229", "centre_lat", -10.54238863),
    24: ("14bc082b", "centre_lon", 29.15789012),
    25: ("34f3", "centre_elevation_m", 3216.04),
}


def packet(items: bytes, *, spoil: bool = False) -> bytes:
    body = items + b"\x01\x02"
    raw = klv.LABEL + bytes([len(body) + 2]) + body
    total = (klv.checksum(raw) + spoil) & 0xFFFF
    return raw + total.to_bytes(2)


@pytest.mark.parametrize("tag", EXAMPLES)
def test_examples_of_the_standard(tag: int) -> None:
    raw, name, value = EXAMPLES[tag]
    data = bytes.fromhex(raw)
    assert getattr(klv.decode(packet(bytes([tag, len(data)]) + data)), name) == pytest.approx(
        value, rel=2e-6
    )


def test_time_example_of_the_standard() -> None:
    data = bytes.fromhex("000459f4a6aa4aa8")
    assert klv.decode(packet(b"\x02\x08" + data)).captured_at == datetime(
        2008, 10, 24, 0, 13, 29, 913000, tzinfo=UTC
    )


def angles(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False)


METADATA = st.builds(
    klv.Metadata,
    captured_at=st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)).map(
        lambda t: t.replace(tzinfo=UTC)
    ),
    platform=st.none() | st.text(max_size=120),
    heading_deg=st.none() | angles(0, 360),
    pitch_deg=st.none() | angles(-90, 90),
    roll_deg=st.none() | angles(-90, 90),
    lat=st.none() | angles(-90, 90),
    lon=st.none() | angles(-180, 180),
    altitude_amsl_m=st.none() | angles(-900, 19000),
    hfov_deg=angles(0, 180),
    sensor_azimuth_deg=angles(0, 360),
    sensor_elevation_deg=st.none() | angles(-180, 180),
    slant_range_m=st.none() | angles(0, 5_000_000),
    centre_lat=angles(-90, 90),
    centre_elevation_m=st.none() | angles(-900, 19000),
)
STEP = {
    "heading_deg": 0.006,
    "pitch_deg": 7e-4,
    "roll_deg": 1.6e-3,
    "altitude_amsl_m": 0.31,
    "hfov_deg": 0.003,
}
STEP |= {"slant_range_m": 2e-3, "centre_elevation_m": 0.31}


@given(METADATA)
def test_round_trip(meta: klv.Metadata) -> None:
    back = klv.decode(b"\x00\x00\x00\x00\x00" + klv.encode(meta))
    for part in fields(klv.Metadata):
        sent, got = getattr(meta, part.name), getattr(back, part.name)
        if isinstance(sent, float):
            assert got == pytest.approx(sent, abs=STEP.get(part.name, 1e-6))
        else:
            assert got == sent


def test_wide_tags_only_where_needed() -> None:
    narrow = klv.encode(klv.Metadata(NOW, pitch_deg=19.9, roll_deg=-49.9))
    wide = klv.encode(klv.Metadata(NOW, pitch_deg=-30.0, roll_deg=60.0))
    assert b"\x06\x02" in narrow
    assert b"\x5a\x04" not in narrow
    assert b"\x5a\x04" in wide
    assert b"\x5b\x04" in wide
    assert klv.decode(wide).pitch_deg == pytest.approx(-30.0, abs=1e-6)


def test_wide_tag_outranks_narrow_one() -> None:
    both = b"\x5a\x04" + (1 << 29).to_bytes(4) + b"\x06\x02\x00\x00"
    assert klv.decode(packet(both)).pitch_deg == pytest.approx(22.5, abs=1e-5)


def test_out_of_range_marker_is_none() -> None:
    assert klv.decode(packet(b"\x06\x02\x80\x00")).pitch_deg is None


def test_an_item_without_bytes_is_not_known_and_spoils_nothing() -> None:
    meta = klv.decode(packet(b"\x02\x00" + b"\x06\x02\x00\x00" + b"\x5a\x00" + b"\x0d\x00"))
    assert (meta.captured_at, meta.pitch_deg, meta.lat) == (None, 0.0, None)


def test_unknown_tags_are_passed_over() -> None:
    assert klv.decode(
        packet(b"\x81\x0a\x03abc" + b"\x05\x02\x80\x00")
    ).heading_deg == pytest.approx(180.003, abs=1e-3)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no ST 0601 label"),
        (b"\x00" * 40, "no ST 0601 label"),
        (packet(b"\x05\x02\x71\xc2", spoil=True), "checksum"),
        (klv.LABEL + b"\x04\x05\x02\x71\xc2", "no checksum"),
        (klv.LABEL + b"\x20\x05\x02\x71\xc2", "32 bytes"),
        (klv.LABEL + b"\x85", "length"),
        (klv.LABEL, "a length should be"),
        (packet(b"\x05\x03\x71\xc2\x00"), "tag 5 has 3 bytes"),
        (packet(b"\x05\x40\x71"), "tag 5 says 64 bytes"),
    ],
)
def test_broken_packets_are_refused(data: bytes, said: str) -> None:
    with pytest.raises(KlvError, match=said):
        klv.decode(data)


@given(st.binary(max_size=200), st.integers(0, 180))
def test_noise_never_does_anything_else_than_refuse(noise: bytes, at: int) -> None:
    good = bytearray(klv.encode(klv.Metadata(NOW, heading_deg=10.0, platform="d01")))
    good[at % len(good)] ^= noise[0] if noise else 1
    for data in (klv.LABEL + noise, noise, bytes(good)):
        try:
            klv.decode(data)
        except KlvError:
            continue


@pytest.mark.parametrize("changes", [{"heading_deg": 400.0}, {"pitch_deg": 91.0}, {"lat": -90.5}])
def test_values_out_of_range_are_not_encoded(changes: dict[str, float]) -> None:
    with pytest.raises(KlvError, match="holds"):
        klv.encode(klv.Metadata(NOW, **changes))


def test_a_packet_needs_its_time() -> None:
    with pytest.raises(KlvError, match="captured_at"):
        klv.encode(klv.Metadata(heading_deg=1.0))
