"""Evidence: pictures on disk by the SHA-256 of their bytes, and a row for each."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from fleet.errors import StoreError
from fleet.store.tables import EvidenceRow

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Picture:
    """A verified JPEG; sizes in pixels."""

    sha256: str
    data: bytes
    width_px: int
    height_px: int
    media_type: str = "image/jpeg"


class EvidenceFolder:
    """Content-addressed files below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, sha256: str) -> Path:
        """Return where a picture lies.

        Raises
        ------
        StoreError
            If the name is no SHA-256 in lower-case hex.
        """
        if not _SHA256.fullmatch(sha256):
            raise StoreError(f"{sha256!r} is no SHA-256 in lower-case hex")
        return self._folder / sha256[:2] / f"{sha256}.jpg"

    async def put(self, picture: Picture) -> None:
        """Write a picture and wait until it is on disk; nothing is done where it is there already.

        A file of that name with other bytes (a damaged disk) is replaced.

        Raises
        ------
        StoreError
            If the file cannot be written.
        """
        await asyncio.to_thread(self._put, picture)

    async def get(self, sha256: str) -> bytes | None:
        """Return a picture's bytes, or None where there is none.

        Raises
        ------
        StoreError
            If the file cannot be read, or its bytes are no longer those that were kept.
        """
        return await asyncio.to_thread(self._get, sha256)

    def _put(self, picture: Picture) -> None:
        path = self.path(picture.sha256)
        try:
            if path.exists() and path.read_bytes() == picture.data:
                return
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync_folder(path.parent.parent)
            handle, partial = tempfile.mkstemp(dir=path.parent, prefix=".partial-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(picture.data)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(partial, path)
            except BaseException:
                Path(partial).unlink(missing_ok=True)
                raise
            _sync_folder(path.parent)
        except OSError as error:
            raise StoreError(
                f"cannot keep evidence {path}: {error.strerror}",
                hint="check free space and permissions of the data folder",
            ) from error

    def _get(self, sha256: str) -> bytes | None:
        path = self.path(sha256)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"cannot read evidence {path}: {error.strerror}") from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise StoreError(f"evidence {path} is damaged: its bytes are not those that were kept")
        return data


def _sync_folder(folder: Path) -> None:
    """Make a new name in a folder survive a loss of power."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


async def save(session: AsyncSession, picture: Picture, at: datetime) -> None:
    """Insert a picture's row unless it is there; its file has been written before."""
    if await session.get(EvidenceRow, picture.sha256) is None:
        session.add(
            EvidenceRow(
                sha256=picture.sha256,
                media_type=picture.media_type,
                size_bytes=len(picture.data),
                width_px=picture.width_px,
                height_px=picture.height_px,
                stored_at=at,
            )
        )
        await session.flush()
