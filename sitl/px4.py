"""Real PX4 in simulation: starts, watches and stops SIH instances.

PX4 is found as ``PX4_SITL_BIN``, as ``px4`` on PATH, or as the container ``px4io/px4-sitl`` where
an engine answers. Each instance runs in its own folder and its own process group; on Linux it dies
with the simulator, however that ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sitl.autopilot.params import FLEET_PARAMS
from sitl.child import die_with_parent
from sitl.errors import Px4Error, Px4Missing

IMAGE = "px4io/px4-sitl:latest"
MOST_INSTANCES = 10
ONBOARD_PORT, STATION_PORT = 14580, 18570
"""Ports that instance 0 binds: its link to the controller, its link to a ground station."""
STOP_S = 5.0
_ENGINE_S = 10.0
_LOG_TAIL = 600

DEFAULT_PARAMS: Mapping[str, float] = {
    **FLEET_PARAMS,
    "EKF2_MCOEF": 1.0,  # the drag of SIH's vehicle: it goes with airspeed, and with nothing else
    "EKF2_BCOEF_X": 0.0,
    "EKF2_BCOEF_Y": 0.0,
    # SIH's accelerometers shake with 0.5 to 1.7 m/s2 and its gyros with 0.03 to 0.14 rad/s, as in an
    # aerobatic aeroplane, and its GPS calls itself four times worse than it is. With what PX4 expects
    # of a good board (0.35 and 0.015) a hover wanders by 0.6 m (standard deviation); so, by 0.15 m
    "EKF2_ACC_NOISE": 1.0,
    "EKF2_GYR_NOISE": 0.25,
    "SDLOG_MODE": -1,  # no flight log: 5.5 MB a minute otherwise
    "SDLOG_BACKEND": 0,  # without this one the logger still starts on arming
    "MNT_MODE_IN": 4,  # the gimbal manager of MAVLink's gimbal protocol v2
    "MNT_MODE_OUT": 0,  # with a gimbal on servo outputs, which PX4 then reports itself
}


@dataclass(frozen=True, slots=True)
class Px4Spec:
    """One instance: its number (system id is one more), where it stands, parameters.

    ``lon`` and ``lat`` are degrees, ``amsl_m`` metres above mean sea level. ``params`` are added
    to ``DEFAULT_PARAMS``. ``speed`` is how many times faster than real time it runs; 4 is the most
    that holds on an idle machine.
    """

    instance: int
    lon: float
    lat: float
    amsl_m: float
    params: Mapping[str, float] = field(default_factory=dict)
    speed: float = 1.0

    @property
    def system_id(self) -> int:
        """Return its MAVLink system id."""
        return self.instance + 1

    @property
    def controller_url(self) -> str:
        """Return the address by which a controller reaches it."""
        return f"udpin://0.0.0.0:{14540 + self.instance}"


@dataclass(frozen=True, slots=True)
class Px4Source:
    """How PX4 is run here: a binary with its data folder, or a container engine."""

    binary: Path | None = None
    etc: Path | None = None
    engine: str | None = None

    def command(self, spec: Px4Spec, name: str) -> list[str]:
        """Return the command line of one instance; ``name`` names a container."""
        if self.binary is not None:
            line = [str(self.binary), "-i", str(spec.instance), "-d"]
            return [*line, str(self.etc)] if self.etc is not None else line
        assert self.engine is not None
        line = [self.engine, "run", "--rm", "--init", "--network", "host", "--name", name]
        for key, value in environment(spec).items():
            line += ["-e", f"{key}={value}"]
        return [*line, IMAGE, "-i", str(spec.instance), "-d"]


def environment(spec: Px4Spec) -> dict[str, str]:
    """Return the environment that tells PX4 where it stands and what it simulates."""
    params = {**DEFAULT_PARAMS, **spec.params}
    return {
        "PX4_SIM_MODEL": "sihsim_quadx",
        "PX4_HOME_LAT": f"{spec.lat:.7f}",
        "PX4_HOME_LON": f"{spec.lon:.7f}",
        "PX4_HOME_ALT": f"{spec.amsl_m:.2f}",
        "HEADLESS": "1",
        **({"PX4_SIM_SPEED_FACTOR": f"{spec.speed:g}"} if spec.speed != 1.0 else {}),
        **{f"PX4_PARAM_{name}": f"{value:g}" for name, value in params.items()},
    }


async def find_px4(environ: Mapping[str, str] = os.environ) -> Px4Source:
    """Return how PX4 can be run on this machine.

    Raises
    ------
    Px4Missing
        If there is neither a binary nor a container engine that answers.
    """
    named = environ.get("PX4_SITL_BIN")
    if named:
        if shutil.which(named) is None:
            raise Px4Missing(
                f"PX4_SITL_BIN={named!r} is no program that can be run",
                hint="set it to PX4's own binary, .../bin/px4",
            )
        return _binary(Path(named))
    found = shutil.which("px4", path=environ.get("PATH"))
    if found:
        return _binary(Path(found))
    engine = shutil.which("docker", path=environ.get("PATH"))
    if engine and await _answers(engine):
        return Px4Source(engine=engine)
    raise Px4Missing(
        "no PX4 here: PX4_SITL_BIN is not set, px4 is not on PATH, and no container engine answers",
        hint="install PX4's .deb, set PX4_SITL_BIN, or leave out --autopilot px4 to fly the "
        "embedded vehicles",
    )


def _binary(path: Path) -> Px4Source:
    """Return a binary with the ``etc`` beside it; an installed package finds its own."""
    real = path.resolve()
    for etc in (real.parent.parent / "etc", real.parent / "etc"):
        if (etc / "init.d-posix").is_dir():
            return Px4Source(binary=real, etc=etc)
    return Px4Source(binary=path)


async def _answers(engine: str) -> bool:
    process = await asyncio.create_subprocess_exec(
        engine,
        "version",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(_ENGINE_S):
            return await process.wait() == 0
    except TimeoutError:
        process.kill()
        await process.wait()
        return False


class Px4Instance:
    """One running PX4.

    Parameters
    ----------
    source
        How PX4 is run.
    spec
        Which instance, where.
    folder
        Its own folder, made if need be; takes parameters, mission store and ``px4.log``.
    """

    def __init__(self, source: Px4Source, spec: Px4Spec, folder: Path) -> None:
        self.spec = spec
        self._source = source
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._name = f"skybeat-px4-{os.getpid()}-{spec.instance}"

    @property
    def pid(self) -> int | None:
        """Return its process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    @property
    def log(self) -> Path:
        """Return where its output goes."""
        return self._folder / "px4.log"

    async def start(self) -> None:
        """Start the process; it is not yet ready to fly when this returns.

        Raises
        ------
        Px4Error
            If a port of this instance is taken, or the process cannot be started.
        """
        for port in (ONBOARD_PORT, STATION_PORT):
            _check_free(port + self.spec.instance, self.spec.instance)
        self._folder.mkdir(parents=True, exist_ok=True)
        for stale in ("parameters.bson", "parameters_backup.bson", "dataman"):
            (self._folder / stale).unlink(missing_ok=True)  # a mission of the run before
        command = self._source.command(self.spec, self._name)
        with self.log.open("wb") as output:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *command,
                    cwd=self._folder,
                    env={**os.environ, **environment(self.spec)},
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=asyncio.subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=die_with_parent(signal.SIGKILL),
                )
            except OSError as error:
                raise Px4Error(f"PX4 cannot be started as {command[0]}: {error}") from error

    def check(self) -> None:
        """Raise where the process has ended by itself.

        Raises
        ------
        Px4Error
            With its exit status and the end of its output.
        """
        process = self._process
        if process is not None and process.returncode is not None:
            raise Px4Error(
                f"PX4 instance {self.spec.instance} ended with status {process.returncode}; "
                f"its last words: {self.last_words()}",
                hint=f"see {self.log}; a PX4 of the same instance number may be running already",
            )

    def last_words(self) -> str:
        """Return the end of its output, on one line."""
        try:
            text = self.log.read_bytes()[-_LOG_TAIL:].decode(errors="replace")
        except OSError:
            return "(none)"
        return " | ".join(line.strip() for line in text.splitlines() if line.strip()) or "(none)"

    def pause(self, paused: bool) -> None:
        """Freeze the whole process group, or let it go on: everything stops, links included."""
        if self.pid is not None:
            os.killpg(self.pid, signal.SIGSTOP if paused else signal.SIGCONT)

    async def stop(self) -> None:
        """Stop it: a polite signal, and after ``STOP_S`` one that cannot be refused."""
        process = self._process
        if process is None:
            return
        self._process = None
        if self._source.engine is not None:
            await self._stop_container()
        self._signal(process.pid, signal.SIGCONT)
        self._signal(process.pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            pass
        finally:
            # also what a shell script left behind in its group
            self._signal(process.pid, signal.SIGKILL)
            await process.wait()

    async def _stop_container(self) -> None:
        assert self._source.engine is not None
        stopper = await asyncio.create_subprocess_exec(
            self._source.engine,
            "kill",
            self._name,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(STOP_S):
                await stopper.wait()
        except TimeoutError:
            stopper.kill()
            await stopper.wait()

    @staticmethod
    def _signal(group: int, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


class Px4Fleet:
    """Several PX4 instances, started and stopped together; an async context manager.

    Parameters
    ----------
    specs
        The instances, each with its own number from 0 to 9.
    folder
        Scratch folder; each instance gets one of its own in it.
    source
        How PX4 is run; found by ``find_px4`` where not given.

    Raises
    ------
    Px4Error
        If there are more instances than PX4's port scheme has, or two share a number.
    """

    def __init__(
        self, specs: Sequence[Px4Spec], folder: Path, source: Px4Source | None = None
    ) -> None:
        numbers = [spec.instance for spec in specs]
        wrong = [n for n in numbers if not 0 <= n < MOST_INSTANCES]
        if wrong:
            raise Px4Error(
                f"PX4 instance {wrong[0]}: the numbers are 0 to {MOST_INSTANCES - 1}, because "
                "PX4's port scheme sends instance i to UDP port 14540 + i only up to i = 9",
                hint="fly at most 10 drones with PX4, the rest embedded",
            )
        if len(set(numbers)) != len(numbers):
            raise Px4Error(f"PX4 instances {numbers}: each number may be there once")
        self._specs = tuple(specs)
        self._folder = folder
        self._source = source
        self.instances: list[Px4Instance] = []

    async def __aenter__(self) -> Px4Fleet:
        source = self._source or await find_px4()
        try:
            for spec in self._specs:
                instance = Px4Instance(source, spec, self._folder / f"px4-{spec.instance}")
                self.instances.append(instance)
                await instance.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Stop all of them, side by side."""
        instances, self.instances = self.instances, []
        await asyncio.shield(asyncio.gather(*(instance.stop() for instance in instances)))


def _check_free(port: int, instance: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("0.0.0.0", port))
        except OSError as error:
            raise Px4Error(
                f"UDP port {port} of PX4 instance {instance} is taken",
                hint="another PX4 or simulator is running",
            ) from error
