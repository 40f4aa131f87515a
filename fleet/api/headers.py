"""Security headers on every answer; plain ASGI, so that streams stay streams."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def policy(map_origins: Sequence[str]) -> str:
    """Return the content security policy: everything from here, and tiles where a city has them.

    Parameters
    ----------
    map_origins
        Origins that the map may load tiles from.
    """
    tiles = "".join(f" {origin}" for origin in map_origins)
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self'",
            "worker-src 'self' blob:",
            "style-src 'self' 'unsafe-inline'",  # MapLibre and Swagger UI place things by style
            f"img-src 'self' data: blob:{tiles}",
            f"connect-src 'self'{tiles}",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


class SecurityHeaders:
    """Adds the headers."""

    def __init__(self, app: ASGIApp, map_origins: Sequence[str] = ()) -> None:
        self._app = app
        self._headers = {
            "content-security-policy": policy(map_origins),
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
            "referrer-policy": "no-referrer",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    headers.setdefault("cache-control", "no-store")
            await send(message)

        await self._app(scope, receive, with_headers)
