"""Flying a mission item by item, as PX4's navigator does."""

from __future__ import annotations

import math

from sitl.autopilot import items as it
from sitl.autopilot.core import CRITICAL, INFO, TAKING_OFF, Core
from sitl.autopilot.gimbal import Point
from sitl.autopilot.guidance import Target, corner_speed, cruise_speed, fly_to, here, land_at
from sitl.autopilot.items import Item
from sitl.autopilot.physics import braking_speed


class MissionFlight:
    """Flies the plan's mission from its current item on.

    Where the mission asks for a return it sets ``wants_rtl``, for the commander to act on.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._speed: float | None = None
        self._climb: Target | None = None
        self._target: Target | None = None
        self._item: int | None = None
        self._inside_since: float | None = None
        self._jumps: dict[int, int] = {}
        self._rested = False
        self._again: list[Item] = []
        """What turned the gimbal before; PX4 gives it again where a mission is taken up."""
        self.wants_rtl = False

    def enter(self) -> None:
        """Begin, or go on, with the current item."""
        core = self._core
        plan = core.plan
        if self._rested and plan.current == len(plan.mission) - 1:
            self.restart()
        self._rested = False
        self._speed = self._speed_before(plan.current)
        self._again = self._gimbal_before(plan.current)
        self._item = None
        self.wants_rtl = False
        self._climb = None
        if not plan.valid or not core.armed:
            return
        core.say(INFO, "Executing Mission\t")
        following = self._next_position(plan.current)
        if following is None or plan.finished:
            return
        altitude = plan.mission[following].altitude(core.home_alt)
        if altitude - core.altitude > core.params["NAV_MC_ALT_RAD"]:
            self._climb = here(core, altitude)
            core.say(INFO, f"Climb to {altitude:.1f} meters above home\t")

    def disarmed(self) -> None:
        """Take note that the vehicle was disarmed: a mission at its last item starts anew."""
        self._rested = True

    def restart(self) -> None:
        """Go back to the first item."""
        plan = self._core.plan
        plan.current, plan.reached, plan.finished = 0, -1, False
        self._jumps.clear()
        self._item = None

    def change_speed(self, speed: float) -> None:
        """Fly on at another speed, m/s; what is not more than 0 means PX4's own."""
        self._speed = speed if speed > 0 else None
        if self._target is not None:
            self._target.speed = min(
                self._speed or cruise_speed(self._core), self._core.params["MPC_XY_VEL_MAX"]
            )

    def replaced(self) -> None:
        """Take note that the plan was replaced in flight: go on from its current item."""
        self._jumps.clear()
        self._item = None
        self._climb = None

    def step(self, dt: float) -> None:
        """Go on by ``dt`` seconds."""
        core = self._core
        plan = core.plan
        if self._climb is not None:
            fly_to(core, self._climb, dt)
            if self._climb.altitude - core.altitude <= core.params["NAV_MC_ALT_RAD"]:
                self._climb = None
                core.landed_state = 2
            return
        if self._item != plan.current:
            self._load(plan.current)
        if self._target is None:
            self._target = here(core)
        item = plan.mission[plan.current] if plan.current < len(plan.mission) else None
        if item is None or plan.finished or not plan.valid:
            fly_to(core, self._target, dt)
            return
        if item.command == it.LAND and self._over(item, 1.0):
            land_at(core, self._target, dt)
            return
        core.landed_state = TAKING_OFF if item.command == it.TAKEOFF else 2
        self._head(item)
        fly_to(core, self._target, dt)
        if self._reached(item):
            self._advance()

    def touched_down(self) -> None:
        """Take note that a landing item has ended on the ground."""
        plan = self._core.plan
        if plan.mission and plan.mission[plan.current].command == it.LAND and not plan.finished:
            plan.reached, plan.finished = plan.current, True
            self._core.say(INFO, "Mission finished, landed\t")

    def _load(self, index: int) -> None:
        """Make an item the present one; carry out what takes no flying at once."""
        core, plan = self._core, self._core.plan
        for _ in range(len(plan.mission) + 1):  # a loop of jumps must end
            self._item = plan.current
            self._inside_since = None
            if plan.current >= len(plan.mission):
                return
            item = plan.mission[plan.current]
            if item.command == it.JUMP:
                self._jump(item)
                continue
            if item.has_position or item.command == it.DELAY:
                break
            self._act(item)
            self._turn_again()
            if self.wants_rtl or plan.finished:
                return
            self._advance()
            if plan.finished:
                return
        self._turn_again()
        item = plan.mission[plan.current]
        if item.has_position:
            self._target = self._target_of(plan.current)
        else:
            self._target = here(core)

    def _jump(self, item: Item) -> None:
        plan = self._core.plan
        done = self._jumps.get(plan.current, 0)
        to, repeat = int(item.params[0]), int(item.params[1])
        if not 0 <= to < len(plan.mission):
            self._core.say(CRITICAL, "DO JUMP is cyclic, giving up.\t")
            plan.current += 1
        elif repeat < 0 or done < repeat:
            self._jumps[plan.current] = done + 1
            plan.current = to
        else:
            plan.current += 1

    def _target_of(self, index: int) -> Target:
        core = self._core
        mission = core.plan.mission
        item = mission[index]
        north, east = core.frame.to_ne(item.lon, item.lat)
        altitude = item.altitude(core.home_alt)
        speed = min(self._speed or cruise_speed(core), core.params["MPC_XY_VEL_MAX"])
        if item.command == it.LAND:
            altitude = max(core.altitude, altitude + 5.0)
        target = Target(north, east, altitude, speed)
        following = self._next_position(index + 1)
        passes = item.command in (it.WAYPOINT, it.TAKEOFF) and item.params[0] < 0.01
        if passes and following is not None and mission[following].command != it.LAND:
            after = mission[following]
            n2, e2 = core.frame.to_ne(after.lon, after.lat)
            away, radius = math.hypot(n2 - north, e2 - east), self._radius(item)
            acc, jerk = core.params["MPC_ACC_HOR"], core.params["MPC_JERK_AUTO"]
            if away >= radius:  # PX4 looks no farther: it means to stop at one that is nearer
                corner = corner_speed(
                    math.atan2(east - core.east, north - core.north),
                    math.atan2(e2 - east, n2 - north),
                    acc * 0.5,
                    radius,
                    speed,
                )
                target.end_speed = min(corner, braking_speed(away, acc, jerk))
        yaw = item.params[3]
        if item.command in (it.WAYPOINT, it.LOITER_UNLIM, it.LAND) and math.isfinite(yaw):
            target.yaw = math.radians(yaw)
        return target

    def _head(self, item: Item) -> None:
        """Look where the flight goes, as long as it goes somewhere."""
        core, target = self._core, self._target
        fixed = item.command in (it.WAYPOINT, it.LOITER_UNLIM, it.LAND)
        if target is None or (fixed and math.isfinite(item.params[3])):
            return
        dn, de = target.north - core.north, target.east - core.east
        if math.hypot(dn, de) > 2.0:
            target.yaw = math.atan2(de, dn)

    def _radius(self, item: Item) -> float:
        own = item.params[1] if item.command == it.WAYPOINT else 0.0
        return own if own > 0.01 else self._core.params["NAV_ACC_RAD"]

    def _over(self, item: Item, radius: float) -> bool:
        core, target = self._core, self._target
        if target is None:
            return False
        return math.hypot(target.north - core.north, target.east - core.east) <= radius

    def _reached(self, item: Item) -> bool:
        core, target = self._core, self._target
        if target is None or item.command == it.LAND:
            return False
        if item.command == it.DELAY:
            return self._held(item.params[0])
        if item.command == it.LOITER_UNLIM or not self._over(item, self._radius(item)):
            return False
        if abs(target.altitude - core.altitude) > core.params["NAV_MC_ALT_RAD"]:
            return False
        hold = item.params[0] if item.command in (it.WAYPOINT, it.LOITER_TIME) else 0.0
        return self._held(hold)

    def _held(self, seconds: float) -> bool:
        now = self._core.now
        if self._inside_since is None:
            self._inside_since = now
        return now - self._inside_since >= seconds

    def _advance(self) -> None:
        plan = self._core.plan
        plan.reached = plan.current
        if plan.current + 1 < len(plan.mission):
            plan.current += 1
        else:
            plan.finished = True
            self._core.say(INFO, "Mission finished, loitering\t")

    def _next_position(self, index: int) -> int | None:
        mission = self._core.plan.mission
        for i in range(index, len(mission)):
            if mission[i].has_position:
                return i
        return None

    def _speed_before(self, index: int) -> float | None:
        speed = None
        for item in self._core.plan.mission[:index]:
            if item.command == it.CHANGE_SPEED and item.params[1] > 0:
                speed = item.params[1]
        return speed

    def _gimbal_before(self, index: int) -> list[Item]:
        """Return the last items before one that take the gimbal and turn it. Not a point: PX4."""
        before = self._core.plan.mission[:index]
        found = (
            next((item for item in reversed(before) if item.command == command), None)
            for command in (it.GIMBAL_CONFIGURE, it.GIMBAL_PITCHYAW)
        )
        return [item for item in found if item is not None]

    def _turn_again(self) -> None:
        """Turn the gimbal as before, once, after the item that the mission is taken up with."""
        again, self._again = self._again, []
        for item in again:
            self._act(item)

    def _act(self, item: Item) -> None:
        """Carry out an item that takes no flying."""
        core, p = self._core, item.params
        gimbal = core.gimbal
        if item.command == it.CHANGE_SPEED:
            self._speed = p[1] if p[1] > 0 else None
        elif item.command == it.RTL:
            self.wants_rtl = True
        elif item.command == it.ROI_LOCATION or (item.command in (it.ROI, 80) and p[0] == 3):
            north, east = core.frame.to_ne(item.lon, item.lat)
            gimbal.look_at(Point(north, east, item.altitude(core.home_alt)))
        elif item.command in (it.ROI_NONE, it.ROI, 80):
            gimbal.neutral()
        elif item.command == it.MOUNT_CONTROL:
            gimbal.owner = gimbal.itself
            gimbal.angles(math.radians(p[0]), math.radians(p[2]), lock_yaw=False)
        elif item.command == it.GIMBAL_CONFIGURE:
            gimbal.configure(p, gimbal.itself)
        elif item.command == it.GIMBAL_PITCHYAW and gimbal.owner == gimbal.itself:
            gimbal.pitch_yaw(p[0], p[1], item.x)
