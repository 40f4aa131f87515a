"""Checks of who is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fleet.flight import checks


def test_operator_present(ready: Callable[[], Any]) -> None:
    check = checks.OperatorPresent()
    assert check.refuses(ready().but(operator_absent_s=1800.0)) is None
    assert check.refuses(ready().but(operator_absent_s=1801.0)) == (
        "no officer heard for 30 min; 30 min are allowed"
    )
