"""The demo's course: start the processes, place the orders, call home, tell what happened."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import secrets
import shutil
import sys
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from missions.city import City
from sitl.demo.aftermath import Aftermath, aftermath, sheltered, stranded
from sitl.demo.client import Controller
from sitl.demo.process import Child, json_line
from sitl.demo.story import Story
from sitl.demo.summary import Summary, away, faults, last_doors, summarise
from sitl.demo.truth import Truth
from sitl.errors import SimError

START_S = 60.0
"""Longest wait for a process to say that it is ready (a loaded machine imports slowly)."""
HOME_S = 300.0
"""Longest wait for the drones to come home after the recall."""
ROUGH_S = 240.0
"""How much longer they may take where a scenario broke something: drones wait for other docks."""
GRACE_S = 3.0
RESTARTS = 5
EXPECT_INCIDENTS_AFTER_S = 90.0
POLL_S = 0.5
WATCHED_S = 30.0
"""A site that a scenario leaves watched for less owes no incident: the drone may have been called
home as its camera came to rest."""


class DemoFailed(SimError):
    """The demo cannot go on; the message says which part of it failed and its last words."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line said."""

    city_file: Path
    city: City
    docks: tuple[str, ...]
    folder: Path
    seconds: float | None = None
    autopilot: str = "embedded"
    scene: Path | None = None

    @property
    def address(self) -> str:
        """Address of the controller's map."""
        return f"http://{self.city.api.host}:{self.city.api.port}"


@dataclass(slots=True)
class Seen:
    """What the demo itself saw go by."""

    controller_up: datetime | None = None
    admin_token: str | None = None
    detections: set[str] = field(default_factory=set)
    incidents: set[str] = field(default_factory=set)
    undecided: set[str] = field(default_factory=set)
    """Incidents that wait for an officer or were rejected: the CAD is not owed them."""
    state: dict[str, Any] | None = None
    viewer_token: str | None = None
    watched_s: dict[str, float] = field(default_factory=dict)
    """For how long each site was watched, by the controller's picture."""
    looked_at_s: float | None = None
    """Monotonic time of the last look at that."""
    story: Story = field(default_factory=Story)
    """How the controller's picture of drones and docks changed."""

    def watch(self, sites: Iterable[Mapping[str, Any]], now_s: float) -> None:
        """Count the time since the last look for the sites that are watched now."""
        since, self.looked_at_s = self.looked_at_s, now_s
        for site in sites:
            if since is not None and site["state"] == "watching":
                self.watched_s[site["id"]] = self.watched_s.get(site["id"], 0.0) + now_s - since


