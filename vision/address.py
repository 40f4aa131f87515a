"""Addresses of video: what kind they are, and how they are written where others read them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from vision.errors import SourceError

Kind = Literal["stream", "file", "picture", "folder"]

STREAMS = ("rtsp", "rtsps", "tcp", "udp")
PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})

_SECRET = re.compile(
    r"(?i)((?:^|[?&;])(?:user(?:name)?|pass(?:word)?|pwd|token|key|secret|auth)=)[^&;#]*"
)


def redact(address: str) -> str:
    """Return `address` without user name, password, or secrets in its query.

    What cannot be read as a URL loses everything up to its last ``@``.
    """
    if "://" not in address:
        return address
    try:
        parts = urlsplit(address)
    except ValueError:
        scheme, _, rest = address.partition("://")
        return f"{scheme}://{rest.rpartition('@')[2]}"
    host = parts.netloc.rpartition("@")[2]
    query = _SECRET.sub(r"\1***", parts.query)
    return urlunsplit((parts.scheme, host, parts.path, query, ""))


def kind_of(address: str) -> Kind:
    """Return what `address` names.

    Raises
    ------
    SourceError
        ``bad_address`` for a scheme that is not read, ``not_found`` where there is no such file.
    """
    scheme, separator, _ = address.partition("://")
    if separator:
        if scheme == "file":
            return kind_of(file_path(address))
        if scheme not in STREAMS:
            raise SourceError(
                f"{redact(address)}: scheme {scheme!r} is not read; allowed are a file, a folder of pictures, "
                f"{', '.join(f'{s}://' for s in STREAMS)}",
                reason="bad_address",
            )
        return "stream"
    if not address:
        raise SourceError("the address is empty", reason="bad_address")
    path = Path(address)
    try:
        if path.is_dir():
            return "folder"
        if not path.exists():
            raise SourceError(f"{address}: no such file", reason="not_found")
    except PermissionError as error:
        raise SourceError(f"{address}: {error.strerror}", reason="no_permission") from error
    return "picture" if path.suffix.lower() in PICTURES else "file"


def file_path(address: str) -> str:
    """Return `address` without a leading ``file://``."""
    return address.removeprefix("file://")
