"""The demo's calls to the controller: those that any operator's tool would make."""

from __future__ import annotations

from typing import Any

import httpx


class Controller:
    """A client of the controller's API.

    Parameters
    ----------
    base
        Its address, e.g. ``http://127.0.0.1:8080``.
    token
        An administrator's token.
    """

    def __init__(self, base: str, token: str) -> None:
        self.base = base
        self._http = httpx.AsyncClient(
            base_url=base,
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
        )

    async def close(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def _call(self, method: str, path: str, body: Any = None, timeout_s: float = 5.0) -> Any:
        answer = await self._http.request(method, path, json=body, timeout=timeout_s)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    async def new_token(self, name: str, role: str) -> str:
        """Make a token and return it."""
        return str(
            (await self._call("POST", "/api/v1/tokens", {"name": name, "role": role}))["token"]
        )

    async def order(self, **request: Any) -> None:
        """Place an order; it is tried by the planner first, for up to 10 s."""
        await self._call("POST", "/api/v1/missions", request, timeout_s=20.0)

    async def recall(self, reason: str) -> None:
        """End every order and call every drone home."""
        await self._call("POST", "/api/v1/recall", {"reason": reason})

    async def state(self) -> dict[str, Any]:
        """Return the live picture."""
        return dict(await self._call("GET", "/api/v1/state"))

    async def incidents(self) -> list[dict[str, Any]]:
        """Return every incident there ever was."""
        return list(await self._call("GET", "/api/v1/incidents"))
