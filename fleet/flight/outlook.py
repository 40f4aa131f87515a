"""What a keeper's drone is held against: the failsafe matrix's view of it, and its verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fleet.flight import watch
from fleet.flight.adoption import Step
from fleet.flight.watch import View

if TYPE_CHECKING:
    from fleet.flight.supervisor import Supervisor


class Verdict(NamedTuple):
    """What the matrix wants of a drone: a step where a row wants one, its rank and name."""

    step: Step | None
    rank: int
    row: str
    warnings: tuple[str, ...]


def judge(s: Supervisor) -> Verdict:
    """Hold a drone against the failsafe matrix."""
    return Verdict(watch.judge(_view(s)), 1, "", ())


def _view(s: Supervisor) -> View:
    plan = s.programme
    return View(
        state=s.state,
        drone=s.drone,
        pad=s.pad,
        telemetry=s.t,
        dock=s.dock.state,
        limits=s.world.city.limits,
        policy=s.policy,
        word=s.wanted.word,
        commanding=s.commanding,
        transit_altitude_m=s.sortie.altitude_m if s.sortie is not None else 0.0,
        at_end=plan is not None and s.t.mission_current >= plan.last,
        words=s.words(),
        lasting=s.lasting,
    )
