"""The demo's folder under the system's temporary one, and what demos that were killed left there."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = "skybeat-demo-"
PID_FILE = "demo.pid"
"""Locked for as long as its process lives; the system lets go of it however that ends."""


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Make a folder of one's own, and remove it in the end; first those that nobody needs any more."""
    remove_left()
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        # locked under another name first: a folder is never there with a file that is not locked
        draft = folder / f"{PID_FILE}.new"
        with draft.open("x", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(f"{os.getpid()}\n")
            file.flush()
            draft.rename(folder / PID_FILE)
            yield folder


def remove_left() -> list[Path]:
    """Remove the folders of demos whose process is gone; return them.

    Only folders of this user's, by name and by the file in them. One that cannot be removed is left.
    """
    found = Path(tempfile.gettempdir()).glob(f"{PREFIX}*")
    return [folder for folder in found if _is_ours(folder) and _remove(folder)]


def _is_ours(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        mine = folder.lstat().st_uid == os.getuid()
        return mine and folder.is_dir() and not folder.is_symlink()
    return False


def _remove(folder: Path) -> bool:
    """Remove a folder unless the process of its file lives, or there is no such file."""
    try:
        number = os.open(folder / PID_FILE, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    with os.fdopen(number) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()
