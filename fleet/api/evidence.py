"""``/api/v1/evidence``: the pictures that incidents were made from."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from fleet.api.auth import Viewer
from fleet.api.context import Ctx
from fleet.errors import NotFound

router = APIRouter(prefix="/api/v1/evidence", tags=["incidents"])

Sha256 = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]


@router.get("/{sha256}", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}})
async def evidence(sha256: Sha256, ctx: Ctx, _caller: Viewer) -> Response:
    """Return a picture; what has this name never changes."""
    image = await ctx.store.evidence.get(sha256)
    if image is None:
        raise NotFound(f"no picture {sha256}")
    headers = {"cache-control": "private, max-age=31536000, immutable"}
    return Response(image, media_type="image/jpeg", headers=headers)
