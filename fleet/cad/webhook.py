"""A CAD that takes incidents as Standard Webhooks."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import httpx
from standardwebhooks import Webhook

from fleet.cad.port import Notice
from fleet.errors import CadError
from missions.city import CadEndpoint

ANSWER_LIMIT = 64 * 1024
"""Bytes read of an answer; a CAD that talks on is not listened to."""


class WebhookCad:
    """Signs and posts notices.

    Goes straight to the address of the city file: no proxy from the environment, no redirect is
    followed, since an answer from anyone else is no acknowledgement.

    Parameters
    ----------
    endpoint
        The CAD of the city file.
    key
        Its signing key.
    """

    def __init__(self, endpoint: CadEndpoint, key: bytes) -> None:
        self._endpoint = endpoint
        self._webhook = Webhook(key)
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(endpoint.timeout_s),
            limits=httpx.Limits(max_connections=8, max_keepalive_connections=4),
            trust_env=False,
            follow_redirects=False,
        )

    @property
    def id(self) -> str:
        """The CAD's name in the city file."""
        return self._endpoint.id

    async def deliver(self, notice: Notice) -> None:
        """Post a notice; returns once it is acknowledged, within the CAD's ``timeout_s``.

        Raises
        ------
        CadError
            If it is not reached or does not acknowledge.
        """
        limit = self._endpoint.timeout_s
        try:
            # httpx bounds each read and write; a CAD that trickles would pass that for ever
            async with asyncio.timeout(limit):
                status, answer = await self._post(notice)
        except TimeoutError:
            raise CadError(f"no answer within {limit:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CadError(f"not reached: {type(error).__name__}: {error}".rstrip(": ")) from error
        self._check(notice, status, answer)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _post(self, notice: Notice) -> tuple[int, bytes]:
        now = datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            "user-agent": "skybeat",
            "accept-encoding": "identity",
            "webhook-id": notice.webhook_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(notice.webhook_id, now, notice.body.decode()),
        }
        async with self._client.stream(
            "POST", self._endpoint.url, content=notice.body, headers=headers
        ) as response:
            answer = bytearray()
            # raw: a compressed answer could unpack to far more than the limit before it is counted
            async for chunk in response.aiter_raw():
                answer += chunk
                if len(answer) > ANSWER_LIMIT:
                    raise CadError(f"answered more than {ANSWER_LIMIT} bytes")
            return response.status_code, bytes(answer)

    def _check(self, notice: Notice, status: int, answer: bytes) -> None:
        if not 200 <= status < 300:
            raise CadError(f"answered {status}: {_excerpt(answer)}")
        if self._endpoint.ack == "status":
            return
        try:
            parsed = json.loads(answer)
        except (ValueError, RecursionError):  # RecursionError: brackets in brackets in brackets
            raise CadError(f"answered {status} with no JSON: {_excerpt(answer)}") from None
        if not isinstance(parsed, dict) or parsed.get("id") != notice.webhook_id:
            raise CadError(f"answered {status} without the id of the notice: {_excerpt(answer)}")


def _excerpt(answer: bytes) -> str:
    return repr(answer[:120].decode("utf-8", "replace"))
