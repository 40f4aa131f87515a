"""The sun, against published values."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from missions.sun import Ephemeris, Sun, SunEvent, event_at, sun_at


def test_the_worked_example_of_nrel_s_solar_position_algorithm() -> None:
    # Reda and Andreas, NREL/TP-560-34302 (2008), table A5.1: Golden, Colorado
    when = datetime(2003, 10, 17, 12, 30, 30, tzinfo=timezone(timedelta(hours=-7)))
    sun = sun_at(-105.1786, 39.742476, when)
    assert sun.azimuth_deg == pytest.approx(194.34024, abs=0.02)
    assert 90 - sun.elevation_deg == pytest.approx(50.11162, abs=0.02)


def test_the_worked_examples_of_meeus() -> None:
    # Astronomical Algorithms, 2nd ed., examples 25.a (declination) and 28.a (equation of time)
    sun = Ephemeris.at(datetime(1992, 10, 13, tzinfo=UTC))
    assert sun.declination_deg == pytest.approx(-7.78507, abs=0.002)
    assert sun.equation_min == pytest.approx(13 + 42.6 / 60, abs=0.02)


@pytest.mark.parametrize(
    ("when", "declination"),
    [
        # USNO, Earth's seasons: equinoxes and solstices of 2025
        (datetime(2025, 3, 20, 9, 1, tzinfo=UTC), 0.0),
        (datetime(2025, 6, 21, 2, 42, tzinfo=UTC), 23.44),
        (datetime(2025, 9, 22, 18, 19, tzinfo=UTC), 0.0),
        (datetime(2025, 12, 21, 15, 3, tzinfo=UTC), -23.44),
    ],
)
def test_the_seasons_begin_when_the_almanac_says(when: datetime, declination: float) -> None:
    assert Ephemeris.at(when).declination_deg == pytest.approx(declination, abs=0.01)


def test_noon_in_summer_at_zhangzhou_is_nearly_overhead() -> None:
    china = timezone(timedelta(hours=8))
    day = datetime(2025, 6, 21, tzinfo=china)
    highest = max(
        (sun_at(117.65, 24.51, day + timedelta(minutes=m)) for m in range(1440)),
        key=lambda sun: sun.elevation_deg,
    )
    assert highest.elevation_deg == pytest.approx(90 - (24.51 - 23.44), abs=0.1)
    assert sun_at(117.65, 24.51, day + timedelta(hours=8)).azimuth_deg < 90
    assert sun_at(117.65, 24.51, day + timedelta(hours=17)).azimuth_deg > 270
    assert not sun_at(117.65, 24.51, day).up


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        sun_at(117.0, 24.0, datetime(2025, 6, 21, 12))


@given(
    st.floats(-180, 180),
    st.floats(-89, 89),
    st.datetimes(datetime(1950, 1, 1), datetime(2090, 1, 1)),
)
@example(23.0, 0.0, datetime(2000, 9, 1, 4, 19))
def test_the_sun_moves_at_the_rate_that_the_earth_turns(
    lon: float, lat: float, when: datetime
) -> None:
    when = when.replace(tzinfo=UTC)
    before, after = sun_at(lon, lat, when), sun_at(lon, lat, when + timedelta(minutes=4))
    # at the horizon refraction lifts it by another 0.37 degrees meanwhile
    low = abs(before.elevation_deg) < 3
    assert before.off_axis_deg(after.direction) < (1.4 if low else 1.1)
    assert math.hypot(*before.direction) == pytest.approx(1)


def test_water_glares_in_the_mirrored_sun_and_wider_in_wind() -> None:
    sun = Sun(180.0, 45.0)
    mirrored = (0.0, -math.sqrt(0.5), -math.sqrt(0.5))  # looking south and down by as much
    away = (0.0, math.sqrt(0.5), -math.sqrt(0.5))
    assert sun.glares(mirrored, 0.0)
    assert not sun.glares(away, 12.0)
    steeper = (0.0, -math.cos(math.radians(75)), -math.sin(math.radians(75)))
    assert not sun.glares(steeper, 0.0)
    assert sun.glares(steeper, 8.0)
    assert not Sun(180.0, -5.0).glares(mirrored, 5.0)


def test_sunrise_and_sunset_of_nrel_s_worked_example() -> None:
    """06:12:43, and 17:20:19 of the day before: it is told for the days of Greenwich."""
    golden, mountain = (-105.1786, 39.742476), timezone(timedelta(hours=-7))
    rises = event_at("sr", *golden, date(2003, 10, 17))
    sets = event_at("ss", *golden, date(2003, 10, 16))
    assert rises is not None
    assert sets is not None
    second = timedelta(seconds=2)
    assert abs(rises - datetime(2003, 10, 17, 6, 12, 43, tzinfo=mountain)) < second
    assert abs(sets - datetime(2003, 10, 16, 17, 20, 19, tzinfo=mountain)) < second


@given(
    st.sampled_from(["bmct", "sr", "ss", "eect"]),
    st.floats(-180, 180),
    st.floats(-60, 60),
    st.dates(date(2020, 1, 1), date(2060, 1, 1)),
)
def test_the_sun_is_where_the_event_says(
    event: SunEvent, lon: float, lat: float, day: date
) -> None:
    at = event_at(event, lon, lat, day)
    assert at is not None
    sun = sun_at(lon, lat, at)
    edge = -0.833 + 0.397 if event in ("sr", "ss") else -6.0 + 0.055  # lifted by the air
    assert sun.elevation_deg == pytest.approx(edge, abs=0.01)
    assert (sun.azimuth_deg < 180) == (event in ("bmct", "sr"))
    noon = datetime.combine(day, datetime.min.time(), UTC) + timedelta(minutes=720 - 4 * lon)
    assert abs(at - noon) < timedelta(hours=14)


def test_near_the_poles_the_sun_may_neither_rise_nor_set() -> None:
    assert event_at("sr", 15.0, 69.6, date(2026, 12, 21)) is None
    assert event_at("ss", 15.0, 69.6, date(2026, 6, 21)) is None
    assert event_at("bmct", 15.0, 69.6, date(2026, 12, 21)) is not None
