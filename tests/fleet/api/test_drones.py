"""A pilot's calls: every command, every no in words, twice the same, overrides, landing targets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from fleet.api.auth import LOOK_S
from fleet.api.remembered import RememberedTokens
from fleet.errors import LinkError
from fleet.flight import docket, pilots
from fleet.live import LiveHub
from fleet.model.live import DroneLive, Telemetry
from fleet.model.states import DroneState
from fleet.store import audit, tokens
from missions.city import Marker

COMMANDS = "/api/v1/drones/u1/commands"
HERE = {"lon": 117.651, "lat": 24.511}


def overridden(api: Any, drone: str) -> frozenset[str]:
    return api.flight.overrides.of(drone, api.context.clock.monotonic())


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"action": "return"}, "tell"),
        ({"action": "hold"}, "tell"),
        ({"action": "resume"}, "tell"),
        ({"action": "land"}, "tell"),
        ({"action": "goto", **HERE, "altitude_m": 60, "heading_deg": 90, "speed_m_s": 5}, "tell"),
        ({"action": "orbit", **HERE, "altitude_m": 60, "radius_m": 50, "clockwise": False}, "tell"),
        ({"action": "look_at", **HERE}, "look_at"),
        ({"action": "gimbal", "pitch_deg": -45}, "gimbal"),
        ({"action": "take_control"}, None),
    ],
)
async def test_each_command_is_carried_out_and_kept(
    api: Any,
    flight: Any,
    body: dict[str, Any],
    told: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pilots, "KEPT_S", 10.0)  # a busy machine's disk is no part of this
    async with api.as_("pilot") as pilot:
        answer = await pilot.post(COMMANDS, json={**body, "reason": "try it"})
        assert answer.status_code == 200, answer.text
        record = answer.json()
        assert (record["status"], record["actor"], record["drone"]) == ("done", "a pilot", "u1")
        assert record["demand"].items() >= body.items()
        assert record["reason"] == "try it"
        async with asyncio.timeout(10):  # what became of it is written behind the answer
            while (await pilot.get(COMMANDS)).json() != [record]:
                pass
        assert (await pilot.get("/api/v1/drones/u2/commands")).json() == []
    assert [asked[0] for asked in flight.asked] == ([told] if told else [])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "action is missing"),
        ({"action": None}, "action"),
        ({"action": 7}, "is no action"),
        ({"action": "fly"}, "'fly' is no action; it is one of 'return', 'hold'"),
        ([], "object"),
        ("hold", "object"),
        ({"action": "hold", "speed": 3}, "speed: Extra inputs are not permitted"),
        ({"action": "hold", "id": "seven"}, "id: Input should be a valid UUID"),
        ({"action": "hold", "reason": "x" * 501}, "reason: String should have at most 500"),
        ({"action": "hold", "take_over": True}, "take_over goes with the action 'take_control'"),
        ({"action": "take_control", "take_over": "perhaps"}, "take_over"),
        ({"action": "goto"}, "lon: Field required"),
        ({"action": "goto", **HERE, "altitude_m": 0}, "altitude_m: Input should be greater than 0"),
        ({"action": "goto", **HERE, "altitude_m": -5}, "altitude_m"),
        ({"action": "goto", "lon": 181, "lat": 0, "altitude_m": 9}, "lon: Input should be less"),
        ({"action": "goto", "lon": 0, "lat": -91, "altitude_m": 9}, "lat: Input should be greater"),
        ({"action": "goto", **HERE, "altitude_m": 60, "heading_deg": 360}, "heading_deg"),
        ({"action": "goto", **HERE, "altitude_m": 60, "speed_m_s": 0}, "speed_m_s"),
        ({"action": "goto", **HERE, "altitude_m": "high"}, "altitude_m: Input should be a valid"),
        ({"action": "orbit", **HERE, "altitude_m": 60, "radius_m": 5}, "radius_m"),
        ({"action": "orbit", **HERE, "altitude_m": 60, "radius_m": 50, "speed_m_s": 99}, "speed"),
        ({"action": "gimbal", "pitch_deg": -91}, "pitch_deg"),
        ({"action": "gimbal", "pitch_deg": 0, "yaw_deg": 181}, "yaw_deg"),
        ({"action": "kill", "confirm": 5}, "confirm"),
    ],
)
async def test_what_is_no_command_is_422_in_words(
    api: Any, flight: Any, body: Any, words: str
) -> None:
    async with api.as_("pilot") as pilot:
        answer = await pilot.post(COMMANDS, json=body)
        assert answer.status_code == 422, answer.text
        assert words in answer.json()["detail"]
        assert (await pilot.get(COMMANDS)).json() == []
    assert flight.asked == []


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b'{"action": "goto", "lon": NaN, "lat": 0, "altitude_m": 1}', 422),
        (b'{"action": "goto", "lon": 1e999, "lat": 0, "altitude_m": 1}', 422),
        (b'{"action": "goto", "lon": 0, "lat": 0, "altitude_m": 1e308}', 409),
        (b"\xff\xfe", 422),
        (b"[" * 100_000, 422),
    ],
)
async def test_what_is_no_json_is_refused_in_words(
    api: Any, flight: Any, content: bytes, status: int
) -> None:
    headers = {"content-type": "application/json"}
    async with api.as_("pilot") as pilot:
        answer = await pilot.post(COMMANDS, content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert isinstance(answer.json()["detail"], str)
    assert flight.asked == []


async def test_an_unknown_drone_is_404_with_those_there_are(api: Any) -> None:
    async with api.as_("pilot") as pilot:
        for method, path, body in (
            ("POST", "commands", {"action": "hold"}),
            ("GET", "commands", None),
            ("POST", "overrides", {"checks": ["temperature-fit"], "reason": "it is urgent"}),
        ):
            answer = await pilot.request(method, f"/api/v1/drones/u9/{path}", json=body)
            assert answer.status_code == 404
            assert answer.json()["detail"] == "no drone 'u9'; drones are u1, u2"


async def test_the_same_id_is_one_command_at_once_and_later(api: Any, flight: Any) -> None:
    body = {"action": "hold", "id": str(uuid4())}
    async with api.as_("pilot") as pilot:
        answers = await asyncio.gather(*(pilot.post(COMMANDS, json=body) for _ in range(10)))
        answers.append(await pilot.post(COMMANDS, json=body))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.text for answer in answers}) == 1
        other = await pilot.post(COMMANDS, json={**body, "action": "land"})
        assert other.status_code == 409
        assert "needs an id of its own" in other.json()["detail"]
    assert len(flight.asked) == 1


async def test_a_no_is_409_and_no_answer_504_with_the_vehicles_words(api: Any, flight: Any) -> None:
    async with api.as_("pilot") as pilot:
        flight.refuses = "u1 is docked; 'hold' is for drones that fly"
        refused = await pilot.post(COMMANDS, json={"action": "hold"})
        assert refused.status_code == 409
        assert refused.json()["detail"] == flight.refuses
        assert refused.json()["command"]["status"] == "refused"
        flight.supervisors["u1"].link.fails = LinkError("u1: look at: no answer within 3 s")
        failed = await pilot.post(COMMANDS, json={"action": "look_at", **HERE})
        assert failed.status_code == 504
        assert failed.json()["detail"] == "u1: look at: no answer within 3 s"
        fenced = await pilot.post(
            COMMANDS, json={"action": "goto", "lon": 117.7, "lat": 24.51, "altitude_m": 60}
        )
        assert fenced.status_code == 409
        assert "leaves the city's fence" in fenced.json()["detail"]
        assert len((await pilot.get(COMMANDS, params={"limit": 2})).json()) == 2
        assert (await pilot.get(COMMANDS, params={"limit": 0})).status_code == 422


async def test_another_pilot_is_409_until_take_over(api: Any, flight: Any) -> None:
    async with api.as_("pilot") as pilot, api.as_("admin") as admin:
        assert (await pilot.post(COMMANDS, json={"action": "hold"})).status_code == 200
        token = flight.supervisors["u1"].holder_token
        assert str(token) == (await pilot.get("/api/v1/me")).json()["id"]
        refused = await admin.post(COMMANDS, json={"action": "hold"})
        assert refused.status_code == 409
        assert refused.json()["detail"].startswith("a pilot (since ")
        override = {"checks": ["temperature-fit"], "reason": "it is urgent"}
        held = await admin.post("/api/v1/drones/u1/overrides", json=override)
        assert held.status_code == 409
        body = {"action": "take_control", "take_over": True}
        taken = await admin.post(COMMANDS, json=body)
        assert taken.json()["answer"].startswith("you have control, taken over from a pilot")
        assert (await admin.post(COMMANDS, json={"action": "hold"})).status_code == 200
        assert (await admin.post(COMMANDS, json={"action": "release_control"})).status_code == 200
        again = await admin.post(COMMANDS, json={"action": "release_control"})
        assert (again.status_code, again.json()["detail"]) == (409, "nobody has control of u1")


async def test_kill_takes_two_calls(api: Any, flight: Any) -> None:
    async with api.as_("pilot") as pilot:
        first = await pilot.post(COMMANDS, json={"action": "kill"})
        assert first.status_code == 409
        word = first.json()["confirm"]
        assert flight.asked == []
        assert word not in (await pilot.get(COMMANDS)).text  # it is the pilot's alone
        second = await pilot.post(COMMANDS, json={"action": "kill", "confirm": word})
        assert second.status_code == 200
        third = await pilot.post(COMMANDS, json={"action": "kill", "confirm": word})
        assert third.status_code == 409
    assert flight.asked == [("kill",)]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"checks": [], "reason": "long enough"}, "checks: List should have at least 1"),
        ({"checks": ["temperature-fit"], "reason": "short"}, "at least 10 characters"),
        ({"checks": ["temperature-fit"], "reason": " " * 20}, "at least 10 characters"),
        ({"checks": ["temperature-fit"]}, "reason: Field required"),
        (
            {"checks": ["battery"], "reason": "long enough"},
            "no soft check battery; soft checks are link-healthy, operator-present, temperature-fit",
        ),
    ],
)
async def test_an_override_that_cannot_be_is_422_in_words(
    api: Any, flight: Any, body: Any, words: str
) -> None:
    async with api.as_("pilot") as pilot:
        answer = await pilot.post("/api/v1/drones/u1/overrides", json=body)
    assert answer.status_code == 422
    assert words in answer.json()["detail"]
    assert overridden(api, "u1") == frozenset()


async def test_an_override_holds_for_its_drone_and_is_in_the_audit(api: Any, flight: Any) -> None:
    body = {"checks": ["temperature-fit", "temperature-fit"], "reason": "a child is in the water"}
    async with api.as_("pilot") as pilot:
        answer = await pilot.post("/api/v1/drones/u1/overrides", json=body)
    assert answer.status_code == 201
    assert answer.json()["checks"] == ["temperature-fit"]
    assert overridden(api, "u1") == {"temperature-fit"}
    assert overridden(api, "u2") == frozenset()
    async with api.context.store.read() as session:
        (entry,) = await audit.of_subject(session, "drone:u1")
    assert (entry.actor, entry.action, entry.reason) == (
        "a pilot",
        "drone.override",
        "a child is in the water",
    )
    assert entry.details == {"checks": ["temperature-fit"]}
    flight.overrides.spend("u1")
    assert overridden(api, "u1") == frozenset()


async def test_a_sighting_of_the_marker_goes_to_flight(api: Any, flight: Any) -> None:
    now = datetime.now(UTC)
    body = {"captured_at": now.isoformat(), "north_m": 0.4, "east_m": -1.5, "down_m": 12.0}
    path = "/api/v1/drones/u1/landing-target"
    async with api.as_("worker") as worker:
        assert (await worker.put(path, json=body)).status_code == 204
        for wrong, words in (
            ({"down_m": -1}, "down_m"),
            ({"north_m": 1e9}, "north_m"),
            (
                {"captured_at": "2026-05-01T08:00:00"},
                "captured_at: 2026-05-01T08:00:00 has no timezone",
            ),
            ({"up_m": 1}, "up_m"),
        ):
            answer = await worker.put(path, json={**body, **wrong})
            assert answer.status_code == 422
            assert words in answer.json()["detail"]
        missing = await worker.put("/api/v1/drones/u9/landing-target", json=body)
        assert missing.status_code == 404
    ((what, drone, target),) = flight.asked
    assert (what, drone) == ("landing_target", "u1")
    assert (target.captured_at, target.north_m, target.down_m) == (now, 0.4, 12.0)


async def test_a_drone_that_lands_on_a_marker_is_watched(api: Any, hub: LiveHub) -> None:
    (dock,) = api.context.city.docks
    marked = dock.model_copy(update={"marker": Marker(id=7, size_m=0.6)})
    city = api.context.city.model_copy(update={"docks": (marked,)})
    object.__setattr__(api.context, "city", city)

    def show(state: DroneState, drone: str = "u1", lat: float = 24.51, berth: str = "") -> None:
        t = Telemetry(at=datetime.now(UTC), connected=True, lon=117.65, lat=lat)
        live = DroneLive(id=drone, dock="d1", berth=berth, state=state, telemetry=t)
        hub.publish("drone", drone, live)

    async def keys() -> list[str]:
        async with api.as_("worker") as worker:
            watches = (await worker.get("/api/v1/watches")).json()["watches"]
        return [w["key"] for w in watches if w["detector"]["kind"] == "marker"]

    assert await keys() == []
    show(DroneState.RETURNING, lat=24.52)  # a kilometre away
    assert await keys() == []
    show(DroneState.RETURNING, lat=24.511)
    assert await keys() == ["dock-d1/u1"]
    show(DroneState.LANDING)
    assert await keys() == ["dock-d1/u1"]
    show(DroneState.LANDING, berth="elsewhere")
    assert await keys() == []
    show(DroneState.LANDING, "u2")  # it has no camera
    show(DroneState.CLOSING)
    assert await keys() == []
    show(DroneState.LANDING, berth="d1")
    async with api.as_("worker") as worker:
        found = (await worker.get("/api/v1/watches")).json()["watches"][-1]
    assert found == {
        "key": "dock-d1/u1",
        "site": "",
        "source": "tcp://127.0.0.1:9",
        "drone": "u1",
        "since": None,
        "position": [117.65, 24.51],
        "detector": {
            "kind": "marker", "marker_id": 7, "size_m": 0.6, "dock": "d1",
            "lon": 117.65, "lat": 24.51,
        },
        "station_url": None,
    }  # fmt: skip


async def test_one_at_a_dock_is_watched_the_one_that_comes_down_next(
    api: Any, hub: LiveHub
) -> None:
    (dock,) = api.context.city.docks
    marked = dock.model_copy(update={"marker": Marker(id=7, size_m=0.6)})
    first = next(d for d in api.context.city.drones if d.video is not None)
    three = tuple(first.model_copy(update={"id": name}) for name in ("w1", "w2", "w3"))
    city = api.context.city.model_copy(update={"docks": (marked,), "drones": three})
    object.__setattr__(api.context, "city", city)

    def show(drone: str, state: DroneState, altitude: float) -> None:
        t = Telemetry(
            at=datetime.now(UTC), connected=True, lon=117.65, lat=24.51, altitude_m=altitude
        )
        hub.publish("drone", drone, DroneLive(id=drone, dock="d1", state=state, telemetry=t))

    async def watched() -> list[str]:
        async with api.as_("worker") as worker:
            watches = (await worker.get("/api/v1/watches")).json()["watches"]
        return [w["drone"] for w in watches if w["detector"]["kind"] == "marker"]

    show("w1", DroneState.RETURNING, 70.0)
    show("w2", DroneState.RETURNING, 40.0)
    show("w3", DroneState.RETURNING, 55.0)
    assert await watched() == ["w2"]
    show("w3", DroneState.LANDING, 50.0)
    assert await watched() == ["w3"]
    show("w3", DroneState.CLOSING, 0.0)
    assert await watched() == ["w2"]
    show("w2", DroneState.CLOSING, 0.0)
    assert await watched() == ["w1"]


async def test_who_may_act_and_asks_is_present(api: Any) -> None:
    presence = api.context.hub.presence
    presence._heard_at -= timedelta(hours=1).total_seconds()
    for role in ("viewer", "worker"):
        async with api.as_(role) as client:
            await client.get("/api/v1/me")
        assert presence.absent_s() > 3000
    async with api.as_("officer") as officer:
        await officer.get("/api/v1/me")
    assert presence.absent_s() < 60


async def test_the_commands_are_documented(api: Any) -> None:
    async with api.as_(None) as anyone:
        schema = (await anyone.get("/openapi.json")).json()
    post = schema["paths"]["/api/v1/drones/{drone_id}/commands"]["post"]
    body = post["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["discriminator"]["mapping"]) == {
        "return", "hold", "resume", "land", "goto", "orbit", "look_at", "gimbal", "kill",
        "take_control", "release_control",
    }  # fmt: skip
    assert {"200", "409", "504"} <= set(post["responses"])
    for path in ("flights", "flights/{flight_id}/tlog", "hours"):
        assert f"/api/v1/{path}" in schema["paths"]


async def test_a_database_that_hangs_refuses_no_word_of_safety(
    api: Any, flight: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with api.as_("pilot") as pilot, api.as_("officer") as officer:
        assert (await pilot.post(COMMANDS, json={"action": "hold"})).status_code == 200

        @asynccontextmanager
        async def hang() -> AsyncIterator[Any]:
            await asyncio.Event().wait()
            yield

        with monkeypatch.context() as patch:
            patch.setattr(api.context.store, "read", hang)
            patch.setattr(docket, "STORE_S", 0.2)
            async with api.context.store.write():  # somebody writes, and does not end
                for action in ("hold", "return", "land"):
                    answer = await pilot.post(COMMANDS, json={"action": action})
                    assert answer.status_code == 200, answer.text
                answer = await pilot.post(COMMANDS, json={"action": "resume"})
                assert answer.status_code == 503
                assert "does not say whether the token is still good" in answer.text
                stranger = pilot.post(
                    COMMANDS,
                    json={"action": "hold"},
                    headers={"authorization": "Bearer sky_guessed"},
                )
                with pytest.raises(TimeoutError):  # whom it never knew it does not believe
                    await asyncio.wait_for(stranger, 0.5)
        assert [asked[1] for asked in flight.asked] == ["u1"] * 4
        async with asyncio.timeout(10):
            while len((await pilot.get(COMMANDS)).json()) < 4:
                await asyncio.sleep(0.05)
        assert (await officer.post(COMMANDS, json={"action": "hold"})).status_code == 403


async def test_a_database_that_is_slow_refuses_nothing(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is no word of safety waits for it."""
    async with api.as_("pilot") as pilot:
        assert (await pilot.post(COMMANDS, json={"action": "hold"})).status_code == 200
        quick = api.context.store.read

        @asynccontextmanager
        async def slow() -> AsyncIterator[Any]:
            await asyncio.sleep(3 * LOOK_S)
            async with quick() as session:
                yield session

        monkeypatch.setattr(api.context.store, "read", slow)
        assert (await pilot.post(COMMANDS, json={"action": "resume"})).status_code == 200


