"""What a drone does that is not wanted at a call any more: on with its mission, or home."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from itertools import pairwise
from typing import Protocol

import structlog

from fleet.errors import OrderError
from fleet.flight.ahead import meets_going_on, points_of, way_on
from fleet.flight.response.picture import left_by_plan
from fleet.flight.supervisor import Supervisor
from fleet.flight.word import Word
from fleet.flight.world import World
from fleet.model.call import Sent
from fleet.model.states import DroneState
from missions.builder import MARGIN_PERCENT
from missions.energy import Cost, PowerModel, Wind, landing_cost, step_cost
from missions.errors import PlanError

S = DroneState
_ON_GROUND = frozenset({S.DOCKED, S.CHARGING, S.CLOSING})
_NOT_UP = frozenset({S.CHECKING, S.OPENING})
log = structlog.get_logger(__name__)


class Active(Protocol):
    """What is asked of the orders."""

    def is_active(self, order_id: str) -> bool:
        """Whether an order is active."""


class Release:
    """Lets drones go.

    Attributes
    ----------
    free
        Drones that come home from a call, and may be sent to another.
    """

    def __init__(
        self,
        world: World,
        keepers: Mapping[str, Supervisor],
        orders: Active,
        tell: Callable[[str, Word], None],
    ) -> None:
        self._world = world
        self._keepers = keepers
        self._orders = orders
        self._tell = tell
        self.free: set[str] = set()
        self._adrift: dict[str, str] = {}
        """Drones that ended a trip somewhere, and why: nobody else calls them home."""

    def look(self, answering: Collection[str]) -> None:
        """Call home who is heard again or has got out of the way, and is wanted nowhere."""
        for drone, why in tuple(self._adrift.items()):
            s = self._keepers[drone]
            gone = s.state in _ON_GROUND or s.state is S.RETURNING or s.holder is not None
            if drone in answering or gone:
                del self._adrift[drone]
            elif s.state is S.HELD:
                self._home(s, why)
        for drone in tuple(self.free):
            if drone in answering or self._keepers[drone].state is not S.RETURNING:
                self.free.discard(drone)

    def drop(self, drone: str, why: str) -> None:
        """Take it that a drone is wanted no more, where it is not known what it does."""
        self._adrift[drone] = why

    def let(self, sent: Sent, why: str) -> str:
        """Let a drone go, and return what it does now."""
        s = self._keepers[sent.drone]
        if s.state in _ON_GROUND and s.assigned is None:
            return "is in its dock"
        if not sent.from_dock and s.answering is None:
            return "goes on with its mission"  # it was not told yet
        words = ""
        if not sent.from_dock and s.state is S.HELD:
            unfit = self._unfit(s)
            if unfit is None and self._goes_on(s, why):
                return "goes on with its mission"
            words = f": {unfit}" if unfit else ""
            if s.berth != sent.ends_at:
                s.move_to(sent.ends_at)
        self._home(s, why)
        return f"comes home to {s.berth}{words}"

    def _goes_on(self, s: Supervisor, why: str) -> bool:
        answering, s.answering = s.answering, None
        try:
            self._tell(s.drone.id, Word("resume", why))
        except OrderError as error:
            log.warning("does not go on", drone=s.drone.id, error=str(error))
            s.answering = answering
            return False
        return True

    def _home(self, s: Supervisor, why: str) -> None:
        if s.state in _NOT_UP or s.assigned is not None:
            s.tell(Word("return", why))
            return
        try:
            self._tell(s.drone.id, Word("return", why))
        except OrderError as error:  # it comes home already, or is somebody else's now
            log.info("not called home", drone=s.drone.id, why=str(error))
            return
        self.free.add(s.drone.id)

    def _unfit(self, s: Supervisor) -> str | None:
        """Say why a drone cannot go on with the rest of its mission; None where it can.

        It must still be wanted, nobody else's, within its battery, and clear of all others in time.
        """
        left, sortie = left_by_plan(s), s.sortie
        if sortie is None or not (left or sortie.sites):
            return "nothing of its mission is left"
        if not self._orders.is_active(sortie.order):
            return "its order has ended"
        others = [k for k in self._keepers.values() if k is not s and not k.out_of_the_air]
        wanted = {*left, *sortie.sites}
        for k in others:
            taken = k.answering or k.sortie or k.assigned
            if taken is not None and {*taken.cells, *taken.sites} & wanted:
                return f"{k.drone.id} has taken up its mission"
        if not self._lasts(s):
            return "its battery does not hold its mission"
        meets = meets_going_on(s, others, Wind(s.wind_m_s))
        return None if meets is None else f"on its mission it would meet {meets}"

    def _lasts(self, s: Supervisor) -> bool:
        """Whether its battery holds the rest of its mission."""
        if s.t.battery_percent is None:
            return False
        try:
            cost = self._rest(s)
        except PlanError:
            return False
        model = PowerModel.of(s.drone)
        reserve = self._world.city.limits.reserve_percent + MARGIN_PERCENT
        return cost.energy_wh <= model.capacity_wh * (s.t.battery_percent - reserve) / 100.0

    def _rest(self, s: Supervisor) -> Cost:
        """Return what the rest of its mission takes, from where it is."""
        model, wind = PowerModel.of(s.drone), Wind(s.wind_m_s)
        way = way_on(s)
        points = points_of(self._world.space.frame, way)
        total = Cost()
        for (a, b), stop in zip(pairwise(points), way[1:], strict=True):
            total += step_cost(a, b, stop.speed_m_s, model, wind)
        return total + landing_cost(points[-1].altitude_m, model, wind)
