"""Parameters: PX4's names and types, and integers as bytes."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitl.autopilot.params import INT32, REAL32, Params, wire_float
from sitl.errors import VehicleError


def test_the_table_is_the_recorded_px4s():
    params = Params()
    assert len(params) == 888
    assert params.index("CAL_BARO0_OFF") == 44  # as in a PARAM_VALUE of mission.tlog
    assert (params["COM_LOW_BAT_ACT"], params["NAV_DLL_ACT"]) == (3, 0)
    assert params["NAV_ACC_RAD"] == 2.0


def test_unknown_override_is_an_error():
    with pytest.raises(VehicleError, match="NO_SUCH"):
        Params({"NO_SUCH": 1})


@given(st.integers(-(2**31), 2**31 - 1))
def test_integers_travel_as_their_bytes(value):
    params = Params()
    packed = struct.pack("<i", value)
    params.write("NAV_DLL_ACT", struct.unpack("<i", packed)[0])
    assert params.encode("NAV_DLL_ACT") == packed


@given(st.floats(width=32, allow_nan=False))
def test_floats_travel_as_floats(value):
    params = Params()
    params.write("MPC_XY_CRUISE", params.decode("MPC_XY_CRUISE", value))
    assert params.encode("MPC_XY_CRUISE") == struct.pack("<f", value)


def test_hash_changes_with_a_value():
    params = Params()
    before = params.hash()
    params.write("MPC_XY_CRUISE", 7.0)
    assert params.hash() != before


def _set(ground, dialect, name, value, kind):
    wire = wire_float(value, kind)
    ground.send(dialect.MAVLink_param_set_message(1, 1, name.encode(), wire, kind))


def test_set_is_answered_with_the_value_and_has_effect(ground, dialect):
    ground.airborne(10.0)
    _set(ground, dialect, "NAV_DLL_ACT", 2, INT32)
    answer = ground.last("PARAM_VALUE")
    assert (answer.param_id, answer.param_type, answer.param_count) == ("NAV_DLL_ACT", 6, 888)
    assert struct.unpack("<i", struct.pack("<f", answer.param_value))[0] == 2
    _set(ground, dialect, "MPC_Z_V_AUTO_UP", 1.0, REAL32)
    nan = float("nan")
    ground.command(22, 0, 0, 0, nan, nan, nan, ground.vehicle.core.home_alt + 30.0)
    ground.run(4.0)
    assert ground.vehicle.core.body.vu == pytest.approx(1.0, abs=0.1)


def test_wrong_type_and_unknown_name(ground, dialect):
    ground.ready()
    _set(ground, dialect, "NAV_DLL_ACT", 2.0, REAL32)
    assert ground.texts()[-1] == "param types mismatch param: NAV_DLL_ACT"
    assert ground.vehicle.core.params["NAV_DLL_ACT"] == 0
    ground.heard.clear()
    _set(ground, dialect, "NO_SUCH", 2.0, REAL32)
    assert ground.all("PARAM_VALUE") == []


def test_whole_list_comes_in_order_and_ends_with_the_hash(ground, dialect):
    ground.ready()
    ground.send(dialect.MAVLink_param_request_list_message(1, 1))
    ground.run(4.0)
    values = ground.all("PARAM_VALUE")
    assert [m.param_index for m in values] == [*range(888), 65535]
    assert values[-1].param_id == "_HASH_CHECK"
    ground.send(dialect.MAVLink_param_request_read_message(1, 1, b"", 44))
    assert ground.last("PARAM_VALUE").param_id == "CAL_BARO0_OFF"
