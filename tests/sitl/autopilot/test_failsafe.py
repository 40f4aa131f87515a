"""The failsafes: what is done, what waits, what a pilot may overrule, and when it ends."""

from __future__ import annotations

import pytest

from sitl.autopilot.core import Core, VehicleSpec
from sitl.autopilot.failsafe import Action, Cause, Clear, Failsafe, Takeover
from sitl.autopilot.modes import Mode


@pytest.fixture
def core():
    made = Core(VehicleSpec("d1", 1, 117.6, 24.5, 10.0))
    made.said = []
    made.say = lambda severity, text: made.said.append(text.strip())
    return made


@pytest.fixture
def safe(core):
    return Failsafe(core, lambda mode: True)


RTL = Cause("battery-2", Action.RTL)
HOLD = Cause("fence", Action.HOLD, Clear.ON_MODE_CHANGE, Takeover.ALWAYS)


def go(safe, causes, seconds=0.1, intended=Mode.MISSION, chosen=False):
    mode = safe.update(0.1, causes, intended, chosen=chosen)
    for _ in range(round(seconds / 0.1) - 1):
        mode = safe.update(0.1, causes, intended, chosen=False)
    return mode


def test_nothing_is_done_without_a_cause(safe, core):
    assert go(safe, []) is Mode.MISSION
    assert not core.failsafe


def test_a_warning_changes_no_mode(safe, core):
    assert go(safe, [Cause("battery-1", Action.WARN)], 20) is Mode.MISSION
    assert not core.failsafe
    assert core.said == []


def test_a_return_waits_in_hold(safe, core):
    assert go(safe, [RTL], 4.5) is Mode.HOLD
    assert core.failsafe
    assert go(safe, [RTL], 1.0) is Mode.RTL
    assert core.said == ["Failsafe activated: entering Hold for 5 seconds", "Failsafe activated"]


def test_a_pilot_may_choose_another_mode_while_it_waits(safe, core):
    go(safe, [RTL], 1.0)
    assert go(safe, [RTL], 0.1, Mode.LAND, chosen=True) is Mode.LAND
    assert go(safe, [RTL], 20, Mode.LAND) is Mode.LAND
    assert not core.failsafe


def test_a_graver_cause_ends_a_pilots_choice(safe, core):
    go(safe, [RTL], 1.0)
    go(safe, [RTL], 1.0, Mode.HOLD, chosen=True)
    emergency = Cause("battery-3", Action.LAND)
    assert go(safe, [RTL, emergency], 12, Mode.HOLD) is Mode.LAND
    assert core.failsafe


def test_a_graver_cause_does_not_wait_once_one_is_acted_on(safe):
    go(safe, [RTL], 6.0)
    assert go(safe, [Cause("battery-3", Action.LAND)], 0.1) is Mode.LAND


def test_a_fence_is_left_in_force_until_a_mode_is_chosen(safe, core):
    assert go(safe, [HOLD], 0.1) is Mode.HOLD
    assert core.said == ["Failsafe activated"]
    assert go(safe, [], 5.0) is Mode.HOLD, "it is inside again, and holds"
    assert go(safe, [], 0.1, Mode.MISSION, chosen=True) is Mode.MISSION
    assert not core.failsafe


def test_an_action_that_goes_with_its_cause_ends_by_itself(safe):
    go(safe, [RTL], 6.0)
    assert go(safe, [], 0.1) is Mode.MISSION


@pytest.mark.parametrize("intended", [Mode.RTL, Mode.LAND, Mode.PRECLAND])
def test_one_that_comes_down_already_is_not_told_to_return(safe, core, intended):
    assert go(safe, [RTL], 10.0, intended) is intended
    assert not core.failsafe


def test_without_a_position_it_descends_at_once(core):
    safe = Failsafe(core, lambda mode: mode is Mode.DESCEND)
    lost = Cause("mode", Action.RTL, takeover=Takeover.ALWAYS)
    assert go(safe, [lost], 0.1) is Mode.DESCEND
    assert core.failsafe


def test_termination_never_ends(safe):
    go(safe, [Cause("wind", Action.TERMINATE, Clear.NEVER, Takeover.NEVER)])
    go(safe, [], 1.0, Mode.HOLD, chosen=True)
    assert safe.action is Action.TERMINATE


def test_the_next_wait_is_shorter_by_what_was_waited(safe):
    go(safe, [RTL], 6.0)
    go(safe, [], 0.2)
    assert go(safe, [RTL], 0.7) is Mode.RTL, "toggling causes cannot hold it for ever"
