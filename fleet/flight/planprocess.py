"""The planner in a process of its own, so that no plan takes the controller's time.

A plan over a large city takes seconds of one processor, in which threads of the controller would
wait for each other. A planner that does not answer, or dies, is killed and started anew.
"""

from __future__ import annotations

import asyncio
import pickle
import sys
from types import TracebackType
from typing import Self

import structlog

from fleet.errors import OrderError
from fleet.flight.planning import Question
from fleet.flight.planworker import LENGTH, Asked, Failed
from missions.city import City
from missions.planner import Plan
from missions.trial import Trial

ANSWER_S = 30.0
FIRST_BACKOFF_S = 1.0
LAST_BACKOFF_S = 60.0
"""One that ends at once is started again for ever, at most this far apart."""
MOST_BYTES = 256 * 1024 * 1024
log = structlog.get_logger(__name__)


class PlannerFailed(OrderError):
    """The planner's process gave no plan; says why."""


class PlannerProcess:
    """A ``Planner`` in another process. An async context manager; started when first asked.

    Parameters
    ----------
    answer_s
        Bound on one answer, the process's start included, seconds.
    """

    def __init__(self, answer_s: float = ANSWER_S) -> None:
        self._answer_s = answer_s
        self._process: asyncio.subprocess.Process | None = None
        self._city: City | None = None
        self._sent: set[str] = set()
        self._failures = 0
        self._not_before = 0.0

    @property
    def pid(self) -> int | None:
        """Of the process, where one runs."""
        return None if self._process is None else self._process.pid

    async def __aenter__(self) -> Self:
        """Nothing is started before it is needed."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process."""
        await self._end()

    async def __call__(self, question: Question) -> Plan:
        """Return the sorties to start now. One question at a time.

        Raises
        ------
        PlannerFailed
            If the planner fails, dies, or does not answer in time.
        """
        answer = await self._answer(question, trial=False)
        assert isinstance(answer, Plan)
        return answer

    async def trial(self, question: Question) -> Trial:
        """Return whether the one wish of a question can be flown. One question at a time.

        Raises
        ------
        PlannerFailed
            If the planner fails, dies, or does not answer in time.
        """
        answer = await self._answer(question, trial=True)
        assert isinstance(answer, Trial)
        return answer

    async def _answer(self, question: Question, *, trial: bool) -> Plan | Trial:
        wait = self._not_before - asyncio.get_running_loop().time()
        if wait > 0:
            await asyncio.sleep(wait)
        try:
            async with asyncio.timeout(self._answer_s):
                answer = await self._ask(question, trial=trial)
        except BaseException as error:
            # whatever it was, the next answer in the pipe would be this question's
            await self._end()
            if isinstance(error, TimeoutError):
                self._back_off()
                raise PlannerFailed(f"planner has not answered in {self._answer_s:g} s") from None
            if isinstance(error, OSError | EOFError | pickle.UnpicklingError):
                self._back_off()
                raise PlannerFailed(f"planner has ended: {error or 'no answer'}") from error
            raise
        self._failures, self._not_before = 0, 0.0
        if isinstance(answer, Failed):
            log.error("fault in the planner", trace=answer.trace)
            raise PlannerFailed(f"fault in the planner: {answer.words}")
        return answer

    def _back_off(self) -> None:
        pause = min(FIRST_BACKOFF_S * 2**self._failures, LAST_BACKOFF_S)
        self._failures = min(self._failures + 1, 10)
        self._not_before = asyncio.get_running_loop().time() + pause

    async def _ask(self, question: Question, *, trial: bool) -> Plan | Trial | Failed:
        process = self._process or await self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        flying = tuple(sortie.id for sortie in question.flying)
        asked = Asked(
            city=None if question.city is self._city else question.city,
            news=tuple(sortie for sortie in question.flying if sortie.id not in self._sent),
            flying=flying,
            now=question.now,
            wishes=question.wishes,
            offers=question.offers,
            visits=question.visits,
            wind=question.wind,
            stations=question.stations,
            patrols=question.patrols,
            trial=trial,
        )
        self._city, self._sent = question.city, set(flying)
        body = pickle.dumps(asked)
        process.stdin.write(LENGTH.pack(len(body)) + body)
        await process.stdin.drain()
        size = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))[0]
        if size > MOST_BYTES:
            raise EOFError(f"{size} bytes were announced")
        answer = pickle.loads(await process.stdout.readexactly(size))
        if not isinstance(answer, (Trial if trial else Plan) | Failed):
            raise EOFError(f"{type(answer).__name__} is no plan")
        return answer

    async def _start(self) -> asyncio.subprocess.Process:
        self._city, self._sent = None, set()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",  # not -m, which would make its classes another module's
            "from fleet.flight.planworker import main; main()",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # a ^C at the terminal is the controller's to act on
        )
        log.info("planner started", pid=self._process.pid)
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()
