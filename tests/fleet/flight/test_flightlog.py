"""The flight log keeps flights, events and recordings over restarts, floods and a store that fails."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from fleet.errors import SettingsError, StoreError
from fleet.flight import flightlog as module
from fleet.flight.flightlog import FlightLog
from fleet.link.port import VehicleText
from fleet.live import LiveHub
from fleet.model.flightlog import EventKind, FlightEvent, FlightRecord
from fleet.model.live import DockLive, DroneLive, Telemetry
from fleet.model.states import DoorState, DroneState
from fleet.store import flightlog
from fleet.store.flightlog import Span
from fleet.store.store import Store
from missions.city import City
from missions.cityfile import parse

S = DroneState
NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)


class Hands:
    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()


class Vehicle:
    """The part of a link that the log looks at."""

    def __init__(self) -> None:
        self.texts: list[VehicleText] = []
        self.recorded: list[Path | None] = []

    def record(self, path: Path | None) -> None:
        self.recorded.append(path)

    def say(self, words: str, severity: str = "INFO") -> None:
        self.texts.append(VehicleText(NOW, severity, words))


class Desk:
    """A log over a real store; the drone is told of by hand."""

    def __init__(self, store: Store, city: City, folder: Path) -> None:
        self.store, self.city, self.folder = store, city, folder
        self.clock, self.hub = Hands(), LiveHub()
        self.vehicles: dict[str, Any] = {drone.id: Vehicle() for drone in city.drones}

    @property
    def vehicle(self) -> Vehicle:
        vehicle = self.vehicles["u1"]
        assert isinstance(vehicle, Vehicle)
        return vehicle

    @asynccontextmanager
    async def open(self) -> AsyncIterator[FlightLog]:
        log = FlightLog(self.city, self.store, self.hub, self.vehicles, self.clock, self.folder)
        async with log:
            yield log

    def show(self, state: DroneState, drone: str = "u1", **fields: Any) -> None:
        self.clock.time += timedelta(seconds=1)
        landed_state = "IN_AIR" if fields.get("in_air") else "ON_GROUND"
        telemetry = Telemetry(
            at=self.clock.time, connected=True, lon=117.65, lat=24.51, landed_state=landed_state,
            **fields,
        )  # fmt: skip
        live = DroneLive(id=drone, dock="d1", state=state, sortie="s1", telemetry=telemetry)
        self.hub.publish("drone", drone, live)

    def take_off(self) -> None:
        self.show(S.DOCKED)
        self.show(S.CHECKING)
        self.show(S.ON_WAY, in_air=True, armed=True)

    async def events(self, flight: str = "s1") -> list[FlightEvent]:
        async with self.store.read() as session:
            return await flightlog.events_of(session, flight, 1000)

    async def flights(self) -> list[FlightRecord]:
        async with self.store.read() as session:
            return await flightlog.latest(session, Span(), 1000)


@pytest.fixture
def desk(store: Store, city_text: str, tmp_path: Path) -> Desk:
    return Desk(store, parse(city_text, "city.yaml"), tmp_path / "data")


async def test_a_flight_is_kept_with_what_happened_on_it(desk: Desk) -> None:
    async with desk.open() as log:
        desk.vehicle.say("said before the flight")
        log.look()
        desk.take_off()
        desk.vehicle.say("Takeoff detected")
        desk.vehicle.say("Failsafe activated", "CRITICAL")
        log.look()
        log.look()  # no text twice
        at = desk.clock.now()
        log.note(FlightEvent("u1", at, EventKind.SAFETY, "wind", {"row": "wind"}))
        desk.hub.publish("dock", "d1", DockLive(id="d1", online=True, door=DoorState.OPEN))
        desk.hub.publish("dock", "d1", DockLive(id="d1", online=True, door=DoorState.OPEN, at=at))
        desk.show(S.CLOSING)
        await log.flush()
    (flight,) = await desk.flights()
    assert (flight.id, flight.landed_dock) == ("s1", "d1")
    assert flight.landed_at is not None
    recorded, ended = desk.vehicle.recorded
    assert recorded is not None
    assert flight.tlog == str(recorded.relative_to(desk.folder))
    assert recorded.parent.is_dir()
    assert ended is None
    events = [(event.kind.value, event.text) for event in await desk.events()]
    assert events == [
        ("text", "Takeoff detected"),  # by the vehicle's own clock
        ("text", "Failsafe activated"),
        ("state", "checking"),
        ("state", "on_way"),
        ("state", "lift-off"),
        ("safety", "wind"),
        ("dock", "d1: door open"),
        ("state", "closing"),
        ("state", "touch-down in d1 after 0.0 min and 0.00 km"),
    ]


async def test_a_flight_under_way_is_gone_on_with_after_a_restart(desk: Desk) -> None:
    async with desk.open() as log:
        desk.take_off()
        await log.flush()
    (first,) = await desk.flights()
    assert first.landed_at is None
    assert desk.vehicle.recorded[-1] is None
    async with desk.open() as log:
        assert first.tlog is not None
        assert desk.vehicle.recorded[-1] == desk.folder / first.tlog
        desk.show(S.ON_WAY, in_air=True, armed=True)
        desk.show(S.CLOSING)
        await log.flush()
    (flight,) = await desk.flights()
    assert (flight.id, flight.took_off_at) == (first.id, first.took_off_at)
    assert flight.landed_at == desk.clock.now()


async def test_what_the_store_does_not_take_is_kept_for_the_next_time(desk: Desk) -> None:
    async def rename(before: str, after: str) -> None:
        async with desk.store.write() as tx:
            await tx.session.execute(text(f"ALTER TABLE {before} RENAME TO {after}"))

    async with desk.open() as log:
        await rename("flight_events", "gone")
        desk.take_off()
        with pytest.raises(StoreError):
            await log.flush()
        assert await desk.flights() == []
        await rename("gone", "flight_events")
        desk.show(S.ON_TASK, in_air=True, armed=True)
        await log.flush()
    assert [e.text for e in await desk.events()] == ["checking", "on_way", "lift-off", "on_task"]
    assert len(await desk.flights()) == 1


async def test_a_flood_is_bounded_and_counted(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "BUFFER", 200)
    async with desk.open() as log:
        desk.take_off()
        for n in range(100):
            desk.vehicle.say(f"spam {n}")
        log.look()
        await log.flush()
        texts = [e.text for e in await desk.events() if e.kind is EventKind.TEXT]
        assert texts[:2] == ["spam 80", "spam 81"]
        assert texts[-1].startswith("80 more texts of the autopilot")
        event = FlightEvent("u1", NOW, EventKind.SAFETY, "x")
        for _ in range(module.BUFFER + 7):
            log.note(event)
        log.look()
        said = capsys.readouterr()
        assert "lost=7" in said.out + said.err
        await log.flush()
    kept = [e for e in await desk.events() if e.text == "x"]
    assert len(kept) == 200


async def test_a_fault_in_the_log_reaches_no_publisher(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: Any) -> None:
        raise ZeroDivisionError

    async with desk.open():
        monkeypatch.setattr(module.Airtime, "see", crash)
        desk.show(S.CHECKING)
    assert desk.hub.get("drone", "u1") is not None


async def test_old_events_and_recordings_are_forgotten_and_flights_are_not(desk: Desk) -> None:
    async with desk.open() as log:
        desk.take_off()
        desk.show(S.CLOSING)
        await log.flush()
        old, new = desk.folder / "tlog" / "old.tlog", desk.folder / "tlog" / "new.tlog"
        for file in (old, new):
            file.write_bytes(b"x")
        desk.clock.time += timedelta(days=31)
        past = (desk.clock.now() - timedelta(days=30, hours=1)).timestamp()
        recent = (desk.clock.now() - timedelta(days=29)).timestamp()
        os.utime(old, (past, past))
        os.utime(new, (recent, recent))
        await log.forget()
        assert (old.exists(), new.exists()) == (False, True)
        assert await desk.events() == []
        assert len(await desk.flights()) == 1


async def test_recordings_take_no_more_than_they_may(desk: Desk) -> None:
    log = FlightLog(
        desk.city, desk.store, desk.hub, desk.vehicles, desk.clock, desk.folder, most_bytes=250
    )
    async with log:
        desk.take_off()
        current = desk.vehicle.recorded[-1]
        assert current is not None
        files = [current, *(desk.folder / "tlog" / f"{n}.tlog" for n in range(4))]
        for age, file in zip((9, 4, 3, 2, 1), files, strict=True):
            file.write_bytes(b"x" * 100)
            at = (desk.clock.now() - timedelta(hours=age)).timestamp()
            os.utime(file, (at, at))
        await log.forget()
        assert [file.exists() for file in files] == [True, False, False, False, True]


async def test_a_folder_that_cannot_be_made_is_said(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    desk.folder = tmp_path / "file"
    with pytest.raises(SettingsError, match="cannot keep recordings"):
        async with desk.open():
            pass


async def test_it_stores_by_itself(desk: Desk, until: Callable[..., Any]) -> None:
    async with desk.open():
        desk.take_off()
        await until(desk.flights)
        (flight,) = await desk.flights()
        assert flight.id == "s1"