class Demo:
    """The three processes and the run over them. Use as an async context manager."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.seen = Seen()
        self.truth = Truth(options.folder / "sim")
        self._secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        self._children: list[Child] = []
        self._keepers: list[asyncio.Task[None]] = []
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.controller: Controller | None = None
        self._program = skybeat_program()
        self._homes = {drone.id: drone.dock for drone in options.city.drones}

    async def __aenter__(self) -> Demo:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop what was started, all within 5 s: the watchers first, the world last."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        if self.controller is not None:
            await self.controller.close()
        await asyncio.gather(*(child.stop(GRACE_S) for child in self._children))
        if self._failed.done():
            self._failed.exception()  # it was told, or nobody waits for it any more

    # --- processes -------------------------------------------------------------------------

    def _argv(self, *words: str) -> list[str]:
        return [self._program, *words]

    def _part(self) -> list[str]:
        return ["--city", str(self.options.city_file), "--docks", ",".join(self.options.docks)]

    async def _spawn(self, name: str, argv: list[str], ready: asyncio.Event, **child: Any) -> Child:
        """Start a process and wait until it has said that it is ready."""
        process = Child(name, argv, log=self.options.folder / f"{name}.log", **child)
        await process.start()
        self._children.append(process)
        waits = {asyncio.create_task(ready.wait()), asyncio.create_task(process.wait())}
        try:
            await asyncio.wait(waits, timeout=START_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        if not ready.is_set():
            raise DemoFailed(f"{name} did not start: " + "\n".join(process.last_lines))
        return process

    def _keep(self, name: str, start: Any, child: Child, *, restarts: int) -> None:
        self._keepers.append(asyncio.create_task(self._keeper(name, start, child, restarts)))

    async def _keeper(self, name: str, start: Any, child: Child, restarts: int) -> None:
        """Start a process again that ended on its own; give up after ``restarts`` times."""
        for left in range(restarts, -1, -1):
            status = await child.wait()
            self._children.remove(child)
            await child.stop(GRACE_S)
            words = f"{name} ended with status {status}"
            if left == 0:
                last = "\n".join(child.last_lines)
                if not self._failed.done():
                    self._failed.set_exception(DemoFailed(f"{words}: {last}"))
                return
            print(f"demo: {words}; starting it again", file=sys.stderr)
            try:
                child = await start()
            except DemoFailed as error:
                if not self._failed.done():
                    self._failed.set_exception(error)
                return

    async def _start_sim(self) -> Child:
        ready = asyncio.Event()

        def line(text: str) -> None:
            if (json_line(text) or {}).get("kind") == "ready":
                ready.set()

        argv = self._argv("sim", *self._part(), "--json", "--log", str(self.options.folder / "sim"))
        argv += ["--autopilot", self.options.autopilot]
        if self.options.scene is not None:
            argv += ["--scene", str(self.options.scene)]
        env = {name: self._secret for name in self._secret_names()}
        return await self._spawn("sim", argv, ready, env=env, on_line=line)

    def _secret_names(self) -> set[str]:
        return {cad.secret_env for cad in self.options.city.cad}

    async def _start_serve(self) -> Child:
        ready = asyncio.Event()

        def line(text: str) -> None:
            if found := re.search(r"\bsky_[A-Za-z0-9_-]{20,}", text):
                self.seen.admin_token = found.group()
            if text.startswith("ready "):
                self.seen.controller_up = self.seen.controller_up or datetime.now(UTC)
                ready.set()

        argv = self._argv("serve", *self._part(), "--data", str(self.options.folder / "data"))
        env = {name: self._secret for name in self._secret_names()}
        return await self._spawn("serve", argv, ready, env=env, on_line=line)

    async def _start_watch(self, token: str) -> Child:
        ready = asyncio.Event()

        def line(text: str) -> None:
            entry = json_line(text)
            if entry is None:
                return
            if entry.get("event") == "worker":
                ready.set()
            if entry.get("event") == "detection":
                self.seen.detections.add(str(entry["id"]))

        argv = self._argv("watch", "--controller", self.options.address, "--json")
        return await self._spawn("watch", argv, ready, env={"SKYBEAT_TOKEN": token}, on_line=line)

    async def start(self) -> None:
        """Start the city, the controller and the workers, and place the orders."""
        self.options.folder.joinpath("sim").mkdir(parents=True, exist_ok=True)
        sim = await self._start_sim()
        self._keep("sim", self._start_sim, sim, restarts=0)
        serve = await self._start_serve()
        self._keep("serve", self._start_serve, serve, restarts=RESTARTS)
        if self.seen.admin_token is None:
            raise DemoFailed(
                "the controller printed no administrator token (is its data folder new?)"
            )
        self.controller = Controller(self.options.address, self.seen.admin_token)
        worker = await self.controller.new_token("demo workers", "worker")
        self.seen.viewer_token = await self.controller.new_token("demo officer", "officer")

        async def start_watch() -> Child:
            return await self._start_watch(worker)

        self._keep("watch", start_watch, await start_watch(), restarts=RESTARTS)
        await self._order()

    async def _order(self) -> None:
        """Order a stare at each site and a patrol of the beats of the demo's docks."""
        assert self.controller is not None
        sites = [s.id for s in self.options.city.sites if s.stare is not None]
        for site in sites:
            await self.controller.order(kind="stare", sites=[site], priority=5, note="demo")
        beats = beats_of_docks(self.options.city)
        await self.controller.order(kind="patrol", beats=beats, note="demo")

    # --- the run ---------------------------------------------------------------------------

    async def refresh(self) -> None:
        """Read the logs and ask the controller for its picture; a controller that is away is no error."""
        self.truth.refresh()
        if self._failed.done():
            self._failed.result()
        assert self.controller is not None
        with contextlib.suppress(httpx.HTTPError):
            self.seen.state = await self.controller.state()
            self.seen.story.take(self.seen.state, datetime.now(UTC))
            self.seen.watch(self.seen.state["sites"], time.monotonic())
            known = self.seen.state["incidents"]
            self.seen.incidents |= {str(i["id"]) for i in known}
            self.seen.undecided = {
                str(i["id"]) for i in known if i["status"] in ("waiting", "rejected")
            }

    async def ticks(self) -> AsyncIterator[float]:
        """Yield the seconds since the controller was up, after each refresh, twice a second."""
        start = time.monotonic()
        while True:
            await self.refresh()
            yield time.monotonic() - start
            await asyncio.sleep(POLL_S)

    def all_home(self) -> bool:
        """Whether every drone has landed in its dock and every door is closed."""
        doors = last_doors(self.truth.docks.entries)
        out = away(self.truth.vehicles.entries, self._homes) - self.excused()
        return not out and all(d == "closed" for d in doors.values())

    @property
    def longest_home_s(self) -> float:
        """Longest wait for the drones to come home."""
        return HOME_S + (ROUGH_S if self.truth.faults.entries else 0.0)

    def excused(self) -> set[str]:
        """Return the drones that a scenario's fault keeps from home: down, or in another dock."""
        truth = self.truth
        if not truth.faults.entries:
            return set()
        down = stranded(truth.vehicles.entries, truth.faults.entries, self._homes)
        return down | sheltered(truth.vehicles.entries, truth.docks.entries, self._homes)

    def aftermath(self) -> list[Aftermath]:
        """Return what each fault of the scenario led to."""
        truth = self.truth
        return aftermath(
            truth.faults.entries,
            homes=self._homes,
            told=self.seen.story.entries,
            vehicles=truth.vehicles.entries,
            docks=truth.docks.entries,
        )

    def settled(self) -> bool:
        """Whether every incident that is known has reached the CAD."""
        arrived = {e["incident"] for e in self.truth.cad.entries if e["kind"] == "received"}
        return self.owed() <= arrived

    def owed(self) -> set[str]:
        """Return the incidents that the CAD must receive."""
        return self.seen.incidents - self.seen.undecided

    def summary(self) -> Summary:
        """Return the figures so far."""
        assert self.seen.controller_up is not None
        return summarise(
            homes=self._homes,
            controller_up=self.seen.controller_up,
            vehicles=self.truth.vehicles.entries,
            docks=self.truth.docks.entries,
            cad=self.truth.cad.entries,
            detections=self.seen.detections,
            incidents=self.seen.incidents,
        )

    def watched_s(self, site: str) -> float:
        """Return for how long a site was watched, seconds."""
        return self.seen.watched_s.get(site, 0.0)

    def watched_too_short(self) -> list[str]:
        """Return the sites that a scenario left watched for too short a time to find anything."""
        if not self.truth.faults.entries:
            return []
        told = {e["site"] for e in self.truth.cad.entries if e["kind"] == "received"}
        due = [site for site in self._due() if site not in told]
        return [site for site in due if self.watched_s(site) < WATCHED_S]

    def _due(self) -> list[str]:
        """Return the sites whose scene passes its alarm level in the time asked for."""
        if (self.options.seconds or 0) < EXPECT_INCIDENTS_AFTER_S:
            return []
        sites = self.options.city.sites
        return [s.id for s in sites if s.stare is not None and s.policy == "straight"]

    def faults(self) -> list[str]:
        """Return what went wrong, in words."""
        unseen = self.watched_too_short()
        return faults(
            homes=self._homes,
            vehicles=self.truth.vehicles.entries,
            docks=self.truth.docks.entries,
            cad=self.truth.cad.entries,
            incidents=self.owed(),
            expected_sites=[site for site in self._due() if site not in unseen],
            excused=self.excused(),
        )


def skybeat_program() -> str:
    """Return the path of the command ``skybeat``: the one installed beside this Python, else on PATH.

    Raises
    ------
    DemoFailed
        If it is not installed.
    """
    beside = Path(sys.executable).with_name("skybeat")
    found = str(beside) if beside.exists() else shutil.which("skybeat")
    if found is None:
        raise DemoFailed("the command skybeat is not installed: pip install it, or use `make demo`")
    return found


def beats_of_docks(city: City) -> list[str]:
    """Return the beats in which the city's docks stand."""
    from shapely.geometry import Point, Polygon

    docks = [Point(dock.position) for dock in city.docks]
    return [b.id for b in city.beats if any(Polygon(b.area).contains(dock) for dock in docks)]
