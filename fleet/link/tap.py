"""What one vehicle says and is told, under its link: the transport, and what was last heard.

A tap owns the drone's transport, lets only that drone's own packets through (``gatekeeper``),
keeps the last of each kind, and hands mavsdk the few that it needs (``thinning``). What is decided
upon is read from these last packets, so that no message that a library drops can be missed for
good.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import structlog

from fleet.errors import LinkError
from fleet.link.clock import Clock
from fleet.link.frames import Frame, Tally
from fleet.link.gatekeeper import Gatekeeper
from fleet.link.news import DECISIVE, MOTION, MOVED, NONE, NOTABLE, change
from fleet.link.port import LOST_AFTER_S, VehicleText
from fleet.link.pump import Pump
from fleet.link.thinning import Thinning
from fleet.link.tlog import Recording, TlogWriter
from fleet.link.traffic import Traffic, amsl_of
from fleet.link.transports import Broken, Transport, open_transport
from fleet.link.wire import (
    ADSB_VEHICLE,
    AUTOPILOT,
    GLOBAL_POSITION_INT,
    HEARTBEAT,
    MISSION_CURRENT,
    MISSION_ITEM_REACHED,
    PARAM_VALUE,
    STATION,
    STATUSTEXT,
    fields,
)
from fleet.link.words import Words
from fleet.model.traffic import Aircraft
from missions.city import Drone

BACK_OFF_S = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Pauses before a connection is tried again; the last one for ever after."""
ANSWERED_S = 10.0
"""A connection that lasted so long was a good one: the next pause is the first again."""
MOST_KINDS = 512
"""Kinds of message kept of one vehicle."""

_HEEDED = frozenset({STATUSTEXT, ADSB_VEHICLE, PARAM_VALUE})

Callback = Callable[[list[bytes]], None]
log = structlog.get_logger(__name__)


