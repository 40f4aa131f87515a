"""The table as a table: whole, ordered, told to whoever reads it, and every row of it tested."""

from __future__ import annotations

import ast
from pathlib import Path

from fleet.flight import lifecycle
from fleet.flight.safety.matrix import MATRIX, describe
from fleet.flight.safety.row import COMMANDS
from fleet.flight.safety.verdict import Action
from fleet.model.states import DroneState

HERE = Path(__file__).parent
PAGE = HERE.parents[3] / "ARCHITECTURE.md"
BEGIN, END = "<!-- failsafe matrix -->", "<!-- end of the failsafe matrix -->"
KEPT_ELSEWHERE = {
    "controller lost": "tests/fleet/restart",
    "pilot: breaks a bound": "tests/fleet/flight/test_bounds.py",
}


def test_names_and_ranks_are_one_of_a_kind() -> None:
    assert len({row.name for row in MATRIX}) == len(MATRIX)
    assert len({row.rank for row in MATRIX}) == len(MATRIX)
    assert [row.rank for row in MATRIX] == sorted((row.rank for row in MATRIX), reverse=True)


def test_every_row_has_a_test_named_after_it() -> None:
    tests = {
        node.name
        for file in (HERE / "rows").glob("test_*.py")
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef)
    }
    rows = {row.name for row in MATRIX if row.event is not None}
    wanted = {"test_" + "_".join(name.replace(":", "").replace("-", " ").split()) for name in rows}
    assert wanted - tests == set()


def test_a_row_that_another_part_keeps_says_who_and_is_tested_there() -> None:
    assert {row.name for row in MATRIX if row.event is None} == set(KEPT_ELSEWHERE)
    assert all((HERE.parents[3] / place).exists() for place in KEPT_ELSEWHERE.values())
    assert all(row.kept_by for row in MATRIX if row.event is None)
    assert not any(row.kept_by for row in MATRIX if row.event is not None)


def test_no_row_wants_an_edge_that_the_life_of_a_drone_has_not() -> None:
    for row in MATRIX:
        if row.action in {Action.WARN, Action.REFUSE} or row.event is None:
            continue
        for state in row.phases:
            step = row.step(state, "why")
            if step is not None:
                lifecycle.check(state, step.state)


def test_no_state_is_both_acted_in_and_only_told() -> None:
    for row in MATRIX:
        assert not row.phases & row.told_in
        assert row.phases
        assert row.action is not Action.WARN or not row.told_in


def test_what_commands_is_known() -> None:
    """A new action must be thought of: does it stop at a pilot's hand?"""
    assert {Action.AVOID, Action.RETURN, Action.ALTERNATE} == COMMANDS
    assert set(Action) - COMMANDS == {
        Action.WARN,
        Action.REFUSE,
        Action.ABORT,
        Action.HOLD,
        Action.OBEY,
        Action.RESUME,
        Action.LAND,
        Action.STAND_BY,
        Action.WAIT,
    }
    assert all(row.word for row in MATRIX if row.action is Action.LAND)


def test_every_state_in_the_air_answers_a_lost_link(airborne: frozenset[DroneState]) -> None:
    row = next(row for row in MATRIX if row.name == "link lost")
    assert airborne <= row.phases


def printed() -> str:
    lines = [
        "| rank | row | event | acts while | action | only told while |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r.rank} | {r.name} | {r.event} | {r.phases} | {r.action} | {r.told_in} |"
        for r in describe()
    ]
    return "\n".join(lines)


def test_the_page_shows_the_matrix_as_it_is() -> None:
    page = PAGE.read_text()
    assert page.count(BEGIN) == page.count(END) == 1
    shown = page.split(BEGIN)[1].split(END)[0].strip()
    assert shown == printed(), f"put this between the markers of {PAGE.name}:\n{printed()}"
