"""RTSP, interleaved in the connection and over UDP, against a server made here."""

from __future__ import annotations

import base64
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from vision.errors import SourceError
from vision.source import LiveSource


class RtspServer:
    """Serves one transport stream as RTP (RFC 2250) to one player after the other."""

    def __init__(self, data: bytes, *, udp: bool = False, login: str = "") -> None:
        self.data, self.udp, self.login = data, udp, login
        self.transports: list[str] = []
        self._stop = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0.1)
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                continue
            with connection:
                connection.settimeout(5)
                try:
                    self._talk(connection)
                except OSError:
                    continue

    def _talk(self, connection: socket.socket) -> None:  # noqa: C901  # one branch a method
        stream = connection.makefile("rb")
        send: Callable[[bytes], object] | None = None
        out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        while not self._stop.is_set():
            first = stream.readline().decode()
            if not first:
                return
            headers = {}
            while line := stream.readline().strip().decode():
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            method, reply, body = first.split()[0], "200 OK", ""
            extra = ""
            wanted = "Basic " + base64.b64encode(self.login.encode()).decode()
            if self.login and headers.get("authorization") != wanted:
                reply, extra = "401 Unauthorized", 'WWW-Authenticate: Basic realm="camera"\r\n'
            elif method == "DESCRIBE":
                body = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                body += "m=video 0 RTP/AVP 33\r\na=control:track1\r\n"
                extra = "Content-Type: application/sdp\r\n"
            elif method == "SETUP":
                transport = headers["transport"]
                self.transports.append(transport)
                if "TCP" in transport and self.udp:
                    reply = "461 Unsupported Transport"
                elif "TCP" in transport:
                    extra = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"

                    def send(packet: bytes) -> object:
                        return connection.sendall(
                            b"$\x00" + struct.pack(">H", len(packet)) + packet
                        )
                else:
                    ports = transport.partition("client_port=")[2].split(";")[0]
                    to = ("127.0.0.1", int(ports.split("-")[0]))
                    out.bind(("127.0.0.1", 0))
                    own = out.getsockname()[1]
                    extra = f"Transport: RTP/AVP;unicast;client_port={ports};server_port={own}-{own + 1}\r\n"

                    def send(packet: bytes, to: tuple[str, int] = to) -> object:
                        return out.sendto(packet, to)

                extra += "Session: 1\r\n" if reply.startswith("200") else ""
            elif method == "PLAY":
                extra = "Session: 1\r\n"
            head = f"RTSP/1.0 {reply}\r\nCSeq: {headers.get('cseq', '0')}\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
            connection.sendall((head + body).encode())
            if method == "PLAY" and send is not None:
                self._play(send)
                return
            if method == "TEARDOWN":
                return

    def _play(self, send: Callable[[bytes], object]) -> None:
        sequence = 0
        while not self._stop.is_set():
            for i in range(0, len(self.data), 188 * 7):
                header = struct.pack(">BBHII", 0x80, 33, sequence & 0xFFFF, sequence * 900, 1)
                send(header + self.data[i : i + 188 * 7])
                sequence += 1
                if self._stop.wait(0.005):
                    return

    def close(self) -> None:
        self._stop.set()
        self._socket.close()
        self._thread.join(3)


@pytest.fixture
def serve() -> Iterator[Callable[..., RtspServer]]:
    servers: list[RtspServer] = []

    def make(data: bytes, **how: object) -> RtspServer:
        servers.append(RtspServer(data, **how))  # type: ignore[arg-type]
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def first(source: LiveSource) -> object:
    end = time.monotonic() + 20
    while True:
        try:
            return source.read(1.0)
        except SourceError as error:
            if time.monotonic() >= end:
                raise AssertionError(f"no frame: {source.health}") from error


@pytest.mark.parametrize("udp", [False, True])
def test_rtsp(
    serve: Callable[..., RtspServer],
    make_ts: Callable[..., bytes],
    hover: Callable[..., object],
    udp: bool,
) -> None:
    rng = np.random.default_rng(1)
    images = [rng.integers(0, 255, (120, 160, 3), dtype=np.uint8) for _ in range(20)]
    server = serve(make_ts(images, metas=[hover(i / 10) for i in range(20)]), udp=udp)
    with LiveSource(f"rtsp://127.0.0.1:{server.port}/live") as source:
        frame = first(source)
        assert frame.image.shape == (120, 160, 3)  # type: ignore[attr-defined]
        assert frame.pose is not None  # type: ignore[attr-defined]
    assert "TCP" in server.transports[0]
    assert any("client_port" in t for t in server.transports) == udp


def test_rtsp_with_login(serve: Callable[..., RtspServer], make_ts: Callable[..., bytes]) -> None:
    server = serve(
        make_ts([np.full((120, 160, 3), 9 * i, np.uint8) for i in range(20)]), login="eye:open"
    )
    with LiveSource(f"rtsp://eye:open@127.0.0.1:{server.port}/live") as source:
        first(source)


def test_rtsp_with_a_wrong_password_says_so_without_it(
    serve: Callable[..., RtspServer], make_ts: Callable[..., bytes]
) -> None:
    server = serve(make_ts([np.zeros((120, 160, 3), np.uint8)] * 3), login="eye:open")
    with LiveSource(f"rtsp://eye:wrongword@127.0.0.1:{server.port}/live") as source:
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with pytest.raises(SourceError) as caught:
                source.read(0.3)
            if "refuses" in str(caught.value):
                break
        assert "refuses" in str(caught.value)
        assert "wrongword" not in str(caught.value)
