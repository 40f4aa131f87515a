"""A flock of vehicles in the air, and a controller that takes them over, each in its own process."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import math
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil
import pytest

from fleet.link.items import Item, programme
from fleet.model.order import Order, OrderRequest, OrderStatus
from fleet.model.records import DroneRecord, SortieRecord, SortieStatus
from fleet.model.states import DroneState
from missions.sortie import Leg, LegKind, Sortie, SortieEnergy, Waypoint

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
RESTART = HERE.parent / "fleet" / "restart" / "processes" / "conftest.py"
ORIGIN = (117.65, 24.51)
APART_M = 320.0
HEIGHT_M = 40.0


def _harness() -> Any:
    """Return what the restart tests have: programs, ports."""
    spec = importlib.util.spec_from_file_location("restart_harness", RESTART)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def at(north: float, east: float) -> tuple[float, float]:
    """Return (lon, lat) by metres from the origin."""
    scale = 111_320 * math.cos(math.radians(ORIGIN[1]))
    return ORIGIN[0] + east / scale, ORIGIN[1] + north / 111_320


def box(south: float, north: float, west: float, east: float) -> list[tuple[float, float]]:
    """Return a ring by metres from the origin."""
    return [at(south, west), at(south, east), at(north, east), at(north, west)]


class Flock:
    """So many drones, each with a dock of its own, of which some fly.

    With ``own_rates`` they send at PX4's default rates whatever the controller asks for.
    """

    def __init__(
        self, harness: Any, server: Any, folder: Path, flying: int, docked: int, *, own_rates: bool
    ) -> None:
        self._harness, self.server, self.folder = harness, server, folder
        folder.mkdir(parents=True)
        self.count = flying + docked
        self.names = [f"v{n:03}" for n in range(self.count)]
        self.flyers = self.names[:flying]
        self.kind = flying, docked, own_rates
        side = math.ceil(math.sqrt(self.count))
        self.places = [(APART_M * (n // side), APART_M * (n % side)) for n in range(self.count)]
        self.size = APART_M * side
        self.city_file = folder / "city.yaml"
        self.city_file.write_text(json.dumps(self._city(harness)))
        self.order = str(uuid4())
        self.sorties = {name: self.sortie(n) for n, name in enumerate(self.flyers)}
        plans = {name: _plan(sortie) for name, sortie in self.sorties.items()}
        (folder / "plans.json").write_text(json.dumps(plans))
        self.world = harness.Program(
            str(PROGRAMS / "flock.py"), str(self.city_file), str(folder / "plans.json"),
            err=folder / "world.err",
        )  # fmt: skip
        self.pid: int | None = None
        self.http: httpx.Client | None = None
        self.starts = 0
        try:
            self.world.answer(60)
            if own_rates:
                self.world.ask(do="keep_rates")
        except BaseException:
            self.close()
            raise

    def _city(self, harness: Any) -> dict[str, Any]:
        (broker,) = harness.free_ports(1)
        ports = harness.udp_pairs(self.count)
        area = box(-900, self.size + 900, -900, self.size + 900)
        far = box(self.size + 9_000, self.size + 12_000, 0, 3_000)
        every = box(-900, self.size + 13_000, -900, self.size + 4_000)
        return {
            "city": {"name": "Bench", "origin": list(ORIGIN), "elevation_m": 10},
            "broker": {"url": f"mqtt://127.0.0.1:{broker}"},
            "limits": {"max_airborne": self.count},
            "districts": [{"id": "x", "name": "X", "area": every}],
            "beats": [
                {"id": "near", "name": "Near", "district": "x", "area": area, "cell_m": 300},
                {"id": "far", "name": "Far", "district": "x", "area": far, "cell_m": 60},
            ],
            "docks": [
                {"id": f"d{n:03}", "position": at(*p), "slots": 1, "door_s": 4} for n, p in enumerate(self.places)
            ],
            "drones": [
                {
                    "id": name, "dock": f"d{n:03}", "system_id": n + 1,
                    "mavlink": f"udpin://0.0.0.0:{ports[n]}",
                }
                for n, name in enumerate(self.names)
            ],
            "zones": [{"id": "fence", "kind": "fence", "area": every}],
        }  # fmt: skip

    def sortie(self, number: int) -> Sortie:
        """Return a sortie like no other: up, and round and round beside its own dock."""
        north, east = self.places[number]
        altitude = HEIGHT_M + 0.1 * number

        def point(n: float, e: float) -> Waypoint:
            return Waypoint(*at(north + n, east + e), altitude)

        # farther than from where a drone that is called home waits for its dock
        turns = [point(20.0 * (k % 2) + 240, 30.0 * (k // 2 % 2)) for k in range(60)]
        legs = (
            Leg(LegKind.TAKEOFF, (point(0, 0),), 8.0),
            Leg(LegKind.TRANSIT, (point(240, 0),), 12.0),
            Leg(LegKind.SURVEY, tuple(turns), 4.0, cell=f"near/{number}"),
            Leg(LegKind.HOME, (point(0, 0),), 8.0),
        )
        pad = at(*self.places[number])
        fence = tuple(box(north - 200, north + 450, east - 200, east + 250))
        energy = SortieEnergy(900.0, 3000.0, 100.0, 60.0, 274.0)
        return Sortie(
            f"sortie-{number}", self.order, self.names[number], f"d{number:03}", *pad, altitude,
            legs, energy, fence,
        )  # fmt: skip

    # before the controller

    def lift(self, bound_s: float = 60.0) -> None:
        """Have the flyers take off, and wait until they are on their missions."""
        self.world.ask(do="radio", on=False)
        end = time.monotonic() + 20
        while self.world.ask(do="state")["now"] < 8.0 and time.monotonic() < end:
            time.sleep(0.2)
        self.world.ask(do="load")
        end = time.monotonic() + bound_s
        while self.world.ask(do="launch")["armed"] < len(self.flyers) and time.monotonic() < end:
            time.sleep(0.5)
        while time.monotonic() < end:
            state = self.world.ask(do="state")
            if state["aloft"] == len(self.flyers) and state["lowest"] > HEIGHT_M - 3:
                self.world.ask(do="radio", on=True)
                return
            time.sleep(0.2)
        raise AssertionError(f"not up within {bound_s} s: {state}")

    def remember(self) -> None:
        """Write what a controller would have known when it died."""
        from fleet.store.store import Store

        async def write() -> None:
            data = self.folder / "data"
            data.mkdir(mode=0o700)
            store = Store(data)
            await store.migrate()
            now = datetime.now(UTC)
            order = Order(
                id=self.order, request=OrderRequest(kind="patrol", beats=("far",)),
                status=OrderStatus.ACTIVE, created_at=now, created_by="bench",
            )  # fmt: skip
            await store.flights.save_order(order)
            for name, sortie in self.sorties.items():
                await store.flights.save_sortie(SortieRecord(sortie, SortieStatus.FLYING, "", now))
                await store.flights.save_drone(
                    DroneRecord(name, DroneState.ON_WAY, "", sortie.id, now)
                )
            await store.close()

        asyncio.run(write())

    # the controller

    def start(self) -> float:
        """Start a measured controller; return when it was forked."""
        self.starts += 1
        self.out, self.err = self.folder / f"out-{self.starts}", self.folder / f"err-{self.starts}"
        began = time.time()
        answer = self.server.ask(
            city=str(self.city_file), data=str(self.folder / "data"), out=str(self.out),
            err=str(self.err), figures=str(self.folder / "figures"),
            program=str(PROGRAMS / "measured.py"),
        )  # fmt: skip
        self.pid = answer["pid"]
        return began

    def ready(self, seconds: float = 60.0) -> None:
        """Wait until the API is there."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            words = self.out.read_text().split() if self.out.exists() else []
            if "ready" in words:
                if self.http is None:
                    token = next(w for w in words if w.startswith("sky_"))
                    self.token = token
                self.http = httpx.Client(
                    base_url=words[words.index("ready") + 1] + "/api/v1", timeout=20,
                    headers={"Authorization": f"Bearer {self.token}"},
                )  # fmt: skip
                return
            assert self.pid not in self.server.ended, self.err.read_text()[-3000:]
            time.sleep(0.02)
        raise AssertionError(f"not ready: {self.err.read_text()[-2000:]}")

    def drones(self) -> dict[str, Any]:
        """Return what the API says of each drone."""
        assert self.http is not None
        return {d["id"]: d for d in self.http.get("/state").json()["drones"]}

    def adopted(self, began: float, seconds: float = 60.0) -> dict[str, float]:
        """Return by drone how long after the fork its keeper had it in a state of flight."""
        end, found = time.monotonic() + seconds, dict[str, float]()
        while len(found) < len(self.flyers) and time.monotonic() < end:
            for entry in self.log():
                flies = entry.get("state") in {"on_way", "on_task", "returning"}
                if entry.get("event") == "drone" and flies:
                    found.setdefault(entry["drone"], entry["at"] - began)
            time.sleep(0.1)
        return found

    def log(self) -> list[dict[str, Any]]:
        """Return what the controller has logged."""
        return self._harness.logged(self.err)

    def commands(self) -> list[tuple[str, float]]:
        """Return to whom commands about flying went out, and when."""
        path = self.folder / "figures.commands"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(name, float(at)) for name, at in (line.split() for line in lines)]

    def figures(self, seconds: float) -> dict[str, Any]:
        """Measure the controller for some seconds, and the world that it sees."""
        assert self.pid is not None
        path = self.folder / "figures"
        os.kill(self.pid, signal.SIGUSR1)
        before, planner = self.world.ask(do="state"), self.planner_cpu()
        time.sleep(seconds)
        planner = self.planner_cpu() - planner
        after = self.world.ask(do="state")
        path.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR1)
        end = time.monotonic() + 20
        while not (path.exists() and path.read_text().endswith("\n")):
            assert time.monotonic() < end, "no figures"
            time.sleep(0.02)
        found = json.loads(path.read_text().splitlines()[-1])
        found["planner_cpu"] = round(planner / seconds, 3)
        found["world_cpu"] = round((after["cpu"] - before["cpu"]) / seconds, 3)
        found["world_speed"] = round((after["now"] - before["now"]) / seconds, 3)
        found["flying"] = after["mission"]
        return found

    def planner_cpu(self) -> float:
        """Return the seconds of processor that the controller's own processes have taken."""
        used = 0.0
        for process in psutil.Process(self.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                used += sum(process.cpu_times()[:2])
        return used

    def kill(self) -> None:
        """SIGKILL the controller, and see that nothing of it is left."""
        if self.pid is None or self.pid in self.server.ended:
            return
        family = []
        with suppress(psutil.NoSuchProcess):
            family = psutil.Process(self.pid).children(recursive=True)
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        end = time.monotonic() + 10
        while self.pid not in self.server.ended and time.monotonic() < end:
            time.sleep(0.01)
        _, left = psutil.wait_procs(family, timeout=3)
        for process in left:
            process.kill()

    def close(self) -> None:
        """End everything."""
        if self.http is not None:
            self.http.close()
        self.kill()
        self.world.close()


def _plan(sortie: Sortie) -> dict[str, Any]:
    made = programme(sortie)

    def raw(item: Item) -> list[Any]:
        return [item.command, item.frame, list(item.params), item.x, item.y, item.z]

    return {"mission": [raw(i) for i in made.items], "fence": [raw(i) for i in made.fence]}


@pytest.fixture(scope="module")
def flocks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Flock]]:
    """Make a flock in the air with a controller that knows of it; one at a time."""
    harness = _harness()
    folder = tmp_path_factory.mktemp("flocks")
    server = harness.Program("controllers.py", err=folder / "server.err")
    alive: list[Flock] = []

    def make(flying: int, docked: int = 0, *, own_rates: bool = False) -> Flock:
        """Return a flock; the one that is in the air still, where it is of this kind."""
        if alive and alive[-1].kind == (flying, docked, own_rates) and flying:
            return alive[-1]
        while alive:
            alive.pop().close()
        name = f"{flying}-{docked}-{time.monotonic_ns()}"
        alive.append(Flock(harness, server, folder / name, flying, docked, own_rates=own_rates))
        return alive[-1]

    try:
        server.answer(60)
        yield make
    finally:
        for flock in alive:
            flock.close()
        server.close()
