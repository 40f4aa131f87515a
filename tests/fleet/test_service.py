"""A part that crashes ends the controller with its error; a start that hangs can be given up."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fleet import service
from fleet.config import Settings
from fleet.flight.response.metrics import CallMetrics
from fleet.service import Plan, serve
from missions.city import City


class NoFlight:
    def __init__(self) -> None:
        self.supervisors: dict[str, Any] = {}
        self.calls = SimpleNamespace(metrics=CallMetrics())

    def orders(self) -> list[Any]:
        return []

    def watch_assignments(self) -> list[tuple[str, str]]:
        return []


@pytest.fixture
def plan(make_city: Callable[..., City], city_folder: Path, tmp_path: Path) -> Plan:
    data = tmp_path / "data"
    data.mkdir()
    return Plan(make_city(), city_folder, data, "127.0.0.1", 0, Settings(data=data))


async def test_a_task_that_crashes_ends_it_with_its_error(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []

    async def start(stack: AsyncExitStack, *_: Any) -> Any:
        stack.callback(lambda: ended.append("flight"))
        return NoFlight()

    def crash(_self: Any) -> None:
        raise ZeroDivisionError("in the board")

    monkeypatch.setattr(service.SiteBoard, "refresh", crash)
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(10):
            await serve(plan, asyncio.Event(), lambda _: None, environment={}, start=start)
    assert caught.group_contains(ZeroDivisionError, match="in the board")
    assert ended == ["flight"]


async def test_a_flight_that_crashes_ends_it_with_its_error(plan: Plan) -> None:
    class CrashingFlight(NoFlight):
        async def join(self) -> None:
            raise ZeroDivisionError("in the planner")

    async def start(*_: Any) -> Any:
        return CrashingFlight()

    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(10):
            await serve(plan, asyncio.Event(), lambda _: None, environment={}, start=start)
    assert caught.group_contains(ZeroDivisionError, match="in the planner")


async def test_a_start_that_hangs_ends_when_asked(plan: Plan) -> None:
    stop, begun, ended = asyncio.Event(), asyncio.Event(), []

    async def start(stack: AsyncExitStack, *_: Any) -> Any:
        stack.callback(lambda: ended.append("flight"))
        begun.set()
        await asyncio.sleep(3600)

    said: list[str] = []
    running = asyncio.create_task(serve(plan, stop, said.append, environment={}, start=start))
    await begun.wait()
    stop.set()
    async with asyncio.timeout(5):
        await running
    assert ended == ["flight"]
    assert said == []


async def test_it_says_the_token_then_that_it_is_ready_and_ends_what_it_began(plan: Plan) -> None:
    stop, ended = asyncio.Event(), []
    said: list[str] = []

    async def start(stack: AsyncExitStack, *_: Any) -> Any:
        stack.callback(lambda: ended.append("flight"))
        return NoFlight()

    def say(line: str) -> None:
        said.append(line)
        if line.startswith("ready "):
            stop.set()

    async with asyncio.timeout(10):
        await serve(plan, stop, say, environment={}, start=start)
    assert [line.split()[0] for line in said] == ["administrator", "ready"]
    assert ended == ["flight"]


async def test_what_was_made_at_the_start_is_not_looked_through_again(plan: Plan) -> None:
    stop, kept = asyncio.Event(), list[int]()

    async def start(*_: Any) -> Any:
        return NoFlight()

    def said(words: str) -> None:
        if words.startswith("ready"):
            kept.append(gc.get_freeze_count())
            stop.set()

    async with asyncio.timeout(20):
        await serve(plan, stop, said, environment={}, start=start)
    assert kept[0] > 10_000
    assert gc.get_freeze_count() == 0
