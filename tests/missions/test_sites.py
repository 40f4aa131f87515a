"""A site's own stare."""

from __future__ import annotations

import pytest

from missions.city import City
from missions.errors import PlanError
from missions.sites import stare_leg
from missions.sortie import LegKind


def test_a_stare_looks_at_what_the_site_says(zhangzhou: City) -> None:
    site = next(s for s in zhangzhou.sites if s.id == "zhangzhou-bridge")
    leg = stare_leg(site, 90, 12)
    assert (leg.kind, leg.site) == (LegKind.STARE, "zhangzhou-bridge")
    (point,) = leg.waypoints
    assert site.stare is not None
    assert ((point.lon, point.lat), point.altitude_m, point.hold_s) == (
        site.stare.position, site.stare.altitude_m, 90,
    )  # fmt: skip
    assert leg.look_at is not None
    assert (leg.look_at.lon, leg.look_at.lat) == site.stare.look_at
    assert leg.look_at.altitude_m == site.stare.look_at_altitude_m
    with pytest.raises(PlanError, match="no stare"):
        stare_leg(site.model_copy(update={"stare": None}), 90, 12)
