"""The demo's folder, and those that killed demos left behind: with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sitl.demo.scratch import PID_FILE, PREFIX, remove_left, scratch

HOLDS = """
import sys
from sitl.demo.scratch import scratch
with scratch() as folder:
    (folder / "sim.log").write_text("something")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


def demo() -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def end(process: subprocess.Popen[str], number: int) -> None:
    process.send_signal(number)
    process.communicate(timeout=30)


def test_the_folder_of_a_demo_that_was_killed_is_removed_by_the_next() -> None:
    process, folder = demo()
    end(process, signal.SIGKILL)
    assert (folder / "sim.log").exists()
    with scratch() as own:
        assert not folder.exists()
        assert own.exists()
    assert not own.exists()


def test_the_folder_of_one_that_runs_is_left() -> None:
    process, folder = demo()
    try:
        assert (folder / PID_FILE).read_text() == f"{process.pid}\n"
        assert remove_left() == []
        assert (folder / "sim.log").exists()
    finally:
        end(process, signal.SIGKILL)
    assert remove_left() == [folder]


def test_what_only_looks_like_one_is_left(temporary: Path) -> None:
    plain = temporary / f"{PREFIX}without-a-file"
    plain.mkdir()
    elsewhere = temporary / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / PID_FILE).write_text("1\n")
    (temporary / f"{PREFIX}link").symlink_to(elsewhere)
    linked = temporary / f"{PREFIX}linked-file"
    linked.mkdir()
    (linked / PID_FILE).symlink_to(elsewhere / PID_FILE)
    other = temporary / "skybeat-px4-x"
    other.mkdir()
    (other / PID_FILE).write_text("1\n")
    assert remove_left() == []
    assert sorted(os.listdir(temporary)) == sorted(
        [plain.name, "elsewhere", f"{PREFIX}link", linked.name, other.name]
    )


def test_its_own_folder_goes_with_an_error_too() -> None:
    with pytest.raises(RuntimeError), scratch() as own:
        raise RuntimeError
    assert not own.exists()
