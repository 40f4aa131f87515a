"""Fields of an order, each refused with words that name what is wrong with it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, ValidationInfo

KEPT = {"kept": True}
"""Context in which an order from the store is read: it may be of a version that asked for less."""
FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _written(value: object) -> object:
    """Refuse a number, which would be taken for seconds or milliseconds since 1970."""
    if isinstance(value, int | float):
        raise ValueError(f"{value:g} is no time; one is written 2026-11-23T08:00:00+08:00")
    return value


def is_kept(info: ValidationInfo) -> bool:
    """Whether an order is read from the store."""
    return info.context is not None and info.context == KEPT


def _of_this_age(at: datetime, info: ValidationInfo) -> datetime:
    if not (FIRST <= at < LAST or is_kept(info)):
        raise ValueError(f"{at.isoformat()} is not within the years {FIRST:%Y} to {LAST:%Y}")
    return at


def _once_each(names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    twice = next((name for number, name in enumerate(names) if name in names[:number]), None)
    if twice is not None and not is_kept(info):
        raise ValueError(f"{twice!r} is named twice")
    return names


def _kind_and_id(place: str) -> str:
    if re.fullmatch(r"[a-z]+:\S+", place) is None:
        raise ValueError(
            f"{place!r} is no place; one is written beat:ID, cell:ID, district:ID, site:ID, "
            "dock:ID or target:ID"
        )
    return place


Moment = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_of_this_age)]
Places = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=80)], ...],
    Field(max_length=500),
    AfterValidator(_once_each),
]
Place = Annotated[str, Field(max_length=100), AfterValidator(_kind_and_id)]
