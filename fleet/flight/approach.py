"""The ways to a dock: home by the mission and RTL, on by the mission, or by points; and down."""

from __future__ import annotations

from typing import Protocol

import structlog

from fleet.errors import LinkError, OrderError
from fleet.flight.berths import AT_M, returns_to
from fleet.flight.fencing import widen
from fleet.flight.looking import has_marker
from fleet.flight.place import distance_m, endurance_s, heading_to, speed_m_s
from fleet.flight.route import flown, homeward, way_home
from fleet.flight.stacking import in_the_way_up
from fleet.flight.supervisor import Supervisor
from fleet.model.command import GoTo
from missions.geo import distance_m as between_m

OVER_M = 1.5
"""Without a marker in sight a drone comes down where it is: it must be over the pad by so much."""
COARSE_M = 3.0
"""Where it does not come nearer in time, so much will do: the pad is wider."""
LEVEL_M = 3.0
"""Two heights that are so near to each other are the same layer."""
AHEAD_DEG = 30.0
log = structlog.get_logger(__name__)


class Approach(Protocol):
    """How a drone comes to its dock and down."""

    modes: frozenset[str]
    """The vehicle's modes while it comes down."""

    async def near(self, s: Supervisor) -> bool:
        """Fly to near the dock; say whether the vehicle takes the way."""

    async def over(self, s: Supervisor) -> bool:
        """See the drone over its dock; say whether it may come down now."""

    async def down(self, s: Supervisor) -> None:
        """Command the landing.

        Raises
        ------
        LinkError
            If the vehicle does not take it.
        """


def approach(s: Supervisor) -> Approach:
    """Return the way to the dock that a drone is bound for."""
    home, end = (s.t.home_lon, s.t.home_lat), None
    if s.sortie is not None:
        home = (s.sortie.home_lon, s.sortie.home_lat)
        end = (s.sortie.end.lon, s.sortie.end.lat)
    if home[0] is None or home[1] is None:
        return ByMission()
    if end is not None and between_m((home[0], home[1]), end) > AT_M:
        return ByFerry() if between_m(s.pad, end) <= AT_M else ByPoint()
    if between_m(s.pad, (home[0], home[1])) > AT_M:
        return ByPoint()
    own_m = s.sortie.altitude_m if s.sortie is not None else s.layer_m
    return ByMission() if abs(s.layer_m - own_m) <= LEVEL_M else ByLayer()


def follow_return(s: Supervisor) -> None:
    """Take the dock that the vehicle's own return leads to for the one it is bound for."""
    pads = {dock.id: dock.position for dock in s.world.city.docks}
    dock = returns_to(s.t, s.sortie, pads)
    if dock is not None and dock != s.berth:
        log.info("return leads to another dock", drone=s.drone.id, dock=dock)
        s.move_to(dock)


class ByMission:
    """Home: the mission's own way, at whose end the vehicle holds by itself, then down.

    On the marker where that is in sight, else by RTL, which comes down at home by GPS.
    """

    modes = frozenset({"RETURN_TO_LAUNCH", "PRECISION_LAND", "LAND"})

    async def near(self, s: Supervisor) -> bool:
        """Fly the way home, as far as the door's time before the dock."""
        if s.t.mode == "RETURN_TO_LAUNCH" or s.programme is None:
            follow_return(s)
            return False
        if homeward(s.programme, s.t, s.policy):
            s.answer("is all but home")
            return True
        if not await fly_mission_home(s):
            follow_return(s)
            return False
        await arrive(s)
        return True

    async def over(self, s: Supervisor) -> bool:
        """See it at the end of its mission.

        A vehicle that does not take the mission's way home goes home by RTL from where it is.
        """
        plan = s.programme
        near = s.policy.over_dock_m if has_marker(s) else COARSE_M
        if s.t.mode == "HOLD" and distance_m(s.t, s.pad) <= near:
            return True  # stopped on its way down, or has waited over it
        if plan is None or s.t.mode == "RETURN_TO_LAUNCH" or flown(plan, s.t, s.policy):
            return True
        if s.t.mode != "MISSION" and not await fly_mission_home(s):
            return True
        return await s.until(
            lambda: flown(plan, s.t, s.policy) or not s.t.in_air, s.policy.over_dock_s
        )

    async def down(self, s: Supervisor) -> None:
        """Command the landing on the marker that is seen, or RTL; where neither is under way.

        One that has lost its marker on the way down is sent on by RTL.
        """
        by_sight = s.t.mode == "PRECISION_LAND" and not s.sight.lost()
        if by_sight or s.t.mode == "RETURN_TO_LAUNCH":
            s.answer("lands already")
            return
        if s.sight.sees():
            try:
                await s.order(s.link.precision_land())
            except LinkError as error:
                log.warning("does not land by sight", drone=s.drone.id, error=str(error))
            else:
                s.answer("lands on the marker")
                return
        await s.order(s.link.return_to_launch())
        s.answer("returns and lands")


