"""Recordings, as public tools read them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pymavlink import mavutil
from pymavlink.dialects.v20 import common as mav

from fleet.link.tlog import TlogWriter

PACKER = mav.MAVLink(None, 1, 1)
START_US = 1_790_000_000_000_000


def packet(count: int) -> bytes:
    return bytes(mav.MAVLink_attitude_message(count, 0, 0, 0, 0, 0, 0).pack(PACKER))


def read(path: Path) -> list[tuple[float, int]]:
    log = mavutil.mavlink_connection(str(path))
    found = []
    while (message := log.recv_match()) is not None:
        if message.get_type() == "ATTITUDE":
            found.append((message._timestamp, message.time_boot_ms))
    log.close()
    return found


def test_what_is_put_is_read_by_pymavlink_with_its_times(tmp_path: Path) -> None:
    path = tmp_path / "flights" / "a1.tlog"
    with TlogWriter() as writer:
        recording = writer.record(path)
        for i in range(0, 100, 2):
            recording.put(START_US + i * 10_000, [packet(i), packet(i + 1)])
        recording.end()
    found = read(path)
    assert [count for _, count in found] == list(range(100))
    assert found[0][0] == pytest.approx(START_US / 1e6)
    assert found[-1][0] == pytest.approx(START_US / 1e6 + 0.98)
    assert recording.missed == 0


def test_a_recording_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "a1.tlog"
    for part in range(2):
        with TlogWriter() as writer:
            writer.record(path).put(START_US + part, [packet(part)])
    assert [count for _, count in read(path)] == [0, 1]


def test_many_links_are_written_each_to_its_own(tmp_path: Path) -> None:
    with TlogWriter() as writer:
        recordings = [writer.record(tmp_path / f"{i}.tlog") for i in range(30)]
        for step in range(20):
            for i, recording in enumerate(recordings):
                recording.put(START_US + step, [packet(100 * i + step)])
    for i in range(30):
        found = [count for _, count in read(tmp_path / f"{i}.tlog")]
        assert found == [100 * i + step for step in range(20)]


def test_what_the_queue_does_not_hold_is_counted_not_waited_for(tmp_path: Path) -> None:
    writer = TlogWriter(waiting=4)
    recording = writer.record(tmp_path / "a.tlog")
    writer.close()  # nobody writes any more
    for i in range(10):
        recording.put(START_US, [packet(i), packet(i)])
    assert recording.missed == 12


def test_a_disk_that_says_no_is_told_and_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with TlogWriter() as writer:
        bad, good = writer.record(tmp_path / "file" / "a.tlog"), writer.record(tmp_path / "b.tlog")
        bad.put(START_US, [packet(1)])
        good.put(START_US, [packet(2)])
    assert bad.missed == 1
    assert "a.tlog cannot be written" in bad.trouble
    assert [count for _, count in read(tmp_path / "b.tlog")] == [2]


def test_a_full_disk_leaves_no_half_record(tmp_path: Path) -> None:
    with TlogWriter() as writer:
        recording = writer.record(Path("/dev/full"))
        recording.put(START_US, [packet(1)])
    assert recording.missed == 1
    assert "No space left" in recording.trouble
