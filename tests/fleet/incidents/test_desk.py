"""The desk on a real database: detections to incidents to notices, in one transaction each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from fleet.errors import Conflict, DetectionError, NotFound, StoreError
from fleet.incidents.desk import Desk
from fleet.live import LiveHub
from fleet.model.detection import Detection
from fleet.model.incident import Incident, IncidentStatus
from fleet.store import audit, incidents, outbox
from fleet.store.outbox import Message
from fleet.store.store import Store
from missions.city import CadEndpoint, City

S = IncidentStatus


class SetClock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = datetime(2026, 5, 1, 20, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    def pass_(self, minutes: float) -> None:
        self.time += timedelta(minutes=minutes)


class Alarms:
    def __init__(self) -> None:
        self.at: dict[str, datetime] = {}

    def alarmed_at(self, site: str) -> datetime | None:
        return self.at.get(site)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def alarms() -> Alarms:
    return Alarms()


@pytest.fixture
def woken() -> list[int]:
    return []


@pytest.fixture
def desk(
    store: Store,
    hub: LiveHub,
    clock: SetClock,
    alarms: Alarms,
    woken: list[int],
    make_city: Callable[..., City],
    endpoint: Callable[..., CadEndpoint],
) -> Desk:
    city = make_city(endpoint("http://127.0.0.1:1/", "a"), endpoint("http://127.0.0.1:1/", "b"))
    return Desk(city, store, hub, clock, wake_cads=lambda: woken.append(1), activity=alarms)


@pytest.fixture
def post(desk: Desk, jpeg: Callable[[int], bytes], make_detection: Callable[..., Detection]):  # type: ignore[no-untyped-def]
    async def send(site: str = "bridge", number: int = 0, **changes: object) -> UUID:
        image = jpeg(number)
        kind = "water" if site == "bridge" else "crowd"
        receipt = await desk.receive(make_detection(image, site=site, kind=kind, **changes), image)
        assert not receipt.duplicate
        return receipt.incident

    return send


async def queued(store: Store, cad: str = "a") -> list[Message]:
    """Every notice of a CAD that waits, not only the first of each incident."""
    async with store.read() as session:
        rows = await session.execute(
            text("SELECT version, body FROM outbox WHERE cad = :cad ORDER BY id"), {"cad": cad}
        )
        return list(rows)  # type: ignore[arg-type]


async def reported(store: Store, desk: Desk, incident: UUID) -> None:
    """Do what the dispatcher does when every CAD has acknowledged."""
    before = await desk.get(incident)
    async with store.write() as tx:
        await incidents.save(tx.session, before.model_copy(update={"status": S.REPORTED}))


async def test_straight_goes_to_every_cad_at_once(
    desk: Desk, store: Store, hub: LiveHub, woken: list[int], post
) -> None:  # type: ignore[no-untyped-def]
    incident = await desk.get(await post())
    assert (incident.status, incident.decided_by) == (S.CONFIRMED, "policy:straight")
    assert woken == [1]
    for cad in ("a", "b"):
        async with store.read() as session:
            (message,) = await outbox.heads(session, cad)
        assert message.webhook_id == f"{incident.id}.1"
        assert message.body["type"] == "incident.created"
        data = message.body["data"]
        assert data["image"] == {"media_type": "image/jpeg", "sha256": incident.image_sha256}
        assert (data["site_name"], data["level"], data["value"]) == ("Bridge", "orange", 3.62)
    assert hub.get("incident", str(incident.id)) == incident
    assert await store.evidence.get(incident.image_sha256)


async def test_confirm_waits_for_an_officer_who_is_kept_in_the_audit(
    desk: Desk, store: Store, hub: LiveHub, woken: list[int], post
) -> None:  # type: ignore[no-untyped-def]
    waiting = await post("market")
    assert (await desk.get(waiting)).status is S.WAITING
    assert await queued(store) == []
    assert woken == []
    first = await desk.confirm(waiting, "wang", "seen on the picture")
    again = await desk.confirm(waiting, "li", "me too")
    assert first == again
    assert (first.status, first.decided_by) == (S.CONFIRMED, "wang")
    assert len(await queued(store)) == 1
    assert woken == [1]
    assert hub.get("incident", str(waiting)) == first
    with pytest.raises(Conflict, match="confirmed by wang"):
        await desk.reject(waiting, "li", "no")
    async with store.read() as session:
        entries = await audit.of_subject(session, f"incident:{waiting}")
    assert [(e.actor, e.action, e.reason) for e in entries[1:]] == [
        ("wang", "incident.confirm", "seen on the picture")
    ]


async def test_a_rejected_incident_is_told_nobody_and_the_next_detection_opens_another(
    desk: Desk, store: Store, post
) -> None:  # type: ignore[no-untyped-def]
    rejected = await post("market")
    await desk.reject(rejected, "wang", "a queue")
    await desk.reject(rejected, "wang", "a queue")
    with pytest.raises(Conflict, match="rejected by wang"):
        await desk.confirm(rejected, "li", "no")
    assert await post("market", 1) != rejected
    assert await queued(store) == []


async def test_repetitions_are_counted_and_a_rise_is_told(
    desk: Desk, store: Store, post, jpeg: Callable[[int], bytes]
) -> None:  # type: ignore[no-untyped-def]
    incident = await post(level="orange")
    for number in range(3):
        assert await post(number=number, level="yellow", value=3.0) == incident
    assert await post(number=7, level="red", value=4.6) == incident
    assert await post(number=8, level="red", value=4.7) == incident
    found = await desk.get(incident)
    assert (found.detections, found.version, found.level, found.value) == (6, 2, "red", 4.6)
    rows = await queued(store)
    assert [r.version for r in rows] == [1, 2]
    assert '"incident.updated"' in rows[1].body


async def test_a_rise_after_the_report_is_queued_again(desk: Desk, store: Store, post) -> None:  # type: ignore[no-untyped-def]
    incident = await post(level="orange")
    await reported(store, desk, incident)
    await post(level="red")
    assert (await desk.get(incident)).status is S.CONFIRMED


async def test_a_detection_that_is_posted_twice_is_one_even_at_the_same_time(
    desk: Desk, jpeg: Callable[[int], bytes], make_detection: Callable[..., Detection]
) -> None:
    image = jpeg(3)
    detection = make_detection(image)
    receipts = await asyncio.gather(*(desk.receive(detection, image) for _ in range(8)))
    assert sorted(r.duplicate for r in receipts) == [False, *[True] * 7]
    assert len({r.incident for r in receipts}) == 1
    assert (await desk.get(receipts[0].incident)).detections == 1


async def test_many_detections_at_once_open_one_incident(desk: Desk, store: Store, post) -> None:  # type: ignore[no-untyped-def]
    found = await asyncio.gather(*(post(number=n) for n in range(12)))
    assert len(set(found)) == 1
    assert (await desk.get(found[0])).detections == 12
    assert len(await queued(store)) == 1


async def test_an_id_used_for_something_else_is_a_conflict(
    desk: Desk, jpeg: Callable[[int], bytes], make_detection: Callable[..., Detection]
) -> None:
    image, name = jpeg(0), uuid4()
    await desk.receive(make_detection(image, id=name), image)
    with pytest.raises(Conflict, match="other content"):
        await desk.receive(make_detection(image, id=name, value=9.9), image)


async def test_what_is_not_watched_is_refused(
    desk: Desk, jpeg: Callable[[int], bytes], make_detection: Callable[..., Detection]
) -> None:
    image = jpeg(0)
    with pytest.raises(DetectionError, match="no site 'mars'"):
        await desk.receive(make_detection(image, site="mars"), image)
    with pytest.raises(DetectionError, match="watched for 'crowd'"):
        await desk.receive(make_detection(image, site="market"), image)
    with pytest.raises(DetectionError, match="the detection says"):
        await desk.receive(make_detection(image), jpeg(1))
    for changes in ({"value": float("nan")}, {"details": {"rate": float("inf")}}):
        with pytest.raises(DetectionError, match="not JSON compliant"):
            await desk.receive(make_detection(image, **changes), image)
    early = datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))
    for name in ("captured_at", "exceeded_at"):
        with pytest.raises(DetectionError, match=f"{name} .* no time in UTC"):
            await desk.receive(make_detection(image, **{name: early}), image)
    with pytest.raises(DetectionError, match="NUL"):
        await desk.receive(make_detection(image, detector="a\0"), image)
    assert await desk.latest(10) == []


async def test_what_has_risen_is_not_rejected_unseen(
    desk: Desk, jpeg: Callable[[int], bytes], make_detection: Callable[..., Detection]
) -> None:
    low = make_detection(jpeg(0), site="market", kind="crowd", level="yellow")
    incident = (await desk.receive(low, jpeg(0))).incident
    high = make_detection(jpeg(1), site="market", kind="crowd", level="red")
    await desk.receive(high, jpeg(1))
    with pytest.raises(Conflict, match="risen to red"):
        await desk.reject(incident, "li", "nothing", seen=low.image_sha256)
    assert (await desk.get(incident)).status is S.WAITING
    done = await desk.reject(incident, "li", "nothing", seen=high.image_sha256)
    assert done.status is S.REJECTED


async def test_after_quiet_a_new_incident_is_opened(
    desk: Desk, store: Store, clock: SetClock, alarms: Alarms, post
) -> None:  # type: ignore[no-untyped-def]
    first = await post()
    clock.pass_(9)
    assert await post() == first
    clock.pass_(9)
    assert await post() == first  # quiet is counted from the last, not from the first
    clock.pass_(11)
    alarms.at["bridge"] = clock.now() - timedelta(minutes=1)
    assert await post() == first, "the site was above normal all the time"
    clock.pass_(12)
    assert await post() != first


async def test_only_what_every_cad_knows_is_closed_when_quiet(
    desk: Desk, store: Store, hub: LiveHub, clock: SetClock, alarms: Alarms, post
) -> None:  # type: ignore[no-untyped-def]
    told, waits = await post(), await post("market")
    await reported(store, desk, told)
    clock.pass_(9)
    assert await desk.close_quiet() == 0
    clock.pass_(2)
    alarms.at["bridge"] = clock.now()
    assert await desk.close_quiet() == 0
    clock.pass_(11)
    assert await desk.close_quiet() == 1
    assert (await desk.get(told)).status is S.CLOSED
    assert (await desk.get(waits)).status is S.WAITING
    shown = hub.get("incident", str(told))
    assert isinstance(shown, Incident)
    assert shown.status is S.CLOSED


async def test_nothing_is_kept_of_a_detection_whose_notice_cannot_be(
    desk: Desk, store: Store, hub: LiveHub, woken: list[int], post
) -> None:  # type: ignore[no-untyped-def]
    async with store.write() as tx:
        await tx.session.execute(text("ALTER TABLE outbox RENAME TO gone"))
    with pytest.raises(StoreError):
        await post()
    assert await desk.latest(10) == []
    assert hub.all("incident") == {}
    assert woken == []
    async with store.write() as tx:
        await tx.session.execute(text("ALTER TABLE gone RENAME TO outbox"))
    await post()
    assert len(await desk.latest(10)) == 1


async def test_an_unknown_incident_is_named(desk: Desk) -> None:
    name = uuid4()
    for call in (desk.confirm(name, "a", ""), desk.reject(name, "a", ""), desk.get(name)):
        with pytest.raises(NotFound, match=str(name)):
            await call
