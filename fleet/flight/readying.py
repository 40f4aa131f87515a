"""What is done before a drone takes off: the checks, the door, the plan.

Door, plan and what the vehicle has still to come to take their time beside each other. A drone that
is called out does not even wait for its vehicle before its door opens. Nothing takes off before the
door is seen open and clear, the plan is read back, and every check passes once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fleet.errors import FleetError, LinkError, OrderError
from fleet.flight.adoption import Step
from fleet.flight.ahead import meets_in_time
from fleet.flight.checks import AT_HAND, CHECKS, COMING, Check, Situation, refusals
from fleet.flight.door import open_door
from fleet.flight.overhead import fliers
from fleet.flight.response.picture import kind_of
from fleet.flight.supervisor import Supervisor
from fleet.flight.waiting import together
from fleet.model.states import DroneState
from missions.picture import Doing
from missions.sortie import Sortie

S = DroneState


async def checking(s: Supervisor) -> Step:
    """Hold the drone, its dock and the sky against the table of checks.

    What may still come (a GPS fix, the autopilot's readiness) is waited for, within a bound; for a
    call behind an opening door.
    """
    found: list[str] = []
    called = s.sortie is not None and kind_of(s.sortie) is Doing.RESPONSE
    checks = AT_HAND if called else CHECKS
    opens_s = s.world.dock_at(s.berth).door_s

    def pass_all() -> bool:
        found[:] = refusals(_situation(s, opens_s), checks)
        s.say("; ".join(found))
        return not found

    if await s.until(pass_all, s.policy.check_s) and s.gate.take(s.drone.id):
        return Step(S.OPENING)
    s.refused_at = s.world.clock.monotonic()
    return Step(S.DOCKED, "; ".join(found) or f"{s.gate.holder} is moving through the dock's door")


async def opening(s: Supervisor) -> Step:
    """See the dock open and clear, the plan read back and the vehicle ready, all at once."""
    if s.programme is None:
        return Step(S.CLOSING, "there is no sortie")
    try:
        await together(
            open_door(s),
            s.link.load(s.programme),
            _passes(s, COMING, s.policy.check_s, "opening the dock, loading fence and mission"),
        )
        # it took its time: who was far away then may be near now, and the door shut again
        await open_door(s)
        await _passes(s, CHECKS, s.policy.retry_s, "")
    except FleetError as error:
        s.refused_at = s.world.clock.monotonic()
        return Step(S.CLOSING, str(error))
    return Step(S.TAKING_OFF)


async def _passes(s: Supervisor, checks: Sequence[Check], bound_s: float, does: str) -> None:
    """Return once the drone passes some checks, showing meanwhile what it waits for.

    Raises
    ------
    OrderError
        If it does not within the bound.
    """
    found: list[str] = []

    def pass_all() -> bool:
        found[:] = refusals(_situation(s, 0.0), checks)
        s.say("; ".join(filter(None, (does, *found))))
        return not found

    if not await s.until(pass_all, bound_s):
        raise OrderError("; ".join(found))


def _situation(s: Supervisor, before_start_s: float) -> Situation:
    if s.sortie is None:
        raise LinkError(f"{s.drone.id} has no sortie to check")
    return Situation(
        drone=s.drone,
        pad=s.pad,
        sortie=s.sortie,
        telemetry=s.t,
        dock=s.dock.state,
        gate_holder=s.gate.holder,
        limits=s.world.city.limits,
        policy=s.policy,
        now=s.world.clock.now(),
        differences=s.link.differences,
        trouble=s.link.troubles,
        aircraft=s.world.aircraft,
        sky=s.world.sky,
        under_way=_under_way(s),
        meets_in_time=lambda drone: meets_in_time(s, s.world.keepers[drone], before_start_s),
        ground_amsl_m=s.world.city.city.elevation_m,
        operator_absent_s=s.world.absent_s(),
        overridden=s.world.overrides.of(s.drone.id, s.world.clock.monotonic()),
        fliers=tuple(fliers(s.world, s.drone.id)),
        before_start_s=before_start_s,
    )


def _under_way(s: Supervisor) -> Mapping[str, Sortie]:
    """Return the sorties that others fly, or are about to.

    With its door open a drone goes before those that are no farther: who is checked later is held
    against it, and two would not wait for each other.
    """
    return {
        name: keeper.answering or keeper.sortie
        for name, keeper in s.world.keepers.items()
        if name != s.drone.id
        and keeper.sortie is not None
        and not keeper.out_of_the_air
        and (s.state is S.CHECKING or keeper.t.in_air or keeper.state is S.TAKING_OFF)
    }