class Tap:
    """The wire to one vehicle. All but ``send`` and ``latest`` is used in the event loop only.

    Parameters
    ----------
    drone
        Whose: its system id and its ``mavlink`` url.
    clock
        Stamps what is heard.
    pump
        Reads it in turn with others; one of its own where not given.
    tlog
        Writes recordings; one of its own where not given.
    who
        Names of the city's drones by system id, for what is told of strangers.
    station
        System id that commands are sent as.
    """

    def __init__(
        self,
        drone: Drone,
        clock: Clock,
        *,
        pump: Pump | None = None,
        tlog: TlogWriter | None = None,
        who: Mapping[int, str] | None = None,
        station: int = STATION,
    ) -> None:
        self._drone = drone
        self._clock = clock
        self._own_pump = pump is None
        self._pump = pump or Pump()
        self._own_tlog = tlog is None
        self._tlog = tlog or TlogWriter()
        self._gate = Gatekeeper(drone.system_id, dict(who or {}))
        self._thinning = Thinning(station)
        self._words = Words()
        self._traffic = Traffic()
        self._latest: dict[int, bytes] = {}
        self._callbacks: list[Callback] = []
        self._transport: Transport | None = None
        self._seen = Tally()
        self._recording: Recording | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._broken = asyncio.Event()
        self._trouble = ""
        self._unsent = itertools.count()
        self._heard_at: datetime | None = None
        self._last_heard: float | None = None
        self._heartbeat_heard: float | None = None
        self.onward: Callable[[list[bytes]], None] | None = None
        """Given, in order, the packets that mavsdk needs."""
        self.changed: Callable[[int], None] | None = None
        """Told what kind of change there was, as ``news`` numbers them."""
        self.heard_parameter: Callable[[bytes], None] | None = None
        """Given each PARAM_VALUE of the autopilot's, as it comes."""
        self.heard_aircraft: Callable[[Aircraft], None] | None = None
        """Given each word of an aircraft, as it comes; it is quick, and raises nothing."""

    # --- life ---------------------------------------------------------------------------------

    @property
    def drone(self) -> Drone:
        """Whose wire it is."""
        return self._drone

    async def open(self) -> None:
        """Open the transport; one that calls out goes on trying until ``close``.

        Raises
        ------
        LinkError
            If a port of this machine cannot be had, or the url is wrong.
        """
        try:
            await self._connect()
        except LinkError as error:
            raise LinkError(f"drone {self._drone.id}: {error}", hint=error.hint) from error
        except OSError as error:
            self._tell_broken(_why(error), BACK_OFF_S[0])
        if not self._drone.mavlink.startswith("udpin://"):
            self._keeper = asyncio.create_task(self._keep_open())

    async def close(self) -> None:
        """Close the transport and end the recording. The vehicle is told nothing."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
        self.record(None)
        self._disconnect()
        if self._own_pump:
            self._pump.close()
        if self._own_tlog:
            await asyncio.to_thread(self._tlog.close)

    async def _connect(self) -> None:
        transport = await open_transport(self._drone.mavlink, self._drone.system_id)
        self._transport, self._trouble, self._seen = transport, "", Tally()
        self._broken.clear()
        self._gate.forget_peer()
        self._pump.add(transport.fileno(), self._read)

    def _disconnect(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            self._pump.remove(transport.fileno())
            transport.close()

    async def _keep_open(self) -> None:
        """Connect again whenever the connection is gone, for ever, with pauses that grow."""
        loop, tries = asyncio.get_running_loop(), 0
        while True:
            if self._transport is not None:
                since = loop.time()
                await self._broken.wait()
                self._disconnect()
                tries = 0 if loop.time() - since > ANSWERED_S else tries
            pause = BACK_OFF_S[min(tries, len(BACK_OFF_S) - 1)]
            tries += 1
            await asyncio.sleep(pause)
            try:
                await self._connect()
            except (OSError, LinkError) as error:
                self._tell_broken(_why(error), BACK_OFF_S[min(tries, len(BACK_OFF_S) - 1)])
            else:
                log.info("link open again", drone=self._drone.id, url=self._drone.mavlink)

    def _tell_broken(self, why: str, pause: float) -> None:
        words = f"{self._drone.mavlink} cannot be reached: {why}"
        if words != self._trouble:
            self._trouble = words
            log.warning("link not open", drone=self._drone.id, why=words, next_try_s=pause)

    # --- in -----------------------------------------------------------------------------------

    def _read(self) -> None:
        """Take a turn's worth of what has come. One vehicle's nonsense must not end the others."""
        transport = self._transport
        if transport is None:
            return
        now = self._clock.monotonic()
        try:
            for peer, frames in transport.read(self._gate.peer):
                admitted = self._gate.admit(frames, peer, now)
                if admitted:
                    self._take(admitted, now)
        except Broken as error:
            self._tell_broken(str(error), BACK_OFF_S[0])
            self._pump.remove(transport.fileno())
            self._broken.set()
        except Exception:  # whatever a packet makes of us, the other vehicles are read in this call
            log.exception("packets not taken", drone=self._drone.id)
        tally, seen = transport.tally, self._seen
        if tally.rubbish != seen.rubbish or tally.unread != seen.unread:
            self._gate.rubbish(tally.rubbish - seen.rubbish, now)
            self._gate.unread(tally.unread - seen.unread, now)
            self._seen = replace(tally)

    def _take(self, frames: list[Frame], now: float) -> None:
        news, latest = NONE, self._latest
        for frame in frames:
            raw, _, component, key, *_ = frame
            if component != AUTOPILOT or key not in latest:
                news |= self._take_other(frame, now)
                continue
            if key in MOTION:
                news |= MOVED
            elif key in DECISIVE:
                news |= self._decide(key, raw, now)
            elif key in _HEEDED:
                news |= self._heed(frame, now)
            latest[key] = raw
        self._heard_at = self._clock.now()
        if frames[-1].component == AUTOPILOT:
            self._last_heard = now
        self._hand_on(frames, now)
        if news and self.changed is not None:
            self.changed(news)

    def _take_other(self, frame: Frame, now: float) -> int:
        """Take a packet of another component, or the first of its kind."""
        key, news = frame.message, NOTABLE
        if frame.component != AUTOPILOT:
            news = self._heed(frame, now) if key in _HEEDED else NONE
            key |= frame.component << 24
        elif key in DECISIVE:
            news = self._decide(key, frame.raw, now)
        elif key in _HEEDED:
            news = self._heed(frame, now)
        if key in self._latest or len(self._latest) < MOST_KINDS:
            self._latest[key] = frame.raw
        return news

    def _decide(self, message: int, raw: bytes, now: float) -> int:
        """Take a measurement that may be decided upon; say what it changes."""
        news = change(message, self._latest.get(message), raw)
        if message == HEARTBEAT:
            self._heartbeat_heard = now
        elif message == MISSION_CURRENT and news & NOTABLE:
            # an item that was reached says something of the item flown to until there is another
            self._latest.pop(MISSION_ITEM_REACHED, None)
        return news

    def _heed(self, frame: Frame, now: float) -> int:
        """Take a text, a parameter, or an aircraft's place."""
        if frame.message == PARAM_VALUE:
            if frame.component == AUTOPILOT and self.heard_parameter is not None:
                self.heard_parameter(frame.raw)
            return NONE
        at = self._clock.now()
        if frame.message == STATUSTEXT:
            return NOTABLE if self._words.hear(frame.raw, frame.component, at, now) else NONE
        own = amsl_of(self._latest.get(GLOBAL_POSITION_INT))
        aircraft = self._traffic.hear(frame.raw, at, now, own)
        if aircraft is None:
            return NONE
        if self.heard_aircraft is not None:
            self.heard_aircraft(aircraft)
        return NOTABLE

    def _hand_on(self, frames: list[Frame], now: float) -> None:
        if self.onward is not None:
            picked = self._thinning.pick(frames, now)
            if picked:
                self.onward(picked)
        if self._recording is None and not self._callbacks:
            return
        raw = [frame.raw for frame in frames]
        if self._recording is not None and self._heard_at is not None:
            self._recording.put(int(self._heard_at.timestamp() * 1e6), raw)
        for callback in tuple(self._callbacks):
            try:
                callback(raw)
            except Exception:  # another's mistake must not cost the vehicle its telemetry
                log.exception("packets not taken by a listener", drone=self._drone.id)

    def on_frames(self, callback: Callback) -> Callable[[], None]:
        """Call back in the event loop with the vehicle's packets, as they come; return what ends it."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def latest(self, msgid: int, component: int = AUTOPILOT) -> bytes | None:
        """Return the last packet of a kind, whole, or None. Any thread."""
        return self._latest.get(msgid if component == AUTOPILOT else component << 24 | msgid)

    @property
    def heartbeat(self) -> tuple[int, int] | None:
        """MAV_STATE and ``custom_mode`` of the autopilot's last heartbeat."""
        raw = self._latest.get(HEARTBEAT)
        if raw is None:
            return None
        custom_mode, _, _, _, system_status, _ = fields(raw)
        return system_status, custom_mode

    @property
    def last_heard(self) -> float | None:
        """When the autopilot was last heard, monotonic seconds."""
        return self._last_heard

    @property
    def heard_at(self) -> datetime | None:
        """When anything of the vehicle was last heard."""
        return self._heard_at

    @property
    def connected(self) -> bool:
        """Whether its heartbeat was heard within ``LOST_AFTER_S``."""
        heard = self._heartbeat_heard
        return heard is not None and self._clock.monotonic() - heard <= LOST_AFTER_S

    @property
    def texts(self) -> tuple[VehicleText, ...]:
        """The last texts of the autopilot, whole, oldest first."""
        return self._words.texts

    @property
    def traffic(self) -> tuple[Aircraft, ...]:
        """Aircraft that its ADS-B receiver told of in the last ``TRAFFIC_S``."""
        return self._traffic.aircraft(self._clock.monotonic())

    @property
    def troubles(self) -> tuple[str, ...]:
        """What is wrong with the link, in words for an operator."""
        said: Sequence[str] = self._gate.troubles(self._clock.monotonic())
        recording = self._recording
        if recording is not None and recording.missed:
            why = f" ({recording.trouble})" if recording.trouble else ""
            said = (*said, f"{recording.missed} packets are not in the recording{why}")
        return (self._trouble, *said) if self._trouble else tuple(said)

    @property
    def gate(self) -> Gatekeeper:
        """The counters, and the rate of loss."""
        return self._gate

    # --- out ----------------------------------------------------------------------------------

    def send(self, frame: bytes) -> None:
        """Send one packet to this vehicle; dropped where it cannot be reached. Any thread."""
        transport = self._transport
        if transport is None or not transport.send(frame, self._gate.peer):
            next(self._unsent)
            return
        if frame[7:10] != b"\0\0\0":  # somebody waits for the answer to all but a heartbeat
            self._pump.hurry()
        recording = self._recording
        if recording is not None:
            recording.put(int(self._clock.now().timestamp() * 1e6), [frame])

    def record(self, path: Path | None) -> None:
        """Append every packet of both directions to a ``.tlog`` from now on; None ends it."""
        if self._recording is not None:
            self._recording.end()
        self._recording = self._tlog.record(path) if path is not None else None

    def tick(self) -> None:
        """Do what time alone brings; a few times a second."""
        if self._words.expire(self._clock.monotonic()) and self.changed is not None:
            self.changed(NOTABLE)
        if self._transport is not None:
            self._transport.flush()


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
