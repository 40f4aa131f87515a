"""What a vehicle is taken for, over everything it can be found in."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from fleet.flight import lifecycle
from fleet.flight.adoption import Found, adopt
from fleet.flight.policy import Policy
from fleet.model.live import Telemetry
from fleet.model.states import DroneState

S = DroneState
PAD = (117.65, 24.51)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
modes = st.sampled_from(["HOLD", "MISSION", "RETURN_TO_LAUNCH", "LAND", "POSCTL", "TAKEOFF"])


@st.composite
def founds(draw: st.DrawFn) -> Found:
    telemetry = Telemetry(
        at=NOW,
        connected=True,
        lon=PAD[0],
        lat=PAD[1] + draw(st.sampled_from([0.0, 0.00001, 0.01])),
        mode=draw(modes),
        armed=draw(st.booleans()),
        in_air=draw(st.booleans()),
    )
    recorded = draw(st.sampled_from(list(S)))
    ours = draw(st.sampled_from([None, "item 3: command 16 is held"]))
    return Found(recorded, telemetry, ours, draw(st.booleans()))


@given(founds())
def test_whatever_is_found_has_a_state_the_table_permits(found: Found) -> None:
    step = adopt(found, PAD, Policy())
    if step is None:
        assert found.telemetry.armed
        assert not found.telemetry.in_air
        return
    for source in (S.UNKNOWN, S.LOST):
        lifecycle.check(source, step.state)
    assert step.reason


@given(founds())
def test_what_is_in_the_air_is_never_taken_to_be_on_the_ground(
    airborne: frozenset[DroneState], found: Found
) -> None:
    step = adopt(found, PAD, Policy())
    if step is not None and found.telemetry.in_air:
        assert step.state not in {S.DOCKED, S.CHARGING, S.CLOSING, S.CHECKING, S.OPENING}
    if step is not None and not found.telemetry.in_air:
        assert step.state not in airborne


@given(founds())
def test_a_flight_that_is_not_ours_is_an_emergency(found: Found) -> None:
    if found.telemetry.in_air and found.ours is not None:
        step = adopt(found, PAD, Policy())
        assert step is not None
        assert step.state is S.EMERGENCY
        assert found.ours in step.reason


@given(founds())
def test_on_the_ground_away_from_the_dock_is_an_emergency_unless_the_dock_has_it(
    found: Found,
) -> None:
    t = found.telemetry
    if not t.in_air and not t.armed and t.lat != PAD[1] and (t.lat or 0) > PAD[1] + 0.001:
        step = adopt(found, PAD, Policy())
        assert step is not None
        assert (step.state is S.EMERGENCY) == (not found.in_dock)
