"""Flights are listed, drawn, downloaded and added up; what is not there is said in words."""

from __future__ import annotations

import csv
import io
import json
import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fleet.model.flightlog import EventKind, FlightEvent, FlightRecord
from fleet.model.records import TrackPoint
from fleet.model.states import DroneState
from fleet.store import flightlog, tracks

NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SCHEMA = Path(__file__).parents[3] / "../shared/standards/feature_collection.schema.json"


def flight(name: str, minute: int = 0, **changes: Any) -> FlightRecord:
    start = NOW + minute * MINUTE
    fields: dict[str, Any] = {
        "drone": "u1", "dock": "d1", "sortie": name, "took_off_at": start,
        "landed_at": start + 6 * MINUTE, "landed_dock": "d1", "distance_m": 987.65,
        "highest_m": 61.0, "battery_start_percent": 98.0, "battery_end_percent": 80.0,
    }  # fmt: skip
    return FlightRecord(id=name, **{**fields, **changes})


def points(start: datetime, count: int) -> list[TrackPoint]:
    return [
        TrackPoint(
            "u1", start + timedelta(seconds=s), 117.65 + s * 1e-5, 24.51, 60.0 + s / 10,
            90.5 if s % 2 else None, DroneState.ON_TASK,
        )
        for s in range(count)
    ]  # fmt: skip


@pytest.fixture
async def flown(api: Any) -> Any:
    async with api.context.store.write() as tx:
        for one in (
            flight("s1", tlog="tlog/s1.tlog"),
            flight("s2", 30, drone="u2", sortie=None),
            flight("s3", 60, landed_at=None, landed_dock=None),
            flight("gone", 90, drone="u7", dock="d7"),
            flight("evil", 120, tlog="tlog/../../secret.txt"),
            flight("lost", 150, tlog="tlog/lost.tlog"),
        ):
            await flightlog.save(tx.session, one)
        await tracks.add(tx.session, points(NOW - MINUTE, 120))  # half of them before it took off
        await flightlog.add_events(
            tx.session,
            [
                FlightEvent("u1", NOW, EventKind.STATE, "lift-off", {}, "s1"),
                FlightEvent("u1", NOW, EventKind.TEXT, "Takeoff 起飞", {"severity": "INFO"}, "s1"),
                FlightEvent("u1", NOW, EventKind.TEXT, "of another", {}, "s2"),
            ],
        )
    return api


