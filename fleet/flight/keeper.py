"""What is known of one drone, its life and what it flies: all that is asked of its keeper."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from fleet.flight.berth import Berthed
from fleet.flight.carried import Carried
from fleet.flight.closed import Concern
from fleet.flight.place import endurance_s, landed
from fleet.flight.route import Follower
from fleet.flight.safety import Fence, Verdict
from fleet.flight.word import Wanted
from fleet.flight.world import World
from fleet.link.items import Programme, programme
from fleet.link.port import DroneLink
from fleet.model.live import Looking
from fleet.model.records import SortieRecord
from fleet.model.states import DroneState
from missions.city import Drone as CityDrone
from missions.sortie import Sortie

S = DroneState


class Keeper(Berthed):
    """One drone as it is kept.

    Attributes
    ----------
    state, reason
        Where the drone is in its life, and why, in words for an operator.
    before
        The state before that; from the record, where it was not heard since the start.
    programme
        Its sortie as the vehicle flies it, or None.
    wanted
        The word that waits to be followed, and the one that is being carried out.
    holder, holder_token
        Pilot who has control of it, for the map; ``fleet.flight.control`` decides and sets it. Who
        is held so in its dock is not sent out by the planner.
    answering
        What it flies in place of its sortie, while it answers a call and on the way home from it.
    fence
        What it is held against.
    concern
        What is closed to it that its sortie may not know of.
    looked
        What is to look at its video now.
    goes_back
        It is flown back to where its mission was left.
    down
        How EMERGENCY is to bring the drone down, where it is told to.
    verdict, warnings
        What the matrix made of the last moment, and what it warns of.
    """

    def __init__(self, world: World, drone: CityDrone, link: DroneLink) -> None:
        super().__init__(world, drone, link)
        self._began = world.clock.now()
        self.state = S.UNKNOWN
        self.before = S.UNKNOWN
        self.reason = "not heard of since the controller started"
        self.verdict = Verdict()
        self.warnings: tuple[str, ...] = ()
        self.holder: str | None = None
        self.holder_token: UUID | None = None
        self.programme: Programme | None = None
        self.fence: Fence | None = None
        self.concern = Concern(world, drone)
        self.goes_back = False
        self.follower: Follower | None = None
        self.flown = False
        self.down: Literal["land", "return"] | None = None
        self.lost_aloft = False
        self.wanted = Wanted(drone.id)
        self.assigned: Sortie | None = None
        self.answering: Sortie | None = None
        self.refused_at: float | None = None
        self.looked: tuple[Looking, ...] = ()
        self._sortie_record: SortieRecord | None = None

    @property
    def sortie_since(self) -> datetime | None:
        """When the sortie was planned, or None."""
        return self._sortie_record.created_at if self._sortie_record is not None else None

    @property
    def flown_s(self) -> float:
        """Since the sortie was planned, seconds; infinite where it flies none."""
        since = self.sortie_since
        return math.inf if since is None else (self.world.clock.now() - since).total_seconds()

    @property
    def layer_m(self) -> float:
        """Height above home that it flies at, and that others count on it to come home at."""
        flies = self.answering or self.sortie
        return flies.altitude_m if flies is not None else 0.0

    @property
    def silent_s(self) -> float:
        """Since the vehicle's last word, seconds; infinite where it never told its place."""
        if self.t.lon is None:
            return math.inf
        return (self.world.clock.now() - self.t.at).total_seconds()

    @property
    def spent(self) -> bool:
        """Whether a drone that is not heard must be down: no battery lasts so long."""
        if self.t.connected or self.state not in {S.UNKNOWN, S.LOST}:
            return False
        since = self.sortie_since
        if since is None:  # from its last word on, or where there is none from the start on
            since = self._began if self.t.lon is None else max(self.t.at, self._began)
        aloft_s = (self.world.clock.now() - since).total_seconds()
        return aloft_s > self.policy.check_s + endurance_s(self.drone)

    @property
    def out_of_the_air(self) -> bool:
        """Whether its sortie is over though it has not come home: what it was for is free again."""
        return self.spent or (self.state is S.EMERGENCY and landed(self.t))

    def _take_sortie(self, record: SortieRecord | None) -> None:
        self._sortie_record = record
        self.sortie = record.sortie if record is not None else None
        self.programme = programme(record.sortie) if record is not None else None
        self.follower = Follower(self.programme) if self.programme is not None else None
        self.carry(None)

    def carry(self, fence: Carried | None) -> None:
        """Take a fence for the one in the vehicle; None is the sortie's own."""
        own = Fence.of(self.sortie) if self.sortie is not None else None
        self.carried, self.fence_unsure = fence, False
        self.fence = own if fence is None else fence.guard

    def drop_programme(self) -> None:
        """Forget the sortie's items: the vehicle flies something else."""
        self.programme = None
        self.follower = None


def left_for(sortie: Sortie, level_m: float) -> Sortie:
    """Return what a drone flies that has left its sortie, at a height: nothing of it is seen."""
    legs = tuple(
        replace(
            leg,
            cell=None,
            site=None,
            waypoints=tuple(replace(point, altitude_m=level_m) for point in leg.waypoints),
        )
        for leg in sortie.legs
    )
    return replace(sortie, altitude_m=level_m, legs=legs)
