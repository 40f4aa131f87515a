"""The controller's API, as a worker uses it."""

from __future__ import annotations

from types import TracebackType
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from pydantic import ValidationError

from vision.errors import ControllerError
from vision.wire import Detection, LandingTarget, SiteStatus, Watch

TIMEOUT_S = 5.0
MAX_PICTURE_BYTES = 32 * 1024 * 1024
LASTING = frozenset({400, 404, 409, 413, 415, 422})
"""Answers that will not change when the same is sent again."""


class Controller:
    """A controller at an address, spoken to with a worker's token.

    Proxies that the environment names are not used: the controller is in the same house.

    Parameters
    ----------
    address
        ``http://host:port`` or ``https://host``, without user name and password.
    token
        Bearer token with the role ``worker``.

    Raises
    ------
    ControllerError
        If the address is no such address.
    """

    def __init__(self, address: str, token: str) -> None:
        try:
            parts = urlsplit(address)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable or parts.username or parts.password:
            shown = address.rpartition("@")[2]
            raise ControllerError(
                f"controller {shown!r}: an address like http://127.0.0.1:8080 is wanted"
            )
        self.address = address.rstrip("/")
        self._http = httpx.AsyncClient(
            base_url=self.address,
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT_S,
            trust_env=False,
            limits=httpx.Limits(max_connections=8),
        )

    async def __aenter__(self) -> Controller:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def watches(self) -> list[Watch]:
        """Return what is to be watched now.

        Raises
        ------
        ControllerError
            If it does not answer, refuses, or answers something else.
        """
        body = self._json(await self._ask("GET", "/api/v1/watches"))
        try:
            return [Watch.model_validate(one) for one in body["watches"]]
        except (KeyError, TypeError) as error:
            raise ControllerError(
                f"{self.address}: watches are no list under the key `watches`"
            ) from error
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            raise ControllerError(f"{self.address}: watches: {key}: {first['msg']}") from error

    async def station(self, url: str) -> tuple[dict[str, Any], dict[str, bytes]]:
        """Return a station file as JSON and the pictures that it names.

        Raises
        ------
        ControllerError
            If one of them cannot be had.
        """
        raw = self._json(await self._ask("GET", url))
        if not isinstance(raw, dict):
            raise ControllerError(
                f"{self.address}{url}: holds {type(raw).__name__}, an object is wanted"
            )
        pictures: dict[str, bytes] = {}
        entries = raw.get("references")
        for entry in entries[:16] if isinstance(entries, list) else []:
            name = entry.get("file") if isinstance(entry, dict) else None
            if isinstance(name, str) and name not in pictures:
                answer = await self._ask("GET", f"{url}/files/{quote(name, safe='')}")
                if len(answer.content) > MAX_PICTURE_BYTES:
                    raise ControllerError(
                        f"{name}: {len(answer.content)} bytes, {MAX_PICTURE_BYTES} are allowed"
                    )
                pictures[name] = answer.content
        return raw, pictures

    async def put_status(self, site: str, status: SiteStatus) -> None:
        """Tell how the watch of a site goes; raises ControllerError."""
        await self._ask(
            "PUT",
            f"/api/v1/sites/{quote(site, safe='')}/status",
            json=status.model_dump(mode="json"),
        )

    async def put_target(self, drone: str, target: LandingTarget) -> None:
        """Tell where the marker is that a drone lands on; raises ControllerError."""
        await self._ask(
            "PUT",
            f"/api/v1/drones/{quote(drone, safe='')}/landing-target",
            json=target.model_dump(mode="json"),
        )

    async def post_detection(self, detection: Detection, image: bytes) -> int:
        """Post a detection with its JPEG and return the status: 201 new, 200 already there.

        Raises
        ------
        ControllerError
            If it was not taken.
        """
        answer = await self._ask(
            "POST",
            "/api/v1/detections",
            files={
                "detection": (None, detection.model_dump_json(), "application/json"),
                "image": (f"{detection.id}.jpg", image, "image/jpeg"),
            },
        )
        return answer.status_code

    async def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            answer = await self._http.request(method, path, **more)
        except httpx.HTTPError as error:
            raise ControllerError(
                f"{self.address} does not answer: {type(error).__name__} {error}".rstrip()
            ) from error
        if answer.is_success:
            return answer
        said = answer.text[:200].replace("\n", " ")
        raise ControllerError(
            f"{self.address}{path}: {answer.status_code} {said}", status=answer.status_code
        )

    def _json(self, answer: httpx.Response) -> Any:
        try:
            return answer.json()
        except ValueError as error:
            raise ControllerError(f"{answer.request.url.path}: the answer is no JSON") from error
