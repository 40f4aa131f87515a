"""PX4 parameters: a table with PX4's names, types and values, and its wire encoding."""

from __future__ import annotations

import csv
import struct
import zlib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

from sitl.errors import VehicleError

INT32 = 6
"""MAV_PARAM_TYPE_INT32."""
REAL32 = 9
"""MAV_PARAM_TYPE_REAL32."""
HASH_NAME = "_HASH_CHECK"

FLEET_PARAMS: Mapping[str, float] = {
    "COM_RC_IN_MODE": 4,  # no sticks: their absence is no reason for anything
    "COM_ARM_WO_GPS": 0,
    "EKF2_DRAG_CTRL": 1,  # the wind is estimated from the lean that it takes
}
"""What the fleet's vehicles are set to, where PX4's own value is another."""

_F = struct.Struct("<f")
_I = struct.Struct("<i")
_U = struct.Struct("<I")


def as_float32(value: float) -> float:
    """Return ``value`` rounded to what a 32-bit float holds."""
    return float(_F.unpack(_F.pack(value))[0])


def wire_float(value: float, kind: int) -> float:
    """Return what stands in a float field for a value: an integer's own bytes, or the number."""
    return float(_F.unpack(_I.pack(int(value)))[0]) if kind == INT32 else as_float32(value)


@lru_cache(maxsize=1)
def _table() -> tuple[tuple[str, int, float], ...]:
    text = files("sitl.autopilot").joinpath("px4_params.csv").read_text(encoding="utf-8")
    return tuple(
        (row["name"], INT32 if row["type"] == "i" else REAL32, float(row["value"]))
        for row in csv.DictReader(text.splitlines())
    )


class Params:
    """The parameters of one vehicle.

    The table is what PX4's SIH quadrotor lists over MAVLink (names, types, values at its first
    start). Most entries are there because ground stations read them; those that the embedded
    vehicle obeys are read by name where they act.

    Parameters
    ----------
    overrides
        Values in place of the table's.

    Raises
    ------
    VehicleError
        If an override names a parameter that is not in the table.
    """

    def __init__(self, overrides: Mapping[str, float] | None = None) -> None:
        self._names = [name for name, _, _ in _table()]
        self._index = {name: i for i, name in enumerate(self._names)}
        self._types = {name: kind for name, kind, _ in _table()}
        self._values = {name: value for name, _, value in _table()}
        self.written: set[str] = set()
        """Names that PARAM_SET has written since the start."""
        self.version = 0
        """Counts every write, so that readers can cache."""
        for name, value in (overrides or {}).items():
            self.kind_of(name)
            self._store(name, value)

    def __getitem__(self, name: str) -> float:
        return self._values[name]

    def __len__(self) -> int:
        return len(self._names)

    def integer(self, name: str) -> int:
        """Return an INT32 parameter."""
        return int(self._values[name])

    def kind(self, name: str) -> int | None:
        """Return the MAV_PARAM_TYPE of a parameter, or None where there is none of this name."""
        return self._types.get(name)

    def kind_of(self, name: str) -> int:
        """Return the MAV_PARAM_TYPE of a parameter.

        Raises
        ------
        VehicleError
            If there is none of this name.
        """
        kind = self._types.get(name)
        if kind is None:
            raise VehicleError(f"no parameter {name!r} in the embedded vehicle's table")
        return kind

    def index(self, name: str) -> int:
        """Return the parameter's place in the list."""
        return self._index[name]

    def name_at(self, index: int) -> str | None:
        """Return the name at a place in the list, or None."""
        return self._names[index] if 0 <= index < len(self._names) else None

    def write(self, name: str, value: float) -> None:
        """Set a parameter as PARAM_SET does."""
        self._store(name, value)
        self.written.add(name)

    def preset(self, name: str, value: float) -> None:
        """Set a parameter as the vehicle's own start-up does, not as one who asks for it."""
        self._store(name, value)

    def encode(self, name: str) -> bytes:
        """Return the four bytes of the value as they stand in PARAM_VALUE's float field.

        PX4 puts an integer's own bytes there, not its value as a float
        (MAV_PROTOCOL_CAPABILITY_PARAM_ENCODE_BYTEWISE).
        """
        value = self._values[name]
        return _I.pack(int(value)) if self._types[name] == INT32 else _F.pack(value)

    def decode(self, name: str, wire: float) -> float:
        """Return the value that PARAM_SET's float field carries for this parameter."""
        return float(_I.unpack(_F.pack(wire))[0]) if self._types[name] == INT32 else wire

    def hash(self) -> bytes:
        """Return the check over all names and values that ground stations compare caches by."""
        crc = 0
        for name in self._names:
            crc = zlib.crc32(self.encode(name), zlib.crc32(name.encode(), crc))
        return _U.pack(crc)

    def _store(self, name: str, value: float) -> None:
        integer = self._types[name] == INT32
        self._values[name] = float(int(value)) if integer else as_float32(value)
        self.version += 1
