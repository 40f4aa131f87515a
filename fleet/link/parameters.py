"""Reading PX4's parameters by name.

PARAM_VALUE is addressed to nobody. An answer that comes late is still that parameter's value of a
moment ago, so it does no harm that it may settle a younger request for the same name.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from typing import Any

from pymavlink.dialects.v20 import development as mav

from fleet.link.dialect import AUTOPILOT, text
from fleet.link.requests import Exchange, Requests
from fleet.link.wire import payload

AT_ONCE = 8
"""Parameters asked for at a time: a few lost on a poor radio cost little."""
RETRY_S = 0.5
TRIES = 5

_INTEGERS = {1: "B", 2: "b", 3: "H", 4: "h", 5: "I", 6: "i"}
"""MAV_PARAM_TYPE to struct's code. PX4 carries an integer's bytes in the float's place."""


async def read_parameters(requests: Requests, names: Sequence[str]) -> dict[str, float | None]:
    """Return parameters by name; None for one that is not answered for in ``TRIES`` tries.

    PX4 gives no answer for a parameter that it does not have.
    """
    read: dict[str, float | None] = {}
    async with requests.exchange(mav.MAVLINK_MSG_ID_PARAM_VALUE) as exchange:
        for start in range(0, len(names), AT_ONCE):
            wanted = set(names[start : start + AT_ONCE])
            for _ in range(TRIES):
                for name in sorted(wanted):
                    exchange.say(_request(requests.system_id, name))
                read |= await _answers(exchange, wanted)
                if not wanted:
                    break
            read |= dict.fromkeys(wanted)
    return read


async def _answers(exchange: Exchange, wanted: set[str]) -> dict[str, float]:
    """Return what is answered within ``RETRY_S``, and take it out of ``wanted``."""
    read: dict[str, float] = {}
    loop = asyncio.get_running_loop()
    end = loop.time() + RETRY_S
    while wanted and (left := end - loop.time()) > 0:
        heard = await exchange.hear(left)
        if heard is None or heard.get_srcComponent() != AUTOPILOT:
            continue
        name = text(heard.param_id)
        if name in wanted:
            wanted.remove(name)
            read[name] = _value(heard)
    return read


def _request(system_id: int, name: str) -> Any:
    return mav.MAVLink_param_request_read_message(system_id, AUTOPILOT, name.encode(), -1)


def _value(message: Any) -> float:
    # the value stands first; as a float, some integers would be a NaN and lose their bits
    raw = payload(bytes(message.get_msgbuf()))[:4].ljust(4, b"\0")
    return float(struct.unpack_from("<" + _INTEGERS.get(message.param_type, "f"), raw)[0])
