"""An automatic dock: its door, what stands in it, what it measures. Pure; no I/O, no clock.

Times are seconds on any steady clock, passed in.
"""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Protocol

from missions.city import Dock as DockPlace
from missions.geo import LocalFrame
from sitl.scenario import Weather

SLOT_M = 1.5
"""A drone that has landed within this of the pad is in its slot."""
COVERED = 0.5
"""A lid that is open by less than this covers the pad."""
AROUND_M = 4.0
"""A drone within this of the pad, landed outside a slot or hovering low, is in the door's way."""
LOW_M = 6.0
CHARGE_W = 350.0
FULL_PERCENT = 99.9
REMEMBERED = 1000
"""Answers kept so that a repeated command is answered and not carried out again."""


class Door(StrEnum):
    """Where the door is."""

    CLOSED = "closed"
    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"
    JAMMED = "jammed"


class Result(StrEnum):
    """What became of a command."""

    ACCEPTED = "accepted"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class Vehicle(Protocol):
    """What a dock senses of a drone, and the charger's contact to it."""

    @property
    def landed(self) -> bool: ...
    @property
    def armed(self) -> bool: ...
    @property
    def battery_percent(self) -> float: ...
    def true_pose(self) -> Any: ...
    def charge(self, watts: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Command:
    """An order to the dock."""

    id: str
    action: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to a command."""

    command: str
    result: Result
    reason: str = ""


@dataclass
class _Around:
    """What is at the pad."""

    inside: frozenset[str] = frozenset()
    in_the_way: dict[str, str] = field(default_factory=dict)


class Dock:
    """One dock.

    Parameters
    ----------
    place
        Its part of the city file; its door takes ``door_s`` from one end to the other.
    ground_amsl_m
        Height of its pad above mean sea level.
    weather
        What its station measures.
    """

    def __init__(self, place: DockPlace, ground_amsl_m: float, weather: Weather) -> None:
        self.place = place
        self.door = Door.CLOSED
        self.weather = weather
        self._frame = LocalFrame(*place.position)
        self._ground = ground_amsl_m
        self._open = 0.0
        self._lid = 0.0
        self._jam = False
        self._lies = False
        self._struck: list[str] = []
        self._last: float | None = None
        self._busy: Command | None = None
        self._answers: OrderedDict[str, Reply] = OrderedDict()
        self._around = _Around()
        self._charging: dict[str, float] = {}

    # --- what is there -------------------------------------------------------------------------

    @property
    def occupants(self) -> frozenset[str]:
        """Drones that stand in their slots."""
        return self._around.inside

    @property
    def clear(self) -> bool:
        """Whether nothing is in the way over the pad."""
        return not self._around.in_the_way

    @property
    def opened(self) -> float:
        """How far the lid really is open, 0 to 1, whatever the dock says."""
        return self._lid

    @property
    def lid(self) -> Door:
        """Where the lid really is."""
        if self._lid == self._open:
            return self.door
        if self._lid in (0.0, 1.0):
            return Door.OPEN if self._lid else Door.CLOSED
        return Door.OPENING if self._lid < self._open else Door.CLOSING

    @property
    def covered(self) -> bool:
        """Whether the lid covers the pad, so that nothing comes in or goes out."""
        return self._lid < COVERED

    def struck(self) -> list[str]:
        """Return the drones that flew into the lid from below since the last call."""
        struck, self._struck = self._struck, []
        return struck

    def state(self) -> dict[str, Any]:
        """Return the state message without its time."""
        return {
            "door": self.door.value,
            "clear": self.clear,
            "occupants": sorted(self.occupants),
            "charging": {drone: round(p, 1) for drone, p in sorted(self._charging.items())},
            "wind_m_s": self.weather.wind_m_s,
            "rain_mm_h": self.weather.rain_mm_h,
            "temperature_c": self.weather.temperature_c,
        }

    def sense(self, vehicles: Mapping[str, Vehicle]) -> None:
        """Look at the pad, and charge what stands in its slot with its motors off."""
        around = _Around()
        inside: set[str] = set()
        for name, vehicle in vehicles.items():
            pose = vehicle.true_pose()
            distance = math.hypot(*self._frame.to_enu(pose.lon, pose.lat))
            if distance > AROUND_M:
                continue
            height = pose.altitude_amsl_m - self._ground
            if vehicle.landed and distance <= SLOT_M:
                if self.covered and name not in self._around.inside and self._last is not None:
                    around.in_the_way[name] = f"{name} stands on the lid"
                else:
                    inside.add(name)
            elif vehicle.landed:
                around.in_the_way[name] = f"{name} stands {distance:.1f} m from the pad"
            elif height < LOW_M:
                around.in_the_way[name] = f"{name} hovers {height:.1f} m over the pad"
        around.inside = frozenset(inside)
        if self.covered:
            left = self._around.inside - around.inside
            self._struck += sorted(n for n in left if n in vehicles and not vehicles[n].landed)
        self._charge(vehicles, around.inside)
        self._around = around

    def _charge(self, vehicles: Mapping[str, Vehicle], inside: frozenset[str]) -> None:
        for name in set(self._charging) - inside:
            if name in vehicles:
                vehicles[name].charge(0.0)
        charging: dict[str, float] = {}
        for name in inside:
            vehicle = vehicles[name]
            if vehicle.armed:
                continue
            charging[name] = vehicle.battery_percent
            vehicle.charge(CHARGE_W if vehicle.battery_percent < FULL_PERCENT else 0.0)
        self._charging = charging

    # --- the door ------------------------------------------------------------------------------

    def jam(self, active: bool) -> None:
        """Let the door stick at its next move (or in this one), or free it.

        A door that is freed between its ends goes on to open: a drone can then land.
        """
        self._jam = active
        if not active and self.door is Door.JAMMED:
            self.door = {0.0: Door.CLOSED, 1.0: Door.OPEN}.get(self._open, Door.OPENING)

    def lie(self, active: bool) -> None:
        """Let the lid stand still while the dock believes and says that it moves, or end that.

        When it ends the lid goes to where the dock says it is.
        """
        self._lies = active

    def advance(self, now: float) -> list[Reply]:
        """Move the door on to a time and return what there is to answer."""
        passed = 0.0 if self._last is None else max(0.0, now - self._last)
        self._last = now
        replies = self._move(passed)
        if not self._lies:
            step = self._part(passed)
            self._lid = min(max(self._open, self._lid - step), self._lid + step)
        return replies

    def _move(self, passed: float) -> list[Reply]:
        """Move the door, as the dock sees it, for so many seconds."""
        if self.door not in (Door.OPENING, Door.CLOSING):
            return []
        if self.door is Door.CLOSING and not self.clear:
            self.door = Door.OPENING  # the light barrier: never close on a drone
            return self._finish(Result.FAILED, "door opened again: " + self._way())
        before = self._open
        step = self._part(passed) * (1 if self.door is Door.OPENING else -1)
        self._open = min(1.0, max(0.0, self._open + step))
        if self._jam and min(before, self._open) <= 0.5 <= max(before, self._open):
            self._open = 0.5
            self.door = Door.JAMMED
            return self._finish(Result.FAILED, "door jammed")
        if self._open in (0.0, 1.0):
            self.door = Door.OPEN if self._open else Door.CLOSED
            return self._finish(Result.DONE, "")
        return []

    def _part(self, passed: float) -> float:
        """Return how much of its way a door goes in so many seconds."""
        return passed / self.place.door_s if self.place.door_s > 0 else 1.0

    def _way(self) -> str:
        return "; ".join(self._around.in_the_way.values())

    def _finish(self, result: Result, reason: str) -> list[Reply]:
        if self._busy is None:
            return []
        command, self._busy = self._busy, None
        return [self._remember(Reply(command.id, result, reason))]

    def _remember(self, reply: Reply) -> Reply:
        self._answers[reply.command] = reply
        self._answers.move_to_end(reply.command)
        while len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)
        return reply

    def obey(self, command: Command, wall: datetime) -> list[Reply]:
        """Take a command and return the answers to give now.

        Parameters
        ----------
        command
            The order.
        wall
            The time now, for the expiry.
        """
        known = self._answers.get(command.id)
        if known is not None:
            return [known]
        if wall >= command.expires_at:
            late = (wall - command.expires_at).total_seconds()
            return [self._refuse(command, f"expired {late:.1f} s ago")]
        if command.action not in ("open", "close"):
            return [self._refuse(command, f"no such action {command.action!r}; open or close")]
        if self.door is Door.JAMMED:
            return [self._refuse(command, "door is jammed")]
        if command.action == "close" and not self.clear:
            return [self._refuse(command, self._way())]
        superseded = self._finish(Result.FAILED, f"superseded by {command.action}")
        accepted = self._remember(Reply(command.id, Result.ACCEPTED))
        self._busy = command
        wanted = Door.OPEN if command.action == "open" else Door.CLOSED
        if self.door is wanted:
            return [*superseded, accepted, *self._finish(Result.DONE, "")]
        self.door = Door.OPENING if wanted is Door.OPEN else Door.CLOSING
        return [*superseded, accepted]

    def _refuse(self, command: Command, reason: str) -> Reply:
        return self._remember(Reply(command.id, Result.REFUSED, reason))


def parse_command(payload: bytes) -> Command:
    """Return the command in a message.

    Raises
    ------
    ValueError
        If it is none: says what is missing or wrong.
    """
    raw = json.loads(payload)
    if not isinstance(raw, dict):
        raise ValueError("a command is a JSON object")
    missing = [k for k in ("id", "action", "expires_at") if not isinstance(raw.get(k), str)]
    if missing:
        raise ValueError(f"no text in {missing}")
    expires = datetime.fromisoformat(raw["expires_at"])
    if expires.tzinfo is None:
        raise ValueError(f"expires_at {raw['expires_at']!r} has no offset")
    return Command(raw["id"][:64], raw["action"], expires.astimezone(UTC))
