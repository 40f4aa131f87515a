"""The hub tells listeners every change; presence is an open stream or a late call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydantic import BaseModel

from fleet.live import LiveHub, Presence
from fleet.model.live import DockLive


def test_a_listener_hears_every_change_of_its_topic_and_no_repetition() -> None:
    hub, heard = LiveHub(), list[BaseModel]()
    stop = hub.listen("dock", heard.append)
    first, second = DockLive(id="d1"), DockLive(id="d1", online=True)
    for fact in (first, first, second, first):
        hub.publish("dock", "d1", fact)
    hub.publish("site", "s1", first)
    assert heard == [first, second, first]
    stop()
    hub.publish("dock", "d1", second)
    assert len(heard) == 3


def test_presence_is_from_the_last_word_or_an_open_stream() -> None:
    seconds = [100.0]
    presence = Presence(lambda: seconds[0])
    seconds[0] = 130.0
    assert presence.absent_s() == 30.0  # since the start: nobody was ever there
    presence.heard()
    assert presence.absent_s() == 0.0
    with presence.listening(), presence.listening():
        seconds[0] = 4000.0
        assert presence.absent_s() == 0.0
    seconds[0] = 4007.0
    assert presence.absent_s() == 7.0
    now = datetime(2026, 5, 1, 8, tzinfo=UTC)
    assert presence.last_heard(now) == now - timedelta(seconds=7)
