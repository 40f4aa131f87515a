"""A small RTSP 1.0 server (RFC 2326) for MPEG-TS over RTP (RFC 2250, payload type 33).

OPTIONS, DESCRIBE, SETUP (interleaved in the connection, or UDP), PLAY, PAUSE, GET_PARAMETER and
TEARDOWN. Every client has a bounded send buffer; one that does not keep up is dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sitl.camera.stream import MAX_QUEUED, Camera, Chunk

MAX_HEAD = 16_384
MAX_CLIENTS = 64
IDLE_S = 90.0
"""A UDP client that has said nothing for so long is gone."""
TS_PER_RTP = 7
_STEP = 188 * TS_PER_RTP
_METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, TEARDOWN"
_REASONS = {
    200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed",
    454: "Session Not Found", 455: "Method Not Valid in This State", 461: "Unsupported Transport",
    503: "Service Unavailable", 505: "RTSP Version not supported",
}  # fmt: skip


class BadRequest(Exception):
    """Bytes that are no RTSP request."""


@dataclass(frozen=True, slots=True)
class Request:
    """An RTSP request; header names are in lower case."""

    method: str
    url: str
    headers: dict[str, str]

    @property
    def path(self) -> str:
        """The stream's name: the URL's path without slashes and without the track."""
        return re.sub(r"/?(trackID=\d+)?/*$", "", urlsplit(self.url).path).strip("/")


def parse_request(head: bytes) -> Request:
    """Return the request in the bytes up to the empty line.

    Raises
    ------
    BadRequest
        If it is none.
    """
    try:
        lines = head.decode("utf-8").split("\r\n")
    except UnicodeDecodeError as error:
        raise BadRequest("not text") from error
    match = re.fullmatch(r"([A-Z_]+) (\S+) RTSP/1\.\d", lines[0])
    if match is None:
        raise BadRequest(f"no RTSP 1.0 request line: {lines[0][:80]!r}")
    headers: dict[str, str] = {}
    for line in filter(None, lines[1:]):
        name, colon, value = line.partition(":")
        if not colon:
            raise BadRequest(f"no header: {line[:80]!r}")
        headers[name.strip().lower()] = value.strip()
    return Request(match[1], match[2], headers)


@dataclass(eq=False)
class RtpSender:
    """Cuts transport packets into RTP packets and hands each to ``send``."""

    send: Callable[[bytes], None]
    ssrc: int = field(default_factory=lambda: secrets.randbits(32))
    sequence: int = field(default_factory=lambda: secrets.randbits(16))

    def packets(self, chunk: Chunk) -> list[bytes]:
        """Return a chunk as RTP packets."""
        out = []
        for at in range(0, len(chunk.data), _STEP):
            head = struct.pack(
                ">BBHII", 0x80, 33, self.sequence, chunk.ticks & 0xFFFFFFFF, self.ssrc
            )
            self.sequence = (self.sequence + 1) & 0xFFFF
            out.append(head + chunk.data[at : at + _STEP])
        return out


class _Udp(asyncio.DatagramProtocol):
    """A client's RTP or RTCP port; what arrives is a sign of life."""

    def __init__(self, alive: Callable[[], None]) -> None:
        self._alive = alive

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._alive()

    def error_received(self, exc: Exception) -> None:
        """Leave it: a closed port shows itself as silence, and the client is dropped for that."""