async def test_a_token_that_was_revoked_is_not_remembered() -> None:
    remembered = RememberedTokens()
    record = tokens.TokenRecord(uuid4(), "li", "pilot", datetime.now(UTC), None)
    remembered.note("sky_a", record, 0.0)
    assert remembered.get("sky_a", 600.0) == record
    assert remembered.get("sky_a", 600.1) is None
    assert remembered.get("sky_b", 0.0) is None
    remembered.note("sky_a", None, 1.0)
    assert remembered.get("sky_a", 1.0) is None


async def test_two_tokens_of_one_name_are_two_pilots(api: Any) -> None:
    async with api.context.store.write() as tx:
        _, other = await tokens.create(tx.session, "a pilot", "pilot", datetime.now(UTC))
    async with api.as_("pilot") as pilot:
        assert (await pilot.post(COMMANDS, json={"action": "take_control"})).status_code == 200
        bearer = {"authorization": f"Bearer {other}"}
        refused = await pilot.post(COMMANDS, json={"action": "hold"}, headers=bearer)
        assert refused.status_code == 409
        assert "by another token of that name, has control of u1" in refused.json()["detail"]
        overrides = {"checks": ["temperature-fit"], "reason": "it is calm at the dock"}
        path = "/api/v1/drones/u1/overrides"
        assert (await pilot.post(path, json=overrides, headers=bearer)).status_code == 409
