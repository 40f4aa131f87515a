"""MAVLink's mission protocol from the ground's side: one list up, one list down.

Pure of any rule about what a plan should be. Each transfer is a conversation of its own, so that
what is left of a broken one is never taken for part of the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pymavlink.dialects.v20 import development as mav

from fleet.errors import LinkError, Refused
from fleet.link.clock import Clock
from fleet.link.dialect import AUTOPILOT
from fleet.link.items import Item
from fleet.link.requests import Exchange, NoAnswer, Requests

MISSION, FENCE, RALLY = 0, 1, 2
"""MAV_MISSION_TYPE."""
NAMES = ("mission", "fence", "rally points")

RETRY_S = 0.4
QUICKEST_S = 0.08
"""Pause before a message is sent again: at most the first, and on a quick radio four times what its
answers take, but not less than the second."""
SILENT_S = 6.0
"""Silence after which a transfer is given up. PX4 asks for an item every 0.25 s, and gives up a
transfer that its partner abandoned after 5 s: until then it answers nobody else."""
BUSY_S = 7.0
READ_STARTS = 5
MOST_UNANSWERED = 8
"""Requests for an item without an answer, after which a list is read from its beginning."""
LONGEST_S = 60.0
LONGEST_ITEM_S = 1.0
"""Bound on a whole transfer, and what each item adds to it: on a radio with 10 % loss and a fifth of
a second there and back one takes 0.3 s."""

_ACCEPTED, _ERROR, _CANCELLED = 0, 1, 15
_RESULTS = {
    1: "ERROR",
    2: "UNSUPPORTED_FRAME",
    3: "UNSUPPORTED",
    4: "NO_SPACE",
    5: "INVALID",
    13: "INVALID_SEQUENCE",
    14: "DENIED",
    15: "OPERATION_CANCELLED",
}
_UP = (
    mav.MAVLINK_MSG_ID_MISSION_REQUEST_INT,
    mav.MAVLINK_MSG_ID_MISSION_REQUEST,
    mav.MAVLINK_MSG_ID_MISSION_ACK,
)
_DOWN = (
    mav.MAVLINK_MSG_ID_MISSION_COUNT,
    mav.MAVLINK_MSG_ID_MISSION_ITEM_INT,
    mav.MAVLINK_MSG_ID_MISSION_ACK,
)


class Plans:
    """Lists of one vehicle: mission, fence, rally points. One transfer at a time, by the caller."""

    def __init__(self, requests: Requests, clock: Clock) -> None:
        self._requests = requests
        self._clock = clock
        self._closed: tuple[int, Any] | None = None
        self._pace = _Pace()

    async def upload(self, kind: int, items: Sequence[Item]) -> None:
        """Replace a list of the vehicle; none empties it.

        Raises
        ------
        Refused
            If the vehicle does not take it.
        NoAnswer
            If it falls silent for ``SILENT_S``.
        LinkError
            If it acknowledges before it has asked for every item, or is still busy with another
            transfer after ``BUSY_S``.
        """
        what = f"{self._requests.drone}: {NAMES[kind]} upload"
        async with self._requests.exchange(*_UP) as exchange:
            done = False
            try:
                await self._send_all(exchange, kind, items, what)
                done = True
            finally:
                if not done:
                    self._cancel(exchange, kind)

    async def download(self, kind: int) -> tuple[Item, ...]:
        """Read a list of the vehicle.

        Raises
        ------
        NoAnswer
            If it falls silent for ``SILENT_S``.
        LinkError
            If it breaks the transfer off.
        """
        what = f"{self._requests.drone}: {NAMES[kind]} read-back"
        async with self._requests.exchange(*_DOWN) as exchange:
            result = _CANCELLED
            try:
                items = await self._fetch_all(exchange, kind, what)
                result = _ACCEPTED
            finally:
                self._closed = exchange.tag, self._ack(kind, result)
                exchange.say(self._closed[1])
        return items

    def _close_again(self) -> None:
        """Say once more that the last reading is over: where that was lost, PX4 waits for 5 s."""
        if self._closed is not None:
            tag, message = self._closed
            self._closed = None
            self._requests.say(message, tag)

    def _ack(self, kind: int, result: int) -> Any:
        return mav.MAVLink_mission_ack_message(self._requests.system_id, AUTOPILOT, result, kind)

    def _cancel(self, exchange: Exchange, kind: int) -> None:
        """Tell the vehicle that nothing more comes: it need not wait for it."""
        exchange.say(self._ack(kind, _CANCELLED))

    async def _send_all(
        self, exchange: Exchange, kind: int, items: Sequence[Item], what: str
    ) -> None:
        system = self._requests.system_id
        count = mav.MAVLink_mission_count_message(system, AUTOPILOT, len(items), kind)
        exchange.say(count)
        asked, watch = -1, _Watch(self._clock, self._pace, what)
        watch.expect(len(items))
        while True:
            heard = await exchange.hear(watch.pause_s)
            if heard is None:
                watch.silent()
                # from the first request on it is the vehicle that asks again
                exchange.say(count if asked < 0 else self._item(items[asked], asked, kind))
            elif heard.mission_type != kind:
                continue
            elif heard.get_msgId() == mav.MAVLINK_MSG_ID_MISSION_ACK:
                if heard.type == _ERROR and asked < 0:
                    watch.busy()
                    self._close_again()
                    continue
                _check(heard.type, asked, len(items), what)
                return
            elif 0 <= heard.seq < len(items):
                watch.heard()
                asked = max(asked, heard.seq)
                exchange.say(self._item(items[heard.seq], heard.seq, kind))

    def _item(self, item: Item, seq: int, kind: int) -> Any:
        current = int(seq == 0 and kind == MISSION)
        return mav.MAVLink_mission_item_int_message(
            self._requests.system_id,
            AUTOPILOT,
            seq,
            item.frame,
            item.command,
            current,
            1,
            *item.params,
            item.x,
            item.y,
            item.z,
            kind,
        )

    async def _fetch_all(self, exchange: Exchange, kind: int, what: str) -> tuple[Item, ...]:
        """Read a list; from its beginning again where the vehicle has lost its place in it."""
        watch = _Watch(self._clock, self._pace, what)
        for _ in range(READ_STARTS):
            items = await self._fetch(exchange, kind, watch)
            if items is not None:
                return items
        raise LinkError(f"{what}: broken off by the vehicle {READ_STARTS} times")

    async def _fetch(self, exchange: Exchange, kind: int, watch: _Watch) -> tuple[Item, ...] | None:
        """Read a list; None where the vehicle breaks it off.

        PX4 does so where a request comes twice and late, and answers nothing from then on.
        """
        system = self._requests.system_id
        ask: Any = mav.MAVLink_mission_request_list_message(system, AUTOPILOT, kind)
        exchange.say(ask)
        items: list[Item] = []
        count, unanswered = -1, 0
        while count < 0 or len(items) < count:
            heard = await exchange.hear(watch.pause_s)
            if heard is None:
                watch.silent()
                unanswered += 1
                if unanswered == MOST_UNANSWERED and items:
                    return None
                exchange.say(ask)
                continue
            if heard.mission_type != kind:
                continue
            message = heard.get_msgId()
            if message == mav.MAVLINK_MSG_ID_MISSION_ACK and count >= 0:
                return None
            if message == mav.MAVLINK_MSG_ID_MISSION_COUNT and count < 0:
                count = heard.count
                watch.expect(count)
            elif (
                message == mav.MAVLINK_MSG_ID_MISSION_ITEM_INT
                and 0 <= heard.seq == len(items) < count
            ):
                items.append(_item_of(heard))
            else:
                continue
            watch.heard()
            unanswered = 0
            if len(items) < count:
                ask = mav.MAVLink_mission_request_int_message(system, AUTOPILOT, len(items), kind)
                exchange.say(ask)
        return tuple(items)


class _Pace:
    """How soon a message is sent again: learned from how long answers take."""

    def __init__(self) -> None:
        self._answers_s = RETRY_S / 4

    @property
    def pause_s(self) -> float:
        """Seconds to wait before a message is sent again."""
        return min(RETRY_S, max(QUICKEST_S, 4 * self._answers_s))

    def learn(self, answer_s: float) -> None:
        """Take the time to one answer; one that was lost teaches to be slow."""
        self._answers_s += (answer_s - self._answers_s) / 8


class _Watch:
    """How long a transfer has been silent, busy, and under way."""

    def __init__(self, clock: Clock, pace: _Pace, what: str) -> None:
        self._clock = clock
        self._pace = pace
        self._what = what
        self._start = self._last = clock.monotonic()
        self._longest_s = LONGEST_S

    def expect(self, items: int) -> None:
        """Allow time for so many items."""
        self._longest_s = LONGEST_S + items * LONGEST_ITEM_S

    @property
    def pause_s(self) -> float:
        """Seconds to wait before a message is sent again."""
        return self._pace.pause_s

    def heard(self) -> None:
        """Take note of progress."""
        now = self._clock.monotonic()
        self._pace.learn(now - self._last)
        self._last = now
        if self._last - self._start > self._longest_s:
            raise LinkError(f"{self._what}: not done within {self._longest_s:g} s")

    def silent(self) -> None:
        """Raise where nothing was heard for too long."""
        if self._clock.monotonic() - self._last > SILENT_S:
            raise NoAnswer(f"{self._what}: no answer for {SILENT_S:g} s")

    def busy(self) -> None:
        """Raise where the vehicle has been busy with another transfer for too long."""
        if self._clock.monotonic() - self._start > BUSY_S:
            raise LinkError(f"{self._what}: vehicle is busy with another transfer")
        self._last = self._clock.monotonic()


def _check(result: int, asked: int, count: int, what: str) -> None:
    if result != _ACCEPTED:
        name = _RESULTS.get(result, f"RESULT_{result}")
        at = f" at item {asked}" if asked >= 0 else ""
        raise Refused(f"{what}: {name}{at}")
    if asked + 1 < count:
        raise LinkError(f"{what}: acknowledged after {asked + 1} of {count} items")


def _item_of(message: Any) -> Item:
    params = (message.param1, message.param2, message.param3, message.param4)
    return Item(message.command, message.frame, params, message.x, message.y, message.z)