class Client:
    """One connection to the server; a watcher of one camera."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: RtspServer
    ) -> None:
        self._reader, self._writer, self._server = reader, writer, server
        self._loop = asyncio.get_running_loop()
        self._session = secrets.token_hex(8)
        self._camera: Camera | None = None
        self._playing = False
        self._channel = 0
        self._udp: list[asyncio.DatagramTransport] = []
        self._sender: RtpSender | None = None
        self._heard = self._loop.time()

    # --- watcher -------------------------------------------------------------------------------

    def deliver(self, chunk: Chunk) -> None:
        """Send a chunk; drop this client where too much waits for it already."""
        if self._sender is None:
            return
        packets = self._sender.packets(chunk)
        if self._udp:
            if self._loop.time() - self._heard > IDLE_S:
                self.cut()
                return
            for packet in packets:
                self._sender.send(packet)
            return
        if self._writer.transport.get_write_buffer_size() > MAX_QUEUED:
            self.cut()
            return
        frames = [struct.pack(">cBH", b"$", self._channel, len(p)) + p for p in packets]
        self._writer.write(b"".join(frames))

    def cut(self) -> None:
        """Lose the connection at once."""
        self._writer.transport.abort()

    # --- requests ------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Answer requests until the connection ends."""
        try:
            while (request := await self._next()) is not None:
                self._heard = self._loop.time()
                status, headers, body = await self._answer(request)
                self._reply(status, request.headers.get("cseq", "0"), headers, body)
                await self._writer.drain()
                if request.method == "TEARDOWN":
                    break
        except BadRequest:
            self._reply(400, "0", {}, b"")
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client is gone or speaks something else: nobody to tell
        finally:
            self._end()
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    async def _next(self) -> Request | None:
        """Return the next request, skipping interleaved RTCP; None at the end."""
        while True:
            first = await self._reader.read(1)
            if not first:
                return None
            if first == b"$":
                _, size = struct.unpack(">BH", await self._reader.readexactly(3))
                await self._reader.readexactly(size)
                self._heard = self._loop.time()
                continue
            if first in b"\r\n":
                continue
            head = await self._reader.readuntil(b"\r\n\r\n")
            request = parse_request(first + head[:-4])
            size_text = request.headers.get("content-length", "0")
            if not size_text.isdigit() or int(size_text) > MAX_HEAD:
                raise BadRequest(f"content length {size_text!r}")
            await self._reader.readexactly(int(size_text))
            return request

    def _reply(self, status: int, cseq: str, headers: dict[str, str], body: bytes) -> None:
        lines = [f"RTSP/1.0 {status} {_REASONS[status]}", f"CSeq: {cseq}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    async def _answer(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        match request.method:
            case "OPTIONS":
                return 200, {"Public": _METHODS}, b""
            case "DESCRIBE":
                return self._describe(request)
            case "SETUP":
                return await self._setup(request)
            case "PLAY" | "PAUSE" | "GET_PARAMETER" | "TEARDOWN":
                return self._in_session(request)
            case _:
                return 405, {"Allow": _METHODS}, b""

    def _describe(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        camera = self._server.camera(request.path)
        if camera is None:
            return 404, {}, b""
        sdp = (
            f"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns={camera.drone}\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
            "a=control:*\r\nm=video 0 RTP/AVP 33\r\na=rtpmap:33 MP2T/90000\r\na=control:trackID=0\r\n"
        )
        base = request.url.rstrip("/") + "/"
        return 200, {"Content-Base": base, "Content-Type": "application/sdp"}, sdp.encode()

    async def _setup(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        camera = self._server.camera(request.path)
        if camera is None:
            return 404, {}, b""
        if self._playing:
            return 455, {}, b""
        wish = request.headers.get("transport", "")
        for option in wish.split(","):
            if "RTP/AVP/TCP" in option:
                channels = re.search(r"interleaved=(\d+)", option)
                self._channel = min(int(channels[1]), 254) if channels else 0
                self._close_udp()
                self._sender = RtpSender(lambda _: None)
                answer = f"RTP/AVP/TCP;unicast;interleaved={self._channel}-{self._channel + 1}"
                break
            ports = re.search(r"client_port=(\d+)(?:-(\d+))?", option)
            if ports and "multicast" not in option:
                answer = await self._open_udp(int(ports[1]), int(ports[2] or int(ports[1]) + 1))
                break
        else:
            return 461, {}, b""
        self._camera = camera
        return 200, {"Transport": answer, "Session": f"{self._session};timeout=60"}, b""

    async def _open_udp(self, rtp_port: int, rtcp_port: int) -> str:
        self._close_udp()
        peer = self._writer.get_extra_info("peername")[0]
        own = self._writer.get_extra_info("sockname")[0]

        def alive() -> None:
            self._heard = self._loop.time()

        for port in (rtp_port, rtcp_port):
            transport, _ = await self._loop.create_datagram_endpoint(
                lambda: _Udp(alive), local_addr=(own, 0), remote_addr=(peer, port)
            )
            self._udp.append(transport)
        self._sender = RtpSender(self._udp[0].sendto)
        ports = [t.get_extra_info("sockname")[1] for t in self._udp]
        return (
            f"RTP/AVP;unicast;client_port={rtp_port}-{rtcp_port};server_port={ports[0]}-{ports[1]}"
            f";ssrc={self._sender.ssrc:08X}"
        )

    def _in_session(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        named = request.headers.get("session", "").partition(";")[0]
        if request.method == "GET_PARAMETER" and not named:
            return 200, {}, b""
        if named != self._session or self._camera is None or self._sender is None:
            return 454, {}, b""
        session = {"Session": self._session}
        if request.method == "PLAY" and not self._playing:
            # the answer has to go out before the first picture: joining delivers in a later turn
            if not self._camera.join(self):
                return 503, session, b""
            self._playing = True
            return 200, session | {"Range": "npt=now-", "RTP-Info": f"url={request.url}"}, b""
        if request.method in ("PAUSE", "TEARDOWN"):
            self._camera.leave(self)
            self._playing = False
        return 200, session, b""

    def _close_udp(self) -> None:
        for transport in self._udp:
            transport.close()
        self._udp.clear()

    def _end(self) -> None:
        if self._camera is not None:
            self._camera.leave(self)
        self._close_udp()


class RtspServer:
    """Serves cameras by path.

    Parameters
    ----------
    cameras
        Path (without slashes) to camera.
    """

    def __init__(self, cameras: dict[str, Camera]) -> None:
        self._cameras = cameras
        self._server: asyncio.Server | None = None
        self._clients: set[Client] = set()
        self.port = 0

    def camera(self, path: str) -> Camera | None:
        """Return the camera of a path."""
        return self._cameras.get(path)

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 takes a free one, which ``port`` then says.

        Raises
        ------
        OSError
            If the address cannot be listened on.
        """
        self._server = await asyncio.start_server(self._serve, host, port, limit=MAX_HEAD)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._clients) >= MAX_CLIENTS:
            writer.transport.abort()
            return
        client = Client(reader, writer, self)
        self._clients.add(client)
        try:
            await client.serve()
        finally:
            self._clients.discard(client)

    async def close(self) -> None:
        """Listen no longer and cut everybody off."""
        if self._server is not None:
            self._server.close()
        for client in list(self._clients):
            client.cut()