async def fly_mission_home(s: Supervisor) -> bool:
    """Send the vehicle on its mission's way home; say whether it goes."""
    if s.programme is None:
        return False
    item = way_home(s.programme, s.t, s.concern.free)
    if s.t.mode == "MISSION" and s.t.mission_current >= item:
        s.answer(f"flies home already, by item {s.t.mission_current} of its mission")
        return True
    try:
        await _climb_is_free(s, s.programme.sortie.altitude_m)
        await s.order(s.link.fly_to_item(item))
    except LinkError as error:
        # RTL, once the dock is open, brings it home all the same
        log.warning("does not take the way home", drone=s.drone.id, error=str(error))
        return False
    s.answer(f"flies home, by item {item} of its mission")
    return True


class ByPoint:
    """Another dock: straight to the point over it, then down on its marker, or where it is."""

    modes = frozenset({"PRECISION_LAND", "LAND"})

    async def near(self, s: Supervisor) -> bool:
        """Fly to the point over the dock, as far as the door's time before it."""
        if s.t.mode in self.modes:
            return True
        for _ in range(s.policy.return_tries):
            await self._fly(s)
            s.answer(f"flies to dock {s.berth}")
            if not await arrive(s, stops=True):
                break  # one that was just stopping had looked as if it was on its way
        return True

    async def over(self, s: Supervisor) -> bool:
        """See it still, over the pad."""
        if s.t.mode in self.modes:
            return True
        # where it looks for a marker it is sent to the middle of the pad on its way down
        enough = COARSE_M if has_marker(s) else OVER_M
        if not await s.until(lambda: _over(s, enough), s.policy.hold_s):
            await self._fly(s)
        await s.until(lambda: _over(s, enough) or not s.t.in_air, s.policy.over_dock_s)
        return _over(s, COARSE_M)

    async def down(self, s: Supervisor) -> None:
        """Command the landing that looks for the marker; or a plain one where that is refused.

        A plain one too where it has lost its marker on the way down.
        """
        lost = s.t.mode == "PRECISION_LAND" and has_marker(s) and s.sight.lost()
        if s.t.mode in self.modes and not lost:
            return
        try:
            await s.order(s.link.land() if lost else s.link.precision_land())
        except LinkError as error:
            log.warning("does not land by sight", drone=s.drone.id, error=str(error))
            await s.order(s.link.land())
        s.answer(f"lands at dock {s.berth}")

    async def _fly(self, s: Supervisor) -> None:
        """Send the vehicle over the pad, unless it is there or on its way already."""
        lon, lat = s.pad
        there = distance_m(s.t, s.pad) <= OVER_M or heading_to(s.t, s.pad, AHEAD_DEG)
        if s.t.mode == "HOLD" and there:
            return
        altitude = self._height(s)
        # else at the speed of the leg that it left, in which the energy is not reckoned
        speed = s.drone.cruise_m_s
        target = GoTo(action="goto", lon=lon, lat=lat, altitude_m=altitude, speed_m_s=speed)
        await _climb_is_free(s, altitude)
        await widen(s, target)
        await s.order(s.link.go_to(target))

    def _height(self, s: Supervisor) -> float:
        """Return the height above home that it flies there at, metres."""
        return max(s.t.altitude_m or 0.0, s.layer_m, 1.0)


