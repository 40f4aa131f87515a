"""A controller that can die between any two steps of its code, as by SIGKILL.

Everything that a controller starts carries its ``Life`` in the context it runs in. The loop asks
that life before each callback: once it has ended, nothing of that controller runs any more, not
even what its code would do on being cancelled.

The loop never waits: where nothing is ready it moves its clock to the next timer.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import inspect
import selectors
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any

import pytest

LIFE: contextvars.ContextVar[Life | None] = contextvars.ContextVar("life", default=None)


class Life:
    """One controller process, from its start to its SIGKILL."""

    def __init__(self) -> None:
        self.dead = False
        self.callbacks_left: int | None = None
        self.points: list[str] = []
        self.die_at: tuple[str, int] | None = None
        self.context = contextvars.copy_context()
        self.context.run(LIFE.set, self)

    def goes_on(self) -> bool:
        """Ask before each callback."""
        if self.callbacks_left is not None:
            self.callbacks_left -= 1
            self.dead = self.dead or self.callbacks_left < 0
        return not self.dead

    async def point(self, name: str) -> None:
        """Pass a place where a test may have it die; never returns then."""
        self.points.append(name)
        if self.die_at is not None and name.startswith(self.die_at[0]):
            kind, left = self.die_at
            self.die_at = (kind, left - 1)
            if left <= 0:
                self.dead = True
        if self.dead:
            await asyncio.get_running_loop().create_future()

    def call(self, function: Callable[[], object]) -> None:
        """Run what the world tells this controller, as the controller."""
        if not self.dead:
            self.context.copy().run(function)

    def task(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start something in this controller."""
        task = asyncio.get_running_loop().create_task(work, context=self.context.copy())
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        return task


class _JumpingSelector(selectors.DefaultSelector):
    """Never sleeps; tells its loop by how much time it should have."""

    jumped = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or not timeout:
            return ready
        self.jumped += timeout
        return []


class MortalLoop(asyncio.SelectorEventLoop):
    """Runs callbacks of living controllers, and the world's."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        self.ran = 0
        self.set_task_factory(_quiet_task)
        self.set_exception_handler(lambda *_: None)  # answers that nobody lives to take

    def time(self) -> float:
        return self._jumping.jumped

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> Any:
        return super().call_soon(self._mortal(callback, context), *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> Any:
        return super().call_at(when, self._mortal(callback, context), *args, context=context)

    def _mortal(self, callback: Any, context: Any) -> Any:
        life = LIFE.get() if context is None else context.get(LIFE)
        if life is None:
            return callback

        def unless_dead(*args: Any) -> None:
            self.ran += 1
            if life.goes_on():
                callback(*args)
            else:
                _never_begins(callback)

        return unless_dead

    def bury(self) -> None:
        """Let go of everything that will not run any more, and close."""
        for task in asyncio.all_tasks(self):
            _never_begins(task)
        self._ready.clear()  # type: ignore[attr-defined]
        self._scheduled.clear()  # type: ignore[attr-defined]
        gc.collect()
        self.close()

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        # a thread takes real time, in which this loop's time would run away
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - handed on
            future.set_exception(error)
        return future


def _never_begins(step: Any) -> None:
    """Close the coroutine of a task that died before its first step: Python warns of such ones."""
    task = step if isinstance(step, asyncio.Task) else getattr(step, "__self__", None)
    if isinstance(task, asyncio.Task):
        work = task.get_coro()
        if inspect.getcoroutinestate(work) == inspect.CORO_CREATED:
            work.close()


def _quiet_task(loop: Any, work: Any, **more: Any) -> asyncio.Task[Any]:
    task = asyncio.Task(work, loop=loop, **more)
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    return task


@pytest.fixture
def mortal() -> SimpleNamespace:
    """Return what dies, and the loop that it dies in."""
    return SimpleNamespace(Life=Life, Loop=MortalLoop)
