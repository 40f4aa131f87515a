"""A pilot's command is stored, then sent, once; its answer is the vehicle's; the rest is said why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from pydantic import TypeAdapter
from sqlalchemy import text

from fleet.errors import Conflict, LinkError, NotFound, OrderError, Refused, StoreError
from fleet.flight import carrying, confirm, docket
from fleet.flight.asked import Request
from fleet.flight.word import Word
from fleet.model.command import CommandRecord, CommandStatus, Demand
from fleet.model.flightlog import EventKind, FlightRecord
from fleet.store import drones, flightlog

NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)
DEMAND: TypeAdapter[Demand] = TypeAdapter(Demand)
HOLD = DEMAND.validate_python({"action": "hold"})
LAND = DEMAND.validate_python({"action": "land"})
RETURN = DEMAND.validate_python({"action": "return"})
TAKE = DEMAND.validate_python({"action": "take_control"})
RELEASE = DEMAND.validate_python({"action": "release_control"})


def goto(lon: float = 117.655, lat: float = 24.512, altitude_m: float = 60.0) -> Demand:
    return DEMAND.validate_python(
        {"action": "goto", "lon": lon, "lat": lat, "altitude_m": altitude_m}
    )


def kill(word: str | None = None) -> Demand:
    return DEMAND.validate_python({"action": "kill", "confirm": word})


async def test_a_command_is_on_disk_before_it_goes_out_and_answers_in_the_vehicles_words(
    room: Any,
) -> None:
    on_disk: list[CommandRecord | None] = []
    command = uuid4()
    room.flight.answers = None
    asking = asyncio.create_task(room.ask(goto(), id=command, reason="look at the pier"))
    await room.told()
    on_disk.append(await room.kept(command))
    (drone, word) = room.flight.words[0]
    assert (drone, word.action, word.demand) == ("u1", "goto", goto())
    assert word.reason == "goto by li: look at the pier"
    word.done("COMMAND_ACK: ACCEPTED")
    answer = await asking
    assert on_disk[0] is not None
    assert on_disk[0].status is CommandStatus.SENT
    assert answer.record.status is CommandStatus.DONE
    assert answer.record.answer == "COMMAND_ACK: ACCEPTED"
    assert await room.kept(command) == answer.record
    assert await room.audited() == [
        ("li", "drone.command", "look at the pier"),
        ("li", "drone.answer", "COMMAND_ACK: ACCEPTED"),
    ]


async def test_the_same_id_is_carried_out_once_at_once_and_later(room: Any) -> None:
    command = uuid4()
    together = await asyncio.gather(*(room.ask(HOLD, id=command) for _ in range(20)))
    later = await room.ask(HOLD, id=command)
    assert len(room.flight.words) == 1
    assert {one.record.answered_at for one in (*together, later)} == {NOW}
    assert {one.record.status for one in (*together, later)} == {CommandStatus.DONE}
    assert len(await room.audited()) == 2
    for other in (
        Request("u1", "wang", HOLD, id=command),
        Request("u2", "li", HOLD, id=command),
        Request("u1", "li", goto(), id=command),
    ):
        with pytest.raises(Conflict, match=f"command {command} was 'hold' for u1 by li"):
            await room.desk.carry_out(other)


async def test_a_repetition_of_another_kind_is_refused_while_the_first_is_under_way(
    room: Any,
) -> None:
    room.flight.answers = None
    command = uuid4()
    asking = asyncio.create_task(room.ask(HOLD, id=command))
    await room.told()
    with pytest.raises(Conflict, match="another command needs an id of its own"):
        await room.ask(goto(), id=command)
    room.flight.words[0][1].done("holds")
    assert (await asking).record.answer == "holds"


async def test_who_asks_may_go_away_and_finds_the_answer_later(room: Any) -> None:
    room.flight.answers = None
    command = uuid4()
    asking = asyncio.create_task(room.ask(HOLD, id=command))
    await room.told()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    again = asyncio.create_task(room.ask(HOLD, id=command))
    await asyncio.sleep(0)
    room.flight.words[0][1].done("holds")
    assert (await again).record.answer == "holds"
    assert len(room.flight.words) == 1


async def test_what_a_dead_controller_left_open_has_failed_and_is_not_sent_again(
    room: Any,
) -> None:
    room.flight.answers = None
    command = uuid4()
    asking = asyncio.create_task(room.ask(HOLD, id=command))
    await room.told()
    await room.desk.stop()
    await asyncio.gather(asking, return_exceptions=True)
    room.enter()
    await room.desk.start()
    holder = room.desk.holder("u1")  # control outlives it too
    assert holder is not None
    assert holder.who == "li"
    answer = await room.ask(HOLD, id=command)
    assert answer.record.status is CommandStatus.FAILED
    assert answer.record.answer == "controller ended before the answer was known"
    assert room.flight.words == []
    assert (await room.audited())[-1] == ("li", "drone.answer", answer.record.answer)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Refused("u1: hold: COMMAND_DENIED: no fix"), CommandStatus.REFUSED),
        (OrderError("u1 is docked"), CommandStatus.REFUSED),
        (LinkError("u1: hold: no answer"), CommandStatus.FAILED),
        (StoreError("disk full"), CommandStatus.FAILED),
    ],
)
async def test_a_no_is_kept_in_its_own_words(
    room: Any, error: Exception, status: CommandStatus
) -> None:
    room.flight.answers = lambda word: word.failed(error)
    answer = await room.ask(HOLD)
    assert (answer.record.status, answer.record.answer) == (status, str(error))
    assert await room.kept_answered(answer.record.id) == answer.record
    holder = room.desk.holder("u1")  # what was refused gives no control; what went out does
    assert (holder is None) == (status is CommandStatus.REFUSED)


async def test_a_fault_is_answered_and_kept(room: Any) -> None:
    def crash(_word: Word) -> None:
        raise ZeroDivisionError("in the keeper")

    room.flight.answers = crash
    answer = await room.ask(HOLD)
    assert answer.record.status is CommandStatus.FAILED
    assert "ZeroDivisionError: in the keeper" in answer.record.answer


async def test_no_answer_in_time_has_failed(room: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrying, "ANSWER_S", 0.05)
    room.flight.answers = None
    answer = await room.ask(HOLD)
    assert answer.record.status is CommandStatus.FAILED
    assert "not seen to be done within 0.05 s" in answer.record.answer
    room.flight.words[0][1].done("too late")  # disturbs nothing


async def test_camera_words_go_straight_to_the_link(room: Any) -> None:
    look = DEMAND.validate_python({"action": "look_at", "lon": 117.65, "lat": 24.51})
    point = DEMAND.validate_python({"action": "gimbal", "pitch_deg": -45})
    assert (await room.ask(look)).record.status is CommandStatus.DONE
    room.link.fails = Refused("u1: gimbal: COMMAND_UNSUPPORTED")
    answer = await room.ask(point)
    assert answer.record.status is CommandStatus.REFUSED
    assert answer.record.answer == "u1: gimbal: COMMAND_UNSUPPORTED"
    assert room.link.told == ["look_at", "gimbal"]
    assert room.flight.words == []


async def test_kill_is_asked_twice_with_the_word_of_the_answer(room: Any) -> None:
    first = await room.ask(kill())
    assert first.record.status is CommandStatus.REFUSED
    assert "u1 would fall" in first.record.answer
    assert first.confirm is not None
    assert first.confirm not in first.record.model_dump_json()
    assert room.link.told == []
    second = await room.ask(kill(first.confirm.upper()))
    assert second.record.status is CommandStatus.DONE
    assert room.link.told == ["kill"]
    third = await room.ask(kill(first.confirm))
    assert third.record.status is CommandStatus.REFUSED
    assert "is not the word" in third.record.answer
    assert room.link.told == ["kill"]


async def test_the_word_is_said_again_to_one_who_lost_the_answer(room: Any) -> None:
    asked = uuid4()
    word = (await room.ask(kill(), id=asked)).confirm
    assert (await room.ask(kill(), id=asked)).confirm == word
    assert (await room.ask(kill(word))).record.status is CommandStatus.DONE
    assert (await room.ask(kill(), id=asked)).confirm is None
    other = uuid4()
    await room.ask(kill(), id=other)
    room.clock.seconds = confirm.VALID_S + 0.1
    assert (await room.ask(kill(), id=other)).confirm is None
    assert room.link.told == ["kill"]


async def test_the_word_is_the_pilots_own_and_good_for_20_s(room: Any) -> None:
    word = (await room.ask(kill())).confirm
    room.clock.seconds = confirm.VALID_S + 0.1
    assert (await room.ask(kill(word))).record.status is CommandStatus.REFUSED
    word = (await room.ask(kill())).confirm
    await room.ask(TAKE, "wang", take_over=True)
    assert (await room.ask(kill(word), "wang")).record.status is CommandStatus.REFUSED
    word = (await room.ask(kill(), "wang")).confirm
    assert (await room.ask(kill("x" * 40), "wang")).record.status is CommandStatus.REFUSED
    assert (await room.ask(kill(word), "wang")).record.status is CommandStatus.REFUSED
    assert (await room.ask(kill(""), "wang")).record.status is CommandStatus.REFUSED
    assert room.link.told == []


async def test_another_pilot_is_refused_until_control_is_taken_over(room: Any) -> None:
    await room.ask(HOLD)
    refused = await room.ask(HOLD, "wang")
    assert refused.record.status is CommandStatus.REFUSED
    assert refused.record.answer.startswith("li (since 08:00:00 UTC) has control of u1")
    assert (await room.ask(TAKE, "wang")).record.status is CommandStatus.REFUSED
    assert (await room.ask(RELEASE, "wang")).record.status is CommandStatus.REFUSED
    taken = await room.ask(TAKE, "wang", take_over=True)
    assert taken.record.answer == "you have control, taken over from li (since 08:00:00 UTC)"
    assert (await room.ask(HOLD)).record.status is CommandStatus.REFUSED
    assert (await room.ask(HOLD, "wang")).record.status is CommandStatus.DONE
    assert (await room.ask(RELEASE, "wang")).record.answer == "the controller has it again"
    assert room.flight.supervisors["u1"].shown == ["li", "wang", None]
    assert len(room.flight.words) == 2


async def test_a_drone_that_is_not_there_is_named_with_those_that_are(room: Any) -> None:
    with pytest.raises(NotFound, match="no drone 'u9'; drones are u1, u2"):
        await room.desk.carry_out(Request("u9", "li", HOLD))


async def test_what_the_store_does_not_take_is_not_sent(room: Any) -> None:
    async with room.store.write() as tx:
        await tx.session.execute(text("ALTER TABLE commands RENAME TO gone"))
    with pytest.raises(StoreError, match="no such table"):
        await room.ask(goto())
    assert room.flight.words == []
    assert room.desk.holder("u1") is None


@pytest.mark.parametrize("demand", [HOLD, LAND, RETURN])
async def test_words_of_safety_go_out_though_the_store_fails_and_are_written_later(
    room: Any, demand: Demand
) -> None:
    async with room.store.write() as tx:
        await tx.session.execute(text("ALTER TABLE commands RENAME TO gone"))
    command = uuid4()
    answer = await room.ask(demand, id=command, reason="now")
    assert answer.record.status is CommandStatus.DONE
    assert await room.ask(demand, id=command, reason="now") == answer  # and once
    assert len(room.flight.words) == 1
    holder = room.desk.holder("u1")
    assert holder is not None
    assert holder.who == "li"
    with pytest.raises(StoreError):
        await room.ask(goto())
    assert (await room.ask(demand, "wang")).record.status is CommandStatus.REFUSED
    assert await room.audited() == []
    async with room.store.write() as tx:
        await tx.session.execute(text("ALTER TABLE gone RENAME TO commands"))
    await room.desk.stop()
    assert await room.kept(command) == answer.record
    told = await room.audited()
    assert told[:2] == [("li", "drone.command", "now"), ("li", "drone.answer", "ACCEPTED")]
    assert [who for who, _, _ in told] == ["li", "li", "wang", "wang"]
    room.enter()
    await room.desk.start()
    assert room.desk.holder("u1") == holder


async def test_words_of_safety_go_out_in_a_fifth_of_a_second_where_the_store_hangs(
    room: Any,
) -> None:
    loop, command = asyncio.get_running_loop(), uuid4()
    word = (await room.ask(kill())).confirm
    reading = room.store.read

    @asynccontextmanager
    async def hang() -> AsyncIterator[Any]:
        await asyncio.Event().wait()
        yield

    room.store.read = hang  # type: ignore[method-assign]
    began = loop.time()
    took: list[float] = []
    room.flight.answers = lambda said: (took.append(loop.time() - began), said.done("holds"))[1]
    async with room.store.write():  # somebody writes, and does not end
        answer = await room.ask(HOLD, id=command)
        assert took[0] < 0.5  # 0.1 s, and what a busy machine adds
        assert answer.record.answer == "holds"
        assert (await room.ask(kill(word))).record.status is CommandStatus.DONE
        assert room.link.told == ["kill"]
        assert (await room.ask(kill(word))).record.status is CommandStatus.REFUSED
        assert room.link.told == ["kill"]
    room.store.read = reading  # type: ignore[method-assign]
    await room.desk.stop()
    assert await room.kept(command) == answer.record
    actions = [(action, reason) for _, action, reason in await room.audited()][2:]
    assert actions[1] == ("drone.answer", "holds")
    assert [action for action, _ in actions] == ["drone.command", "drone.answer"] * 3


async def test_control_ends_with_the_flight_and_is_told(room: Any) -> None:
    await room.ask(HOLD)
    keeper = room.flight.supervisors["u1"]
    keeper.when_docked()
    assert room.desk.holder("u1") is None
    assert keeper.holder is None
    assert keeper.noted == ["control by li (since 08:00:00 UTC) has ended: u1 is in its dock"]
    keeper.when_docked()  # nobody has it
    assert len(keeper.noted) == 1
    await room.desk.stop()
    assert (await room.audited())[-1] == ("controller", "drone.control", keeper.noted[0])
    room.enter()
    await room.desk.start()
    assert room.desk.holder("u1") is None


async def test_two_tokens_of_one_name_are_two_pilots(room: Any) -> None:
    one, two = uuid4(), uuid4()
    assert (await room.ask(HOLD, token=one)).record.status is CommandStatus.DONE
    assert room.flight.supervisors["u1"].holder == "li"
    for demand in (HOLD, goto(), RELEASE):
        refused = await room.ask(demand, token=two)
        assert refused.record.status is CommandStatus.REFUSED
        assert "li (since 08:00:00 UTC), by another token of that name, has control" in (
            refused.record.answer
        )
    await room.desk.stop()
    room.enter()
    await room.desk.start()
    assert (await room.ask(HOLD, token=two)).record.status is CommandStatus.REFUSED
    assert (await room.ask(HOLD, token=one)).record.status is CommandStatus.DONE
    taken = await room.ask(TAKE, token=two, take_over=True)
    assert taken.record.answer == "you have control, taken over from li (since 08:00:00 UTC)"
    async with room.store.read() as session:
        holder = (await drones.by_id(session))["u1"].holder
    assert holder == f"{two} li"


async def test_an_answer_that_the_store_does_not_take_is_told_all_the_same(room: Any) -> None:
    async def rename(before: str, after: str) -> None:
        async with room.store.write() as tx:
            await tx.session.execute(text(f"ALTER TABLE {before} RENAME TO {after}"))

    command = uuid4()
    room.flight.answers = None
    asking = asyncio.create_task(room.ask(HOLD, id=command))
    await room.told()
    await rename("commands", "gone")
    room.flight.words[0][1].done("holds")
    assert (await asking).record.answer == "holds"
    await rename("gone", "commands")
    assert (await room.ask(HOLD, id=command)).record.answer == "holds"
    assert len(room.flight.words) == 1


async def test_a_store_that_hangs_is_given_up(room: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docket, "STORE_S", 0.05)
    async with room.store.write():  # somebody writes, and does not end
        with pytest.raises(StoreError, match=r"has not answered for 0.05 s"):
            await room.ask(goto())
    assert room.flight.words == []


async def test_commands_are_in_the_log_of_the_flight_they_were_given_on(room: Any) -> None:
    flight = FlightRecord("s1", "u1", "d1", "s1", NOW)
    async with room.store.write() as tx:
        await flightlog.save(tx.session, flight)
    room.flight.answers = lambda word: word.done("ACCEPTED")
    await room.ask(goto(), reason="the pier")
    async with room.store.write() as tx:
        await flightlog.save(tx.session, replace(flight, landed_at=NOW))
        events = await flightlog.events_of(tx.session, "s1", 10)
    assert [(e.kind, e.text) for e in events] == [
        (
            EventKind.COMMAND,
            "goto by li (lon 117.655, lat 24.512, altitude_m 60.0): the pier",
        ),
        (EventKind.ANSWER, "done: ACCEPTED"),
    ]
