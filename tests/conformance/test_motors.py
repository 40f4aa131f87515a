"""Motors: a failure that PX4 injects into itself, and killing them in the air."""

from __future__ import annotations

import pytest

from fleet.link.commands import Command

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

INJECT_FAILURE, MOTOR, OFF, OK = 420, 101.0, 1.0, 0.0


async def test_a_motor_failure_is_acknowledged_and_without_effect_in_simulation(air):
    commands = air.link._commands
    try:
        await commands.send("inject", Command(INJECT_FAILURE, (MOTOR, OFF, 1.0)))
        await air.pass_s(3.0)
        now = air.link.telemetry
        assert now.armed
        assert not now.failsafe
        assert abs(now.roll_deg) < 15
        assert now.altitude_m > 10
    finally:
        await commands.send("inject", Command(INJECT_FAILURE, (MOTOR, OK, 1.0)))


async def test_killing_stops_the_motors_in_the_air(air):
    await air.go_to(0, 0, 6)
    since = air.now()
    await air.link.kill()
    assert not air.link.telemetry.armed
    await air.true(lambda: air.sim.true_pose().altitude_m < 1.0, 6, "it falls to the ground")
    air.took("kill to the ground from 6 m", since, 0.3, 6)
    assert not air.sim.armed
    assert air.sim.landed
    await air.start()  # what fell is not flown again
    await air.ready()
