"""The parameter protocol of one link."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from pymavlink.dialects.v20 import common as mav

from sitl.autopilot.params import HASH_NAME, Params

_PER_TICK = 8
_F = struct.Struct("<f")
_UINT32 = 5


class ParamServer:
    """Answers PARAM_REQUEST_READ, PARAM_REQUEST_LIST and PARAM_SET.

    A list goes out a few at a time, so that it does not crowd out telemetry.
    """

    def __init__(self, params: Params, send: Callable[[Any], None]) -> None:
        self._params = params
        self._send = send
        self._next: int | None = None

    def handle(self, message: Any) -> None:
        """Take one message of the parameter protocol."""
        kind = message.get_type()
        if kind == "PARAM_REQUEST_LIST":
            self._next = 0
        elif kind == "PARAM_REQUEST_READ":
            by_index = message.param_index >= 0
            name = self._params.name_at(message.param_index) if by_index else message.param_id
            if name == HASH_NAME:
                self._send_hash()
            elif name is not None and self._params.kind(name) is not None:
                self._send_value(name)
        elif kind == "PARAM_SET":
            self._set(message)

    def tick(self) -> None:
        """Send the next few of a list."""
        if self._next is None:
            return
        for _ in range(_PER_TICK):
            name = self._params.name_at(self._next)
            if name is None:
                self._send_hash()
                self._next = None
                return
            self._send_value(name)
            self._next += 1

    def _set(self, message: Any) -> None:
        name = message.param_id
        if self._params.kind(name) is None:
            return  # PX4 does not answer for a name that it does not have
        if self._params.kind(name) != message.param_type:
            self._say_mismatch(name)
            return
        self._params.write(name, self._params.decode(name, message.param_value))
        self._send_value(name)

    def _say_mismatch(self, name: str) -> None:
        text = f"param types mismatch param: {name}"[:50].encode()
        self._send(mav.MAVLink_statustext_message(3, text))

    def _send_value(self, name: str) -> None:
        value = _F.unpack(self._params.encode(name))[0]
        kind = self._params.kind(name)
        self._send(
            mav.MAVLink_param_value_message(
                name.encode(), value, kind, len(self._params), self._params.index(name)
            )
        )

    def _send_hash(self) -> None:
        value = _F.unpack(self._params.hash())[0]
        self._send(
            mav.MAVLink_param_value_message(
                HASH_NAME.encode(), value, _UINT32, len(self._params), 65535
            )
        )
