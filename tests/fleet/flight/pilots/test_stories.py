"""Any story of two pilots and dying controllers: each command goes out once, one pilot holds."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.errors import Conflict
from fleet.flight import docket, pilots
from fleet.flight.asked import plain
from fleet.model.command import (
    CommandRecord,
    CommandStatus,
    Demand,
    Plain,
    ReleaseControl,
    TakeControl,
)
from fleet.store.store import Store

HOLD, LAND = Plain(action="hold"), Plain(action="land")
TAKE, RELEASE = TakeControl(action="take_control"), ReleaseControl(action="release_control")

ids = st.integers(0, 5)
acts = st.one_of(
    st.tuples(
        st.just("ask"),
        ids,
        st.sampled_from(["li", "wang"]),
        st.sampled_from([HOLD, LAND, TAKE, RELEASE]),
        st.booleans(),
    ),
    st.just(("die_while_it_is_sent", "li")),
    st.just(("restart",)),
)


class Story:
    """Acts of pilots and deaths of controllers, with who must have control after each."""

    def __init__(self, room: Any) -> None:
        self.room = room
        self.names = [uuid4() for _ in range(6)]
        self.sent: list[str] = []
        self.answers: dict[UUID, CommandRecord] = {}
        self.holder: str | None = None

    async def restart(self) -> None:
        await self.room.desk.stop()
        self.sent += [word.reason for _, word in self.room.flight.words]
        self.room.enter()
        await self.room.desk.start()

    async def die_while_it_is_sent(self, actor: str) -> None:
        if self.holder not in (None, actor):
            return
        self.room.flight.answers = None
        before, name = len(self.room.flight.words), uuid4()
        asked: dict[str, Any] = {"id": name, "reason": str(name)}
        asking = asyncio.create_task(self.room.ask(HOLD, actor, **asked))
        async with asyncio.timeout(10):
            while len(self.room.flight.words) == before:
                await asyncio.sleep(0)
        await self.restart()
        await asyncio.gather(asking, return_exceptions=True)
        self.holder = actor
        assert (await self.room.ask(HOLD, actor, **asked)).record.answer == docket.UNKNOWN

    async def ask(self, number: int, actor: str, demand: Demand, take_over: bool) -> None:
        name = self.names[number]
        asked: dict[str, Any] = {"id": name, "reason": str(name), "take_over": take_over}
        known = self.answers.get(name)
        if known is not None and (known.actor, known.demand) != (actor, plain(demand)):
            with pytest.raises(Conflict):
                await self.room.ask(demand, actor, **asked)
            return
        twice = await asyncio.gather(*(self.room.ask(demand, actor, **asked) for _ in range(2)))
        first, second = (answer.record for answer in twice)
        assert first == second == (known or first)
        if known is None:
            self.answers[name] = first
            self._judge(first, demand, actor, take_over)

    def _judge(self, record: CommandRecord, demand: Demand, actor: str, take_over: bool) -> None:
        mine = self.holder == actor
        if demand is RELEASE:
            may, after = mine, None
        else:
            may, after = mine or self.holder is None or (demand is TAKE and take_over), actor
        assert (record.status is CommandStatus.DONE) == may
        self.holder = after if may else self.holder


@pytest.fixture(autouse=True)
def _store_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A word of safety goes out unlooked-up where the store is slow, as on a busy machine it is."""
    monkeypatch.setattr(pilots, "LOOK_S", 10.0)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(acts=st.lists(acts, max_size=14))
async def test_over_any_story_each_id_is_sent_once_and_one_pilot_holds(
    tmp_path_factory: pytest.TempPathFactory, migrated: Path, make_room: Any, acts: list[Any]
) -> None:
    folder = tmp_path_factory.mktemp("story")
    store = Store(shutil.copytree(migrated, folder, dirs_exist_ok=True))
    story = Story(make_room(store))
    await story.room.desk.start()
    for name, *more in acts:
        await getattr(story, name)(*more)
        found = story.room.desk.holder("u1")
        assert (found.who if found is not None else None) == story.holder
    await story.restart()
    assert len(story.sent) == len(set(story.sent))
    await story.room.desk.stop()
    await store.close()
