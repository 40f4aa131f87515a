"""What the planner is asked, from what is known: orders, drones, visits, sorties under way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import uuid4

from fleet.flight.berths import fails
from fleet.flight.charged import charged_percent
from fleet.flight.patrolling import PatrolNews
from fleet.flight.relief import stations
from fleet.flight.supervisor import Supervisor
from fleet.flight.vacancy import vacancy
from missions.city import City
from missions.energy import Wind
from missions.ground import ground_of
from missions.patrol.rolling import RollingPlan
from missions.planner import DroneOffer, OrderWish, Plan, plan
from missions.sortie import Sortie
from missions.trial import Trial, trial


class Planner(Protocol):
    """What decides who flies what. The controller waits for one answer before it asks again."""

    async def __call__(self, question: Question) -> Plan:
        """Return the sorties to start now."""


class Question:
    """One question to the planner; a picture of the moment that nothing changes any more."""

    def __init__(
        self,
        city: City,
        now: datetime,
        wishes: Iterable[OrderWish],
        supervisors: Iterable[Supervisor],
        visits: Mapping[str, datetime],
        *,
        ferries: bool = True,
        patrols: PatrolNews | None = None,
    ) -> None:
        keepers = tuple(supervisors)
        self.city = city
        self.now = now
        self.wishes = tuple(wishes)
        self.offers = tuple(_offer(s, now, ferries=ferries) for s in keepers)
        self.visits = dict(visits)
        self.patrols = patrols
        self.flying = tuple(sorties_of(keepers))
        self.stations = tuple(stations(keepers, now))
        self.wind = Wind(max((s.wind_m_s for s in keepers), default=0.0))

    @property
    def worth_asking(self) -> bool:
        """Whether there is an order, and a drone that could fly it; or a guest to fly home."""
        room = len(self.flying) < self.city.limits.max_airborne
        ready = [offer for offer in self.offers if offer.ready]
        return room and any(self.wishes or offer.home is not None for offer in ready)


async def ask(question: Question) -> Plan:
    """Put a question to the city's planner, in a thread of this process."""
    return await asyncio.to_thread(_ask, question)


async def try_out(question: Question) -> Trial:
    """Try the one wish of a question, in a thread of this process."""
    return await asyncio.to_thread(_try, question)


def _try(question: Question) -> Trial:
    news, known = question.patrols, None
    if news is not None:
        known = news.trajectories(question.city, question.wind)
    return trial(
        question.city,
        question.now,
        question.wishes[0],
        question.offers,
        question.visits,
        question.wind,
        flying=question.flying,
        stations=question.stations,
        trajectories=known,
    )


def _ask(question: Question) -> Plan:
    news, work = question.patrols, None
    if news is not None:
        work = news.work(question.city, RollingPlan(ground_of(question.city)), question.wind)
    return plan(
        question.city,
        question.now,
        question.wishes,
        question.offers,
        question.visits,
        question.wind,
        flying=question.flying,
        stations=question.stations,
        new_id=lambda: str(uuid4()),
        patrols=work,
    )


def sorties_of(supervisors: Sequence[Supervisor]) -> Iterable[Sortie]:
    """Yield the sorties that are under way or about to be.

    Not those of drones that lie somewhere else than in their dock, or were lost for longer than a
    battery lasts: others are to see what they no longer can.
    """
    for s in supervisors:
        sortie = s.answering or s.sortie or s.assigned
        if sortie is not None and not s.out_of_the_air:
            yield sortie


def _offer(s: Supervisor, now: datetime, *, ferries: bool) -> DroneOffer:
    reason = s.not_ready()
    battery = charged_percent(s.drone, s.t, s.dock.state, now) or 0.0
    goes_home = ferries and is_guest(s) and home_fails(s) is None
    home = s.drone.dock if goes_home else None
    cold = s.dock.state.temperature_c
    return DroneOffer(s.drone.id, s.berth, battery, reason is None, reason or "", home, cold)


def is_guest(s: Supervisor) -> bool:
    """Whether a drone stands in, or is bound for, a dock that is not its own."""
    return s.berth != s.drone.dock


def home_fails(s: Supervisor) -> str | None:
    """Say why a guest's own dock cannot take it now; None where it can."""
    world = s.world
    return fails(s.drone.id, vacancy(world, s.drone.dock), world.city.limits, world.policy)
