"""Posting detections: multipart limits, idempotence, and what comes of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from fleet.api.detections import BODY_LIMIT


async def test_a_detection_is_201_then_200_with_the_same_incident(api: Any, post: Any) -> None:
    name = uuid4()
    fixed = {
        "id": name,
        "captured_at": "2026-05-01T00:00:00Z",
        "exceeded_at": "2026-05-01T00:00:00Z",
    }
    first, again = await post(**fixed), await post(**fixed)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["incident"] == again.json()["incident"]
    assert (first.json()["duplicate"], again.json()["duplicate"]) == (False, True)
    other = await post(**fixed, value=9)
    assert other.status_code == 409


async def test_its_picture_and_incident_can_be_read_and_decided(
    api: Any, post: Any, jpeg: Callable[[int], bytes]
) -> None:
    answer = await post(3, site="market", kind="crowd", unit="1/m2")
    async with api.as_("officer") as officer:
        path = f"/api/v1/incidents/{answer.json()['incident']}"
        incident = (await officer.get(path)).json()
        assert incident["status"] == "waiting"
        picture = await officer.get(f"/api/v1/evidence/{incident['image_sha256']}")
        assert picture.content == jpeg(3)
        assert picture.headers["content-type"] == "image/jpeg"
        confirmed = await officer.post(f"{path}/confirm", json={"reason": "dense"})
        assert (confirmed.json()["status"], confirmed.json()["decided_by"]) == (
            "confirmed",
            "a officer",
        )
        assert (await officer.post(f"{path}/confirm", json={"reason": ""})).status_code == 200
        refused = await officer.post(f"{path}/reject", json={"reason": "no"})
        assert refused.status_code == 409
        assert "confirmed by a officer" in refused.json()["detail"]
        assert [i["id"] for i in (await officer.get("/api/v1/incidents")).json()] == [
            incident["id"]
        ]


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"site": "mars"}, 422, "no site 'mars'"),
        ({"image_sha256": "0" * 64}, 422, "SHA-256"),
    ],
)
async def test_what_cannot_be_taken_is_422_in_words(
    post: Any, changes: dict[str, Any], status: int, words: str
) -> None:
    answer = await post(**changes)
    assert answer.status_code == status
    assert words in answer.json()["detail"]


async def test_parts_that_are_missing_wrong_or_too_large_are_refused(
    api: Any, jpeg: Callable[[int], bytes], make_detection: Callable[..., Any]
) -> None:
    image = jpeg(0)
    good = make_detection(image).model_dump_json()
    cases: list[tuple[Any, int]] = [
        ({"detection": (None, good)}, 422),
        ({"image": ("i.jpg", image)}, 422),
        ({"detection": (None, "{}"), "image": ("i.jpg", image)}, 422),
        ({"detection": (None, "not json"), "image": ("i.jpg", image)}, 422),
        ({"detection": (None, good), "image": ("i.jpg", b"x" * (4 * 1024 * 1024 + 1))}, 413),
        ({"detection": (None, "x" * 70_000), "image": ("i.jpg", image)}, 400),
        ({"detection": ("d.json", "x" * 70_000), "image": ("i.jpg", image)}, 413),
    ]
    async with api.as_("worker") as worker:
        for files, status in cases:
            answer = await worker.post("/api/v1/detections", files=files)
            assert answer.status_code == status, (list(files), answer.text)
            assert isinstance(answer.json()["detail"], str)
        answer = await worker.post("/api/v1/detections", json={})
        assert answer.status_code == 415
        both = {"detection": ("d.json", good), "image": ("i.jpg", image)}
        assert (await worker.post("/api/v1/detections", files=both)).status_code == 201


async def test_a_body_without_an_end_is_refused_while_it_comes_in(api: Any, served: Any) -> None:
    head = (
        "POST /api/v1/detections HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n"
        f"authorization: Bearer {api.secrets['worker']}\r\n"
        "content-type: multipart/form-data; boundary=b\r\n\r\n"
    )
    start = b'--b\r\ncontent-disposition: form-data; name="image"; filename="i.jpg"\r\n\r\n'
    async with served() as (url, _server):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
        writer.write(head.encode())
        sent, answer = 0, asyncio.create_task(reader.readline())
        piece = start
        while not answer.done() and sent < 3 * BODY_LIMIT:
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            sent += len(piece)
            piece = b"x" * 65536
            await writer.drain()
            await asyncio.sleep(0)
        assert b" 413 " in await asyncio.wait_for(answer, 5)
        writer.close()
    assert sent < 3 * BODY_LIMIT
