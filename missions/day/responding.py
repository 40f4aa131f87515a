"""Who sends a drone to a call in a simulated day: the responder, or the nearest that is free."""

from __future__ import annotations

import math
from dataclasses import replace

from missions.day.view import View
from missions.picture import Doing, DroneNow
from missions.responder import Call, Response, respond


class Responder:
    """The responder, as the controller asks it."""

    def respond(self, call: Call, view: View) -> Response:
        """Return who is overhead first."""
        return ask(call, view, view.fleet)


class Nearest:
    """The drone that is nearest by distance of those that are not on a call and can fly there."""

    def respond(self, call: Call, view: View) -> Response:
        """Return the nearest that can."""
        free = [d for d in view.fleet if d.doing not in (Doing.RESPONSE, Doing.OUT)]
        free.sort(key=lambda drone: (math.dist(drone.place, call.place), drone.id))
        answer = ask(call, view, ())
        for drone in free:
            answer = ask(call, view, [_only(d, drone) for d in view.fleet])
            if answer.picks:
                break
        return answer


def _only(drone: DroneNow, chosen: DroneNow) -> DroneNow:
    """Return a drone as one that nobody can send, unless it is the chosen one."""
    if drone is chosen or drone.doing is Doing.OUT:
        return drone
    return replace(drone, doing=Doing.RESPONSE, priority=99)


def ask(call: Call, view: View, fleet: tuple[DroneNow, ...] | list[DroneNow]) -> Response:
    """Put a call to the responder."""
    return respond(
        view.ground,
        call,
        fleet,
        view.wind,
        view.now,
        others=view.trajectories,
        overdue_s=view.overdue_s(),
    )