class ByLayer(ByPoint):
    """Home from a call: at the height that it was sent to it at, to over the dock; then down.

    By the mission it would come down, or climb, to that one's height on its way, through those of
    others, who count on it to stay at the height that it has. Where no straight way leads home it
    goes by its mission all the same.
    """

    modes = ByMission.modes

    async def near(self, s: Supervisor) -> bool:
        """Fly level, as far as the door's time before the dock."""
        straight = s.programme is None or (
            way_home(s.programme, s.t, s.concern.free) == s.programme.last
        )
        if straight and s.t.mode != "RETURN_TO_LAUNCH":
            try:
                return await super().near(s)
            except (LinkError, OrderError) as error:
                log.warning("does not come home level", drone=s.drone.id, error=str(error))
        return await ByMission().near(s)

    async def over(self, s: Supervisor) -> bool:
        """See it over its dock, where it may turn out to be by its mission."""
        by_mission = s.t.mode in {"MISSION", "RETURN_TO_LAUNCH"}
        return await (ByMission().over(s) if by_mission else super().over(s))

    async def down(self, s: Supervisor) -> None:
        """Come down as at the end of its mission."""
        await ByMission().down(s)

    def _height(self, s: Supervisor) -> float:
        return s.layer_m


async def _climb_is_free(s: Supervisor, top_m: float) -> None:
    """Wait until nobody is over the drone, who may have followed it down, before it climbs.

    Raises
    ------
    LinkError
        Where somebody stays there.
    """
    if not await s.until(lambda: in_the_way_up(s, top_m) is None, s.policy.leave_s):
        raise LinkError(f"{in_the_way_up(s, top_m)} is over {s.drone.id}, which does not climb")


class ByFerry(ByPoint):
    """A guest's own dock: on by the mission, which ends there, then down as at another dock.

    The vehicle's own return leads to the dock that it left.
    """

    async def near(self, s: Supervisor) -> bool:
        """Fly the mission to its end, as far as the door's time before the dock."""
        if s.t.mode in self.modes or s.programme is None:
            return await super().near(s)
        if homeward(s.programme, s.t, s.policy):
            return True
        if not await fly_mission_home(s):
            return await super().near(s)
        await arrive(s)
        return True


def _over(s: Supervisor, metres: float) -> bool:
    return distance_m(s.t, s.pad) <= metres and speed_m_s(s.t) < s.policy.still_m_s


async def arrive(s: Supervisor, *, stops: bool = False) -> bool:
    """Wait until the drone is so near to its dock that the door has to open.

    One that does not tell where it is counts as near once its mission is over. Or until the dock it
    is bound for fails and another could take it; or, with ``stops``, until it
    stands still on its way: only then the answer is true.
    """
    bound = min(distance_m(s.t, s.pad) + 120.0, endurance_s(s.drone))

    def near() -> bool:
        nowhere = s.t.lon is None and s.t.mode != "MISSION"
        return nowhere or distance_m(s.t, s.pad) < s.policy.near_dock_m

    def over() -> bool:
        closed = s.concern.home(s.t, s.programme, s.pad) is not None
        return near() or not s.t.in_air or closed or s.diverts_to() is not None

    def stands() -> bool:
        still = s.t.in_air and s.t.mode == "HOLD" and speed_m_s(s.t) < s.policy.still_m_s
        return stops and s.lasting("stands on its way", still) > s.policy.hold_s

    await s.until(lambda: stands() or over(), bound)
    return not over() and stands()
