"""The rules of folding and deciding, over every order of events."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.errors import Conflict
from fleet.incidents import folding
from fleet.model.detection import Detection
from fleet.model.incident import IncidentStatus
from missions.city import City

NOW = datetime(2026, 5, 1, tzinfo=UTC)
LEVELS = ("yellow", "orange", "red")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    levels=st.lists(st.sampled_from(LEVELS), min_size=1, max_size=12),
    straight=st.booleans(),
)
def test_the_incident_is_as_bad_as_the_worst_and_cads_hear_of_each_rise_once(
    levels: list[str],
    straight: bool,
    make_city: Callable[..., City],
    make_detection: Callable[..., Detection],
) -> None:
    site = make_city().sites[0 if straight else 1]
    first = make_detection(b"", level=levels[0])
    incident = folding.opened(first, site, uuid4(), NOW)
    told = [incident.version] if straight else []
    for level in levels[1:]:
        incident, tell = folding.folded(incident, make_detection(b"", level=level), NOW)
        if tell:
            told.append(incident.version)
    worst = max(levels, key=LEVELS.index)
    assert incident.level == worst
    assert incident.detections == len(levels)
    if straight:
        rises = len(
            {
                level
                for i, level in enumerate(levels)
                if all(LEVELS.index(level) > LEVELS.index(before) for before in levels[:i])
            }
        )
        assert told == list(range(1, rises + 1))
    else:
        assert told == []
        assert incident.version == 1


@pytest.mark.parametrize("status", list(IncidentStatus))
def test_a_decision_is_new_or_repeated_or_a_conflict(
    status: IncidentStatus,
    make_city: Callable[..., City],
    make_detection: Callable[..., Detection],
) -> None:
    site = make_city().sites[1]
    incident = folding.opened(make_detection(b""), site, uuid4(), NOW).model_copy(
        update={"status": status, "decided_by": "wang"}
    )
    outcome = {"waiting": "new", "confirmed": "same", "reported": "same"}
    _expect(folding.confirmed, incident, outcome.get(status.value, "conflict"))
    outcome = {"waiting": "new", "rejected": "same"}
    _expect(folding.rejected, incident, outcome.get(status.value, "conflict"))


def _expect(decide: Callable[..., object], incident: object, outcome: str) -> None:
    if outcome == "conflict":
        with pytest.raises(Conflict, match=r"by wang; it cannot be"):
            decide(incident, "li", "why", NOW)
        return
    decided = decide(incident, "li", "why", NOW)
    assert (decided is None) == (outcome == "same")
