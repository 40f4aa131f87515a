"""The embedded vehicle against the recordings of a real PX4: the same orders, the same answers.

The ground station's half of a recording is sent again, each message at the vehicle time at which
PX4 got it; what PX4 answered then is what the embedded vehicle must answer now.
"""

from __future__ import annotations

import re
from itertools import groupby

import pytest

_NOT_OURS = ("[logger]", "System does not support shutdown")
"""PX4 writes no flight log here, and this is no computer that can be shut down."""

_HOLD = (4 << 16) | (3 << 24)


def _comparable(texts):
    """Return texts up to the last disarming, each once in a row, heights left out.

    Noise moves heights by metres; how often a complaint is repeated on the ground depends on when
    the recording was ended.
    """
    kept = [re.sub(r"-?\d+ m\b", "N m", t) for t in texts if not t.startswith(_NOT_OURS)]
    end = max(i for i, t in enumerate(kept) if t.startswith("Disarmed"))
    return [text for text, _ in groupby(kept[: end + 1])]


def _flown(modes):
    """Return the modes flown, without holds: when a take-off ends in one depends on the climb."""
    return [mode for mode, _ in groupby(m for m in modes if m != _HOLD)]


def _replay(ground, recording, extra_s=25.0):
    ground.heartbeats = False
    station = [m for m in recording.sent if m[1].get_type() != "TIMESYNC"]
    for boot, message in station:
        while ground.now < boot:
            ground.tick()
        if message.get_type() == "MISSION_ITEM_INT":
            continue  # sent when the vehicle asks, below
        if message.get_type() == "MISSION_COUNT":
            _upload(ground, message, station)
        else:
            ground.send(message)
    ground.until(lambda: not ground.vehicle.armed, recording.seconds + extra_s - ground.now + 60)
    ground.run(3.0)


def _upload(ground, count, station):
    start = next(i for i, (_, m) in enumerate(station) if m is count)
    items = {}
    for _, m in station[start + 1 :]:
        if m.get_type() == "MISSION_COUNT":
            break
        if m.get_type() == "MISSION_ITEM_INT" and m.mission_type == count.mission_type:
            items[m.seq] = m
    if not items:
        ground.send(count)
        return
    ground.upload([items[i] for i in sorted(items)], count.mission_type)


@pytest.mark.parametrize(
    "name", ["refusals.tlog", "mission.tlog", "gpsloss.tlog", "linkloss.tlog", "battery.tlog"]
)
def test_answers_what_px4_answered(make_ground, recording, name):
    session = recording(name)
    ground = make_ground(params={"SIM_BAT_MIN_PCT": 50})
    _replay(ground, session)
    acks = [(m.command, m.result) for m in ground.all("COMMAND_ACK")]
    mission_acks = [(m.mission_type, m.type) for m in ground.all("MISSION_ACK")]
    assert mission_acks == session.mission_acks
    assert acks == session.acks
    assert _comparable(ground.texts()) == _comparable(session.texts)
    flown = _flown(m.custom_mode for m in ground.all("HEARTBEAT"))
    assert flown == _flown(session.modes)
