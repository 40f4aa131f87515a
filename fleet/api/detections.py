"""``POST /api/v1/detections``: a worker's detection with the picture it was made from."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from fleet.api.auth import Worker
from fleet.api.context import Ctx
from fleet.api.errors import in_words
from fleet.incidents.picture import LIMIT_BYTES
from fleet.model.detection import Detection, DetectionReceipt

DETECTION_LIMIT = 64 * 1024
BODY_LIMIT = LIMIT_BYTES + DETECTION_LIMIT + 16 * 1024
"""Bytes; whatever is longer is refused while it comes in."""

router = APIRouter(prefix="/api/v1", tags=["workers"])

_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["detection", "image"],
                    "properties": {
                        "detection": {
                            "type": "string",
                            "contentMediaType": "application/json",
                            "contentSchema": Detection.model_json_schema(),
                        },
                        "image": {"type": "string", "contentMediaType": "image/jpeg"},
                    },
                }
            }
        },
    }
}


@router.post(
    "/detections",
    status_code=201,
    responses={200: {"model": DetectionReceipt, "description": "it was there already"}},
    openapi_extra=_FORM,
)
async def receive(
    request: Request, response: Response, ctx: Ctx, _caller: Worker
) -> DetectionReceipt:
    """Take a detection: 201 where it is new, 200 where it was there already."""
    kind = request.headers.get("content-type", "")
    if not kind.lower().startswith("multipart/form-data"):
        raise HTTPException(415, "the body must be multipart/form-data")
    async with request.form(max_files=2, max_fields=2, max_part_size=DETECTION_LIMIT) as form:
        text = await _part(form, "detection", DETECTION_LIMIT)
        image = await _part(form, "image", LIMIT_BYTES)
    try:
        detection = Detection.model_validate_json(text)
    except ValidationError as error:
        raise HTTPException(422, f"detection: {in_words(error.errors())}") from error
    receipt = await ctx.desk.receive(detection, image)
    if receipt.duplicate:
        response.status_code = 200
    return receipt


async def _part(form: FormData, name: str, limit: int) -> bytes:
    """Return a part of the form, sent as a file or as a field."""
    part = form.get(name)
    if part is None:
        raise HTTPException(422, f"the part {name!r} is missing")
    data = await part.read(limit + 1) if isinstance(part, UploadFile) else part.encode()
    if len(data) > limit:
        raise HTTPException(413, f"the part {name!r} is larger than {limit} bytes")
    return data
