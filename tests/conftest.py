"""For every test: hypothesis without deadlines, for no test may depend on the machine's speed; PostgreSQL."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from fleet.command import ONE_THREAD

# as `skybeat` sets it, before anything loads numpy
os.environ.setdefault(*ONE_THREAD)

import psutil
import pytest
import structlog
from hypothesis import settings

settings.register_profile("skybeat", deadline=None)
settings.load_profile("skybeat")
# a traceback with every local in it, as is the default, takes a second
_plain = structlog.dev.ConsoleRenderer(
    colors=False, exception_formatter=structlog.dev.plain_traceback
)
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], _plain])


@pytest.fixture(scope="session")
def lives() -> Callable[[int], bool]:
    """Tell whether a process runs; one that ended and was not waited for does not."""

    def look(pid: int) -> bool:
        try:
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:  # also between asking for it and for its state
            return False

    return look


def _programs() -> Path | None:
    """Return the folder of PostgreSQL's programs; Debian keeps them off PATH."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    kept = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return kept[-1].parent if kept else None


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[tuple[Path, int]]:
    """A PostgreSQL of our own: the folder of its programs and its port; skips where there is none."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed here: no initdb on PATH")
    pytest.importorskip(
        "asyncpg", reason="asyncpg is not installed: pip install 'skybeat[postgres]'"
    )
    # not in pytest's own folder: another run that begins meanwhile closes that to other users
    with tempfile.TemporaryDirectory(prefix="postgres-", dir=_enterable()) as folder:
        yield from _served(programs, Path(folder))


def _enterable() -> Path | None:
    """Return a folder for temporary files that another user may enter; TMPDIR may be one's own."""
    places = map(Path, (tempfile.gettempdir(), "/tmp", "/var/tmp"))
    return next((p for p in places if _lets_in(p) and all(map(_lets_in, p.parents))), None)


def _lets_in(folder: Path) -> bool:
    return folder.is_dir() and bool(folder.stat().st_mode & stat.S_IXOTH)


def _served(programs: Path, folder: Path) -> Iterator[tuple[Path, int]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    as_user: list[str] = []
    if os.geteuid() == 0:  # it refuses to run as root
        try:
            shutil.chown(folder, "postgres")
        except LookupError:
            pytest.skip("PostgreSQL does not run as root, and there is no user `postgres`")
        as_user = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"]

    def run(program: str, *words: str) -> None:
        # its output must not be a pipe that the server keeps open
        line = [*as_user, str(programs / program), *words]
        done = subprocess.run(
            line,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            cwd=folder,
        )
        assert done.returncode == 0, f"{program}: {done.stdout}"

    data = str(folder / "data")
    run("initdb", "-D", data, "-A", "trust", "-U", "skybeat", "-E", "UTF8")
    options = f"-p {port} -k {folder} -h 127.0.0.1 -c fsync=off"
    run("pg_ctl", "-D", data, "-w", "-o", options, "-l", str(folder / "log"), "start")
    try:
        yield programs, port
    finally:
        try:
            run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
        except AssertionError as error:  # a server that is gone is no fault of what was tested
            last = (folder / "log").read_text(errors="replace")[-2000:]
            warnings.warn(f"{error}\n{last}", stacklevel=1)


@pytest.fixture
def postgres(postgres_server: tuple[Path, int]) -> Callable[[str], str]:
    """Makes an empty database of a name; returns its address for the store."""
    programs, port = postgres_server
    where = ["-h", "127.0.0.1", "-p", str(port), "-U", "skybeat"]

    def make(name: str) -> str:
        line = [str(programs / "createdb"), *where, name]
        subprocess.run(line, check=True, capture_output=True, timeout=60)
        return f"postgresql+asyncpg://skybeat@127.0.0.1:{port}/{name}"

    return make
