"""What a vehicle was told and what it did, judged where it happens: in the vehicle's own process."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Callable
from typing import Any

from missions.city import City
from missions.geo import LocalFrame
from sitl.autopilot.modes import Mode, from_custom_mode
from sitl.dock import SLOT_M

SETTLED_S = 1.6
"""A vehicle that has been in a mode for so long (wall) is known to be in it: a link that has not seen
a mode asks for it again after 1.5 s."""
APART_M, ABOVE_M = 30.0, 10.0
"""Nearer than allowed is where both are undercut: 15 m, less what two estimators may be off."""
IN_CHARGE_S = 6.0
"""Wall time after a start from which on a controller answers for the distance between drones: what
flew on while there was none may have brought them together, in five times the time."""
OPENS_S = 4.0
"""Wall time that a controller in charge has to open the dock of one that comes down by itself."""
OVER_M = 40.0
SPENT_PERCENT = 15.0
"""With less a drone is brought down on its dock even where that does not open."""
COMES_DOWN = frozenset({Mode.RTL.slug, Mode.LAND.slug, Mode.PRECLAND.slug})
UPLOADS = frozenset({"MISSION_COUNT", "MISSION_CLEAR_ALL", "MISSION_ITEM", "MISSION_ITEM_INT"})
MODES = {20: Mode.RTL, 21: Mode.LAND, 192: Mode.HOLD, 22: Mode.TAKEOFF}


class Assassin:
    """Kills a process when something is seen to happen."""

    def __init__(self) -> None:
        self._target: tuple[int, str, int] | None = None
        self.killed: dict[int, float] = {}

    def arm(self, pid: int, what: str, skip: int) -> None:
        """Kill ``pid`` at the event after ``skip`` ones whose name begins with ``what``."""
        self._target = (pid, what, skip)

    def disarm(self) -> None:
        """Let it live."""
        self._target = None

    def see(self, name: str) -> None:
        """Take note of an event."""
        if self._target is None or not name.startswith(self._target[1]):
            return
        pid, what, skip = self._target
        if skip:
            self._target = (pid, what, skip - 1)
            return
        self._target = None
        self.killed[pid] = time.time()
        os.kill(pid, signal.SIGKILL)


class Judge:
    """Keeps every command a vehicle received, and what should not have happened."""

    def __init__(
        self,
        city: City,
        vehicles: dict[str, Any],
        docks: dict[str, Any],
        write: Callable[..., None],
        assassin: Assassin,
    ) -> None:
        self._city, self._vehicles, self._docks = city, vehicles, docks
        self._write, self._assassin = write, assassin
        self._frames = {d.id: LocalFrame(*d.position) for d in city.docks}
        self._mode: dict[str, tuple[str, float]] = {}
        self._aloft: set[str] = set()
        self._near: dict[frozenset[str], tuple[float, float]] = {}
        self.wrong: list[str] = []
        self.near_misses: list[str] = []
        """Those that began with nobody there to prevent them."""
        self.started = time.time()
        self.alive = False
        """Whether there is a controller, since ``started``."""
        self.takeoffs: list[dict[str, Any]] = []
        self.landings: list[dict[str, Any]] = []
        self.received = 0
        self.told_to_land: set[str] = set()

    def note(self, what: str) -> None:
        """Keep something that should not have happened."""
        self.wrong.append(f"{time.time():.2f}: {what}")
        self._write("wrong", what=what)

    # commands

    def received_by(self, drone: str, message: Any) -> None:
        """Judge a message from the controller, before the vehicle acts on it."""
        kind = message.get_type()
        name = f"{kind} {message.command}" if kind.startswith("COMMAND_") else kind
        if not kind.startswith(("COMMAND_", "MISSION_")) and kind != "SET_MODE":
            self._assassin.see(name)
            return
        self.received += 1
        core = self._vehicles[drone].core
        plan = core.plan
        body = {k: v for k, v in message.to_dict().items() if k != "mavpackettype"}
        self._write(
            "received", drone=drone, name=name, body=body, armed=core.armed,
            aloft=not core.landed, mode=core.mode.slug, current=plan.current,
        )  # fmt: skip
        if kind in UPLOADS and (core.armed or not core.landed):
            self.note(f"{drone}: {kind} of type {message.mission_type} while armed or in the air")
        elif kind == "MISSION_SET_CURRENT":
            self._set_current(drone, int(message.seq))
        elif kind in ("COMMAND_LONG", "COMMAND_INT"):
            self._command(drone, message)
        elif kind == "SET_MODE":
            packed = message.custom_mode
            self._asked(drone, from_custom_mode((packed >> 16) & 0xFF, (packed >> 24) & 0xFF))
        self._assassin.see(name)

    def _command(self, drone: str, message: Any) -> None:
        number, core = message.command, self._vehicles[drone].core
        if number == 400 and message.param1 == 1.0:
            self._arming(drone)
        elif number == 400 and not core.armed:
            self.note(f"{drone}: disarmed while it is not armed")
        elif number == 400 and message.param1 == 0.0 and not core.landed:
            self.note(f"{drone}: disarmed in the air")
        elif number == 176:
            self._asked(drone, from_custom_mode(int(message.param2), int(message.param3)))
        elif number == 300:
            self._asked(drone, Mode.MISSION)
        elif number == 224:
            self._set_current(drone, int(message.param1))
        elif number in MODES:
            self._asked(drone, MODES[number], moves=number == 192)

    def _asked(self, drone: str, mode: Mode | None, *, moves: bool = False) -> None:
        core = self._vehicles[drone].core
        if mode is None:
            self.note(f"{drone}: told to fly a mode that there is not")
            return
        if mode is Mode.LAND and drone not in self.told_to_land:
            self.note(f"{drone}: told to land where it is, and nobody wanted that")
        if core.landed and mode not in (Mode.MISSION, Mode.HOLD):
            self.note(f"{drone}: told {mode.slug} on the ground")
        if not core.landed and mode.slug in COMES_DOWN and drone not in self.told_to_land:
            self._may_come_down(drone, mode)
        if core.landed and mode is Mode.MISSION and core.armed:
            self._may_leave(drone)
        known, since = self._mode.get(drone, ("", 0.0))
        settled = known == mode.slug and time.time() - since > SETTLED_S
        if core.mode is mode and settled and not core.landed and not moves:
            self.note(
                f"{drone}: told {mode.slug}, which it has flown for {time.time() - since:.1f} s"
            )

    def _may_come_down(self, drone: str, mode: Mode) -> None:
        """Judge that one is told to land: over a dock that is open, or its battery has ended."""
        dock, away = self.nearest(drone)
        door = self._docks[dock].dock.door.value
        if (
            away < OVER_M
            and door != "open"
            and self._vehicles[drone].battery_percent > SPENT_PERCENT
        ):
            self.note(f"{drone}: told {mode.slug} over {dock}, whose door is {door}")

    def _set_current(self, drone: str, seq: int) -> None:
        core = self._vehicles[drone].core
        if core.landed:
            if core.armed:
                self.note(f"{drone}: its current item set to {seq} while armed on the ground")
            return
        if core.mode is Mode.MISSION and core.plan.current == seq and not core.plan.finished:
            self.note(f"{drone}: sent to item {seq}, to which it flies")
        elif core.mode is Mode.MISSION and seq < core.plan.current:
            self.note(f"{drone}: sent back to item {seq} from {core.plan.current}")

    def _arming(self, drone: str) -> None:
        core = self._vehicles[drone].core
        if core.armed:
            self.note(f"{drone}: armed while it is armed")
            return
        self._may_leave(drone)
        if not core.plan.mission:
            self.note(f"{drone}: armed without a mission")
        if not core.plan.items(1):
            self.note(f"{drone}: armed without a fence")

    def _may_leave(self, drone: str) -> None:
        where = self.nearest(drone)
        dock = self._docks[where[0]].dock
        if where[1] > SLOT_M:
            self.note(f"{drone}: to take off {where[1]:.1f} m from {where[0]}")
        if dock.door.value != "open" or not dock.clear:
            self.note(f"{drone}: to take off under a door that is {dock.door}, clear {dock.clear}")

    # moves

    def nearest(self, drone: str) -> tuple[str, float]:
        """Return the dock that a vehicle is nearest to, and how far that is over ground."""
        pose = self._vehicles[drone].true_pose()
        away = {d: math.hypot(*f.to_enu(pose.lon, pose.lat)) for d, f in self._frames.items()}
        dock = min(away, key=lambda d: away[d])
        return dock, away[dock]

    def look(self) -> None:
        """Judge what the vehicles do; called some twenty times a second."""
        now = time.time()
        for drone, vehicle in self._vehicles.items():
            core = vehicle.core
            if self._mode.get(drone, ("", 0.0))[0] != core.mode.slug:
                self._mode[drone] = (core.mode.slug, now)
                self._write("mode", drone=drone, mode=core.mode.slug, failsafe=core.failsafe)
            if not core.landed and drone not in self._aloft:
                self._aloft.add(drone)
                self.takeoffs.append({"at": now, "drone": drone, "plan": list(core.plan.ids)})
                self._write("takeoff", drone=drone)
            elif core.landed and drone in self._aloft:
                self._aloft.discard(drone)
                self._landed(drone, now)
        self._apart()

    def _landed(self, drone: str, now: float) -> None:
        dock, away = self.nearest(drone)
        self.landings.append({"at": now, "drone": drone, "dock": dock, "away_m": round(away, 2)})
        self._write("landed", drone=drone, dock=dock, away_m=round(away, 2))
        if drone in self.told_to_land:
            return
        if away > SLOT_M:
            self.note(f"{drone}: came down {away:.1f} m from {dock}")
        elif self._docks[dock].dock.door.value != "open":
            self._on_the_lid(drone, dock, now)

    def _on_the_lid(self, drone: str, dock: str, now: float) -> None:
        """Judge one that came down on a dock that is not open: who could have opened it?"""
        mode, since = self._mode[drone]
        words = f"{drone}: came down on {dock}, whose door is {self._docks[dock].dock.door}"
        words += f"; {mode} for {now - since:.1f} s"
        jammed = self._docks[dock].dock.door.value == "jammed"
        if self.in_charge(now) and now - since > OPENS_S and not jammed:
            self.note(words)
        else:
            self.near_misses.append(words)
            self._write("near miss", what=words)

    def closing(self, dock: str) -> None:
        """Judge that a dock takes a word to close."""
        now = time.time()
        for drone in self._aloft:
            mode, since = self._mode[drone]
            below, away = self.nearest(drone)
            if mode in COMES_DOWN and below == dock and away < OVER_M and now - since > SETTLED_S:
                self.note(f"{dock}: told to close under {drone}, {mode} for {now - since:.1f} s")

    def in_charge(self, now: float) -> bool:
        """Whether a controller answers for what happens now."""
        return self.alive and now - self.started > IN_CHARGE_S

    def _apart(self) -> None:
        aloft = sorted(self._aloft)
        for i, a in enumerate(aloft):
            one = self._vehicles[a].true_pose()
            for b in aloft[i + 1 :]:
                two = self._vehicles[b].true_pose()
                level = math.hypot(*LocalFrame(one.lon, one.lat).to_enu(two.lon, two.lat))
                height = abs(one.altitude_amsl_m - two.altitude_amsl_m)
                pair = frozenset((a, b))
                if level < APART_M and height < ABOVE_M:
                    least = self._near.get(pair, (level, height))
                    self._near[pair] = min(least, (level, height), key=lambda at: math.hypot(*at))
                elif pair in self._near and (level > 2 * APART_M or height > 1.2 * ABOVE_M):
                    level, height = self._near.pop(pair)
                    self._was_near(f"{a} and {b}: {level:.0f} m apart, {height:.0f} m in height")

    def _was_near(self, words: str) -> None:
        if self.in_charge(time.time()):
            self.note(words)
        else:
            self.near_misses.append(words)
            self._write("near miss", what=words)

    def truth(self) -> dict[str, Any]:
        """Return where everything is."""
        return {
            drone: {
                "aloft": not v.core.landed, "armed": v.core.armed, "mode": v.core.mode.slug,
                "current": v.core.plan.current, "plan": list(v.core.plan.ids),
                "battery": round(v.battery_percent, 1), "nearest": self.nearest(drone),
                "muted": bool(v.core.faults),
            }
            for drone, v in self._vehicles.items()
        }  # fmt: skip
