"""A time that is asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime


def _in_utc(at: datetime) -> datetime:
    """Return a time in UTC, which the first and the last day there are may not have."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{at.isoformat()} is out of the years 1 to 9999 in UTC") from None


InUtc = Annotated[AwareDatetime, AfterValidator(_in_utc)]
