"""The RTSP server, byte by byte."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitl.camera.stream import Chunk
from sitl.rtsp import BadRequest, RtpSender, RtspServer, parse_request


class Camera:
    """A camera that sends what it is told."""

    drone = "d1"

    def __init__(self) -> None:
        self.watchers: list[Any] = []
        self.broken = False

    def join(self, watcher: Any) -> bool:
        if not self.broken:
            self.watchers.append(watcher)
        return not self.broken

    def leave(self, watcher: Any) -> None:
        if watcher in self.watchers:
            self.watchers.remove(watcher)


class Talk:
    """A connection to the server."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, url: str
    ) -> None:
        self.reader, self.writer, self.url = reader, writer, url
        self.cseq = 0

    async def ask(
        self, method: str, url: str | None = None, **headers: str
    ) -> tuple[int, dict[str, str], str]:
        self.cseq += 1
        lines = [f"{method} {url or self.url} RTSP/1.0", f"CSeq: {self.cseq}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.writer.write("\r\n".join([*lines, "", ""]).encode())
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 5)).decode()
        first, *rest = head.strip().split("\r\n")
        found = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in rest)}
        assert found["cseq"] == str(self.cseq)
        body = await self.reader.readexactly(int(found.get("content-length", 0)))
        return int(first.split()[1]), found, body.decode()


@asynccontextmanager
async def talking() -> AsyncIterator[tuple[Talk, Camera]]:
    camera = Camera()
    server = RtspServer({"d1": camera})  # type: ignore[dict-item]
    await server.start("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        yield Talk(reader, writer, f"rtsp://127.0.0.1:{server.port}/d1"), camera
    finally:
        writer.close()
        await server.close()


async def test_interleaved_from_options_to_teardown() -> None:
    async with talking() as (talk, camera):
        status, headers, _ = await talk.ask("OPTIONS")
        assert status == 200
        assert "DESCRIBE" in headers["public"]
        status, headers, sdp = await talk.ask("DESCRIBE", Accept="application/sdp")
        assert status == 200
        assert headers["content-type"] == "application/sdp"
        assert "m=video 0 RTP/AVP 33\r\n" in sdp
        status, headers, _ = await talk.ask(
            "SETUP", talk.url + "/trackID=0", Transport="RTP/AVP/TCP;unicast;interleaved=2-3"
        )
        assert status == 200
        assert headers["transport"] == "RTP/AVP/TCP;unicast;interleaved=2-3"
        session = headers["session"].partition(";")[0]
        assert (await talk.ask("PLAY", Session=session))[0] == 200
        data = bytes(range(188)) * 9
        camera.watchers[0].deliver(Chunk(data, True, 4711))
        got = b""
        for size in (7 * 188, 2 * 188):
            mark, channel, length = struct.unpack(">cBH", await talk.reader.readexactly(4))
            packet = await talk.reader.readexactly(length)
            version, kind, _, stamp, _ = struct.unpack(">BBHII", packet[:12])
            assert (mark, channel, version, kind, stamp) == (b"$", 2, 0x80, 33, 4711)
            assert len(packet) == 12 + size
            got += packet[12:]
        assert got == data
        talk.writer.write(b"$\x03\x00\x04RTCP")  # a receiver report is passed over
        assert (await talk.ask("GET_PARAMETER", Session=session))[0] == 200
        assert (await talk.ask("PAUSE", Session=session))[0] == 200
        assert camera.watchers == []
        assert (await talk.ask("PLAY", Session=session))[0] == 200
        assert (await talk.ask("TEARDOWN", Session=session))[0] == 200
        assert camera.watchers == []
        assert await talk.reader.read() == b""


async def test_udp() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtp:
        rtp.bind(("127.0.0.1", 0))
        rtp.settimeout(5)
        port = rtp.getsockname()[1]
        async with talking() as (talk, camera):
            status, headers, _ = await talk.ask(
                "SETUP", Transport=f"RTP/AVP;unicast;client_port={port}-{port + 1}"
            )
            assert status == 200
            assert f"client_port={port}-{port + 1};server_port=" in headers["transport"]
            session = headers["session"].partition(";")[0]
            await talk.ask("PLAY", Session=session)
            camera.watchers[0].deliver(Chunk(b"G" * 188 * 3, True, 9))
            packet = await asyncio.to_thread(rtp.recv, 65536)
            assert packet[12:] == b"G" * 188 * 3


async def test_what_is_not_there_or_not_possible() -> None:
    async with talking() as (talk, camera):
        assert (await talk.ask("DESCRIBE", talk.url + "x"))[0] == 404
        assert (await talk.ask("SETUP", Transport="RTP/AVP;multicast"))[0] == 461
        assert (await talk.ask("PLAY", Session="none"))[0] == 454
        assert (await talk.ask("RECORD"))[0] == 405
        _, headers, _ = await talk.ask("SETUP", Transport="RTP/AVP/TCP;interleaved=0-1")
        camera.broken = True
        session = headers["session"].partition(";")[0]
        assert (await talk.ask("PLAY", Session=session))[0] == 503


@pytest.mark.parametrize(
    "rubbish", [b"GET / HTTP/1.1\r\n\r\n", b"\x00\xff\xfe\r\n\r\n", b"x" * 40_000]
)
async def test_rubbish_ends_the_connection_and_not_the_server(rubbish: bytes) -> None:
    async with talking() as (talk, _):
        port = int(talk.url.split(":")[2].split("/")[0])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(rubbish)
        answer = await asyncio.wait_for(reader.read(), 5)
        assert answer == b"" or answer.startswith(b"RTSP/1.0 400")
        writer.close()
        assert (await talk.ask("OPTIONS"))[0] == 200


async def test_a_client_that_goes_away_is_forgotten() -> None:
    async with talking() as (talk, camera):
        _, headers, _ = await talk.ask("SETUP", Transport="RTP/AVP/TCP;interleaved=0-1")
        await talk.ask("PLAY", Session=headers["session"].partition(";")[0])
        assert camera.watchers
        talk.writer.transport.abort()
        async with asyncio.timeout(5):
            while camera.watchers:
                await asyncio.sleep(0.01)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_parser(head: bytes) -> None:
    try:
        request = parse_request(head)
    except BadRequest:
        return
    assert request.method


@given(st.integers(1, 40))
def test_rtp_numbers_count_on(count: int) -> None:
    sender = RtpSender(lambda _: None, sequence=65_530)
    packets = sender.packets(Chunk(b"\x47" * 188 * count, True, (1 << 32) + 5))
    numbers = [struct.unpack(">H", p[2:4])[0] for p in packets]
    assert numbers == [(65_530 + k) % 65_536 for k in range(-(-count // 7))]
    assert all(struct.unpack(">I", p[4:8])[0] == 5 for p in packets)
