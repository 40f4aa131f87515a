"""What one drone does now and is to do, as the plan shows it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import cast, get_args

from fleet.flight.agenda.lasting import PREPARING_S, Course, home_s
from fleet.flight.keeper import Keeper
from fleet.model.call import Call
from fleet.model.plan import PlanItem, PlanKind
from fleet.model.states import DroneState
from missions.charge import seconds_to
from missions.sortie import FERRY, Sortie
from missions.wishes import Scheduled

S = DroneState
FULL_PERCENT = 99.0
SETTLED = timedelta(seconds=15)
"""An expected end that moves by less is not told anew."""
AHEAD = 24
"""So many things to come are shown of a drone at most."""
KINDS = frozenset(get_args(PlanKind))
_BEFORE = frozenset({S.DOCKED, S.CHECKING, S.OPENING})
_HOMEWARD = frozenset({S.RETURNING, S.LANDING, S.CLOSING})


def order_of(order: str) -> str:
    """Return the id of an order by that of one of its occurrences (``order#3``)."""
    return order.partition("#")[0]


def kind_of(order: str, kinds: Mapping[str, str]) -> PlanKind:
    """Return what a sortie is for, by its order's id.

    Parameters
    ----------
    order
        As the sortie has it.
    kinds
        What each order wants, by its id: ``patrol``, ``stare``; anything else is a task.
    """
    if order == FERRY:
        return "ferry"
    wanted = kinds.get(order_of(order))
    if wanted is None:  # no order's: a call's
        return "response"
    return cast(PlanKind, wanted) if wanted in KINDS else "task"


def flying(
    s: Keeper, course: Course | None, kinds: Mapping[str, str], now: datetime
) -> PlanItem | None:
    """Return what a drone flies, or is about to; None where it stands in its dock."""
    sortie = s.sortie or s.assigned
    since = s.sortie_since
    if sortie is None or since is None:
        return None
    return PlanItem(
        drone=s.drone.id,
        dock=sortie.dock,
        order=sortie.order,
        kind=kind_of(sortie.order, kinds),
        start=since,
        end=now + timedelta(seconds=_left_s(s, sortie, course)),
        cells=sortie.cells,
        state="flying",
        sortie=sortie.id,
    )


def answering(calls: Iterable[Call]) -> dict[str, PlanItem]:
    """Return what drones do for calls now, by drone."""
    found: dict[str, PlanItem] = {}
    for call in calls:
        for sent in call.flying:
            over = (sent.there_at or sent.due_at) + timedelta(
                seconds=min(sent.stay_s, call.on_scene_s)
            )
            found[sent.drone] = PlanItem(
                drone=sent.drone,
                dock=sent.ends_at,
                order=call.id,
                kind="response",
                start=sent.at,
                end=over,
                state="flying",
                sortie=sent.sortie,
            )
    return found


def charging(s: Keeper, now: datetime) -> PlanItem | None:
    """Return until when a drone in its dock charges; None where it is full, or untold."""
    percent = s.t.battery_percent
    if s.state not in {S.DOCKED, S.CHARGING} or s.assigned is not None or percent is None:
        return None
    lasts_s = seconds_to(s.drone.battery, percent, FULL_PERCENT)
    if lasts_s <= 0.0:
        return None
    end = now + timedelta(seconds=lasts_s)
    return PlanItem(
        drone=s.drone.id, dock=s.berth, kind="charge", start=now, end=end, state="flying"
    )


def to_come(
    scheduled: Iterable[Scheduled], taken: Iterable[str | None], now: datetime
) -> list[PlanItem]:
    """Return what is planned and has not begun, the soonest first.

    Parameters
    ----------
    scheduled
        What the planner last said of one drone.
    taken
        Sorties that are flown, or under way.
    """
    gone = {sortie for sortie in taken if sortie is not None}
    left = [item for item in scheduled if item.end > now and item.sortie not in gone]
    return [_planned(item) for item in sorted(left, key=lambda item: item.start)[:AHEAD]]


def settled(item: PlanItem, before: PlanItem | None) -> PlanItem:
    """Return an item with the times that were last told of it, where they have hardly moved."""
    if before is None or (before.sortie, before.kind, before.state, before.order) != (
        item.sortie,
        item.kind,
        item.state,
        item.order,
    ):
        return item
    start = before.start if item.kind == "charge" else item.start
    end = before.end if abs(item.end - before.end) < SETTLED else item.end
    return item.model_copy(update={"start": start, "end": end})


def _planned(item: Scheduled) -> PlanItem:
    kind = cast(PlanKind, item.kind) if item.kind in KINDS else "task"
    return PlanItem(
        drone=item.drone,
        dock=item.dock,
        order=item.order or None,
        kind=kind,
        start=item.start,
        end=item.end,
        cells=item.cells,
        state="planned",
        sortie=item.sortie,
    )


def _left_s(s: Keeper, sortie: Sortie, course: Course | None) -> float:
    if s.state in _BEFORE:
        return PREPARING_S + sortie.energy.duration_s
    if s.state in _HOMEWARD or course is None:
        return home_s(s.t, s.world.pad(s.berth), s.drone.cruise_m_s)
    return course.left_s(s.t)
