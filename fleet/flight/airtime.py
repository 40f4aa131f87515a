"""One drone's flights, made out from what is seen of it: lift-off, touch-down, what lies between. Pure."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from fleet.flight.place import distance_m
from fleet.model.flightlog import EventKind, FlightEvent, FlightRecord
from fleet.model.live import DroneLive, Telemetry
from fleet.model.states import DroneState
from missions.geo import distance_m as between_m

S = DroneState
DOWN_FOR = timedelta(seconds=5)
"""On the ground for so long with its motors turning, it has landed; before, it may go around."""
AT_DOCK_M = 10.0
STEP = timedelta(seconds=0.5)
JUMP_M_S = 200.0
"""A position that would take more speed is no way flown."""
SPARE_FOR = timedelta(minutes=10)
"""A recording that no flight came of goes on with the next try within this."""
REMEMBERED = 50
"""A flight is named like its sortie, unless one of so many before it was."""
_HOME = frozenset({S.DOCKED, S.CHARGING})
_NUMBER = re.compile(r"\d+(\.\d+)?")


class Airtime:
    """One drone's page of the flight log.

    Parameters
    ----------
    drone
        Its id.
    longest
        For how long a full battery keeps it up.
    docks
        Where the docks are, (lon, lat) by id.
    new_id
        Names a flight that is on no sortie, or not the first on one.
    open_flight, last_ids
        The flight that was not over when the controller ended, and names that its last flights had.

    Attributes
    ----------
    flight
        The flight under way, or None.
    name
        The flight that events belong to: the one under way, about to begin, or just over.
    tlog
        The recording that is to be made now, or None.
    changed
        Flights that have begun or ended and were not taken from here yet, oldest first.
    """

    def __init__(
        self,
        drone: str,
        longest: timedelta,
        docks: Mapping[str, tuple[float, float]],
        new_id: Callable[[], str],
        open_flight: FlightRecord | None = None,
        last_ids: Iterable[str] = (),
    ) -> None:
        self._drone = drone
        self._longest = longest
        self._docks = docks
        self._new_id = new_id
        self._used = deque(last_ids, maxlen=REMEMBERED)
        if open_flight is not None:
            self._used.append(open_flight.id)
        self._resumed = open_flight is not None
        self._live: DroneLive | None = None
        self._down_since: datetime | None = None
        self._place: tuple[datetime, float, float] | None = None
        self._spare: tuple[datetime, str] | None = None
        self._warned: dict[str, str] = {}
        self.flight = open_flight
        self.name = open_flight.id if open_flight is not None else None
        self.tlog = open_flight.tlog if open_flight is not None else None
        self.changed: list[FlightRecord] = []

    def see(self, live: DroneLive, now: datetime) -> list[FlightEvent]:
        """Take what is known of the drone now; return what that tells."""
        before, self._live = self._live, live
        if live.state is S.CHECKING and (before is None or before.state is not S.CHECKING):
            self._get_ready(live, now)
        events: list[FlightEvent] = []
        if before is None or live.state is not before.state:
            words = f"{live.state}: {live.reason}" if live.reason else live.state.value
            details = {"state": live.state.value, "sortie": live.sortie}
            events.append(self._event(now, EventKind.STATE, words, **details))
        if live.warnings != (before.warnings if before is not None else ()):
            events += self._warnings(live, now)
        if live.telemetry is not None:
            events += self._telemetry(live, live.telemetry, before, now)
        if self.flight is None and live.state in _HOME:
            self.name = None
            self._stop_recording(now)
        return events

    def tick(self, now: datetime) -> list[FlightEvent]:
        """Take that time has passed; return what that tells."""
        t = self._live.telemetry if self._live is not None else None
        if self.flight is None:
            return []
        if self._down_since is not None:
            return self._maybe_landed(now)
        if now - self.flight.took_off_at <= self._longest or (t is not None and t.connected):
            return []
        last = t.at if t is not None else self.flight.took_off_at
        end = min(max(last, self.flight.took_off_at), self.flight.took_off_at + self._longest)
        words = f"not heard since {last:%H:%M:%S} UTC, and no battery lasts so long: flight closed"
        return [self._event(now, EventKind.LINK, words), *self._land(end, None)]

    # getting ready

    def _get_ready(self, live: DroneLive, now: datetime) -> None:
        sortie = live.sortie
        self.name = sortie if sortie is not None and sortie not in self._used else self._new_id()
        self._record(now)

    def _record(self, now: datetime) -> None:
        if self._spare is not None and now - self._spare[0] < SPARE_FOR:
            self.tlog = self._spare[1]
        else:
            stamp = f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}Z"
            self.tlog = f"tlog/{stamp}-{self._drone}.tlog"
        self._spare = None

    def _stop_recording(self, now: datetime) -> None:
        if self.tlog is not None:
            self._spare, self.tlog = (now, self.tlog), None

    # the flight

    def _telemetry(
        self, live: DroneLive, t: Telemetry, before: DroneLive | None, now: datetime
    ) -> list[FlightEvent]:
        events: list[FlightEvent] = []
        old = before.telemetry if before is not None else None
        if old is not None and old.connected != t.connected:
            words = "link is up" if t.connected else f"link lost, last heard {t.at:%H:%M:%S} UTC"
            events.append(self._event(now, EventKind.LINK, words))
        if not t.connected:
            return events
        if t.in_air:
            if self.flight is None:
                events += self._lift_off(live, t, before, now)
            self._down_since = None
            self._resumed = False
            self._fly(t, now)
        elif self.flight is not None and _on_ground(t):
            events += self._touch_down(t, now)
        return events

    def _lift_off(
        self, live: DroneLive, t: Telemetry, before: DroneLive | None, now: datetime
    ) -> list[FlightEvent]:
        if self.name is None or self.tlog is None:
            self._get_ready(live, now)
        self.flight = FlightRecord(
            id=self.name or self._new_id(),
            drone=self._drone,
            dock=self._dock_at(t) or live.berth or live.dock,
            sortie=live.sortie,
            took_off_at=now,
            battery_start_percent=t.battery_percent,
            tlog=self.tlog,
        )
        self.name = self.flight.id
        self._used.append(self.name)
        self._place = None
        self.changed.append(self.flight)
        old = before.telemetry if before is not None else None
        seen = old is not None and old.connected and _on_ground(old)
        words = "lift-off" if seen else "found in the air; when it took off is not known"
        return [self._event(now, EventKind.STATE, words)]

    def _fly(self, t: Telemetry, now: datetime) -> None:
        flight = self.flight
        if flight is None or t.lon is None or t.lat is None:
            return
        way = 0.0
        if self._place is not None:
            then, lon, lat = self._place
            if then <= now < then + STEP:
                return
            way = between_m((lon, lat), (t.lon, t.lat))
            # nothing flies so fast; nor is anything counted where this machine's clock was set back
            if way > JUMP_M_S * (now - then).total_seconds():
                way = 0.0
        self._place = now, t.lon, t.lat
        self.flight = replace(
            flight,
            distance_m=flight.distance_m + way,
            highest_m=max(flight.highest_m, t.altitude_m or 0.0),
            battery_end_percent=t.battery_percent,
        )

    def _touch_down(self, t: Telemetry, now: datetime) -> list[FlightEvent]:
        if self._resumed and self.flight is not None:
            self._resumed = False
            end = min(now, self.flight.took_off_at + self._longest)
            words = "found on the ground; when it landed is not known"
            return [
                self._event(now, EventKind.STATE, words),
                *self._land(end, self._dock_at(t)),
            ]
        if self._down_since is None:
            self._down_since = now
        return self._maybe_landed(now)

    def _maybe_landed(self, now: datetime) -> list[FlightEvent]:
        t = self._live.telemetry if self._live is not None else None
        since = self._down_since
        if t is None or since is None or (t.armed and now - since < DOWN_FOR):
            return []
        return self._land(since, self._dock_at(t))

    def _land(self, at: datetime, dock: str | None) -> list[FlightEvent]:
        flight = self.flight
        assert flight is not None
        at = max(at, flight.took_off_at)  # whatever this machine's clock was set to meanwhile
        ended = replace(flight, landed_at=at, landed_dock=dock)
        self.changed.append(ended)
        minutes = (at - flight.took_off_at).total_seconds() / 60
        where = f"in {dock}" if dock is not None else "at no dock"
        words = f"touch-down {where} after {minutes:.1f} min and {flight.distance_m / 1000:.2f} km"
        event = self._event(at, EventKind.STATE, words)
        self.flight, self._down_since, self.tlog = None, None, None
        return [event]

    def _dock_at(self, t: Telemetry) -> str | None:
        away = {dock: distance_m(t, position) for dock, position in self._docks.items()}
        nearest = min(away, key=away.__getitem__, default=None)
        return nearest if nearest is not None and away[nearest] <= AT_DOCK_M else None

    # words

    def _warnings(self, live: DroneLive, now: datetime) -> list[FlightEvent]:
        """Tell which warnings have come and gone; other numbers in the same words are no news."""
        warned = {_NUMBER.sub("#", words): words for words in live.warnings}
        come = [words for key, words in warned.items() if key not in self._warned]
        gone = [words for key, words in self._warned.items() if key not in warned]
        self._warned = warned
        return [
            *(self._event(now, EventKind.SAFETY, words, warning=True) for words in come),
            *(
                self._event(now, EventKind.SAFETY, f"over: {words}", warning=False)
                for words in gone
            ),
        ]

    def _event(
        self, at: datetime, kind: EventKind, words: str, **details: str | bool | None
    ) -> FlightEvent:
        return FlightEvent(self._drone, at, kind, words, dict(details), self.name)


def _on_ground(t: Telemetry) -> bool:
    """Whether the vehicle has said so: one that was just heard may not have said anything yet."""
    return not t.in_air and t.landed_state == "ON_GROUND"