async def test_flights_are_listed_newest_first_and_found(flown: Any) -> None:
    async with flown.as_("viewer") as viewer:

        async def ids(**asked: Any) -> list[str]:
            answer = await viewer.get("/api/v1/flights", params=asked)
            assert answer.status_code == 200, answer.text
            return [one["id"] for one in answer.json()]

        assert await ids() == ["lost", "evil", "gone", "s3", "s2", "s1"]
        assert await ids(limit=1) == ["lost"]
        assert await ids(drone="u2") == ["s2"]
        assert await ids(drone="u7") == ["gone"]  # no longer of the city
        assert await ids(dock="d7") == ["gone"]
        span = {"from": "2026-05-01T16:30:00+08:00", "to": "2026-05-01T09:00:00Z"}
        assert await ids(**span) == ["s2"]
        assert await ids(to="2026-01-01T00:00:00Z") == []
        one = (await viewer.get("/api/v1/flights/s1")).json()
    assert one["took_off_at"] == "2026-05-01T08:00:00Z"
    assert (one["distance_m"], one["landed_dock"], one["tlog"]) == (987.65, "d1", "tlog/s1.tlog")


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("flights?drone=u9", 404, "no drone 'u9'; drones are u1, u2"),
        ("flights?dock=d9", 404, "no dock 'd9'; docks are d1"),
        ("flights?from=yesterday", 422, "query.from: 'yesterday' is no time"),
        (
            "flights?from=2026-05-01T08:00:00",
            422,
            "query.from: 2026-05-01T08:00:00 has no timezone",
        ),
        ("flights?from=2026-05-02T00:00:00Z&to=2026-05-01T00:00:00Z", 422, "is not before"),
        ("flights?from=0001-01-01T00:00:00%2B14:00", 422, "is out of the years 1 to 9999 in UTC"),
        ("hours?to=9999-12-31T23:00:00-14:00", 422, "is out of the years 1 to 9999 in UTC"),
        ("flights?limit=0", 422, "limit: Input should be greater than or equal to 1"),
        ("flights?limit=1001", 422, "limit: Input should be less than or equal to 1000"),
        ("flights?limit=many", 422, "limit: Input should be a valid integer"),
        ("flights/s9", 404, "no flight 's9'"),
        ("flights/s9/track.geojson", 404, "no flight 's9'"),
        ("flights/s9/track.csv", 404, "no flight 's9'"),
        ("flights/s9/events", 404, "no flight 's9'"),
        ("flights/s9/tlog", 404, "no flight 's9'"),
        ("flights/s2/tlog", 404, "flight 's2' has no recording"),
        ("flights/evil/tlog", 404, "flight 'evil' has no recording"),
        ("flights/lost/tlog", 404, "the recording of flight 'lost' is no longer there"),
        ("hours?from=2026-05-02T00:00:00Z&to=2026-05-01T00:00:00Z", 422, "is not before"),
        ("hours?to=never", 422, "query.to: 'never' is no time"),
    ],
)
async def test_what_cannot_be_is_said_in_words(
    flown: Any, path: str, status: int, words: str
) -> None:
    (flown.context.data.parent / "secret.txt").write_text("not for viewers")
    async with flown.as_("viewer") as viewer:
        answer = await viewer.get(f"/api/v1/{path}")
    assert answer.status_code == status, answer.text
    assert words in answer.json()["detail"]


async def test_a_track_is_geojson(flown: Any) -> None:
    async with flown.as_("viewer") as viewer:
        answer = await viewer.get("/api/v1/flights/s1/track.geojson")
        nowhere = (await viewer.get("/api/v1/flights/gone/track.geojson")).json()
    assert answer.headers["content-type"] == "application/geo+json"
    assert answer.headers["content-disposition"] == 'attachment; filename="flight-s1.geojson"'
    found = answer.json()
    (feature,) = found["features"]
    line, about = feature["geometry"], feature["properties"]
    assert line["type"] == "LineString"
    assert len(line["coordinates"]) == len(about["times"]) == 60
    assert line["coordinates"][0] == [117.6506, 24.51]
    assert about["times"][0] == "2026-05-01T08:00:00.000+00:00"
    assert about["altitudes_above_home_m"][0] == 66.0
    assert (about["drone"], about["landed_dock"]) == ("u1", "d1")
    assert nowhere["features"][0]["geometry"] is None


@pytest.mark.skipif(not SCHEMA.is_file(), reason=f"{SCHEMA} is not there")
async def test_tracks_are_valid_by_the_schema(flown: Any) -> None:
    schema = json.loads(SCHEMA.read_text())
    async with flown.as_("viewer") as viewer:
        for name in ("s1", "s3", "gone"):
            track = (await viewer.get(f"/api/v1/flights/{name}/track.geojson")).json()
            jsonschema.validate(track, schema)
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.validate({**track, "features": [{"type": "Line"}]}, schema)


