"""What is new in one picture after another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sitl.demo.story import Story

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def tell(*pictures: dict[str, Any]) -> list[tuple[str, str]]:
    story = Story()
    for k, drone in enumerate(pictures):
        docks = [{"id": "x", "door": drone.pop("door", "closed"), "online": drone.pop("on", True)}]
        story.take({"drones": [{"id": "a", **drone}], "docks": docks}, T0 + timedelta(seconds=k))
    assert [e["at"] for e in story.entries] == sorted(e["at"] for e in story.entries)
    return [(e["what"], e["words"]) for e in story.entries]


def test_the_first_picture_is_where_it_begins() -> None:
    assert tell({"state": "docked"}) == []


def test_a_state_a_reason_and_a_door_are_told_when_they_change() -> None:
    assert tell(
        {"state": "docked"},
        {"state": "opening", "door": "opening"},
        {"state": "opening", "reason": "at last", "door": "opening"},
        {"state": "opening", "reason": "at last", "door": "opening", "on": False},
    ) == [
        ("a", "opening"),
        ("x", "door opening"),
        ("a", "opening (at last)"),
        ("x", "offline"),
    ]


def test_numbers_alone_are_nothing_new() -> None:
    assert tell(
        {"state": "on_task", "warnings": ["wind 9.1 m/s"]},
        {"state": "on_task", "warnings": ["wind 9.4 m/s"]},
        {"state": "on_task", "warnings": ["wind 12.4 m/s", "aircraft B-7 is 900 m away"]},
        {"state": "on_task", "warnings": ["aircraft B-7 is 850 m away"]},
        {"state": "on_task", "warnings": ["wind 13.0 m/s", "aircraft B-7 is 800 m away"]},
    ) == [
        ("a", "warned: aircraft B-7 is 900 m away"),
        ("a", "warned: wind 13.0 m/s"),
    ]
