"""Errors as answers: always ``{"detail": "..."}``, one status a kind of error."""

from __future__ import annotations

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from fleet.errors import (
    Conflict,
    DetectionError,
    DockError,
    FleetError,
    LinkError,
    NotFound,
    OrderError,
    OrderUnfit,
    StoreError,
)

STATUS: tuple[tuple[type[FleetError], int], ...] = (
    (NotFound, 404),
    (Conflict, 409),
    (OrderUnfit, 422),
    (OrderError, 409),
    (DetectionError, 422),
    (StoreError, 503),
    (LinkError, 502),
    (DockError, 502),
    (FleetError, 500),
)

TOLD = 10
"""So many findings of one request are told."""

log = structlog.get_logger("api")


def install(app: FastAPI) -> None:
    """Make an application answer errors this way."""
    app.add_exception_handler(FleetError, _fleet_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unexpected)


def in_words(errors: object) -> str:
    """Return pydantic's findings in one line: ``key: rule; key: rule``; the first of many."""
    parts = []
    for error in errors[:TOLD] if isinstance(errors, list | tuple) else ():
        context = error.get("ctx") or {}
        where = ".".join(str(step) for step in error["loc"] if step != "body")
        at = f"{where}: " if where else ""
        match error["type"]:
            case "json_invalid":
                parts.append(f"the body is no JSON: {context.get('error', '')} at {where}")
            case "union_tag_not_found":
                what = str(context["discriminator"]).strip("'")
                parts.append(f"{at}{what} is missing")
            case "union_tag_invalid":
                what = str(context["discriminator"]).strip("'")
                known = context["expected_tags"]
                parts.append(f"{at}{context['tag']!r} is no {what}; it is one of {known}")
            case _:
                parts.append(f"{at}{error['msg']}")
    return "; ".join(parts) or "the request is not valid"


async def _fleet_error(_request: Request, error: Exception) -> JSONResponse:
    status = next(status for kind, status in STATUS if isinstance(error, kind))
    if status >= 500:
        log.error("request failed", status=status, error=str(error))
    return JSONResponse({"detail": str(error)}, status)


async def _http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return JSONResponse({"detail": str(error.detail)}, error.status_code, headers=error.headers)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return JSONResponse({"detail": in_words(error.errors())}, 422)


async def _unexpected(_request: Request, _error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "internal error; see the controller's log"}, 500)
