"""What a CAD tells: calls, signed as Standard Webhooks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from standardwebhooks import Webhook, WebhookVerificationError

from fleet.errors import CadError
from missions.fields import Latitude, Longitude

LONGEST = 64 * 1024
"""Bytes of a word that are read."""
_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


KIND, NOTE = 40, 500
"""Characters of a kind, and of a note, that are kept."""


def _kept(text: str, most: int) -> str:
    """Return what can be kept of a text: no call is refused for its words."""
    text = text.replace("\x00", " ")
    return text if len(text) <= most else f"{text[: most - 1]}…"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class CadCall(_Part):
    """A call as the CAD has it; its place does not change."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,59}$", description="the CAD's own")
    lon: Longitude
    lat: Latitude
    kind: Annotated[str, Field(min_length=1), AfterValidator(partial(_kept, most=KIND))] = "other"
    priority: int = Field(default=5, ge=0, le=9)
    want: int = Field(default=1, ge=1, le=3)
    on_scene_s: float = Field(default=600.0, ge=30, le=7200)
    note: Annotated[str, AfterValidator(partial(_kept, most=NOTE))] = ""


class CadWord(_Part):
    """One word: what has become of a call, and when, by the CAD's clock."""

    type: Literal["call.created", "call.updated", "call.closed"]
    timestamp: AwareDatetime
    data: CadCall


def verified(key: bytes, body: bytes, headers: Mapping[str, str]) -> str:
    """Hold a word's signature against the secret; return its webhook-id.

    Raises
    ------
    CadError
        If a header is missing, the signature is not the secret's, or it is older than 5 minutes.
    """
    missing = [name for name in _HEADERS if not headers.get(name)]
    if missing:
        raise CadError(f"header {missing[0]} is missing")
    if len(headers["webhook-id"]) > 200:
        raise CadError("header webhook-id is longer than 200 characters")
    try:
        Webhook(key).verify(body, {name: headers[name] for name in _HEADERS}, json_parse=False)
    except (WebhookVerificationError, ValueError) as error:  # ValueError: no signature at all
        raise CadError(f"signature refused: {error}") from None
    return headers["webhook-id"]


def parsed(body: bytes) -> CadWord:
    """Return what a body says.

    Raises
    ------
    ValueError
        If it is no word that is known; pydantic's, where a field is wrong.
    """
    try:
        raw: Any = json.loads(body)
    except RecursionError:
        raise ValueError("the body is nested too deeply") from None
    return CadWord.model_validate(raw)
