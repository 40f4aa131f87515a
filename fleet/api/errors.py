"""Errors as answers: always ``{"detail": "..."}``, one status a kind of error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
NO_JSON = "the body is no JSON"
UNREADABLE = "There was an error parsing the body"
"""FastAPI's words, with 400, where JSON is nested too deep or has too long a number."""
A_TIME = "2026-11-23T08:00:00+08:00"

log = structlog.get_logger("api")


def install(app: FastAPI) -> None:
    """Make an application answer errors this way."""
    app.add_exception_handler(FleetError, _fleet_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unexpected)


def in_words(errors: object) -> str:
    """Return pydantic's findings in one line: ``key: rule; key: rule``; the first of many.

    A rule that is broken at many places is told once, at the first. What is wrong with a whole
    for its parts are wrong is not told.
    """
    given = errors if isinstance(errors, list | tuple) else ()
    wholes = {tuple(e["loc"][:n]) for e in given for n in range(1, len(e["loc"]))}
    found: dict[str, list[str]] = {}
    for error in given:
        if tuple(error["loc"]) in wholes:
            continue
        where = ".".join(str(step) for step in error["loc"] if step != "body")
        found.setdefault(_rule(error, where), []).append(where)
    parts = []
    for rule, places in list(found.items())[:TOLD]:
        at = f"{places[0]}: " if places[0] and not rule.startswith(NO_JSON) else ""
        more = f" (at {len(places) - 1} more places)" if len(places) > 1 else ""
        parts.append(f"{at}{rule}{more}")
    return "; ".join(parts) or "the request is not valid"


def _rule(error: Mapping[str, Any], where: str) -> str:
    context = error.get("ctx") or {}
    match error["type"]:
        case "json_invalid":
            return f"{NO_JSON}: {context.get('error', '')} at {where}"
        case "union_tag_not_found":
            what = str(context["discriminator"]).strip("'")
            return f"{what} is missing"
        case "union_tag_invalid":
            what = str(context["discriminator"]).strip("'")
            return f"{context['tag']!r} is no {what}; it is one of {context['expected_tags']}"
        case "timezone_aware":
            return f"{error['input']} has no timezone; a time is written {A_TIME}"
        case "datetime_parsing" | "datetime_from_date_parsing":
            return f"{str(error['input'])[:40]!r} is no time; one is written {A_TIME}"
        case _:
            return str(error["msg"]).removeprefix("Value error, ")


async def _fleet_error(_request: Request, error: Exception) -> JSONResponse:
    status = next(status for kind, status in STATUS if isinstance(error, kind))
    if status >= 500:
        log.error("request failed", status=status, error=str(error))
    return JSONResponse({"detail": str(error)}, status)


async def _http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == 400 and error.detail == UNREADABLE:
        words = f"{NO_JSON} that can be read: it is nested too deep, or a number is too long"
        return JSONResponse({"detail": words}, 422)
    return JSONResponse({"detail": str(error.detail)}, error.status_code, headers=error.headers)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return JSONResponse({"detail": in_words(error.errors())}, 422)


async def _unexpected(_request: Request, _error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "internal error; see the controller's log"}, 500)
