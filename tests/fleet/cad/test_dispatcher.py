"""The dispatcher against real HTTP servers and a real database: nothing lost, in order, once in effect."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from fleet.cad import notice
from fleet.cad.backoff import Backoff
from fleet.cad.dispatcher import Dispatcher
from fleet.cad.secret import read_secret
from fleet.cad.webhook import WebhookCad
from fleet.link.clock import SystemClock
from fleet.live import LiveHub
from fleet.model.incident import Incident, IncidentStatus
from fleet.store import evidence, incidents, outbox
from fleet.store.evidence import Picture
from fleet.store.store import Store
from missions.city import CadEndpoint, City

QUICK = Backoff(first_s=0.02, cap_s=0.1)
IMAGE = b"\xff\xd8\xff a picture \xff\xd9"
SHA = hashlib.sha256(IMAGE).hexdigest()

Until = Callable[..., Awaitable[None]]


@dataclass
class Post:
    """Commits incidents and their notices, as the desk does."""

    store: Store
    city: City

    async def commit(self, *, incident: UUID | None = None, version: int = 1) -> UUID:
        now = datetime.now(UTC)
        picture = Picture(SHA, IMAGE, 8, 8)
        await self.store.evidence.put(picture)
        made = Incident(
            id=incident or uuid4(),
            site="bridge",
            kind="water",
            status=IncidentStatus.CONFIRMED,
            level="orange",
            value=3.6,
            unit="m",
            threshold=3.5,
            lon=117.0,
            lat=24.0,
            opened_at=now,
            updated_at=now,
            captured_at=now,
            image_sha256=SHA,
            detections=1,
            version=version,
            decided_by="policy:straight",
        )
        async with self.store.write() as tx:
            await evidence.save(tx.session, picture, now)
            if version == 1:
                await incidents.add(tx.session, made, now)
            else:
                await incidents.save(tx.session, made)
            kind: notice.Kind = "incident.created" if version == 1 else "incident.updated"
            body = notice.body(kind, made, self.city.sites[0], now)
            cads = [cad.id for cad in self.city.cad]
            await outbox.add(tx.session, cads, made.id, version, body, now)
        return made.id

    async def status(self, incident: UUID) -> IncidentStatus:
        async with self.store.read() as session:
            found = await incidents.get(session, incident)
        assert found is not None
        return found.status

    async def is_reported(self, incident: UUID) -> bool:
        return await self.status(incident) is IncidentStatus.REPORTED


@pytest.fixture
def city(
    make_city: Callable[..., City], endpoint: Callable[..., CadEndpoint], cad: Any, second_cad: Any
) -> City:
    return make_city(
        endpoint(cad.url, "first", timeout_s=0.5), endpoint(second_cad.url, "second", timeout_s=0.5)
    )


@pytest.fixture
def post(store: Store, city: City) -> Post:
    return Post(store, city)


@pytest.fixture
def running(store: Store, hub: LiveHub, city: City, secret: str) -> Callable[..., Any]:
    @asynccontextmanager
    async def run(
        registry: CollectorRegistry | None = None, backoff: Backoff = QUICK
    ) -> AsyncIterator[Dispatcher]:
        cads = [WebhookCad(c, read_secret(c, {"TEST_CAD_SECRET": secret})) for c in city.cad]
        dispatcher = Dispatcher(cads, store, hub, SystemClock(), registry=registry, backoff=backoff)
        task = asyncio.create_task(dispatcher.run())
        try:
            yield dispatcher
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    return run


async def test_both_cads_are_told_at_once_and_then_it_is_reported(
    running: Any, post: Post, cad: Any, second_cad: Any, hub: LiveHub, until: Until
) -> None:
    async with running() as dispatcher:
        incident = await post.commit()
        assert cad.got == []  # it was idle: only the word wakes it
        dispatcher.wake()
        await until(lambda: post.is_reported(incident), 3)
    assert cad.ids() == second_cad.ids() == [f"{incident}.1"]
    told = hub.get("incident", str(incident))
    assert isinstance(told, Incident)
    assert told.status is IncidentStatus.REPORTED
    image = cad.got[0]["body"]["data"]["image"]
    assert image["sha256"] == SHA
    assert base64.b64decode(image["base64"]) == IMAGE


async def test_a_cad_that_misbehaves_is_asked_again_with_the_same_bytes_until_it_takes_it(
    running: Any, post: Post, cad: Any, until: Until
) -> None:
    cad.answers = [500, "nonsense", "drop", "other-id", "hang", 503, "ok"]
    async with running() as dispatcher:
        incident = await post.commit()
        dispatcher.wake()
        await until(lambda: post.is_reported(incident))
    assert cad.ids() == [f"{incident}.1"] * 7
    assert len(set(cad.bodies)) == 1


async def test_versions_of_an_incident_go_in_order_even_when_the_first_fails(
    running: Any, post: Post, cad: Any, until: Until
) -> None:
    cad.answers = [500, 500, "ok"]
    async with running() as dispatcher:
        incident = await post.commit()
        for version in (2, 3):
            await post.commit(incident=incident, version=version)
        dispatcher.wake()
        await until(lambda: post.is_reported(incident))
    first = f"{incident}.1"
    assert cad.ids() == [first, first, first, f"{incident}.2", f"{incident}.3"]


async def test_a_hanging_cad_holds_up_no_other(
    running: Any, post: Post, cad: Any, second_cad: Any, until: Until
) -> None:
    cad.answers = ["hang"]
    async with running() as dispatcher:
        made = {f"{await post.commit()}.1" for _ in range(10)}
        dispatcher.wake()
        await until(lambda: set(second_cad.ids()) == made, 5)
        assert len(second_cad.ids()) == 10
        (waits,) = [w for w in await dispatcher.waiting() if w.cad == "first"]
        assert waits.messages == 10


async def test_an_incident_that_a_cad_refuses_does_not_hold_up_the_others(
    running: Any, post: Post, cad: Any, until: Until
) -> None:
    bad = await post.commit()
    original = cad._write

    async def refuse_one(how: Any, name: str, writer: Any) -> None:
        await original(500 if name.startswith(str(bad)) else how, name, writer)

    cad._write = refuse_one
    async with running() as dispatcher:
        good = [await post.commit() for _ in range(8)]
        dispatcher.wake()
        for incident in good:
            await until(lambda i=incident: post.is_reported(i), 5)
        assert await post.status(bad) is IncidentStatus.CONFIRMED


async def test_few_are_in_flight_to_a_slow_cad_and_each_goes_once(
    running: Any, post: Post, cad: Any, until: Until
) -> None:
    cad.delay_s = 0.02
    async with running() as dispatcher:
        made = [await post.commit() for _ in range(20)]
        dispatcher.wake()
        for incident in made:
            await until(lambda i=incident: post.is_reported(i))
    assert sorted(cad.ids()) == sorted(f"{i}.1" for i in made)
    assert 1 < cad.most_in_flight <= 4


async def test_what_was_not_acknowledged_goes_out_after_a_restart_under_the_same_name(
    running: Any, post: Post, cad: Any, second_cad: Any, until: Until
) -> None:
    cad.answers = ["hang"]
    async with running() as dispatcher:
        incident = await post.commit()
        dispatcher.wake()

        async def only_first_waits() -> bool:
            return [w.cad for w in await dispatcher.waiting()] == ["first"]

        await until(only_first_waits)
        await until(cad.ids)
    cad.answers = ["ok"]
    async with running():  # nobody wakes it: it looks by itself
        await until(lambda: post.is_reported(incident))
    assert set(cad.ids()) == {f"{incident}.1"}
    assert second_cad.ids() == [f"{incident}.1"], "an acknowledged notice is not sent again"


async def test_a_cad_that_was_down_gets_everything_when_it_is_back(
    running: Any, post: Post, cad: Any, until: Until
) -> None:
    await cad.stop()
    registry = CollectorRegistry()
    async with running(registry) as dispatcher:
        made = [await post.commit() for _ in range(5)]
        dispatcher.wake()

        async def tried() -> bool:
            async with post.store.read() as session:
                heads = await outbox.heads(session, "first")
            return len(heads) == 5 and all(m.attempts and m.last_error for m in heads)

        await until(tried)
        await dispatcher.waiting()
        assert b'skybeat_outbox_waiting{cad="first"} 5.0' in generate_latest(registry)
        await cad.start()
        for incident in made:
            await until(lambda i=incident: post.is_reported(i))
        await dispatcher.waiting()
        assert b'skybeat_outbox_waiting{cad="first"} 0.0' in generate_latest(registry)
    assert sorted(cad.ids()) == sorted(f"{i}.1" for i in made)


async def test_a_new_incident_that_is_taken_brings_those_that_wait_with_it(
    running: Any, post: Post, cad: Any, until: Until
) -> None:
    await cad.stop()
    async with running(backoff=Backoff(first_s=600, cap_s=600)) as dispatcher:
        first = await post.commit()
        dispatcher.wake()

        async def tried() -> bool:
            async with post.store.read() as session:
                return all(m.attempts for m in await outbox.heads(session, "first"))

        await until(tried)
        await cad.start()
        second = await post.commit()
        dispatcher.wake()
        for incident in (second, first):
            await until(lambda i=incident: post.is_reported(i))


async def test_a_picture_that_the_disk_lost_does_not_hold_back_the_incident(
    running: Any, post: Post, cad: Any, until: Until
) -> None:
    async with running() as dispatcher:
        incident = await post.commit()
        post.store.evidence.path(SHA).unlink()
        dispatcher.wake()
        await until(lambda: post.is_reported(incident))
    assert cad.got[0]["body"]["data"]["image"]["base64"] == ""


async def test_a_damaged_picture_holds_back_the_incident_for_a_few_tries_only(
    running: Any, post: Post, cad: Any, until: Until
) -> None:
    async with running() as dispatcher:
        incident = await post.commit()
        post.store.evidence.path(SHA).write_bytes(b"\xff\xd8\xff rot")
        dispatcher.wake()
        await until(lambda: post.is_reported(incident))
    assert [got["body"]["data"]["image"]["base64"] for got in cad.got] == [""]
