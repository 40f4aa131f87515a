"""The stream on a real port: snapshot first, changes after, slow and gone clients, the end."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from fleet import server
from fleet.api import stream
from fleet.live import LiveHub
from fleet.model.live import DockLive, DroneLive
from fleet.model.states import DroneState


def drone(reason: str = "") -> DroneLive:
    return DroneLive(id="u1", dock="d1", state=DroneState.DOCKED, reason=reason)


async def events(answer: httpx.Response) -> AsyncIterator[tuple[str, Any]]:
    name = ""
    async for line in answer.aiter_lines():
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            yield name, json.loads(line[6:])
        elif line.startswith(":"):
            yield "comment", line


def client(api: Any) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {api.secrets['viewer']}"}
    return httpx.AsyncClient(headers=headers, timeout=10, trust_env=False)


async def test_the_state_comes_first_and_then_each_change(
    api: Any, served: Any, hub: LiveHub
) -> None:
    hub.publish("drone", "u1", drone("before"))
    async with (
        served() as (url, _),
        client(api) as http,
        http.stream("GET", f"{url}/api/v1/stream") as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        came = events(answer)
        name, state = await anext(came)
        assert name == "state"
        assert [d["reason"] for d in state["drones"]] == ["before"]
        assert set(state) == {"at", "drones", "docks", "sites", "incidents", "orders", "calls"}
        hub.publish("drone", "u1", drone("after"))
        name, fact = await anext(came)
        assert (name, fact["reason"]) == ("drone", "after")
        hub.publish("dock", "d1", DockLive(id="d1", online=True))
        assert (await anext(came))[0] == "dock"


async def test_many_changes_of_one_fact_are_few_events_and_the_last_is_told(
    api: Any, served: Any, hub: LiveHub
) -> None:
    async with (
        served() as (url, _),
        client(api) as http,
        http.stream("GET", f"{url}/api/v1/stream") as answer,
    ):
        came = events(answer)
        await anext(came)
        told = []
        for number in range(2000):
            hub.publish("drone", "u1", drone(str(number)))
            if number % 100 == 0:
                await asyncio.sleep(0)
        while not told or told[-1] != "1999":
            told.append((await anext(came))[1]["reason"])
    assert len(told) < 200


async def test_a_client_that_is_gone_is_let_go_of(
    api: Any, served: Any, hub: LiveHub, until: Callable[..., Any]
) -> None:
    async with served() as (url, _):
        async with client(api) as http, http.stream("GET", f"{url}/api/v1/stream") as answer:
            await anext(events(answer))
            assert len(hub._subscriptions) == 1
        await until(lambda: not hub._subscriptions, 5)


async def test_a_client_that_never_reads_costs_little_and_holds_up_nobody(
    api: Any, served: Any, hub: LiveHub
) -> None:
    async with served() as (url, _), client(api) as http:
        port = int(url.rsplit(":", 1)[1])
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
        token = api.secrets["viewer"]
        writer.write(
            f"GET /api/v1/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n".encode()
        )
        await writer.drain()
        async with http.stream("GET", f"{url}/api/v1/stream") as answer:
            came = events(answer)
            await anext(came)
            for number in range(30):
                hub.publish("drone", "u1", drone("x" * 200_000 + str(number)))
                assert (await anext(came))[1]["reason"].endswith(str(number))
        assert all(len(s._pending) <= 1 for s in hub._subscriptions)
        writer.close()


async def test_comments_come_at_a_pace_and_a_revoked_token_ends_the_stream(
    api: Any, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "COMMENT_EVERY_S", 0.05)
    async with (
        served() as (url, _),
        client(api) as http,
        http.stream("GET", f"{url}/api/v1/stream") as answer,
    ):
        came = events(answer)
        assert [(await anext(came))[0] for _ in range(4)] == ["state", *["comment"] * 3]
        async with api.as_("admin") as admin:
            listed = (await admin.get("/api/v1/tokens")).json()
            one = next(t["id"] for t in listed if t["role"] == "viewer")
            await admin.delete(f"/api/v1/tokens/{one}")
        async with asyncio.timeout(5):
            assert {name async for name, _ in came} <= {"comment"}


async def test_the_end_of_the_controller_ends_streams_at_once(
    api: Any, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "CLOSE_S", 90)  # what a stream that does not end would take
    async with client(api) as http:
        async with served() as (url, _):
            opened = http.stream("GET", f"{url}/api/v1/stream")
            answer = await opened.__aenter__()
            came = events(answer)
            await anext(came)
            started = time.monotonic()
        # the server has ended here
        assert time.monotonic() - started < 60
        assert [e async for e in came] == []
        await opened.__aexit__(None, None, None)


async def test_an_open_stream_of_an_officer_counts_as_presence(
    api: Any, served: Any, hub: LiveHub, until: Callable[..., Any]
) -> None:
    hub.presence._heard_at -= 3600

    async def streamed(role: str) -> float:
        headers = {"authorization": f"Bearer {api.secrets[role]}"}
        async with (
            httpx.AsyncClient(headers=headers, timeout=10, trust_env=False) as http,
            http.stream("GET", f"{url}/api/v1/stream") as answer,
        ):
            await anext(events(answer))
            return hub.presence.absent_s()

    async with served() as (url, _):
        assert await streamed("viewer") > 3000
        assert await streamed("officer") == 0.0
        await until(lambda: hub.presence.absent_s() > 0)  # the client is gone
        assert hub.presence.absent_s() < 60
