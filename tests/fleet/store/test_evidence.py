"""Pictures by their hash: written once, read back, nothing outside of the folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from fleet.errors import StoreError
from fleet.store.evidence import EvidenceFolder, Picture


def picture(data: bytes = b"\xff\xd8\xff picture") -> Picture:
    return Picture(hashlib.sha256(data).hexdigest(), data, 8, 8)


async def test_a_picture_comes_back_and_is_written_once(tmp_path: Path) -> None:
    folder = EvidenceFolder(tmp_path / "evidence")
    one = picture()
    assert await folder.get(one.sha256) is None
    await folder.put(one)
    made = folder.path(one.sha256).stat().st_mtime_ns
    await folder.put(one)
    assert folder.path(one.sha256).stat().st_mtime_ns == made
    assert await folder.get(one.sha256) == one.data
    assert [p.name for p in (tmp_path / "evidence").rglob("*") if p.is_file()] == [
        f"{one.sha256}.jpg"
    ]


async def test_a_damaged_picture_is_said_to_be_and_mended_by_the_next_copy(tmp_path: Path) -> None:
    folder, one = EvidenceFolder(tmp_path), picture()
    await folder.put(one)
    folder.path(one.sha256).write_bytes(one.data[:-3])
    with pytest.raises(StoreError, match="damaged"):
        await folder.get(one.sha256)
    await folder.put(one)
    assert await folder.get(one.sha256) == one.data


@pytest.mark.parametrize("name", ["../../etc/passwd", "A" * 64, "", "0" * 63, "0" * 64 + "/x"])
async def test_a_name_that_is_no_hash_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="no SHA-256"):
        await EvidenceFolder(tmp_path).get(name)


async def test_a_full_or_forbidden_folder_is_a_store_error_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    (tmp_path / "evidence").write_text("a file is in the way")
    with pytest.raises(StoreError, match="cannot keep evidence") as caught:
        await EvidenceFolder(tmp_path / "evidence").put(picture())
    assert caught.value.hint
