"""Who is sent to a call: the moment as the responder is asked, and its answer as it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from fleet.flight.ahead import Stop, trajectories
from fleet.model.call import Call, Sent
from missions import responder
from missions.airspace import Airspace
from missions.city import City
from missions.energy import Wind
from missions.errors import PlanError
from missions.gate import with_ends
from missions.ground import ground_of
from missions.picture import Doing, DroneNow
from missions.responder import Pick, Refused, Response
from missions.responder.answer import THERE_S
from missions.sortie import Sortie


@dataclass(frozen=True, slots=True)
class Moment:
    """Everything that a decision is made from; nothing changes it any more.

    Attributes
    ----------
    fleet
        Every drone.
    ways
        What each that flies has still to fly.
    wind, now
        Mean wind, and when.
    space
        What is closed now.
    overdue_s
        By how long each cell is overdue.
    """

    city: City
    fleet: Sequence[DroneNow]
    ways: Mapping[str, Sequence[Stop]]
    wind: Wind
    now: datetime
    space: Airspace
    overdue_s: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A drone that is sent: what is kept of it, and its sortie where it comes from a dock."""

    sent: Sent
    sortie: Sortie | None


@dataclass(frozen=True, slots=True)
class Relief:
    """What a relief is sent for.

    Attributes
    ----------
    by_s
        In so many seconds the drone that it relieves must leave.
    on_scene_s
        For how long it is wanted from then on, seconds.
    """

    by_s: float
    on_scene_s: float


def decide(
    moment: Moment, call: Call, order: str, names: Sequence[str], relief: Relief | None = None
) -> tuple[list[Chosen], Response]:
    """Return who is sent to a call, one drone for each of ``names``, and what was answered.

    Parameters
    ----------
    moment, call
        What is known, and where a drone is wanted.
    order
        What their sorties are for.
    names
        Of their sorties, where they fly one.
    relief
        Where another is there until then.
    """
    ground = replace(ground_of(moment.city), airspace=moment.space)
    place = ground.frame.to_enu(call.lon, call.lat)
    asked = responder.Call(call.id, place, call.priority, call.on_scene_s)
    if relief is not None:
        by_s = max(0.0, relief.by_s - THERE_S)
        asked = replace(asked, on_scene_s=relief.on_scene_s, by_s=by_s)
    chosen: list[Chosen] = []
    refused: list[Refused] = []
    others = trajectories(ground.frame, ground.drones, moment.ways, moment.wind)
    fleet = with_ends(ground, moment.fleet, others, moment.wind)
    answer = Response(asked, (), (), place)
    while len(chosen) < len(names):
        answer = responder.respond(
            ground,
            asked,
            fleet,
            moment.wind,
            moment.now,
            want=len(names) - len(chosen),
            airspace=moment.space,
            others=others,
            overdue_s=moment.overdue_s,
        )
        try:
            for pick in answer.picks:
                made = _chosen(moment, call, asked, pick, order, names[len(chosen)])
                chosen.append(made)
            break
        except PlanError as error:  # no fence holds its way: without it, then
            refused.append(Refused(pick.drone, error.constraint, str(error)))
            taken = {one.sent.drone for one in chosen} | {pick.drone}
            fleet = [
                replace(d, doing=Doing.OUT, reason=str(error)) if d.id in taken else d
                for d in fleet
            ]
    return chosen, replace(answer, refused=(*answer.refused, *refused))


def _chosen(
    moment: Moment, call: Call, asked: responder.Call, pick: Pick, order: str, name: str
) -> Chosen:
    ground = replace(ground_of(moment.city), airspace=moment.space)
    now = next(d for d in moment.fleet if d.id == pick.drone)
    from_dock = now.doing is Doing.DOCKED
    sortie = None
    if from_dock:
        sortie = responder.sortie_for(ground, asked, pick, now, moment.wind, name, order)
    places = [(p.east, p.north) for p in pick.way[1:]]
    lonlat = ground.frame.points_to_lonlat(places).tolist()
    way = tuple(
        (lon, lat, p.altitude_m) for (lon, lat), p in zip(lonlat, pick.way[1:], strict=True)
    )
    left = now.sortie.order if now.sortie is not None and not from_dock else None
    late = [seconds for seconds in (pick.gives_up.overdue_s or {}).values() if seconds > 0]
    sent = Sent(
        drone=pick.drone,
        at=moment.now,
        due_at=moment.now + timedelta(seconds=pick.eta_s),
        from_dock=from_dock,
        way=way,
        stay_s=pick.stay_s,
        ends_at=pick.ends_at,
        sortie=sortie.id if sortie is not None else None,
        left_order=left,
        gives_up=pick.gives_up.words,
        left_doing=None if pick.gives_up.nothing else pick.gives_up.doing.value,
        cells=pick.gives_up.cells,
        late=len(late),
        worst_s=max(late, default=0.0),
        reason=pick.words,
    )
    return Chosen(sent, sortie)
