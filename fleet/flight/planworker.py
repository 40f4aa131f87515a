"""The planner's process: answers one question after the other over its standard input and output.

Started by ``planprocess``. It ends when its input does, so it never outlives the controller by more
than one answer.
"""

from __future__ import annotations

import os
import pickle
import struct
import sys
import threading
import time
import traceback
from datetime import datetime
from typing import BinaryIO, NamedTuple
from uuid import uuid4

from fleet.flight.patrolling import PatrolNews
from missions.city import City
from missions.energy import Wind
from missions.ground import ground_of
from missions.patrol.rolling import RollingPlan
from missions.planner import DroneOffer, OrderWish, Plan, plan
from missions.relief import Station
from missions.sortie import Sortie
from missions.trial import Trial, trial

LENGTH = struct.Struct(">I")
"""Before each message: the number of its bytes."""
LOOK_S = 0.5
"""It is looked so often whether the controller lives."""
NICE = 5
"""The controller goes first where the processor is scarce."""


class Asked(NamedTuple):
    """A question as it is sent: what does not change is sent once."""

    city: City | None
    """None: as before."""
    news: tuple[Sortie, ...]
    """Sorties under way that were not sent before."""
    flying: tuple[str, ...]
    """Every sortie under way, by id; others are forgotten."""
    now: datetime
    wishes: tuple[OrderWish, ...]
    offers: tuple[DroneOffer, ...]
    visits: dict[str, datetime]
    wind: Wind
    stations: tuple[Station, ...] = ()
    patrols: PatrolNews | None = None
    trial: bool = False
    """Whether its one wish is only to be tried."""


class Failed(NamedTuple):
    """What the planner failed with, in place of a plan."""

    words: str
    trace: str


class Worker:
    """Plans, and remembers city, sorties under way and patrols ahead between two questions."""

    def __init__(self) -> None:
        self._city: City | None = None
        self._sorties: dict[str, Sortie] = {}
        self._rolling: RollingPlan | None = None

    def answer(self, asked: Asked) -> Plan | Trial | Failed:
        """Return the plan, what came of a trial, or what it failed with."""
        try:
            return self._plan(asked)
        except Exception as error:  # noqa: BLE001 - handed to the controller, which logs it
            return Failed(f"{type(error).__name__}: {error}", traceback.format_exc())

    def _plan(self, asked: Asked) -> Plan | Trial:
        if asked.city is not None:
            self._city = asked.city
        if self._city is None:
            raise ValueError("asked before the city was sent")
        known = self._sorties | {sortie.id: sortie for sortie in asked.news}
        self._sorties = {name: known[name] for name in asked.flying}
        if asked.trial:
            news, ways = asked.patrols, None
            if news is not None:
                ways = news.trajectories(self._city, asked.wind)
            return trial(
                self._city,
                asked.now,
                asked.wishes[0],
                asked.offers,
                asked.visits,
                asked.wind,
                flying=tuple(self._sorties.values()),
                stations=asked.stations,
                trajectories=ways,
            )
        work = None
        if asked.patrols is not None:
            self._rolling = self._rolling or RollingPlan(ground_of(self._city))
            work = asked.patrols.work(self._city, self._rolling, asked.wind)
        return plan(
            self._city,
            asked.now,
            asked.wishes,
            asked.offers,
            asked.visits,
            asked.wind,
            flying=tuple(self._sorties.values()),
            stations=asked.stations,
            new_id=lambda: str(uuid4()),
            patrols=work,
        )


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer until the input ends."""
    worker = Worker()
    while True:
        head = source.read(LENGTH.size)
        if len(head) < LENGTH.size:
            return
        body = source.read(LENGTH.unpack(head)[0])
        answer = pickle.dumps(worker.answer(pickle.loads(body)))
        sink.write(LENGTH.pack(len(answer)) + answer)
        sink.flush()


def _end_with(parent: int) -> None:
    """End where the controller has died: nobody reads the plan that is still being made."""
    while os.getppid() == parent:
        time.sleep(LOOK_S)
    os._exit(0)


def main() -> None:
    """Take the standard output for answers; whatever else is printed goes to the log."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    os.nice(NICE)
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, sink)
