"""Reading PX4's parameters by name.

Not with mavsdk's Param: that has blocking calls only, which hold a thread for 3 s for each parameter
that a vehicle has not, or does not answer for, and must be told whether it is an integer.

PARAM_VALUE is addressed to nobody. An answer that comes late is still that parameter's value of a
moment ago, so it does no harm that it may settle a younger request for the same name.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from typing import Any

from pymavlink.dialects.v20 import development as mav

from fleet.link.asking import Asking
from fleet.link.dialect import text
from fleet.link.hearing import Inbox, hearing
from fleet.link.wire import AUTOPILOT, payload

AT_ONCE = 8
"""Parameters asked for at a time: a few lost on a poor radio cost little."""
RETRY_S = 0.5
TRIES = 5

_INTEGERS = {1: "B", 2: "b", 3: "H", 4: "h", 5: "I", 6: "i"}
"""MAV_PARAM_TYPE to struct's code. PX4 carries an integer's bytes in the float's place."""


async def read_parameters(asking: Asking, names: Sequence[str]) -> dict[str, float | None]:
    """Return parameters by name; None for one that is not answered for in ``TRIES`` tries.

    PX4 gives no answer for a parameter that it does not have.
    """
    read: dict[str, float | None] = {}
    await asking.plugins()
    with hearing(asking.tap, mav.MAVLINK_MSG_ID_PARAM_VALUE) as inbox:
        for start in range(0, len(names), AT_ONCE):
            wanted = set(names[start : start + AT_ONCE])
            for _ in range(TRIES):
                for name in sorted(wanted):
                    asking.say("PARAM_REQUEST_READ", param_id=name, param_index=-1)
                read |= await _answers(inbox, wanted)
                if not wanted:
                    break
            read |= dict.fromkeys(wanted)
    return read


async def _answers(inbox: Inbox, wanted: set[str]) -> dict[str, float]:
    """Return what is answered within ``RETRY_S``, and take it out of ``wanted``."""
    read: dict[str, float] = {}
    loop = asyncio.get_running_loop()
    end = loop.time() + RETRY_S
    while wanted and (left := end - loop.time()) > 0:
        heard = await inbox.hear(left)
        if heard is None or heard.get_srcComponent() != AUTOPILOT:
            continue
        name = text(heard.param_id)
        if name in wanted:
            wanted.remove(name)
            read[name] = _value(heard)
    return read


def said(parameter: bytes) -> tuple[str, float]:
    """Return the name and the value in a whole PARAM_VALUE frame."""
    raw = payload(parameter).ljust(25, b"\0")
    name = text(raw[8:24])
    return name, float(struct.unpack_from("<" + _INTEGERS.get(raw[24], "f"), raw)[0])


def _value(message: Any) -> float:
    # the value stands first; as a float, some integers would be a NaN and lose their bits
    raw = payload(bytes(message.get_msgbuf()))[:4].ljust(4, b"\0")
    return float(struct.unpack_from("<" + _INTEGERS.get(message.param_type, "f"), raw)[0])
