"""The CAD as a process, spoken to as the controller does."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
IMAGE = b"\xff\xd8 a picture \xff\xd9"
ROOT = Path(__file__).parents[2]


@contextmanager
def cad(log: Path, *args: str) -> Iterator[str]:
    """Run the CAD and yield its address; it must end by itself on SIGTERM."""
    with subprocess.Popen(
        [sys.executable, "-m", "sitl.cli", "cad", "--listen", "127.0.0.1:0", "--log", str(log), *args],
        stdout=subprocess.PIPE, cwd=ROOT, text=True,
        env={**os.environ, "SKYBEAT_CAD_SECRET": SECRET},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["cad"]
            process.terminate()
            assert process.wait(10) == 0
        finally:
            process.kill()


def body(incident: str = "i-1", version: int = 1, **image: Any) -> str:
    picture = {
        "media_type": "image/jpeg",
        "sha256": hashlib.sha256(IMAGE).hexdigest(),
        "base64": base64.b64encode(IMAGE).decode(),
    }
    now = datetime.now(UTC).isoformat()
    return json.dumps(
        {
            "type": "incident.created", "timestamp": now,
            "data": {
                "incident": incident, "version": version, "site": "zhangzhou-bridge",
                "site_name": "Bridge", "kind": "water", "level": "orange", "value": 3.61, "unit": "m",
                "threshold": 3.5, "lon": 117.66, "lat": 24.505, "captured_at": now, "opened_at": now,
                "decided_by": "policy", "image": {**picture, **image},
            },
        }
    )  # fmt: skip


def post(
    url: str, name: str, text: str, *, at: datetime | None = None, secret: str = SECRET
) -> httpx.Response:
    at = at or datetime.now(UTC)
    headers = {
        "webhook-id": name,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(name, at, text),
        "content-type": "application/json",
    }
    return httpx.post(url, content=text, headers=headers, trust_env=False, timeout=10)


def entries(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_a_delivery_is_taken_logged_and_known_after_a_restart(tmp_path: Path) -> None:
    log = tmp_path / "cad.jsonl"
    with cad(log) as url:
        answer = post(url, "i-1.1", body())
        assert (answer.status_code, answer.json()) == (200, {"id": "i-1.1"})
        assert post(url, "i-1.1", body()).json() == {"id": "i-1.1"}
        post(url, "i-1.2", body(version=2))
    with log.open("a") as file:
        file.write('{"at": "cut off by a ki')
    with cad(log) as url:
        assert post(url, "i-1.2", body(version=2)).json() == {"id": "i-1.2"}
        kept = httpx.get(url, trust_env=False).json()["incidents"]
        assert [(i["incident"], i["version"]) for i in kept] == [("i-1", 2)]
    assert [(e["webhook_id"], e["duplicate"]) for e in entries(log)] == [
        ("i-1.1", False), ("i-1.1", True), ("i-1.2", False), ("i-1.2", True),
    ]  # fmt: skip
    first = entries(log)[0]
    assert (first["kind"], first["kind_of"], first["site"]) == (
        "received",
        "water",
        "zhangzhou-bridge",
    )
    assert (first["image_bytes"], first["image_ok"]) == (len(IMAGE), True)
    assert {"at", "captured_at", "received_at", "level", "type", "incident"} <= set(first)


def test_what_is_not_right_is_refused_and_logged(tmp_path: Path) -> None:
    log = tmp_path / "cad.jsonl"
    other = "whsec_" + base64.b64encode(b"x" * 32).decode()
    with cad(log) as url:
        assert post(url, "a", body(), secret=other).status_code == 401
        assert (
            post(url, "b", body(), at=datetime.now(UTC) - timedelta(minutes=10)).status_code == 401
        )
        assert httpx.post(url, content=body(), trust_env=False).status_code == 401
        assert post(url, "c", "{}").status_code == 422
        assert post(url, "d", body(sha256="0" * 64)).status_code == 422
        assert post(url, "e", body(base64="!!")).status_code == 422
        assert httpx.get(url, trust_env=False).json() == {"incidents": []}
    refused = [e for e in entries(log) if e["kind"] == "refused"]
    reasons = [e["reason"] for e in refused]
    assert len(reasons) == 6
    assert "No matching signature" in reasons[0]
    assert "too old" in reasons[1]
    assert "type" in reasons[3]
    assert "sha256" in reasons[4]
    bad = [e for e in entries(log) if e["kind"] == "received"]
    assert [e["image_ok"] for e in bad] == [False, False]


def test_a_picture_that_was_refused_can_be_sent_again(tmp_path: Path) -> None:
    log = tmp_path / "cad.jsonl"
    with cad(log) as url:
        assert post(url, "i-1.1", body(base64="AAAA")).status_code == 422
    with cad(log) as url:  # what was refused is not remembered as taken
        assert httpx.get(url, trust_env=False).json() == {"incidents": []}
        assert post(url, "i-1.1", body()).status_code == 200
    assert [e["duplicate"] for e in entries(log) if e["kind"] == "received"] == [False, False]


def test_an_incident_whose_picture_was_lost_is_taken_without(tmp_path: Path) -> None:
    log = tmp_path / "cad.jsonl"
    with cad(log) as url:
        assert post(url, "i-1.1", body(base64="")).json() == {"id": "i-1.1"}
    assert [(e["image_ok"], e["taken"]) for e in entries(log)] == [(False, True)]


def test_faults(tmp_path: Path) -> None:
    with cad(tmp_path / "cad.jsonl") as url:
        fault = url.replace("/incidents", "/fault")
        for name, status, text in (("error", 500, "internal error"), ("nonsense", 200, "It works")):
            httpx.put(fault, json={"fault": name}, trust_env=False)
            answer = post(url, "i-1.1", body())
            assert answer.status_code == status
            assert text in answer.text
        assert httpx.put(fault, json={"fault": "sulk"}, trust_env=False).status_code == 422
        httpx.put(fault, json={"fault": "none"}, trust_env=False)
        assert post(url, "i-1.1", body()).json() == {"id": "i-1.1"}


def run(*args: str, secret: str | None = SECRET) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if k != "SKYBEAT_CAD_SECRET"}
    if secret is not None:
        env["SKYBEAT_CAD_SECRET"] = secret
    return subprocess.run(
        [sys.executable, "-m", "sitl.cli", "cad", *args],
        capture_output=True, text=True, cwd=ROOT, env=env, timeout=30, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("args", "secret", "status", "message"),
    [
        ([], None, 2, "SKYBEAT_CAD_SECRET is not set"),
        ([], "whsec_c2hvcnQ=", 2, "has 5 bytes"),
        (["--listen", "nowhere"], SECRET, 2, "must be HOST:PORT"),
        (["--log", "/proc/nothing/cad.jsonl"], SECRET, 1, "cannot be written"),
    ],
)
def test_what_cannot_start_says_why(
    args: list[str], secret: str | None, status: int, message: str
) -> None:
    done = run(*args, secret=secret)
    assert done.returncode == status
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("--listen", f"127.0.0.1:{port}")
    assert done.returncode == 1
    assert f"127.0.0.1:{port}: Address already in use" in done.stderr
    assert "hint: " in done.stderr


def test_it_ends_with_its_input(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "sitl.cli", "cad", "--listen", "127.0.0.1:0", "--until-input-ends"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT,
        env={**os.environ, "SKYBEAT_CAD_SECRET": SECRET},
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        assert b"ready" in process.stdout.readline()
        process.stdin.close()
        assert process.wait(5) == 0


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGHUP])
def test_signals_end_it(name: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "sitl.cli", "cad", "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ, "SKYBEAT_CAD_SECRET": SECRET},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert b"ready" in process.stdout.readline()
        process.send_signal(name)
        assert process.wait(5) == 0
