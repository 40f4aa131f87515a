"""What is known of each watched site right now, and when nobody says anything any more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from fleet.errors import NotFound
from fleet.link.clock import Clock
from fleet.live import LiveHub
from fleet.model.live import Fact, SiteLive, WatchState
from missions.city import City

BLIND_AFTER_S = 5.0
"""A site with a camera but without a word from a worker for so long is blind."""

FORGET_AFTER_S = 30.0
"""A source not heard of for so long says nothing about its site any more."""

_BEST_FIRST: tuple[WatchState, ...] = (
    "watching",
    "not_measurable",
    "off_station",
    "blind",
    "unwatched",
)

_WORST_FIRST = ("red", "orange", "yellow", "normal")

Assignments = Callable[[], Sequence[tuple[str, str]]]
"""Which drone watches which site now: (site id, drone id)."""


class SiteReport(Fact):
    """Body of ``PUT /api/v1/sites/{id}/status``: ``SiteLive`` without its id."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    state: WatchState
    reason: str = Field(default="", max_length=500)
    value: float | None = None
    unit: str = Field(default="", max_length=16)
    level: Literal["normal", "yellow", "orange", "red"] = "normal"
    confidence: float | None = None
    source: str | None = Field(default=None, max_length=256)
    fps: float | None = None
    frame_at: datetime | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Heard:
    """A source's last report and when it came, by the controller's clocks."""

    report: SiteReport
    at: datetime
    monotonic: float


def _shown_first(heard: _Heard) -> tuple[int, int, float]:
    report = heard.report
    state = _BEST_FIRST.index(report.state)
    return state, _WORST_FIRST.index(report.level), -heard.monotonic


class SiteBoard:
    """Keeps the last report of each source of a site and publishes the best of them.

    Parameters
    ----------
    city
        The sites, and their fixed cameras.
    hub, clock
        Of the controller.
    assignments
        Which drones watch which sites.
    """

    def __init__(self, city: City, hub: LiveHub, clock: Clock, assignments: Assignments) -> None:
        self._fixed = {site.id: len(site.cameras) for site in city.sites}
        self._hub = hub
        self._clock = clock
        self._assignments = assignments
        self._heard: dict[str, dict[str, _Heard]] = {site: {} for site in self._fixed}
        self._assigned_since: dict[str, float] = {}
        self._alarmed_at: dict[str, datetime] = {}

    def report(self, site: str, report: SiteReport) -> None:
        """Take a worker's word about a site.

        Raises
        ------
        NotFound
            If there is no such site.
        """
        if site not in self._heard:
            raise NotFound(f"no site {site!r}; sites are {sorted(self._heard)}")
        now = self._clock.now()
        self._heard[site][report.source or ""] = _Heard(report, now, self._clock.monotonic())
        if report.state == "watching" and report.level != "normal":
            self._alarmed_at[site] = now
        self._publish(site, self._watched())

    def alarmed_at(self, site: str) -> datetime | None:
        """Return when a site was last measured above its normal, or None."""
        return self._alarmed_at.get(site)

    def refresh(self) -> None:
        """Publish every site anew; to be called about once a second."""
        watched = self._watched()
        for site in self._fixed:
            self._publish(site, watched)

    def _watched(self) -> set[str]:
        by_drone = {site for site, _drone in self._assignments()}
        return {site for site, cameras in self._fixed.items() if cameras or site in by_drone}

    def _publish(self, site: str, watched: set[str]) -> None:
        now = self._clock.monotonic()
        if site not in watched:
            self._assigned_since.pop(site, None)
            self._heard[site].clear()
            self._hub.publish("site", site, SiteLive(id=site, reason="no camera is assigned"))
            return
        since = self._assigned_since.setdefault(site, now)
        sources = {
            k: h for k, h in self._heard[site].items() if now - h.monotonic <= FORGET_AFTER_S
        }
        self._heard[site] = sources
        fresh = [h for h in sources.values() if now - h.monotonic <= BLIND_AFTER_S]
        if fresh:
            # of two that measure the worse is shown, so that a calm one does not hide an alarm
            best = min(fresh, key=_shown_first)
            fields = best.report.model_dump(exclude={"at"})
            self._hub.publish("site", site, SiteLive(id=site, at=best.at, **fields))
        elif sources or now - since > BLIND_AFTER_S:
            self._hub.publish("site", site, self._blind(site, sources))
        else:
            reason = "a camera is assigned; no worker has reported yet"
            self._hub.publish("site", site, SiteLive(id=site, reason=reason))

    def _blind(self, site: str, sources: dict[str, _Heard]) -> SiteLive:
        if not sources:
            reason = f"no worker has reported within {BLIND_AFTER_S:g} s"
            return SiteLive(id=site, state="blind", reason=reason)
        last = max(sources.values(), key=lambda h: h.monotonic)
        return SiteLive(
            id=site,
            state="blind",
            reason=f"no word from a worker for more than {BLIND_AFTER_S:g} s",
            source=last.report.source,
            frame_at=last.report.frame_at,
            at=last.at,
        )
