"""What is shown of a site as workers speak and fall silent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from fleet.errors import NotFound
from fleet.incidents.sites import SiteBoard, SiteReport
from fleet.live import LiveHub
from fleet.model.live import SiteLive
from missions.city import City


class SetClock:
    def __init__(self) -> None:
        self.s = 0.0

    def now(self) -> datetime:
        return datetime(2026, 5, 1, tzinfo=UTC) + timedelta(seconds=self.s)

    def monotonic(self) -> float:
        return self.s


class Bench:
    def __init__(self, city: City, hub: LiveHub) -> None:
        self.hub, self.clock = hub, SetClock()
        self.assigned: list[tuple[str, str]] = []
        self.board = SiteBoard(city, hub, self.clock, lambda: self.assigned)

    def at(self, seconds: float) -> None:
        self.clock.s = seconds
        self.board.refresh()

    def shows(self, site: str) -> SiteLive:
        fact = self.hub.get("site", site)
        assert isinstance(fact, SiteLive)
        return fact


@pytest.fixture
def bench(make_city: Callable[..., City], hub: LiveHub) -> Bench:
    return Bench(make_city(), hub)


def test_a_site_without_a_camera_is_unwatched_and_with_one_blind_after_5_s(bench: Bench) -> None:
    bench.at(0)
    assert bench.shows("market").state == "unwatched"
    assert bench.shows("bridge").state == "unwatched"  # has a camera; its worker may be starting
    bench.at(4.9)
    assert bench.shows("bridge").state == "unwatched"
    bench.at(5.1)
    assert bench.shows("bridge").state == "blind"
    assert "no worker has reported" in bench.shows("bridge").reason
    bench.assigned = [("market", "u1")]
    bench.at(6)
    assert bench.shows("market").state == "unwatched"
    bench.at(11.1)
    assert bench.shows("market").state == "blind"
    bench.assigned = []
    bench.at(12)
    assert bench.shows("market").state == "unwatched"


def test_a_report_is_shown_at_once_and_stale_after_5_s_of_silence(bench: Bench) -> None:
    bench.at(0)
    bench.board.report("bridge", SiteReport(state="watching", value=3.1, unit="m", source="s"))
    shown = bench.shows("bridge")
    assert (shown.state, shown.value, shown.at) == ("watching", 3.1, bench.clock.now())
    bench.at(5)
    assert bench.shows("bridge").state == "watching"
    bench.at(5.1)
    assert bench.shows("bridge").state == "blind"
    assert "no word" in bench.shows("bridge").reason
    assert bench.shows("bridge").value is None, "an old measurement is not shown as a new one"
    bench.board.report("bridge", SiteReport(state="watching", value=3.2, source="s"))
    assert bench.shows("bridge").value == 3.2


def test_of_two_cameras_the_one_that_sees_is_shown(bench: Bench) -> None:
    bench.at(0)
    bench.board.report("bridge", SiteReport(state="watching", value=3.1, source="pier"))
    bench.board.report("bridge", SiteReport(state="off_station", source="drone"))
    assert bench.shows("bridge").source == "pier"
    bench.clock.s = 4
    bench.board.report("bridge", SiteReport(state="off_station", source="drone"))
    bench.at(6)
    assert (bench.shows("bridge").state, bench.shows("bridge").source) == ("off_station", "drone")


def test_of_two_cameras_that_measure_the_worse_is_shown(bench: Bench) -> None:
    bench.at(0)
    bench.board.report("bridge", SiteReport(state="watching", level="red", value=5, source="a"))
    bench.at(1)
    bench.board.report("bridge", SiteReport(state="watching", value=2, source="b"))
    assert (bench.shows("bridge").level, bench.shows("bridge").source) == ("red", "a")


def test_only_a_measured_level_above_normal_is_an_alarm(bench: Bench) -> None:
    bench.board.report("bridge", SiteReport(state="watching", level="normal"))
    bench.board.report("bridge", SiteReport(state="blind", level="red"))
    assert bench.board.alarmed_at("bridge") is None
    bench.clock.s = 7
    bench.board.report("bridge", SiteReport(state="watching", level="yellow"))
    assert bench.board.alarmed_at("bridge") == bench.clock.now()


def test_an_unknown_site_is_named(bench: Bench) -> None:
    with pytest.raises(NotFound, match="no site 'mars'"):
        bench.board.report("mars", SiteReport(state="blind"))
