"""Tasks: flown once, in as many parts as it takes, each by the nearest drone that can."""

from __future__ import annotations

from datetime import timedelta

from missions.builder import Builder
from missions.coverage import Metres
from missions.draft import Draft
from missions.errors import PlanError
from missions.planning import Planning
from missions.relief import DOCK_S
from missions.task import Task
from missions.wishes import OrderWish, part_name


def tasks(planning: Planning, order: OrderWish) -> None:
    """Send a drone to each part of a task that is not flown, and that nobody flies."""
    if order.task is None:
        raise ValueError(f"wish {order.id} is for a task, and has none")
    try:
        parts = parts_of(planning, order)
    except PlanError as error:
        planning.refuse(order.id, "", str(error), error.constraint)
        return
    for number, part in enumerate(parts):
        name = part_name(order.id, number, len(parts))
        if name in order.done or name in planning.served:
            continue
        target = f"part {number + 1} of {len(parts)}" if len(parts) > 1 else ""
        nobody = planning.nobody()
        if nobody is not None:
            planning.refuse(order.id, target, nobody, "fleet")
        elif (why := _send(planning, order, name, part)) is not None:
            planning.refuse(order.id, target, str(why), why.constraint)


def parts_of(planning: Planning, order: OrderWish) -> tuple[Task, ...]:
    """Return the parts that a task is flown in: the same ones whenever it is asked.

    Raises
    ------
    PlanError
        If it cannot be cut to parts that a battery holds.
    """
    assert order.task is not None
    return (order.task,)


def _send(planning: Planning, order: OrderWish, name: str, part: Task) -> PlanError | None:
    """Send the nearest drone that can; return why none can."""

    def fly(builder: Builder) -> Draft | None:
        if order.drones and builder.drone.id not in order.drones:
            raise PlanError(f"the order is for {', '.join(order.drones)} alone", "fleet")
        draft = builder.home(builder.task(builder.start(), part, planning.now))
        builder.check_energy(draft)
        _check_window(planning, order, draft)
        return draft if planning.clear(builder.tube(draft)) else None

    return planning.nearest(name, _middle(planning, part), fly)


def _check_window(planning: Planning, order: OrderWish, draft: Draft) -> None:
    """Refuse a sortie that would not be home when the window closes.

    Raises
    ------
    PlanError
        With when it would be, and when it must.
    """
    if order.window is None:
        return
    takes = timedelta(seconds=DOCK_S + draft.cost.duration_s)
    home = planning.now + takes
    if home > order.window[1]:
        raise PlanError(
            f"takes {takes.total_seconds() / 60:.0f} min, and would be home at "
            f"{home:%H:%M:%S} UTC; the window ends at {order.window[1]:%H:%M:%S}",
            "window",
        )


def _middle(planning: Planning, task: Task) -> Metres:
    """Return the middle of a task's places, metres."""
    places = planning.ground.frame.points_to_enu(task.shape)
    east, north = places.mean(axis=0)
    return float(east), float(north)
