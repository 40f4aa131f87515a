"""Every row of the failsafe matrix, from what a vehicle, a dock or a person does to what is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from fleet.flight.safety.matrix import MATRIX
from fleet.flight.word import Word
from fleet.model.closure import Closure
from fleet.model.command import GoTo
from fleet.model.flightlog import EventKind, FlightEvent
from fleet.model.live import SiteLive
from fleet.model.states import DroneState
from fleet.model.traffic import Aircraft
from missions.city import Zone
from missions.geo import LocalFrame

S = DroneState
FRAME = LocalFrame(117.65, 24.51)
Make = Callable[..., Any]
Do = Callable[[Any], object]
ELSEWHERE = {"controller lost", "pilot: breaks a bound"}
"""Kept by other parts, and tested with them."""


class Case(NamedTuple):
    """In a state something is done; it leads to another, or is only told in these words."""

    state: DroneState
    do: Do
    leads_to: DroneState | None = None
    words: str = ""


class Notes:
    """A journal that keeps which rows of the matrix were followed for a1."""

    def __init__(self) -> None:
        self.rows: list[object] = []

    def note(self, event: FlightEvent) -> None:
        if event.kind is EventKind.SAFETY and event.drone == "a1":
            self.rows.append(event.details["row"])


def vehicle(**fields: Any) -> Do:
    return lambda town: town.vehicle.set(**fields)


def stuck(**fields: Any) -> Do:
    """Have a vehicle tell what its body would put right at once."""
    return lambda town: (setattr(town.vehicle, "stuck", True), town.vehicle.set(**fields))


def dock(**fields: Any) -> Do:
    return lambda town: town.dock.set(**fields)


def link(**fields: Any) -> Do:
    return lambda town: [setattr(town.vehicle, name, value) for name, value in fields.items()]


def says(action: Any, demand: Any = None) -> Do:
    return lambda town: town.controller.tell("a1", Word(action, f"{action} by wang", demand))


def place(east: float, north: float) -> dict[str, float]:
    lon, lat = FRAME.to_lonlat(east, north)
    return {"lon": lon, "lat": lat}


def aircraft(town: Any) -> None:
    at = place(300.0, 500.0)
    near = Aircraft(icao=1, callsign="B7000", at=town.clock.now(), altitude_amsl_m=120.0, **at)
    town.vehicle.traffic = (near,)


def another_drone(town: Any) -> None:
    t, other = town.vehicle.truth, town.vehicles["a2"]
    other.stuck = True
    here = {"lon": t.lon, "lat": t.lat, "altitude_m": t.altitude_m}
    other.set(armed=True, in_air=True, landed_state="IN_AIR", **here)


async def jumps(town: Any, times: int) -> None:
    town.vehicle.stuck = True
    for n in range(times):
        town.vehicle.set(**place(60.0 * (n % 2), 200.0), velocity_north_m_s=0.0)
        await asyncio.sleep(0.5)


def blind(town: Any) -> None:
    town.hub.publish("site", "bridge", SiteLive(id="bridge", state="blind"))


async def close(town: Any, north: float, half: float = 40.0) -> None:
    """Close the air about a line across every mission."""
    low, high = north - half, north + half
    ring = [(-200.0, low), (300.0, low), (300.0, high), (-200.0, high)]
    area = tuple(tuple(FRAME.to_lonlat(*corner)) for corner in ring)
    zone = Zone.model_validate({"id": "closure-1", "kind": "no_fly", "area": area})
    now = town.clock.now()
    one = Closure(
        id=uuid4(), kind="closure", zone=zone, reason="fire", created_at=now, created_by="wang"
    )
    await town.controller.closures.add([one])


CASES: dict[str, Case] = {
    "link lost": Case(S.ON_TASK, link(silent=True), S.LOST),
    "in the air unasked": Case(S.DOCKED, vehicle(in_air=True, armed=True), S.EMERGENCY),
    "on the ground unasked": Case(S.ON_TASK, stuck(in_air=False, armed=False), S.EMERGENCY),
    "pilot: land": Case(S.ON_TASK, says("land"), S.EMERGENCY),
    "autopilot acts": Case(S.ON_TASK, vehicle(mode="LAND"), S.EMERGENCY),
    "autopilot failsafe": Case(S.ON_TASK, vehicle(failsafe=True), S.EMERGENCY),
    "attitude abnormal": Case(S.RETURNING, vehicle(roll_deg=60.0), S.EMERGENCY),
    "falls": Case(S.ON_TASK, stuck(velocity_down_m_s=9.0), S.EMERGENCY),
    "gps lost": Case(S.ON_TASK, vehicle(gps_fix=1), S.EMERGENCY),
    "energy to come home": Case(S.ON_TASK, vehicle(battery_percent=5.0), S.RETURNING),
    "traffic": Case(S.ON_TASK, aircraft, S.AVOIDING),
    "traffic before take-off": Case(S.OPENING, aircraft, S.CLOSING),
    "conflict": Case(S.ON_TASK, another_drone, S.AVOIDING),
    "in a closure": Case(S.ON_TASK, lambda town: close(town, 270.0, 80.0), S.AVOIDING),
    "way closed": Case(S.ON_TASK, lambda town: close(town, 120.0), S.RETURNING),
    "way closed before take-off": Case(S.OPENING, lambda town: close(town, 120.0), S.CLOSING),
    "fence breached": Case(S.ON_TASK, stuck(**place(0.0, 520.0)), S.RETURNING),
    "battery at reserve": Case(S.ON_TASK, vehicle(battery_percent=24.0), S.RETURNING),
    "battery untold": Case(S.ON_TASK, vehicle(battery_percent=None), S.RETURNING),
    "gps degraded": Case(S.ON_TASK, vehicle(satellites=4), S.RETURNING),
    "position jumps": Case(S.ON_TASK, lambda town: jumps(town, 4), S.RETURNING),
    "called off": Case(S.OPENING, says("return"), S.CLOSING),
    "recalled": Case(S.ON_TASK, says("return"), S.RETURNING),
    "pilot: hold": Case(S.ON_TASK, says("hold"), S.HELD),
    "pilot: fly": Case(
        S.ON_TASK, says("goto", GoTo(action="goto", altitude_m=50.0, **place(0, 100))), S.HELD
    ),
    "pilot: resume": Case(S.HELD, says("resume"), S.ON_WAY),
    "holds alone": Case(S.ON_TASK, vehicle(mode="HOLD"), S.HELD),
    "by hand on the way home": Case(S.RETURNING, vehicle(mode="POSCTL"), S.HELD),
    "wind": Case(S.ON_TASK, dock(wind_m_s=8.0), S.RETURNING),
    "rain": Case(S.ON_TASK, dock(rain_mm_h=9.0), S.RETURNING),
    "wind before take-off": Case(S.OPENING, dock(wind_m_s=8.0), S.CLOSING),
    "rain before take-off": Case(S.OPENING, dock(rain_mm_h=9.0), S.CLOSING),
    "operator absent": Case(S.ON_TASK, lambda town: town.gone.append(1), S.RETURNING),
    "dock fault": Case(S.RETURNING, dock(online=False, reason="gone"), None, "dock: gone"),
    "fence near": Case(S.ON_TASK, stuck(**place(0.0, 497.0)), None, "m from its fence"),
    "battery low": Case(S.ON_TASK, vehicle(battery_percent=28.0), None, "comes home at"),
    "battery unknown": Case(S.ON_TASK, vehicle(battery_percent=None), None, "is not known"),
    "position jumped": Case(S.ON_TASK, lambda town: jumps(town, 2), None, "position has jumped"),
    "wind aloft": Case(S.ON_TASK, vehicle(wind_m_s=9.0), None, "aloft by the vehicle's estimate"),
    "video lost": Case(S.ON_TASK, blind, None, "no picture of its site"),
    "link troubled": Case(S.ON_TASK, link(troubles=("rubbish",)), None, "link: rubbish"),
    "profile differs": Case(
        S.ON_TASK, link(differences=("GF_ACTION is 0",)), None, "differ from the profile: GF_ACTION"
    ),
}


def test_every_row_that_is_kept_here_is_flown() -> None:
    assert {row.name for row in MATRIX} - ELSEWHERE == set(CASES)


async def bring_to(town: Any, state: DroneState) -> None:
    await town.reach(S.DOCKED)
    if state is S.DOCKED:
        return
    await town.patrol()
    if state is S.OPENING:
        await town.reach(S.OPENING)
        return
    await town.reach(S.ON_TASK)
    await town.until(lambda: on_site(town))
    if state in {S.RETURNING, S.HELD}:
        says("return" if state is S.RETURNING else "hold")(town)
        await town.reach(state)
        await asyncio.sleep(1)


def on_site(town: Any) -> bool:
    keeper = town.controller.supervisors["a1"]
    return bool(keeper.programme.leg(keeper.t.mission_current).site)


@pytest.mark.parametrize("name", list(CASES))
async def test_a_row_is_flown(make_town: Make, name: str) -> None:
    case = CASES[name]
    town = make_town(("a1", "a2"), max_airborne=1)
    town.planner.hold_s = 120.0
    town.planner.given["a2"] = 99
    town.dock._door_s = 20.0
    limits = town.city.limits.model_copy(update={"wind_m_s": 7.0})
    town.city, town.gone = town.city.model_copy(update={"limits": limits}), []
    notes = Notes()
    town.make_more = {
        "presence": lambda: town.clock.now() - timedelta(hours=len(town.gone)),
        "journal": notes,
    }
    async with town.open():
        await bring_to(town, case.state)
        doing = case.do(town)
        if asyncio.iscoroutine(doing):
            await doing
        if case.leads_to is None:
            await town.until(lambda: any(case.words in w for w in town.live().warnings), 30)
            assert town.state() in {case.state, S.ON_WAY}
        else:
            await town.reach(case.leads_to, bound_s=65)
            assert name in notes.rows
