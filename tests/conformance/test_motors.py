"""Motors: a failure that PX4 injects into itself, and killing them in the air."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from pymavlink import mavutil

from fleet.flight.asked import Request
from fleet.flight.pilots import PilotDesk
from fleet.link.clock import SystemClock
from fleet.link.messages import Command
from fleet.model.command import CommandStatus, Kill
from fleet.store.store import Store
from missions.cityfile import parse

CITY = Path(__file__).parents[2] / "sitl" / "cities" / "zhangzhou.yaml"

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

INJECT_FAILURE, MOTOR, GPS, OFF, OK = 420, 101.0, 4.0, 1.0, 0.0


async def test_a_motor_failure_is_acknowledged_and_without_effect_in_simulation(air, tmp_path):
    """PX4 sends its answer to nobody in particular, so that only a recording shows it."""
    recording = tmp_path / "failures.tlog"
    air.link.record(recording)
    try:
        inject(air, GPS, OFF, 0.0)  # which SIH lacks: no answer at all
        inject(air, MOTOR, OFF, 1.0)
        await air.true(lambda: answers(recording) == [0], 5, "acknowledged")
        await air.pass_s(3.0)
        now = air.link.telemetry
        assert now.armed
        assert not now.failsafe
        assert abs(now.roll_deg) < 15
        assert now.altitude_m > 10
    finally:
        inject(air, MOTOR, OK, 1.0)
        await air.true(lambda: answers(recording) == [0, 0], 5, "mended")
        air.link.record(None)


def inject(air, *params):
    """Ask for a failure."""
    air.link._asking.send(Command(INJECT_FAILURE, params))


def answers(recording):
    """Return how failures were acknowledged."""
    if not recording.exists():
        return []
    log, found = mavutil.mavlink_connection(str(recording), dialect="all"), []
    while (message := log.recv_match(type="COMMAND_ACK")) is not None:
        if message.command == INJECT_FAILURE:
            found.append(message.result)
    return found


async def test_killing_takes_a_second_word_and_then_stops_the_motors_in_the_air(air, tmp_path):
    await air.go_to(0, 0, 6)
    city = parse(CITY.read_text(encoding="utf-8"), CITY.name)
    drone = city.drones[0]
    keeper = SimpleNamespace(
        drone=drone, link=air.link, sortie=None, carried=None, holder=None, holder_token=None,
        when_docked=None, publish=lambda: None, note=lambda *_, **__: None,
    )  # fmt: skip
    store = Store(tmp_path)
    await store.migrate()
    desk = PilotDesk(city, store, SimpleNamespace(supervisors={drone.id: keeper}), SystemClock())

    async def ask(confirm=None):
        return await desk.carry_out(
            Request(drone.id, "li", Kill(action="kill", confirm=confirm), reason="it burns")
        )

    try:
        first = await ask()
        assert first.record.status is CommandStatus.REFUSED
        wrong = await ask("yes")
        assert wrong.record.status is CommandStatus.REFUSED
        assert "not the word" in wrong.record.answer
        await air.pass_s(3.0)
        assert air.sim.armed, "asked once and answered wrongly, nothing was sent"
        assert air.sim.true_pose().altitude_m > 4.5

        word = (await ask()).confirm
        since = air.now()
        assert (await ask(word)).record.status is CommandStatus.DONE
        assert not air.link.telemetry.armed
        await air.true(lambda: air.sim.true_pose().altitude_m < 1.0, 6, "it falls to the ground")
        air.took("kill to the ground from 6 m", since, 0.3, 6)
        assert not air.sim.armed
        assert air.sim.landed
    finally:
        await desk.stop()
        await store.close()
    await air.start()  # what fell is not flown again
    await air.ready()
