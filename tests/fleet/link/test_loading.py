"""Plans into a scripted vehicle: answers that are late, wrong, half, or of another plan."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import replace
from typing import Any

import pytest
from pymavlink.dialects.v20 import development as mav

from fleet.errors import LinkError, Refused
from fleet.link import asking, loading, plans
from fleet.link.asking import NoAnswer
from fleet.link.items import Item, programme, rally_item
from fleet.link.plan_id import plan_id
from fleet.link.seen import NotSeen

MISSION, FENCE, RALLY = 0, 1, 2


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "WORDS_S", 0.2)
    monkeypatch.setattr(loading, "STARTS", 1)
    monkeypatch.setattr(loading, "BUSY_S", 0.8)
    monkeypatch.setattr(loading, "BUSY_PAUSE_S", 0.1)
    monkeypatch.setattr(loading, "READ_PAUSE_S", 0.02)
    monkeypatch.setattr(loading, "FIRST_ITEM_S", 0.5)
    monkeypatch.setattr(loading, "RESEND_S", 0.1)
    monkeypatch.setattr(loading, "JUDGED_S", 0.0)
    monkeypatch.setattr(loading, "TOLD_S", 0.2)


class PlanServer:
    """The vehicle's side of the mission protocol, honest but for what a test changes.

    ``deaf`` counts messages that it still hears before it goes deaf for good.
    """

    def __init__(self, vehicle: Any) -> None:
        self.vehicle = vehicle
        self.lists: dict[int, list[Any]] = {0: [], 1: [], 2: []}
        self.partner: tuple[int, int] = (0, 0)
        self.kind = 0
        self.count = 0
        self.coming: list[Any] = []
        self.uploads = 0
        self.cancelled: list[int] = []
        self.deaf: int | None = None
        self.ack_result = 0
        self.busy = False
        self.early_after: int | None = None
        self.state = 2
        self.twist = lambda item: item
        names = ("MISSION_CLEAR_ALL", "MISSION_COUNT", "MISSION_ITEM_INT", "MISSION_REQUEST_LIST")
        for name in (*names, "MISSION_REQUEST_INT", "MISSION_ACK", "MISSION_SET_CURRENT"):
            vehicle.on[name] = self.take

    def take(self, m: Any) -> None:
        if self.deaf is not None:
            if self.deaf <= 0:
                return
            self.deaf -= 1
        getattr(self, "_" + m.get_type().lower())(m, (m.get_srcSystem(), m.get_srcComponent()))

    def ack(self, to: tuple[int, int], result: int, kind: int) -> None:
        self.vehicle.say(mav.MAVLink_mission_ack_message(*to, result, kind))

    def _mission_clear_all(self, m: Any, sender: tuple[int, int]) -> None:
        self.lists[m.mission_type] = []
        self.ack(sender, 0, m.mission_type)

    def _mission_count(self, m: Any, sender: tuple[int, int]) -> None:
        if self.busy:
            self.ack(sender, 1, m.mission_type)
            return
        self.partner, self.kind, self.count, self.coming = sender, m.mission_type, m.count, []
        self.uploads += 1
        self._ask(0)

    def _ask(self, seq: int) -> None:
        self.vehicle.say(mav.MAVLink_mission_request_int_message(*self.partner, seq, self.kind))

    def _mission_item_int(self, m: Any, sender: tuple[int, int]) -> None:
        if sender != self.partner or m.seq != len(self.coming):
            return
        self.coming.append(m)
        if len(self.coming) == self.early_after:
            self.ack(sender, 0, self.kind)
        elif len(self.coming) < self.count:
            self._ask(m.seq + 1)
        else:
            if self.ack_result == 0:
                self.lists[self.kind] = list(self.coming)
            self.ack(sender, self.ack_result, self.kind)

    def _mission_request_list(self, m: Any, sender: tuple[int, int]) -> None:
        size = len(self.lists[m.mission_type])
        self.vehicle.say(mav.MAVLink_mission_count_message(*sender, size, m.mission_type))

    def _mission_request_int(self, m: Any, sender: tuple[int, int]) -> None:
        held = self.twist(self.lists[m.mission_type][m.seq])
        fields = {name: getattr(held, name) for name in held.fieldnames}
        fields |= {"target_system": sender[0], "target_component": sender[1]}
        self.vehicle.say(mav.MAVLink_mission_item_int_message(**fields))

    def _mission_ack(self, m: Any, _: tuple[int, int]) -> None:
        if m.type == 15:
            self.cancelled.append(m.get_srcComponent())

    def _mission_set_current(self, m: Any, _: tuple[int, int]) -> None:
        total = len(self.lists[MISSION])
        self.vehicle.say(mav.MAVLink_mission_current_message(m.seq, total, self.state, 1))


@pytest.fixture
def plan(sortie, place):
    rally = tuple(map(rally_item, (place(100, 0), place(-50, 30))))
    return replace(programme(sortie()), rally=rally)


async def test_all_three_lists_are_replaced_and_read_back(scripted, plan) -> None:
    async with scripted() as (vehicle, link):
        server = PlanServer(vehicle)
        await link.load(plan)
        assert [m.command for m in server.lists[MISSION]] == [i.command for i in plan.items]
        assert [m.command for m in server.lists[FENCE]] == [5001] * 4
        assert [(m.command, m.frame, m.z) for m in server.lists[RALLY]] == [(5100, 3, 0.0)] * 2
        assert await link.holds(plan) is None
        begun = ("MISSION_COUNT", "MISSION_CLEAR_ALL")
        # the fence before the mission; the mission emptied before it is replaced
        assert [(m.mission_type, m.get_type()) for m in vehicle.heard if m.get_type() in begun] == [
            (FENCE, "MISSION_COUNT"),
            (RALLY, "MISSION_COUNT"),
            (MISSION, "MISSION_CLEAR_ALL"),
            (MISSION, "MISSION_COUNT"),
        ]
        await link.load(replace(plan, rally=(), fence=()))
        assert server.lists[RALLY] == server.lists[FENCE] == []


@pytest.mark.parametrize("kind", [MISSION, FENCE, RALLY])
async def test_a_plan_that_is_held_otherwise_is_told(scripted, plan, kind) -> None:
    async with scripted() as (vehicle, link):
        server = PlanServer(vehicle)

        def twist(held: Any) -> Any:
            if held.mission_type != kind or held.seq != 1:
                return held
            other = mav.MAVLink_mission_item_int_message(
                **{name: getattr(held, name) for name in held.fieldnames}
            )
            other.command = 21
            return other

        server.twist = twist
        name = plans.NAMES[kind]
        with pytest.raises(
            LinkError, match=f"a1: the {name} read back differs: item 1: command 21 is held"
        ):
            await link.load(plan)
        server.twist = lambda held: held
        await link.load(plan)


async def test_a_vehicle_that_dies_in_the_middle_takes_the_next_load(scripted, plan) -> None:
    async with scripted() as (vehicle, link):
        server = PlanServer(vehicle)
        await link.load(plan)
        server.deaf = 22  # somewhere in the mission
        other = replace(plan, items=plan.items[:2] + plan.items[3:], legs=plan.legs[:-1])
        with pytest.raises(NoAnswer, match="a1: mission upload: no answer"):
            await link.load(other)
        server.deaf = None
        assert await link.holds(other) is not None
        await link.load(other)
        assert await link.holds(other) is None


async def test_a_load_that_is_given_up_tells_the_vehicle(scripted, plan) -> None:
    async with scripted() as (vehicle, link):
        server = PlanServer(vehicle)
        server.deaf = 3
        load = asyncio.create_task(link.load(plan))
        await vehicle.hears(lambda: server.deaf == 0)
        server.deaf = None
        load.cancel()
        await asyncio.gather(load, return_exceptions=True)
        await vehicle.hears(lambda: server.cancelled)
        assert server.cancelled == [server.partner[1]]
        await link.load(plan)


async def test_a_late_acknowledgement_is_not_taken_for_the_next_upload(scripted, plan) -> None:
    async with scripted() as (vehicle, link):
        server = PlanServer(vehicle)
        server.deaf = 1
        with pytest.raises(NoAnswer):
            await link.load(plan)
        old, kind = server.partner, server.kind
        server.deaf = None
        honest = server._mission_count

        late = [0, 14]

        def with_the_old(m: Any, sender: tuple[int, int]) -> None:
            if late:
                server.ack(old, late.pop(), kind)
            honest(m, sender)

        server._mission_count = with_the_old
        await link.load(plan)
        assert await link.holds(plan) is None


async def test_an_acknowledgement_before_the_last_item_is_none(scripted, plan) -> None:
    async with scripted() as (vehicle, link):
        server = PlanServer(vehicle)
        server.early_after = 2
        with pytest.raises(LinkError, match="a1: fence upload: broken off"):
            await link.load(plan)
        assert server.lists[FENCE] == []


async def test_a_refused_plan_carries_result_and_words(scripted, plan) -> None:
    async with scripted() as (vehicle, link):
        server = PlanServer(vehicle)
        server.ack_result = 4
        with pytest.raises(Refused, match="a1: fence upload: TOO_MANY_MISSION_ITEMS"):
            await link.load(plan)
        assert server.uploads == loading.REFUSALS


async def test_a_busy_vehicle_is_asked_again_and_given_up(scripted, plan) -> None:
    async with scripted() as (vehicle, link):
        server = PlanServer(vehicle)
        server.busy = True
        load = asyncio.create_task(link.load(plan))
        await vehicle.hears(lambda: sum(m.get_type() == "MISSION_COUNT" for m in vehicle.heard) > 2)
        server.busy = False
        await load
        server.busy = True
        with pytest.raises(LinkError, match="a1: fence upload: broken off"):
            await link.load(plan)


async def test_a_vehicle_that_asks_too_often_is_freed_for_the_next_upload(
    scripted, plan, monkeypatch
) -> None:
    monkeypatch.setattr(loading, "STARTS", 3)
    async with scripted() as (vehicle, link):
        server = PlanServer(vehicle)
        honest_item, honest_ack = server._mission_item_int, server._mission_ack

        def lost(m: Any, sender: tuple[int, int]) -> None:
            if m.seq != 2 or server.cancelled:
                honest_item(m, sender)
            else:  # as PX4: busy from here on, until it is told that nothing more comes
                server.busy = True
                server._ask(2)

        def told(m: Any, sender: tuple[int, int]) -> None:
            honest_ack(m, sender)
            server.busy = server.busy and not server.cancelled

        server._mission_item_int, server._mission_ack = lost, told
        await link.load(plan)
        assert server.cancelled
        assert await link.holds(plan) is None


async def test_a_mission_that_is_found_not_feasible_is_refused(scripted, plan) -> None:
    async with scripted() as (vehicle, link):
        server = PlanServer(vehicle)
        server.state = 1
        with pytest.raises(NotSeen, match="not seen at the first item"):
            await link.load(plan)
        vehicle.on["MISSION_SET_CURRENT"] = lambda _: vehicle.text(
            "Geofence violation for waypoint 4"
        )
        with pytest.raises(Refused, match="Geofence violation for waypoint 4"):
            await link.load(plan)


async def test_what_is_told_before_the_mission_was_judged_counts_for_nothing(
    scripted, plan, monkeypatch
) -> None:
    monkeypatch.setattr(loading, "JUDGED_S", 0.4)
    async with scripted() as (vehicle, link):
        server = PlanServer(vehicle)
        told: list[int] = []

        def current(m: Any) -> None:
            told.append(m.seq)
            server.state = 2 if len(told) < 4 else 1  # not started, of the mission before; none
            server.take(m)

        vehicle.on["MISSION_SET_CURRENT"] = current
        with pytest.raises(NotSeen, match="not seen at the first item"):
            await link.load(plan)


async def test_two_loads_at_once_are_in_order(scripted, plan) -> None:
    async with scripted() as (vehicle, link):
        PlanServer(vehicle)
        shorter = replace(plan, items=(*plan.items[:3], *plan.items[4:]), legs=plan.legs[:-1])
        await asyncio.gather(link.load(plan), link.load(shorter))
        assert await link.holds(shorter) is None
        assert await link.holds(plan) is not None


async def test_an_item_survives_the_round_trip(scripted, plan) -> None:
    async with scripted() as (vehicle, link):
        PlanServer(vehicle)
        odd = Item(16, 6, (1e-3, 0.1, 3e8, float("nan")), -(2**31), 2**31 - 1, -430.25)
        with_odd = replace(plan, items=(*plan.items, odd), legs=(*plan.legs, plan.legs[-1]))
        await link.load(with_odd)
        assert await link.holds(with_odd) is None


async def test_a_reading_that_is_broken_off_begins_anew(scripted, plan) -> None:
    async with scripted() as (vehicle, link):
        server = PlanServer(vehicle)
        await link.load(plan)
        starts: list[int] = []

        def breaks(m: Any) -> None:
            if m.seq == 2 and len(starts) < 3:
                starts.append(m.seq)
                server.ack((m.get_srcSystem(), m.get_srcComponent()), 1, m.mission_type)
            else:
                server.take(m)

        vehicle.on["MISSION_REQUEST_INT"] = breaks
        assert await link.holds(plan) is None
        assert len(starts) == 3
        vehicle.on["MISSION_REQUEST_INT"] = lambda m: server.ack(
            (m.get_srcSystem(), m.get_srcComponent()), 1, m.mission_type
        )
        with pytest.raises(LinkError, match="a1: mission read-back: broken off"):
            await link.holds(plan)


async def test_a_transfer_that_only_trickles_is_given_up(scripted, plan, monkeypatch) -> None:
    monkeypatch.setattr(plans, "LONGEST_S", 0.2)
    monkeypatch.setattr(plans, "LONGEST_ITEM_S", 0.0)
    async with scripted() as (vehicle, link):
        server = PlanServer(vehicle)
        loop = asyncio.get_running_loop()
        vehicle.on["MISSION_ITEM_INT"] = lambda m: loop.call_later(0.07, server.take, m)
        with pytest.raises(LinkError, match=r"a1: fence upload: not done after 0\.2 s"):
            await link.load(plan)


async def test_an_upload_that_is_acknowledged_and_not_kept_is_made_again(scripted, plan) -> None:
    async with scripted() as (vehicle, link):
        server = PlanServer(vehicle)
        kept = server.lists

        class Forgets(dict):
            """Keeps no fence the first time."""

            def __setitem__(self, kind: int, items: list[Any]) -> None:
                if kind != FENCE or server.uploads > 1:
                    super().__setitem__(kind, items)

        server.lists = Forgets(kept)
        await link.load(plan)
        assert len(server.lists[FENCE]) == 4
        assert await link.holds(plan) is None


async def test_a_link_that_is_closed_in_the_middle_leaves_nothing_behind(sortie, scripted) -> None:
    plan = programme(sortie(points=200))
    for deaf in (1, 3, 40, 150):
        async with scripted() as (vehicle, link):
            server = PlanServer(vehicle)
            server.deaf = deaf
            asked = [
                asyncio.create_task(f()) for f in (lambda: link.load(plan), link.land, link.arm)
            ]
            await vehicle.hears(lambda s=server: s.deaf == 0)
        results = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(r, LinkError) for r in results), results


class Numbered(mav.MAVLink_mission_current_message):
    """MISSION_CURRENT with the number of the mission, which pymavlink's dialect does not have."""

    def __init__(self, number: int) -> None:
        super().__init__(0, 2, 2, 1)
        self.number = number

    def pack(self, packer: Any, force_mavlink1: bool = False) -> bytes:
        told = struct.pack("<HHBBIII", self.seq, self.total, 2, 1, self.number, 0, 0)
        return bytes(self._pack(packer, self.crc_extra, told, force_mavlink1))


@pytest.mark.parametrize(("differs", "reads"), [(0, 0), (1, 1)])
async def test_a_mission_is_known_by_its_number_and_read_where_that_is_another(
    scripted, plan, differs: int, reads: int
) -> None:
    async with scripted() as (vehicle, link):
        PlanServer(vehicle)
        await link.load(plan)
        vehicle.heard.clear()
        asked = asyncio.create_task(link.holds(plan))
        while not asked.done():
            vehicle.say(Numbered(plan_id(plan.items) + differs))
            await asyncio.sleep(0.02)
        assert await asked is None
        kinds = [m.get_type() for m in vehicle.heard]
        assert kinds.count("MISSION_REQUEST_LIST") == reads
