"""Who takes turns over a place that is kept watched, and when: drones fly, come home and charge.

Reckoned in calm air from where each drone is, and with nobody else about; what is flown is planned
turn by turn. ``drones = ceil((time over the place + time to be there again) / time over it)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from missions.builder import MARGIN_PERCENT, MIN_STARE_S, Builder
from missions.charge import percent_after, seconds_to
from missions.energy import relief_drones
from missions.errors import PlanError
from missions.planning import Planning, all_of
from missions.posts import Post
from missions.relief import DOCK_S, SLACK_S, SPARE_S
from missions.wishes import DroneOffer, OrderWish

READY_PERCENT = 80.0
"""A drone is charged up to this before it is sent again."""
LONGEST_S = 86_400.0
"""So much of a watch is reckoned ahead: later turns are like those before."""
BEFORE_S = SPARE_S + SLACK_S
"""The next is there so long before one must leave."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One drone's: when it leaves its dock, is over the place, is relieved, and is back; seconds."""

    drone: str
    dock: str
    leaves_s: float
    there_s: float
    gone_s: float
    home_s: float


@dataclass(frozen=True, slots=True)
class Rota:
    """Turns over a place.

    Parameters
    ----------
    drones
        How many take turns, at least.
    turns
        In their order; no longer ahead than a day.
    gap
        From when to when nobody is there first, seconds; None: it is kept without one.
    """

    drones: int
    turns: tuple[Turn, ...]
    gap: tuple[float, float] | None = None


def rota(planning: Planning, order: OrderWish, post: Post, lasts_s: float) -> Rota:
    """Return who takes turns over a place.

    Parameters
    ----------
    planning
        The city and its drones; those that are not ready and not full are taken to be charging.
    order
        What it is flown for.
    post
        The place.
    lasts_s
        For how long from now it is to be watched, seconds.

    Raises
    ------
    PlanError
        If no drone can take a turn.
    """
    fliers, refused = list[_Flier](), list[tuple[str, PlanError]]()
    for offer in planning.by_distance(planning.away((post.place.east, post.place.north))):
        if order.drones and offer.id not in order.drones:
            continue
        try:
            builder = planning.builder(offer, next(planning.layers(offer.dock)))
            fliers.append(_Flier.of(replace(builder, battery_percent=100.0), post, offer))
        except PlanError as error:
            refused.append((offer.id, error))
    if not fliers:
        none = PlanError("no drone that may fly it stands in a dock or charges there", "fleet")
        raise all_of(refused) if refused else none
    turns, gap = _turns(fliers, min(lasts_s, LONGEST_S))
    return Rota(min(len(turns), fliers[0].takes_drones()), tuple(turns), gap)


@dataclass
class _Flier:
    """A drone that takes turns: it charges since ``landed_s``, from ``percent`` on."""

    builder: Builder
    percent: float
    out_s: float
    back_s: float
    ways_wh: float
    landed_s: float = 0.0

    @classmethod
    def of(cls, builder: Builder, post: Post, offer: DroneOffer) -> _Flier:
        """Return a drone that can take turns.

        Raises
        ------
        PlanError
            If what it is charged to before it is sent again does not do for a turn.
        """
        out = builder.out_to((post.place.east, post.place.north))
        ways = builder.watched(out, post).cost
        back_s = ways.duration_s - out.cost.duration_s
        out_s = DOCK_S + out.cost.duration_s
        flier = cls(builder, offer.battery_percent, out_s, back_s, ways.energy_wh)
        over_s = flier.stays_s(READY_PERCENT) - BEFORE_S
        if over_s < MIN_STARE_S:
            raise PlanError(
                f"charged to {READY_PERCENT:g} % it is over {post.name!r} for "
                f"{max(0.0, over_s):.0f} s of its own; at least {MIN_STARE_S:g} s are worth a flight",
                "energy",
            )
        return flier

    @property
    def ready_s(self) -> float:
        """When it may leave."""
        battery, low = self.builder.drone.battery, min(self.percent, READY_PERCENT)
        return self.landed_s + seconds_to(battery, low, READY_PERCENT)

    def percent_at(self, seconds: float) -> float:
        """Return what its battery holds in its dock at a time."""
        charges_s = max(0.0, seconds - self.landed_s)
        return percent_after(self.builder.drone.battery, self.percent, charges_s)

    def stays_s(self, percent: float) -> float:
        """Return for how long it can be over the place."""
        model, wind = self.builder.model, self.builder.wind
        reserve = self.builder.ground.city.limits.reserve_percent
        spare_wh = model.capacity_wh * (percent - MARGIN_PERCENT - reserve) / 100.0 - self.ways_wh
        return max(0.0, spare_wh * 3600.0 / model.still_w(wind))

    def left(self, percent: float, stayed_s: float) -> float:
        """Return what its battery holds after a turn."""
        model = self.builder.model
        used_wh = self.ways_wh + stayed_s * model.still_w(self.builder.wind) / 3600.0
        return max(0.0, percent - 100.0 * used_wh / model.capacity_wh)

    def takes_drones(self) -> int:
        """Return how many like this one it takes for good, each charged up to be sent again."""
        stays_s = self.stays_s(READY_PERCENT)
        low = self.left(READY_PERCENT, stays_s)
        charge_s = seconds_to(self.builder.drone.battery, low, READY_PERCENT)
        away_s = BEFORE_S + self.back_s + charge_s + self.out_s
        return relief_drones(stays_s - BEFORE_S, away_s)


def _turns(
    fliers: Sequence[_Flier], lasts_s: float
) -> tuple[list[Turn], tuple[float, float] | None]:
    """Return the turns of drones, the nearest first, and when nobody is there first."""
    turns, gap = list[Turn](), None
    now = next((f for f in fliers if f.ready_s <= 0.0), None)
    now = now or min(fliers, key=lambda f: f.ready_s + f.out_s)
    leaves_s = max(0.0, now.ready_s)
    while True:
        percent, there_s = now.percent_at(leaves_s), leaves_s + now.out_s
        ends_s = there_s + now.stays_s(percent)
        last = ends_s + MIN_STARE_S >= lasts_s
        due_s = ends_s - BEFORE_S
        able = [f for f in fliers if f is not now and f.ready_s <= due_s - f.out_s]
        gone_s = min(ends_s, lasts_s) if last or not able else due_s
        home_s = gone_s + now.back_s
        drone = now.builder.drone.id
        turns.append(Turn(drone, now.builder.dock, leaves_s, there_s, gone_s, home_s))
        if last:
            return turns, gap
        now.percent, now.landed_s = now.left(percent, gone_s - there_s), home_s
        if able:
            now = able[0]
            leaves_s = due_s - now.out_s
            continue
        now = min(fliers, key=lambda f: f.ready_s + f.out_s)
        leaves_s = max(ends_s - now.out_s, now.ready_s)
        gap = gap or (ends_s, leaves_s + now.out_s)
