"""What the map, pilots and workers get: GeoJSON, orders, watches, stations, documentation, metrics."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI

from fleet.api import page
from fleet.live import LiveHub
from fleet.model.live import DroneLive, Looking, SiteLive
from fleet.model.states import DroneState


async def test_the_map_is_geojson_with_every_layer(api: Any) -> None:
    async with api.as_("viewer") as viewer:
        answer = await viewer.get("/api/v1/map")
    found = answer.json()
    assert answer.headers["content-type"] == "application/geo+json"
    assert found["type"] == "FeatureCollection"
    assert found["city"]["name_zh"] == "试城"
    assert found["city"]["timezone"] == api.context.city.city.timezone
    layers = {f["properties"]["layer"] for f in found["features"]}
    assert layers == {"district", "beat", "cell", "dock", "site", "zone"}
    by_id = {f["properties"]["id"]: f for f in found["features"]}
    assert by_id["bridge"]["properties"] == {
        "layer": "site",
        "id": "bridge",
        "name": "Bridge",
        "name_zh": "大桥",
        "kind": "water",
    }
    assert by_id["fence"]["properties"]["kind"] == "fence"
    for feature in found["features"]:
        if feature["geometry"]["type"] == "Polygon":
            (ring,) = feature["geometry"]["coordinates"]
            assert ring[0] == ring[-1]
            area = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))
            assert area > 0, "RFC 7946 wants outer rings counterclockwise"


async def test_orders_go_to_flight_and_come_back(api: Any, flight: Any) -> None:
    async with api.as_("pilot") as pilot:
        made = await pilot.post("/api/v1/missions", json={"kind": "patrol", "beats": ["b1"]})
        assert made.status_code == 201
        taken = made.json()
        assert taken["created_by"] == "a pilot"
        order = {
            key: taken[key]
            for key in taken
            if key not in ("displaces", "drones_needed", "flights", "waits")
        }
        assert (await pilot.get("/api/v1/state")).json()["orders"] == [order]
        assert (await pilot.get("/api/v1/missions")).json() == [order]
        gone = await pilot.delete(f"/api/v1/missions/{order['id']}")
        assert gone.json()["status"] == "cancelled"
        assert (await pilot.delete(f"/api/v1/missions/{uuid4()}")).status_code == 404
        assert (await pilot.post("/api/v1/recall", json={"reason": "storm"})).status_code == 200
    assert [a[0] for a in flight.asked] == ["try", "end", "recall"]
    assert flight.asked[2:] == [("recall", "storm", "a pilot")]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"kind": "patrol", "beats": []}, "beats: a patrol names beats"),
        ({"kind": "area"}, "geometry: an order of kind area has a geometry or a place"),
        ({"kind": "patrol", "beats": ["nowhere"]}, "no beat nowhere; beats are b1"),
        ({"kind": "stare", "sites": ["mars"]}, "sites are bridge, market"),
        ({"kind": "raid", "beats": ["b1"]}, "kind"),
        ({"kind": "patrol", "beats": ["b1"], "speed": 9}, "speed"),
    ],
)
async def test_an_order_that_cannot_be_is_422_in_words(api: Any, body: Any, words: str) -> None:
    async with api.as_("pilot") as pilot:
        answer = await pilot.post("/api/v1/missions", json=body)
    assert answer.status_code == 422
    assert words in answer.json()["detail"]


async def test_watches_are_fixed_cameras_and_drones_on_their_sites(api: Any, flight: Any) -> None:
    flight.assigned = [("market", "u1"), ("bridge", "u2")]  # u2 has no camera
    async with api.as_("worker") as worker:
        watches = (await worker.get("/api/v1/watches")).json()["watches"]
    assert [w["key"] for w in watches] == ["bridge/pier", "market/u1"]
    pier, drone = watches
    assert (pier["source"], pier["drone"], pier["station_url"]) == (
        "rtsp://127.0.0.1:9/pier",
        None,
        "/api/v1/sites/bridge/station",
    )
    assert pier["detector"]["levels"]["warning_m"] == 3.5
    assert (pier["detector"]["lon"], pier["detector"]["lat"]) == (117.651, 24.511)
    assert (drone["source"], drone["drone"], drone["station_url"]) == (
        "tcp://127.0.0.1:9",
        "u1",
        None,
    )
    assert drone["position"] == [117.652, 24.512]
    assert (pier["since"], drone["since"]) == (None, None), "not told yet"
    at = datetime(2026, 11, 22, 4, tzinfo=UTC)
    looking = (Looking(kind="crowd", site="market", since=at),)
    live = DroneLive(id="u1", dock="d1", state=DroneState.ON_TASK, detectors=looking)
    api.context.hub.publish("drone", "u1", live)
    async with api.as_("worker") as worker:
        watches = (await worker.get("/api/v1/watches")).json()["watches"]
    assert [w["since"] for w in watches] == [None, "2026-11-22T04:00:00Z"]


async def test_a_station_file_and_only_what_it_names_is_read(api: Any, city_folder: Path) -> None:
    base = "/api/v1/sites/bridge/station"
    async with api.as_("worker") as worker:
        station = (await worker.get(base)).json()
        assert station["boards"][0]["picture"] == "board.png"
        picture = await worker.get(f"{base}/files/board.png")
        assert picture.content == b"\x89PNG board"
        assert picture.headers["content-type"] == "image/png"
        for name in (
            "unnamed.png",
            "station.yaml",
            "../secret.txt",
            "%2e%2e/secret.txt",
            "/etc/passwd",
        ):
            assert (await worker.get(f"{base}/files/{name}")).status_code == 404, name
        for named in ("../secret.txt", "/etc/passwd", "sub/../../secret.txt", "link.png"):
            (city_folder / "station.yaml").write_text(f"picture: {named}\n")
            (city_folder / "link.png").unlink(missing_ok=True)
            (city_folder / "link.png").symlink_to("../secret.txt")
            answer = await worker.get(f"{base}/files/{named.replace('..', '%2e%2e')}")
            assert answer.status_code == 404, named
            assert "not for workers" not in answer.text
        assert (await worker.get("/api/v1/sites/market/station")).status_code == 404


async def test_a_report_of_a_site_is_on_the_map_at_once(api: Any, hub: LiveHub) -> None:
    report = {"state": "watching", "value": 3.2, "unit": "m", "level": "yellow", "fps": 9.8}
    async with api.as_("worker") as worker:
        assert (await worker.put("/api/v1/sites/bridge/status", json=report)).status_code == 204
        missing = await worker.put("/api/v1/sites/mars/status", json=report)
        assert missing.status_code == 404
        wrong = await worker.put("/api/v1/sites/bridge/status", json={"state": "happy"})
        assert wrong.status_code == 422
    shown = hub.get("site", "bridge")
    assert isinstance(shown, SiteLive)
    assert (shown.state, shown.value, shown.level) == ("watching", 3.2, "yellow")


async def test_metrics_health_and_errors_have_no_secret_and_no_traceback(
    api: Any, post: Any
) -> None:
    await post()
    async with api.as_(None) as anyone:
        assert (await anyone.get("/healthz")).json() == {"status": "ok"}
        metrics = (await anyone.get("/metrics")).text
        assert 'skybeat_outbox_waiting{cad="cad"} 1.0' in metrics
        assert 'skybeat_incidents{status="confirmed"} 1.0' in metrics
        missing = await anyone.get("/api/v1/nothing")
        assert (missing.status_code, missing.json()) == (404, {"detail": "Not Found"})


async def test_a_database_that_fails_is_503_in_words(api: Any) -> None:
    from sqlalchemy import text

    async with api.context.store.write() as tx:
        await tx.session.execute(text("ALTER TABLE incidents RENAME TO gone"))
    async with api.as_("viewer") as viewer:
        answer = await viewer.get("/api/v1/incidents")
    assert answer.status_code == 503
    assert "no such table" in answer.json()["detail"]


async def test_the_documentation_loads_nothing_from_elsewhere(api: Any) -> None:
    async with api.as_(None) as anyone:
        docs = await anyone.get("/docs")
        assert "://" not in docs.text
        for path in (
            "docs/files/swagger-ui.css",
            "docs/files/swagger-ui-bundle.js",
            "docs/start.js",
        ):
            assert path in docs.text
            assert (await anyone.get(f"/{path}")).status_code == 200
        schema = (await anyone.get("/openapi.json")).json()
    assert "/api/v1/detections" in schema["paths"]
    form = schema["paths"]["/api/v1/detections"]["post"]["requestBody"]["content"]
    assert set(form["multipart/form-data"]["schema"]["properties"]) == {"detection", "image"}


async def test_every_answer_carries_the_security_headers(api: Any) -> None:
    async with api.as_("viewer") as viewer:
        for path in ("/docs", "/api/v1/state", "/api/v1/nothing", "/healthz"):
            headers = (await viewer.get(path)).headers
            assert "script-src 'self';" in headers["content-security-policy"]
            assert "https://tiles.example" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "DENY"
        assert (await viewer.get("/api/v1/state")).headers["cache-control"] == "no-store"


async def test_the_map_is_served_where_it_is_built_and_explained_where_not(tmp_path: Path) -> None:
    import httpx

    async def get(app: FastAPI, path: str) -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get(path)

    bare = FastAPI()
    page.install(bare, tmp_path)
    assert "make env" in (await get(bare, "/")).text
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<title>the map</title>")
    (tmp_path / "assets" / "main-1a2b.js").write_text("1")
    built = FastAPI()
    page.install(built, tmp_path)
    assert "the map" in (await get(built, "/")).text
    assert (await get(built, "/")).headers["cache-control"] == "no-cache"
    assert "immutable" in (await get(built, "/assets/main-1a2b.js")).headers["cache-control"]
    assert (await get(built, "/%2e%2e/secret.txt")).status_code == 404
