"""The number of a plan, as PX4 computed it: items and numbers of flights of real PX4 (SITL)."""

from __future__ import annotations

import math
import struct
from dataclasses import replace

import pytest
from pymavlink.dialects.v20 import development as mav

from fleet.link.dialect import Writer
from fleet.link.items import Item
from fleet.link.plan_id import NO_PLAN, plan_id, told_id

SOUTH, NORTH, WEST, EAST = 245113839, 245146178, 1176454854, 1176487193
CORNERS = ((SOUTH, WEST), (SOUTH, EAST), (NORTH, EAST), (NORTH, WEST))
FENCE = tuple(Item(5001, 0, (4.0, 0.0, 0.0, 0.0), lat, lon) for lat, lon in CORNERS)
PLACES = (
    (245135398, 1176471024),
    (245135398, 1176476413),
    (245130009, 1176476413),
    (245130009, 1176471024),
)
MISSION = tuple(Item(16, 6, (0.0, 0.0, 0.0, math.nan), lat, lon, 25.0) for lat, lon in PLACES)
RALLY = (Item(5100, 6, x=245130009, y=1176471024, z=20.0),)


@pytest.mark.parametrize(
    ("items", "number"), [(MISSION, 4169888174), (FENCE, 3018255801), (RALLY, 2692346396)]
)
def test_it_is_what_px4_tells_of_the_same_items(items: tuple[Item, ...], number: int) -> None:
    assert plan_id(items) == number


def test_no_items_have_no_number() -> None:
    assert plan_id(()) == NO_PLAN


def test_another_order_height_or_time_is_another_number() -> None:
    numbers = {
        plan_id(items)
        for items in (
            MISSION,
            MISSION[::-1],
            MISSION[:3],
            (*MISSION[:3], replace(MISSION[3], z=25.5)),
            (*MISSION[:3], replace(MISSION[3], params=(1.0, 0.0, 0.0, math.nan))),
            (*MISSION[:3], replace(MISSION[3], y=MISSION[3].y + 1)),
        )
    }
    assert len(numbers) == 6


def test_the_number_is_read_from_mission_current() -> None:
    told = struct.pack("<HHBBIII", 1, 4, 3, 1, 4169888174, 3018255801, 2692346396)
    message = mav.MAVLink_mission_current_message(1, 4, 3, 1)
    packer = mav.MAVLink(None, 1, 1)
    assert told_id(bytes(message._pack(packer, message.crc_extra, told))) == 4169888174


def test_an_autopilot_that_tells_no_number_has_none() -> None:
    assert told_id(Writer(1).frame(mav.MAVLink_mission_current_message(3, 4, 3, 1), 1)) == NO_PLAN