async def test_a_track_is_csv_with_units(flown: Any) -> None:
    async with flown.as_("viewer") as viewer:
        answer = await viewer.get("/api/v1/flights/s1/track.csv")
        empty = await viewer.get("/api/v1/flights/gone/track.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    header, *rows = list(csv.reader(io.StringIO(answer.text)))
    assert header == [
        "time_utc", "lon_deg", "lat_deg", "altitude_above_home_m", "battery_percent", "state",
    ]  # fmt: skip
    assert len(rows) == 60
    assert rows[1] == [
        "2026-05-01T08:00:01.000+00:00", "117.6506100", "24.5100000", "66.10", "90.5", "on_task",
    ]  # fmt: skip
    assert rows[0][4] == ""
    assert empty.text.count("\n") == 1


async def test_a_track_over_the_antimeridian_is_cut_there(flown: Any) -> None:
    places = [(179.99, -16.80), (179.9999, -16.81), (-179.9999, -16.83), (-179.99, -16.84)]
    track = [
        replace(
            points(NOW, 1)[0],
            drone="u2",
            at=NOW + 30 * MINUTE + timedelta(seconds=s),
            lon=lon,
            lat=lat,
        )
        for s, (lon, lat) in enumerate([*places, *reversed(places)])
    ]
    async with flown.context.store.write() as tx:
        await tracks.add(tx.session, track)
    async with flown.as_("viewer") as viewer:
        feature = (await viewer.get("/api/v1/flights/s2/track.geojson")).json()["features"][0]
    assert feature["geometry"] == {
        "type": "MultiLineString",
        "coordinates": [
            [[179.99, -16.80], [179.9999, -16.81], [180.0, -16.82]],
            [[-180.0, -16.82], [-179.9999, -16.83], [-179.99, -16.84], [-179.99, -16.84],
             [-179.9999, -16.83], [-180.0, -16.82]],
            [[180.0, -16.82], [179.9999, -16.81], [179.99, -16.80]],
        ],
    }  # fmt: skip
    assert len(feature["properties"]["times"]) == len(track)


async def test_the_events_of_a_flight_are_its_own(flown: Any) -> None:
    async with flown.as_("viewer") as viewer:
        events = (await viewer.get("/api/v1/flights/s1/events")).json()
    assert [(e["kind"], e["text"]) for e in events] == [
        ("state", "lift-off"),
        ("text", "Takeoff 起飞"),
    ]
    assert events[1]["details"] == {"severity": "INFO"}


async def test_a_recording_comes_as_it_was_when_it_was_asked_for(
    flown: Any, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import httpx

    from fleet.api import flights

    recording = struct.pack(">Q", 1) + b"\xfd" + bytes(range(256)) * 5000
    path = flown.context.data / "tlog" / "s1.tlog"
    path.write_bytes(recording)
    opened = flights._open

    def grows(at: Path) -> Any:
        """The drone still flies: more is written while it is read."""
        found = opened(at)
        with path.open("ab") as file:
            file.write(b"more")
        return found

    monkeypatch.setattr(flights, "_open", grows)
    headers = {"authorization": f"Bearer {flown.secrets['viewer']}"}
    async with (
        served() as (url, _),
        httpx.AsyncClient(headers=headers, trust_env=False) as http,
    ):
        answer = await http.get(f"{url}/api/v1/flights/s1/tlog")
    assert answer.status_code == 200
    assert answer.headers["content-length"] == str(len(recording))
    assert answer.headers["content-disposition"] == 'attachment; filename="flight-s1.tlog"'
    assert answer.content == recording


async def test_hours_are_by_drone_and_dock(flown: Any) -> None:
    async with flown.as_("viewer") as viewer:
        found = (await viewer.get("/api/v1/hours")).json()
        early = (await viewer.get("/api/v1/hours", params={"to": "2026-05-01T08:10:00Z"})).json()
    assert found == {
        "drones": [
            {"id": "u1", "flights": 3, "sorties": 3, "hours": 0.3},
            {"id": "u2", "flights": 1, "sorties": 0, "hours": 0.1},
            {"id": "u7", "flights": 1, "sorties": 1, "hours": 0.1},
        ],
        "docks": [
            {"id": "d1", "flights": 4, "sorties": 3, "hours": 0.4},
            {"id": "d7", "flights": 1, "sorties": 1, "hours": 0.1},
        ],
    }
    assert early["drones"][1] == {"id": "u2", "flights": 0, "sorties": 0, "hours": 0.0}
