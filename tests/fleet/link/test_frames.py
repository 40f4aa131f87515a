"""Whole frames out of datagrams and streams, whatever else is in them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from pymavlink.dialects.v20 import common as mav

from fleet.link.frames import Frame, Stream, Tally, split_datagram
from fleet.link.wire import SIGNATURE, fields, message_id, target

MESSAGES = [
    mav.MAVLink_heartbeat_message(2, 12, 81, 0x04040000, 3, 3),
    mav.MAVLink_attitude_message(123456, 0.1, -0.2, 1.5, 0.0, 0.0, 0.0),
    mav.MAVLink_statustext_message(4, b"fence breached", 0, 0),
    mav.MAVLink_command_ack_message(400, 0, 0, 0, 245, 190),
    mav.MAVLink_param_value_message(b"NAV_DLL_ACT", 2.0, 6, 1000, 17),
    mav.MAVLink_system_time_message(0, 0),
]


def frame(message, seq=0, system=1, component=1, version=2) -> bytes:
    packer = mav.MAVLink(None, system, component)
    packer.seq = seq
    return bytes(message.pack(packer, force_mavlink1=version == 1))


frames = st.builds(
    frame,
    st.sampled_from(MESSAGES),
    seq=st.integers(0, 255),
    system=st.integers(1, 254),
    component=st.integers(1, 255),
    version=st.sampled_from([1, 2]),
)
rubbish = st.one_of(
    st.binary(max_size=40),
    st.lists(st.sampled_from([0xFD, 0xFE, 0, 1, 9]), max_size=40).map(bytes),
    frames.map(lambda whole: whole[: len(whole) // 2]),
)
streams = st.lists(st.one_of(frames, rubbish), max_size=12).map(b"".join)


@given(streams, st.data())
@settings(max_examples=300, deadline=None)
def test_any_cut_of_a_stream_gives_the_same_frames(data: bytes, cuts) -> None:
    whole = Stream()
    expected = whole.feed(data)
    pieces, found = Stream(), []
    while data:
        at = cuts.draw(st.integers(1, len(data)))
        found += pieces.feed(data[:at])
        data = data[at:]
    assert found == expected
    assert pieces.tally == whole.tally


@given(st.binary(max_size=600))
@settings(max_examples=300, deadline=None)
def test_random_bytes_never_raise_and_are_all_accounted_for(data: bytes) -> None:
    tally = Tally()
    found = split_datagram(data, tally)
    assert sum(len(f.raw) for f in found) + tally.rubbish == len(data)
    stream = Stream()
    kept = stream.feed(data)
    waiting = len(data) - stream.tally.rubbish - sum(len(f.raw) for f in kept)
    assert 0 <= waiting < 10 + 255 + 2 + SIGNATURE, "a frame has no more"


@given(st.lists(frames, min_size=1, max_size=20))
@settings(deadline=None)
def test_good_frames_all_come_out_as_they_went_in(sent: list[bytes]) -> None:
    tally = Tally()
    found = split_datagram(b"".join(sent), tally)
    assert [f.raw for f in found] == sent
    assert tally == Tally()
    assert Stream().feed(b"".join(sent)) == found


@given(frames, st.data())
@settings(deadline=None)
def test_a_frame_with_a_flipped_bit_is_no_frame(whole: bytes, data) -> None:
    at = data.draw(st.integers(1, len(whole) - 1))
    bent = bytearray(whole)
    bent[at] ^= 1 << data.draw(st.integers(0, 7))
    tally = Tally()
    assert not [f for f in split_datagram(bytes(bent), tally) if f.known]


def test_what_is_read_of_a_frame() -> None:
    for version in (1, 2):
        raw = frame(MESSAGES[1], 200, 7, 154, version)
        assert split_datagram(raw, Tally()) == [Frame(raw, 7, 154, 30, 200)]
        assert message_id(raw) == 30
        assert fields(raw)[0] == 123456
    assert target(frame(MESSAGES[3])) == 245
    assert target(frame(MESSAGES[0])) == 0
    short = frame(mav.MAVLink_command_ack_message(400, 0, 0, 0, 0, 0))
    assert target(short) == 0, "zeros at the end are left out"


def test_a_frame_is_found_again_after_rubbish_and_after_one_cut_short() -> None:
    good = frame(MESSAGES[1], 5)
    tally = Tally()
    assert [f.raw for f in split_datagram(b"noise" + good[:20] + good, tally)] == [good]
    assert tally.rubbish == 25
    assert split_datagram(good[:-1], tally) == []


def test_signed_frames_are_whole_with_their_signature() -> None:
    packer = mav.MAVLink(None, 1, 1)
    packer.signing.secret_key, packer.signing.sign_outgoing = b"k" * 32, True
    packer.signing.timestamp, packer.signing.link_id = 1, 0
    signed = bytes(MESSAGES[0].pack(packer))
    assert len(signed) == len(frame(MESSAGES[0])) + SIGNATURE
    assert [f.raw for f in split_datagram(signed * 2, Tally())] == [signed, signed]


def test_a_message_nobody_knows_is_passed_over_where_a_frame_went_before() -> None:
    odd = bytearray(frame(MESSAGES[0], 9))
    odd[7:10] = (60000).to_bytes(3, "little")
    good, tally = frame(MESSAGES[0], 10), Tally()
    found = split_datagram(good + bytes(odd) + good, tally)
    assert [f.known for f in found] == [True, False, True]
    assert tally.rubbish == 0
    assert [f.known for f in Stream().feed(b"x" + bytes(odd) + good)] == [True]


def test_a_datagram_of_false_starts_is_given_up_soon() -> None:
    tally = Tally()
    assert split_datagram(b"\xfd" * 1400 + frame(MESSAGES[0]), tally) == []
    assert tally.wrong <= 4
