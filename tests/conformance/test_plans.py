"""Fence, rally points and mission: held as sent, in this order, and refused where they must be."""

from __future__ import annotations

import pytest
from pymavlink import mavutil

from fleet.errors import LinkError
from fleet.link.items import programme
from missions.sortie import Leg, LegKind

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]


def survey(place, points, reach=40.0, wide=10.0):
    track = tuple(place(reach * (k + 1) / points, wide * (k % 2)) for k in range(points))
    return (Leg(LegKind.SURVEY, track, 5.0, cell="c"),)


@pytest.mark.parametrize("points", [1, 2, 40, 400])
async def test_a_plan_is_held_as_sent(ground, make_sortie, place, points):
    plan = programme(make_sortie(survey(place, points)))
    since = ground.now()
    await ground.link.load(plan)
    # a transfer goes at the controller's pace, and not at that of simulated time
    ground.took(f"load of {points} points", since, 0, 15 * ground.speed)
    assert await ground.link.holds(plan) is None
    assert ground.link.telemetry.mission_total == len(plan.items)
    other = programme(make_sortie(survey(place, points, reach=55.0)))
    assert "item" in await ground.link.holds(other)


async def test_fence_and_rally_points_go_before_the_mission_and_all_are_read_back(
    ground, make_sortie, place, tmp_path
):
    alternates = (place(90, 0, 0.0), place(-90, 20, 0.0))
    plan = programme(make_sortie(survey(place, 2), alternates=alternates))
    ground.link.record(tmp_path / "plan.tlog")
    await ground.link.load(plan)
    ground.link.record(None)
    sent = []

    def written():
        sent[:] = list(_transfers(tmp_path / "plan.tlog"))
        return ("read", 0) in sent

    await ground.true(written, 10, "the recording shows the mission read back")
    ups = [kind for what, kind in sent if what == "sent"]
    assert ups.index(1) < ups.index(0)
    assert ups.index(2) < ups.index(0)
    reads = [kind for what, kind in sent if what == "read"]
    assert {0, 1, 2} <= set(reads)
    assert sent.index(("read", 1)) < sent.index(("sent", 0)), "the fence is read back first"


def _transfers(path):
    if not path.exists():
        return
    log = mavutil.mavlink_connection(str(path), dialect="all")
    while (message := log.recv_msg()) is not None:
        if message.get_type() == "MISSION_COUNT" and message.get_srcSystem() > 200:
            yield "sent", message.mission_type
        elif message.get_type() == "MISSION_REQUEST_LIST":
            yield "read", message.mission_type


@pytest.mark.parametrize("points", [1, 2, 40, 400])
async def test_a_mission_is_flown_to_its_end(air, make_sortie, place, points):
    plan = programme(make_sortie(survey(place, points, wide=0.0)))
    await air.link.load(plan)
    since, seen, farthest = air.now(), [], 0.0

    def ended(t):
        nonlocal farthest
        farthest = max(farthest, air.from_pad_m())
        if not seen or t.mission_current != seen[-1]:
            seen.append(t.mission_current)
        return t.mission_current == len(plan.items) and t.mode == "HOLD"

    await air.link.start_mission()
    await air.until(ended, 150)
    # PX4 means to stop at a waypoint whose next one lies within its acceptance radius
    air.took(f"mission of {points} points flown", since, 33 if points >= 40 else 15, 90)
    assert seen == sorted(seen), "no item twice, none backwards"
    assert 36 < farthest < 45, "as far as the last point, 40 m away"
    assert air.from_pad_m() < 5.0


async def test_a_mission_that_leaves_the_fence_is_refused_before_any_of_it_is_sent(
    ground, make_sortie, place, tmp_path
):
    good = programme(make_sortie(survey(place, 2)))
    await ground.link.load(good)
    plan = programme(make_sortie(survey(place, 2, reach=120.0), fence_m=60.0))
    recording = tmp_path / "refused.tlog"
    ground.link.record(recording)
    with pytest.raises(LinkError, match="leaves the fence"):
        await ground.link.load(plan)
    assert await ground.link.holds(good) is None
    ground.link.record(None)
    await ground.true(recording.exists, 10, "a recording")
    assert ("sent", 0) not in list(_transfers(recording))
    assert ("sent", 1) not in list(_transfers(recording))
