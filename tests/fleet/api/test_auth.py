"""Every call against every role: the table of ARCHITECTURE.md."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from fleet.api.auth import Role
from fleet.store import tokens

NOBODY = UUID(int=0)
ROLES = ("viewer", "officer", "pilot", "admin")
CALLS: list[tuple[str, str, str, Any]] = [
    ("GET", "/api/v1/map", "viewer", None),
    ("GET", "/api/v1/state", "viewer", None),
    ("GET", "/api/v1/missions", "viewer", None),
    ("GET", f"/api/v1/missions/{NOBODY}", "viewer", None),
    ("POST", "/api/v1/missions", "pilot", {"kind": "patrol", "beats": ["b1"]}),
    ("DELETE", f"/api/v1/missions/{NOBODY}", "pilot", None),
    ("POST", "/api/v1/recall", "pilot", {"reason": "storm"}),
    ("POST", "/api/v1/drones/u1/commands", "pilot", {"action": "return"}),
    ("GET", "/api/v1/drones/u1/commands", "viewer", None),
    ("POST", "/api/v1/drones/u1/overrides", "pilot", {"checks": [], "reason": ""}),
    (
        "PUT",
        "/api/v1/drones/u1/landing-target",
        "worker",
        {"captured_at": "2026-01-01T00:00:00Z", "north_m": 0, "east_m": 0, "down_m": 9},
    ),
    ("GET", "/api/v1/flights", "viewer", None),
    ("GET", f"/api/v1/flights/{NOBODY}", "viewer", None),
    ("GET", f"/api/v1/flights/{NOBODY}/track.geojson", "viewer", None),
    ("GET", f"/api/v1/flights/{NOBODY}/track.csv", "viewer", None),
    ("GET", f"/api/v1/flights/{NOBODY}/events", "viewer", None),
    ("GET", f"/api/v1/flights/{NOBODY}/tlog", "viewer", None),
    ("GET", "/api/v1/hours", "viewer", None),
    ("GET", "/api/v1/incidents", "viewer", None),
    ("GET", f"/api/v1/incidents/{NOBODY}", "viewer", None),
    ("POST", f"/api/v1/incidents/{NOBODY}/confirm", "officer", {"reason": ""}),
    ("POST", f"/api/v1/incidents/{NOBODY}/reject", "officer", {"reason": ""}),
    ("GET", f"/api/v1/evidence/{'0' * 64}", "viewer", None),
    ("GET", "/api/v1/tokens", "admin", None),
    ("POST", "/api/v1/tokens", "admin", {"name": "x", "role": "viewer"}),
    ("DELETE", f"/api/v1/tokens/{NOBODY}", "admin", None),
    ("GET", "/api/v1/watches", "worker", None),
    ("GET", "/api/v1/sites/bridge/station", "worker", None),
    ("GET", "/api/v1/sites/bridge/station/files/board.png", "worker", None),
    ("PUT", "/api/v1/sites/bridge/status", "worker", {"state": "watching"}),
    ("POST", "/api/v1/detections", "worker", None),
]


async def test_each_call_is_open_to_its_role_and_those_above_and_to_no_other(api: Any) -> None:
    for role in (None, *ROLES, "worker"):
        async with api.as_(role) as client:
            for method, path, needed, body in CALLS:
                answer = await client.request(method, path, json=body)
                where = (role, method, path, answer.text)
                if role is None:
                    assert answer.status_code == 401, where
                    assert answer.headers["www-authenticate"] == "Bearer"
                elif permitted(role, needed):
                    assert answer.status_code not in (401, 403, 500), where
                else:
                    assert answer.status_code == 403, where
                    assert isinstance(answer.json()["detail"], str)


def permitted(role: str, needed: str) -> bool:
    if needed == "worker":
        return role in ("worker", "admin")
    return role != "worker" and ROLES.index(role) >= ROLES.index(needed)


async def test_an_invented_or_revoked_token_is_refused(api: Any) -> None:
    async with api.as_("viewer") as client:
        for given in ("Bearer sky_invented", "Bearer ", "Basic dXNlcjpwYXNz", "sky_x"):
            answer = await client.get("/api/v1/me", headers={"authorization": given})
            assert answer.status_code == 401, given
    async with api.as_("admin") as admin, api.as_("viewer") as viewer:
        me = (await viewer.get("/api/v1/me")).json()
        assert UUID(me.pop("id"))
        assert me == {"name": "a viewer", "role": "viewer"}
        listed = (await admin.get("/api/v1/tokens")).json()
        one = next(t for t in listed if t["name"] == "a viewer")
        assert (await admin.delete(f"/api/v1/tokens/{one['id']}")).status_code == 204
        assert (await viewer.get("/api/v1/me")).status_code == 401


async def test_a_token_is_shown_once_and_only_its_hash_is_kept(api: Any, tmp_path: Any) -> None:
    async with api.as_("admin") as admin:
        made = (await admin.post("/api/v1/tokens", json={"name": "map", "role": "viewer"})).json()
        listed = await admin.get("/api/v1/tokens")
    assert made["token"].startswith("sky_")
    assert len(made["token"]) >= 43  # 256 bits in base64
    assert made["token"] not in listed.text
    await api.context.store.close()
    for file in (tmp_path / "data").rglob("*"):
        if file.is_file():
            assert made["token"].encode() not in file.read_bytes()
    assert tokens.digest(made["token"]) not in listed.text


def test_roles_are_ordered_and_workers_stand_aside() -> None:
    assert Role.ADMIN.permits(Role.VIEWER)
    assert Role.ADMIN.permits(Role.WORKER)
    assert not Role.VIEWER.permits(Role.OFFICER)
    assert not Role.WORKER.permits(Role.VIEWER)
    assert not Role.PILOT.permits(Role.WORKER)


async def test_an_unknown_role_is_refused(api: Any) -> None:
    async with api.as_("admin") as admin:
        answer = await admin.post("/api/v1/tokens", json={"name": "x", "role": "god"})
        assert answer.status_code == 422
        assert "role" in answer.json()["detail"]
        assert (await admin.delete(f"/api/v1/tokens/{uuid4()}")).status_code == 404
