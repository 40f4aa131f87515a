"""MAVLink's command protocol: COMMAND_LONG and COMMAND_INT, each with its own COMMAND_ACK."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymavlink.dialects.v20 import development as mav

from fleet.errors import Refused
from fleet.link.clock import Clock
from fleet.link.dialect import AUTOPILOT
from fleet.link.items import FRAME_GLOBAL_INT, degrees_e7
from fleet.link.port import VehicleText, why
from fleet.link.requests import Exchange, NoAnswer, Requests

RESEND_S = 0.5
SENDS = 4
ANSWER_S = 3.0
"""Bound on the first acknowledgement: four sends, and a slow radio's way back."""
PROGRESS_S = 10.0
"""Bound on the last acknowledgement of a command that is in progress."""
WORDS_S = 1.5
"""A refusal's STATUSTEXT may come after its acknowledgement."""

ACCEPTED, IN_PROGRESS = 0, 5
_RESULTS = (
    "ACCEPTED",
    "TEMPORARILY_REJECTED",
    "DENIED",
    "UNSUPPORTED",
    "FAILED",
    "IN_PROGRESS",
    "CANCELLED",
    "COMMAND_LONG_ONLY",
    "COMMAND_INT_ONLY",
    "UNSUPPORTED_MAV_FRAME",
    "NOT_IN_CONTROL",
)
"""MAV_RESULT."""

NAN = math.nan


def result_name(result: int) -> str:
    """Return MAV_RESULT's name for a number."""
    return _RESULTS[result] if 0 <= result < len(_RESULTS) else f"RESULT_{result}"


@dataclass(frozen=True, slots=True)
class Place:
    """A position: degrees, and metres above mean sea level."""

    lat: float
    lon: float
    amsl_m: float


@dataclass(frozen=True, slots=True)
class Command:
    """A MAV_CMD with its parameters 1 to 4 (or to 7), and the place that makes it a COMMAND_INT."""

    number: int
    params: tuple[float, ...] = ()
    place: Place | None = None

    def message(self, system_id: int, confirmation: int = 0) -> Any:
        """Return it as a message; parameters that are not given are NaN at a place, else 0."""
        if self.place is None:
            params = (*self.params, *(0.0,) * (7 - len(self.params)))
            return mav.MAVLink_command_long_message(
                system_id, AUTOPILOT, self.number, confirmation, *params
            )
        params = (*self.params, *(NAN,) * (4 - len(self.params)))
        x, y, z = degrees_e7(self.place.lat), degrees_e7(self.place.lon), self.place.amsl_m
        return mav.MAVLink_command_int_message(
            system_id, AUTOPILOT, FRAME_GLOBAL_INT, self.number, 0, 0, *params, x, y, z
        )


class Commands:
    """Commands to one vehicle.

    Parameters
    ----------
    requests
        Its conversations.
    texts
        Returns what it said.
    clock
        Tells which of it was said since a command.
    """

    def __init__(
        self, requests: Requests, texts: Callable[[], Sequence[VehicleText]], clock: Clock
    ) -> None:
        self._requests = requests
        self._texts = texts
        self._clock = clock

    async def send(self, what: str, command: Command) -> None:
        """Send a command; return when it is acknowledged as accepted.

        Sent again where no answer comes, up to ``SENDS`` times.

        Raises
        ------
        NoAnswer
            If nothing comes within ``ANSWER_S``.
        Refused
            If it is acknowledged as anything but accepted; carries the vehicle's words.
        """
        kinds = mav.MAVLINK_MSG_ID_COMMAND_ACK, mav.MAVLINK_MSG_ID_STATUSTEXT
        since = self._clock.now()
        async with self._requests.exchange(*kinds) as exchange:
            result = await self.final(exchange, command, what)
            if result != ACCEPTED:
                words = await self.words(exchange, since)
                raise self.refusal(what, result_name(result), words)

    def refusal(self, what: str, result: str, words: str) -> Refused:
        """Return the error that says what was refused, how, and in which words."""
        said = f": {words}" if words else ""
        return Refused(f"{self._requests.drone}: {what}: {result}{said}")

    async def final(
        self,
        exchange: Exchange,
        command: Command,
        what: str,
        still: Callable[[], None] = lambda: None,
    ) -> int:
        """Send until acknowledged; return the last MAV_RESULT.

        ``still`` is called before each sending, and raises where it is no longer wanted.
        """
        start = self._clock.monotonic()
        sent, bound, in_progress = 0, ANSWER_S, False
        while (past := self._clock.monotonic() - start) < bound:
            if not in_progress and sent < SENDS and past >= sent * RESEND_S:
                still()
                exchange.say(command.message(self._requests.system_id, sent))
                sent += 1
            wait = bound - past
            if not in_progress and sent < SENDS:
                wait = min(wait, sent * RESEND_S - past)
            heard = await exchange.hear(max(wait, 0.0))
            if heard is None or not _answers(heard, command):
                continue
            if heard.result != IN_PROGRESS:
                return int(heard.result)
            in_progress, bound = True, past + PROGRESS_S
        drone = self._requests.drone
        if in_progress:
            raise NoAnswer(f"{drone}: {what}: still in progress after {PROGRESS_S:g} s")
        raise NoAnswer(f"{drone}: {what}: no answer within {ANSWER_S:g} s")

    async def words(self, exchange: Exchange, since: datetime) -> str:
        """Return what the vehicle said since; give it a moment to."""
        end = self._clock.monotonic() + WORDS_S
        while not (words := why(self._texts(), since)):
            left = end - self._clock.monotonic()
            if left <= 0:
                break
            await exchange.hear(left)
        return words


def _answers(heard: Any, command: Command) -> bool:
    kind = heard.get_msgId()
    return bool(kind == mav.MAVLINK_MSG_ID_COMMAND_ACK and heard.command == command.number)
