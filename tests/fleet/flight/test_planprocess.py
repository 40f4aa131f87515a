"""The planner in its own process, killed and hung."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from fleet.flight import planprocess
from fleet.flight.planning import Question
from fleet.flight.planprocess import PlannerFailed, PlannerProcess
from fleet.flight.planworker import Asked, Failed, Worker
from missions.energy import CALM
from missions.planner import DroneOffer, OrderWish, Plan

Make = Callable[..., Any]


@pytest.fixture
async def planner(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PlannerProcess]:
    monkeypatch.setattr(planprocess, "FIRST_BACKOFF_S", 0.05)
    async with PlannerProcess(answer_s=60.0) as process:
        yield process


def question(town: Any, **fields: Any) -> Question:
    now = town.clock.now()
    wish = OrderWish("6b1ff1f4", "patrol", now, beats=("b1",))
    asked = Question(town.city, now, [wish], (), {})
    asked.offers = (DroneOffer("a1", "d1", 100.0),)
    for name, value in fields.items():
        setattr(asked, name, value)
    return asked


def test_it_starts_without_what_only_the_controller_needs() -> None:
    """Half of its start was the database's modules."""
    program = "import sys, fleet.flight.planworker; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert not {"sqlalchemy", "alembic", "fastapi", "mavsdk", "amqtt"} & set(done.stdout.split())


async def test_a_plan_comes_from_another_process(make_town: Make, planner: PlannerProcess) -> None:
    town = make_town()
    first = await planner(question(town))
    assert [s.drone for s in first.sorties] == ["a1"]
    assert planner.pid not in {None, os.getpid()}
    pid = planner.pid
    second = await planner(question(town, flying=first.sorties))
    assert second.sorties == (), "a1 flies, as the worker was told"
    third = await planner(question(town))
    assert len(third.sorties) == 1, "and is home again"
    assert planner.pid == pid


async def test_one_that_hangs_is_killed_and_the_next_question_is_answered(
    make_town: Make, planner: PlannerProcess
) -> None:
    town = make_town()
    await planner(question(town))
    hung = planner.pid
    assert hung is not None
    os.kill(hung, signal.SIGSTOP)
    planner._answer_s = 0.3
    with pytest.raises(PlannerFailed, match=r"has not answered in 0\.3 s"):
        await planner(question(town))
    with pytest.raises(ProcessLookupError):
        os.kill(hung, 0)
    planner._answer_s = 60.0
    assert (await planner(question(town))).sorties
    assert planner.pid != hung


async def test_one_that_is_killed_is_replaced(make_town: Make, planner: PlannerProcess) -> None:
    town = make_town()
    await planner(question(town))
    assert planner.pid is not None
    os.kill(planner.pid, signal.SIGKILL)
    with pytest.raises(PlannerFailed, match="planner has ended"):
        await planner(question(town))
    assert (await planner(question(town))).sorties


async def test_a_question_given_up_leaves_no_answer_for_the_next(
    make_town: Make, planner: PlannerProcess
) -> None:
    town = make_town()
    given_up = asyncio.create_task(planner(question(town, offers=())))
    while planner.pid is None:
        await asyncio.sleep(0.01)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    assert (await planner(question(town))).sorties


async def test_a_fault_in_the_planner_is_told_and_does_not_end_it(
    make_town: Make, planner: PlannerProcess
) -> None:
    town = make_town()
    with pytest.raises(PlannerFailed, match="fault in the planner: AttributeError"):
        await planner(question(town, wind=None))
    pid = planner.pid
    assert (await planner(question(town))).sorties
    assert planner.pid == pid


def asked(town: Any, **fields: Any) -> Asked:
    one = Asked(town.city, (), (), town.clock.now(), (), (), {}, CALM)
    return one._replace(**fields)


def test_the_worker_forgets_what_does_not_fly_and_refuses_what_it_was_not_sent(
    make_town: Make,
) -> None:
    with asyncio.Runner() as runner:
        town = runner.run(_made(make_town))
        worker = Worker()
        assert isinstance(worker.answer(asked(town, city=None)), Failed)
        sortie = town.planner.sortie("a1")
        assert isinstance(worker.answer(asked(town, news=(sortie,), flying=(sortie.id,))), Plan)
        assert isinstance(worker.answer(asked(town, city=None, flying=(sortie.id,))), Plan)
        assert isinstance(worker.answer(asked(town, city=None)), Plan)
        failed = worker.answer(asked(town, city=None, flying=(sortie.id,)))
        assert isinstance(failed, Failed)
        assert "KeyError" in failed.words


async def _made(make_town: Make) -> Any:
    return make_town()
