"""The mission protocol of one link, as PX4's mission manager speaks it.

Upload: MISSION_COUNT, then MISSION_REQUEST_INT and MISSION_ITEM_INT in turn, then MISSION_ACK.
Download: MISSION_REQUEST_LIST, MISSION_COUNT, MISSION_REQUEST_INT and MISSION_ITEM_INT in turn,
then the partner's MISSION_ACK. No I/O and no clock: the caller passes messages and time in.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from pymavlink.dialects.v20 import common as mav

from sitl.autopilot.items import (
    ACCEPTED,
    ALL,
    CAPACITY,
    ERROR,
    MISSION,
    NO_SPACE,
    Item,
    refusal,
)
from sitl.autopilot.plan import Plan

TIMEOUT_S = 5.0
RETRY_S = 0.25
_INVALID = 5
_CANCELLED = 15

Send = Callable[[Any], None]
Say = Callable[[int, str], None]


class State(Enum):
    """Which way a transfer goes."""

    IDLE = "idle"
    RECEIVING = "receiving"
    SENDING = "sending"


class MissionTransfer:
    """One link's side of the mission protocol.

    Parameters
    ----------
    plan
        Where uploads go to and downloads come from.
    system, component
        The vehicle's own identifiers.
    send
        Sends a MAVLink message over this link.
    say
        Sends a STATUSTEXT (severity, text).
    """

    def __init__(self, plan: Plan, system: int, component: int, send: Send, say: Say) -> None:
        self._plan = plan
        self._me = (system, component)
        self._send = send
        self._say = say
        self.state = State.IDLE
        self._partner = (0, 0)
        self._type = MISSION
        self._count = 0
        self._seq = 0
        self._received: list[Item] = []
        self._current = 0
        self._last_received = 0.0
        self._last_sent = 0.0

    def handle(self, message: Any, sender: tuple[int, int], now: float) -> None:
        """Take one message of the mission protocol from (system, component) ``sender``."""
        if message.target_system != self._me[0] or message.target_component not in (
            0,
            self._me[1],
            190,  # MAV_COMP_ID_MISSIONPLANNER: PX4 answers for it too
        ):
            return
        handler = {
            "MISSION_COUNT": self._on_count,
            "MISSION_ITEM_INT": self._on_item,
            "MISSION_ITEM": self._on_item,
            "MISSION_REQUEST_LIST": self._on_request_list,
            "MISSION_REQUEST_INT": self._on_request,
            "MISSION_REQUEST": self._on_request,
            "MISSION_ACK": self._on_ack,
            "MISSION_CLEAR_ALL": self._on_clear,
            "MISSION_SET_CURRENT": self._on_set_current,
        }.get(message.get_type())
        if handler is not None:
            handler(message, sender, now)

    def tick(self, now: float) -> None:
        """Ask again for an item that does not come; give up on a partner that is silent."""
        if self.state is State.IDLE:
            return
        if now - self._last_received > TIMEOUT_S:
            self._say(2, "Operation timeout\t")
            self._end()
        elif self.state is State.RECEIVING and now - self._last_sent > RETRY_S:
            self._request(now)

    def _on_count(self, message: Any, sender: tuple[int, int], now: float) -> None:
        if self.state is State.SENDING:
            self._say(2, "WPM: IGN MISSION_COUNT: Busy\t")
            self._ack(sender, ERROR)
            return
        self._last_received = now
        if self.state is State.RECEIVING:
            if sender != self._partner:
                self._ack(sender, ERROR)
            elif self._seq == 0:
                self._request(now)
            else:
                self._say(2, "WPM: REJ. CMD: Busy\t")
                self._ack(sender, ERROR)
            return
        if self._plan.busy:  # another link is uploading
            self._ack(sender, ERROR)
            return
        self._partner, self._type = sender, message.mission_type
        limit = CAPACITY.get(message.mission_type)
        if limit is None:
            self._ack(sender, _INVALID)
        elif message.count > limit:
            self._ack(sender, NO_SPACE)
        elif message.count == 0:
            self._plan.replace(message.mission_type, ())
            self._ack(sender, ACCEPTED)
        else:
            self._plan.busy = True
            self.state = State.RECEIVING
            self._count, self._seq = message.count, 0
            self._received, self._current = [], 0
            self._request(now)

    def _on_item(self, message: Any, sender: tuple[int, int], now: float) -> None:
        if sender != self._partner:
            self._say(2, "REJ. MIS ITEM: partner id mismatch\t")
            return
        if message.mission_type != self._type:
            self._ack(sender, ERROR)
            return
        if self.state is not State.RECEIVING:
            self._unexpected_item(message, sender)
            return
        self._last_received = now
        if message.seq != self._seq:
            return
        item = item_of(message)
        result = refusal(item, self._type)
        if result != ACCEPTED:
            if result != ERROR:
                self._say(2, "IGN MISSION_ITEM: Invalid item\t")
            self._ack(sender, result)
            self._end()
            return
        self._received.append(item)
        if message.current:
            self._current = message.seq
        self._seq += 1
        if self._seq < self._count:
            self._request(now)
            return
        self._end()
        self._plan.replace(self._type, self._received, self._current)
        self._ack(sender, ACCEPTED)

    def _unexpected_item(self, message: Any, sender: tuple[int, int]) -> None:
        if self.state is State.SENDING:
            self._say(2, "IGN MISSION_ITEM: Busy\t")
            self._ack(sender, ERROR)
        elif self._seq == message.seq + 1:  # our last MISSION_ACK was lost
            self._ack(sender, ACCEPTED)
        else:
            self._say(2, "IGN MISSION_ITEM: No transfer\t")
            self._ack(sender, ERROR)

    def _on_request_list(self, message: Any, sender: tuple[int, int], now: float) -> None:
        if self.state is State.SENDING and self._seq == len(self._plan.items(self._type)):
            self.state = State.IDLE  # all was sent; only the partner's ACK was lost
        again = self.state is State.SENDING and (sender, message.mission_type) == (
            self._partner,
            self._type,
        )
        if self.state is not State.IDLE and not again:
            self._say(6, "Mission download request ignored, already active\t")
            return
        if message.mission_type not in CAPACITY:
            return
        self._last_received = now
        self.state = State.SENDING
        self._partner, self._type, self._seq = sender, message.mission_type, 0
        self._count = len(self._plan.items(self._type))
        self._send(mav.MAVLink_mission_count_message(*sender, self._count, self._type))

    def _on_request(self, message: Any, sender: tuple[int, int], now: float) -> None:
        if sender != self._partner:
            self._say(2, "WPM: REJ. CMD: partner id mismatch\t")
            return
        if self.state is State.RECEIVING:
            self._say(2, "WPM: REJ. CMD: Busy\t")
            return
        if self.state is State.IDLE or message.mission_type != self._type:
            return
        self._last_received = now
        items = self._plan.items(self._type)
        if message.seq == self._seq and self._seq < self._count:
            self._seq += 1
        elif message.seq != self._seq - 1:
            self._reject_request(sender)
            return
        if message.seq >= len(items):
            self._reject_request(sender)
            return
        self._send_item(items[message.seq], message.seq, sender)

    def _reject_request(self, sender: tuple[int, int]) -> None:
        self.state = State.IDLE
        self._ack(sender, ERROR)
        self._say(2, "WPM: REJ. CMD: Req. WP was unexpected\t")

    def _on_ack(self, message: Any, sender: tuple[int, int], now: float) -> None:
        if sender != self._partner:
            self._say(2, "REJ. WP CMD: partner id mismatch\t")
        elif self.state is State.SENDING and message.mission_type == self._type:
            self.state = State.IDLE
        elif self.state is State.RECEIVING and message.type == _CANCELLED:
            self._end()

    def _on_clear(self, message: Any, sender: tuple[int, int], now: float) -> None:
        if self.state is not State.IDLE:
            self._say(2, "WPM: IGN CLEAR CMD: Busy\t")
            return
        self._type = message.mission_type
        for mission_type in CAPACITY:
            if message.mission_type in (mission_type, ALL):
                self._plan.replace(mission_type, ())
        self._ack(sender, ACCEPTED)

    def _on_set_current(self, message: Any, sender: tuple[int, int], now: float) -> None:
        if self.state is not State.IDLE:
            self._say(2, "WPM: IGN WP CURR CMD: Busy\t")
        elif message.seq < len(self._plan.mission):
            self._plan.current, self._plan.finished = message.seq, False
            self._plan.on_change(ALL)
        else:
            self._say(2, "WPM: WP CURR CMD: Not in list\t")

    def _request(self, now: float) -> None:
        self._last_sent = now
        self._send(mav.MAVLink_mission_request_int_message(*self._partner, self._seq, self._type))

    def _send_item(self, item: Item, seq: int, to: tuple[int, int]) -> None:
        current = int(seq == self._plan.current)
        self._send(
            mav.MAVLink_mission_item_int_message(
                *to,
                seq,
                item.frame,
                item.command,
                current,
                int(item.autocontinue and self._type == MISSION),
                *item.params,
                item.x,
                item.y,
                item.z,
                self._type,
            )
        )

    def _ack(self, to: tuple[int, int], result: int) -> None:
        self._send(mav.MAVLink_mission_ack_message(*to, result, self._type))

    def _end(self) -> None:
        if self.state is State.RECEIVING:
            self._plan.busy = False
        self.state = State.IDLE


def item_of(message: Any) -> Item:
    """Return the item that a MISSION_ITEM_INT (or the older MISSION_ITEM) carries."""
    x, y = message.x, message.y
    if message.get_type() == "MISSION_ITEM" and message.frame != 2:
        x, y = round(x * 1e7), round(y * 1e7)
    return Item(
        message.frame,
        message.command,
        (message.param1, message.param2, message.param3, message.param4),
        int(x),
        int(y),
        message.z,
        bool(message.autocontinue),
    )
