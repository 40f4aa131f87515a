"""The safety monitor: what takes a drone out of its state, whatever it was doing. Pure.

``judge(view)`` holds one moment of one drone against the matrix; ``manoeuvre(view)`` says how one
that is AVOIDING gets out of the way. Nothing here waits, commands or keeps a clock: the keeper of
the drone fills a ``View`` at each change of what is seen and does what the verdict says. What has
to be remembered from one moment to the next is in two things that it keeps: a ``Memory`` for each
drone, and one ``Sky`` for all, into which it puts every change before it asks.
"""

from fleet.flight.safety.avoid import Manoeuvre, manoeuvre
from fleet.flight.safety.fence import Fence
from fleet.flight.safety.judge import judge
from fleet.flight.safety.matrix import describe
from fleet.flight.safety.memory import Memory
from fleet.flight.safety.sky import Sky
from fleet.flight.safety.verdict import Action, Verdict
from fleet.flight.safety.view import View

__all__ = [
    "Action",
    "Fence",
    "Manoeuvre",
    "Memory",
    "Sky",
    "Verdict",
    "View",
    "describe",
    "judge",
    "manoeuvre",
]
