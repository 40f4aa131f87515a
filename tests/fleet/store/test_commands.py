"""Pilots' commands and holders come back as they went in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from fleet.model.command import CommandRecord, CommandStatus
from fleet.model.records import DroneRecord
from fleet.model.states import DroneState
from fleet.store import commands, drones
from fleet.store.store import Store

NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)


def command(minute: int = 0, drone: str = "u1", status: str = "sent") -> CommandRecord:
    return CommandRecord(
        id=uuid4(),
        drone=drone,
        actor="a pilot",
        demand={"action": "goto", "lon": 117.65, "lat": 24.51, "altitude_m": 60.0},
        reason="看桥",
        status=CommandStatus(status),
        at=NOW + timedelta(minutes=minute),
    )


async def test_a_command_comes_back_with_its_answer(store: Store) -> None:
    sent = command()
    async with store.write() as tx:
        await commands.save(tx.session, sent)
    done = sent.model_copy(
        update={"status": CommandStatus.DONE, "answer": "holds there", "answered_at": NOW}
    )
    async with store.write() as tx:
        assert await commands.get(tx.session, sent.id) == sent
        await commands.save(tx.session, done)
    async with store.read() as session:
        assert await commands.get(session, sent.id) == done
        assert await commands.get(session, UUID(int=0)) is None
        assert await commands.unanswered(session, ["u1"]) == []


async def test_the_newest_of_a_drone_come_first_and_the_unanswered_oldest_first(
    store: Store,
) -> None:
    early, late, other = command(1), command(5, status="failed"), command(3, "u2")
    async with store.write() as tx:
        for one in (early, late, other):
            await commands.save(tx.session, one)
    async with store.read() as session:
        assert await commands.of_drone(session, "u1", 10) == [late, early]
        assert await commands.of_drone(session, "u1", 1) == [late]
        since = NOW + timedelta(minutes=2)
        assert await commands.of_drone(session, "u1", 10, since) == [late]
        assert await commands.unanswered(session, ["u1", "u2"]) == [early, other]
        assert await commands.unanswered(session, ["u2"]) == [other]


async def test_a_drones_step_leaves_its_holder_and_a_holder_leaves_its_step(store: Store) -> None:
    async with store.write() as tx:
        await drones.set_holder(tx.session, "u1", "a pilot", NOW)  # before anything was decided
    step = DroneRecord("u1", DroneState.ON_WAY, "", "s1", NOW, berth="d2")
    await store.flights.save_drone(step)
    held = (await store.flights.drones())["u1"]
    assert (held.state, held.sortie, held.berth) == (DroneState.ON_WAY, "s1", "d2")
    assert (held.holder, held.held_since) == ("a pilot", NOW)
    async with store.write() as tx:
        await drones.set_holder(tx.session, "u1", None, NOW + timedelta(minutes=1))
    assert await store.flights.drones() == {"u1": step}
