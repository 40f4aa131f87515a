"""Addresses that are written differently and mean the same end."""

from __future__ import annotations

import pytest

from missions.links import link_key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("udpin://0.0.0.0:14540", "udpin://127.0.0.1:14540"),
        ("udpin://0.0.0.0:14540", "udpin://:14540"),
        ("udpin://0.0.0.0:14540", "udpout://localhost:14540"),
        ("udpout://10.0.0.7:14550", "udpout://10.0.0.7:14550"),
        ("udpout://Drone.local:14550", "udpout://drone.local:14550"),
        ("serial:///dev/ttyUSB0:57600", "serial:///dev/ttyUSB0:921600"),
    ],
)
def test_same(one: str, other: str) -> None:
    assert link_key(one) is not None
    assert link_key(one) == link_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("udpin://0.0.0.0:14540", "udpin://0.0.0.0:14541"),
        ("udpout://10.0.0.7:14550", "udpout://10.0.0.8:14550"),
        ("udpout://10.0.0.7:14550", "tcpout://10.0.0.7:14550"),
        ("udpin://0.0.0.0:14540", "udpout://10.0.0.7:14540"),
        ("serial:///dev/ttyUSB0:57600", "serial:///dev/ttyUSB1:57600"),
    ],
)
def test_different(one: str, other: str) -> None:
    assert None not in (link_key(one), link_key(other))
    assert link_key(one) != link_key(other)


@pytest.mark.parametrize(
    "url",
    ["", "udpin", "udpin://", "udpin://h", "udpin://h:0", "udpin://h:65536", "udpin://h:x",
     "udpout://:14550", "serial://", "http://h:80", "udpin://a:b:1", "udpin://h:١"],
)  # fmt: skip
def test_no_address(url: str) -> None:
    assert link_key(url) is None
