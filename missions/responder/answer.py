"""A call, and what the responder answers to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from missions.energy import Point
from missions.picture import Doing
from missions.tracks import Metres

TOLD = 8
"""Of so many drones is told, by what stands against them, why they are not sent."""
MIN_STAY_S = 60.0
"""A drone that cannot stay for so long is not sent."""
RELIEF_S = 150.0
"""A relief is looked for so long before the drone on the scene must leave."""
THERE_S = 20.0
"""And is to be there so long before that."""


@dataclass(frozen=True, slots=True)
class Call:
    """Somewhere that a drone is wanted at once.

    Parameters
    ----------
    id
        Of the call.
    place
        East and north in the city's frame, metres.
    priority
        0 to 9; what flies for a lower one may be taken.
    on_scene_s
        For how long a drone is wanted there.
    min_stay_s
        A drone that cannot stay for so long is not sent.
    by_s
        Until then another is there: whoever comes by then comes soon enough.
    """

    id: str
    place: Metres
    priority: int = 5
    on_scene_s: float = 600.0
    min_stay_s: float = MIN_STAY_S
    by_s: float = 0.0


@dataclass(frozen=True, slots=True)
class GivesUp:
    """What a drone leaves undone when it answers a call.

    Attributes
    ----------
    order
        Whose sortie it leaves; empty where it leaves none.
    doing
        What it did.
    priority
        Of that.
    cells
        Cells that it would still have seen, in order.
    overdue_s
        By how long each of them will be overdue when the drone is done there; 0 where it will not.
    """

    order: str
    doing: Doing
    priority: int
    cells: tuple[str, ...] = ()
    overdue_s: Mapping[str, float] | None = None

    @property
    def nothing(self) -> bool:
        """Whether it leaves nothing undone."""
        return not self.order

    @property
    def loss_s(self) -> float:
        """How long its cells will be overdue, all together, seconds."""
        return sum((self.overdue_s or {}).values())

    @property
    def weight(self) -> tuple[int, int, float]:
        """What is given up, to be compared: nothing, then by priority, kind and loss."""
        if self.nothing:
            return (-1, 0, 0.0)
        return (self.priority, int(self.doing is not Doing.PATROL), self.loss_s)

    @property
    def words(self) -> str:
        """What is given up, for an operator."""
        if self.nothing:
            return "gives up nothing"
        if not self.cells:
            return f"leaves its {self.doing} for order {self.order}"
        late = {c: s for c, s in (self.overdue_s or {}).items() if s > 0}
        named = ", ".join(self.cells[:3]) + (
            f" and {len(self.cells) - 3} more" * (len(self.cells) > 3)
        )
        words = f"leaves {len(self.cells)} cells of order {self.order} unseen ({named})"
        if not late:
            return f"{words}; none of them will be overdue"
        worst = max(late, key=lambda cell: (late[cell], cell))
        return f"{words}; {len(late)} will be overdue, the worst, {worst}, by {late[worst] / 60:.0f} min"


@dataclass(frozen=True, slots=True)
class Pick:
    """One drone that is sent, and how.

    Attributes
    ----------
    drone
        Its id.
    eta_s
        Until it is overhead, seconds from now.
    from_
        Where it comes from.
    altitude_m
        It flies there and hovers at, above its dock.
    way
        Points from where it is to over the call, and on from there home; metres in the city's frame.
    home
        The way from there to the dock that it ends at, over which it ends.
    gives_up
        What it leaves undone.
    battery_on_arrival
        Percent.
    stay_s
        For how long its battery lets it stay.
    ends_at
        The dock that it comes home to.
    """

    drone: str
    eta_s: float
    from_: Literal["air", "dock"]
    altitude_m: float
    way: tuple[Point, ...]
    home: tuple[Point, ...]
    gives_up: GivesUp
    battery_on_arrival: float
    stay_s: float
    ends_at: str

    @property
    def place(self) -> Metres:
        """Where it hovers."""
        return self.way[-1].east, self.way[-1].north

    @property
    def words(self) -> str:
        """Say who comes, for an operator."""
        come = "in the air" if self.from_ == "air" else "from its dock"
        return (
            f"{self.drone} ({come}) is overhead in {self.eta_s:.0f} s at {self.altitude_m:g} m, can "
            f"stay {self.stay_s / 60:.0f} min, comes home to {self.ends_at}; {self.gives_up.words}"
        )


class Refused(NamedTuple):
    """Why a drone is not sent: the limit that it would break, and words for an operator.

    ``constraint`` is one of energy, airspace, altitude, wind, reach, window, fleet, priority.
    """

    drone: str
    constraint: str
    reason: str


@dataclass(frozen=True, slots=True)
class Response:
    """Who is sent to a call, the first to be there first, and who is not and why.

    Where nobody is sent every drone is in ``refused``; else those that were found on the way.

    Attributes
    ----------
    place
        Where they hover: the call, or the allowed place that is nearest to it.
    off_m
        How far from the call that is.
    """

    call: Call
    picks: tuple[Pick, ...]
    refused: tuple[Refused, ...]
    place: Metres
    off_m: float = 0.0

    @property
    def words(self) -> str:
        """Say who comes or why nobody does, for an operator."""
        aside = (
            f"; the call is where none may hover, they stay {self.off_m:.0f} m from it"
            if self.off_m > 0
            else ""
        )
        if self.picks:
            return "; ".join(pick.words for pick in self.picks) + aside
        why: dict[str, list[Refused]] = {}
        for refused in self.refused:
            why.setdefault(refused.constraint, []).append(refused)
        told = [f"{constraint}: {_each(some)}" for constraint, some in why.items()]
        return f"nobody can: {'; '.join(told) or 'there is no drone'}{aside}"


def _each(some: Sequence[Refused]) -> str:
    """Return the drones with why not, each reason once and not of more than ``TOLD`` drones."""
    drones: dict[str, list[str]] = {}
    for refused in some[:TOLD]:
        drones.setdefault(refused.reason, []).append(refused.drone)
    words = ", ".join(f"{', '.join(names)} ({reason})" for reason, names in drones.items())
    return words + (f" and {len(some) - TOLD} more" if len(some) > TOLD else "")
