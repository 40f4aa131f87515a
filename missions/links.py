"""MAVLink addresses: whether two that are written differently mean the same end."""

from __future__ import annotations

import re

_HOST_PORT = re.compile(r"^(?P<host>\[[0-9a-fA-F:.]+\]|[^:/\s\[\]]*):(?P<port>[0-9]{1,5})$")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


def link_key(url: str) -> str | None:
    """Return what makes an address one of a kind, or None where it is no address.

    A UDP port that the controller listens on is one end whatever interface is written before it,
    and so is a vehicle that listens on that port of the same machine.

    Parameters
    ----------
    url
        mavsdk connection url: ``udpin://HOST:PORT``, ``udpout://HOST:PORT``,
        ``tcpout://HOST:PORT`` or ``serial://DEVICE[:BAUD]``.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return None
    if scheme == "serial":
        device = rest.split(":", 1)[0]
        return f"serial {device}" if device.strip("/") else None
    match = _HOST_PORT.match(rest)
    if match is None or not 1 <= int(match["port"]) <= 65535:
        return None
    host, port = match["host"].lower(), int(match["port"])
    if scheme == "udpin":
        return f"udp local {port}"
    if not host:
        return None
    if host in _LOOPBACK:
        host = "local"
    if scheme == "udpout":
        return f"udp {host} {port}"
    return f"tcp {host} {port}" if scheme == "tcpout" else None
