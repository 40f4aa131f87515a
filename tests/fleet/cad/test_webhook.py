"""WebhookCad against a real HTTP server that misbehaves in every way."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fleet.cad.port import Notice
from fleet.cad.secret import read_secret
from fleet.cad.webhook import WebhookCad
from fleet.errors import CadError
from missions.city import CadEndpoint

NOTICE = Notice("7c.1", '{"type": "incident.created", "data": {"site_name": "大桥"}}'.encode())
Open = Callable[..., Any]


@pytest.fixture
def opened(endpoint: Callable[..., CadEndpoint], secret: str) -> Open:
    @asynccontextmanager
    async def open_(url: str, **more: Any) -> AsyncIterator[WebhookCad]:
        made = endpoint(url, **more)
        cad = WebhookCad(made, read_secret(made, {"TEST_CAD_SECRET": secret}))
        yield cad
        await cad.close()

    return open_


async def test_a_notice_arrives_signed_under_its_name(cad: Any, opened: Open) -> None:
    async with opened(cad.url) as webhook:
        await webhook.deliver(NOTICE)
    # the server verified the signature with the standardwebhooks package
    assert cad.ids() == ["7c.1"]
    assert cad.got[0]["body"]["data"]["site_name"] == "大桥"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (500, "answered 500"),
        (404, "answered 404"),
        ("nonsense", "with no JSON"),
        ("other-id", "without the id"),
        ("nested", "with no JSON"),
        ("list", "without the id"),
        ("redirect", "answered 307"),
        ("drop", "not reached"),
        ("endless", "more than"),
        ("hang", "no answer within 0.3 s"),
        ("trickle", "no answer within 0.3 s"),
    ],
)
async def test_whatever_is_no_acknowledgement_is_an_error_within_the_limit(
    cad: Any, opened: Open, answer: Any, words: str
) -> None:
    cad.answers = [answer]
    started = time.monotonic()
    async with opened(cad.url, timeout_s=0.3) as webhook:
        with pytest.raises(CadError, match=words):
            await webhook.deliver(NOTICE)
    assert time.monotonic() - started < 5


async def test_with_ack_status_any_2xx_will_do(cad: Any, opened: Open) -> None:
    cad.answers = ["nonsense", 500]
    async with opened(cad.url, ack="status") as webhook:
        await webhook.deliver(NOTICE)
        with pytest.raises(CadError, match="answered 500"):
            await webhook.deliver(NOTICE)


async def test_nobody_there_is_an_error(cad: Any, opened: Open) -> None:
    await cad.stop()
    async with opened(cad.url) as webhook:
        with pytest.raises(CadError, match="not reached"):
            await webhook.deliver(NOTICE)


async def test_a_proxy_of_the_environment_is_not_asked(
    cad: Any, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with opened(cad.url) as webhook:
        await webhook.deliver(NOTICE)
    assert cad.ids() == ["7c.1"]
