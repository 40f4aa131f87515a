"""The HTTP server inside the controller's own event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from fleet.errors import SettingsError

CONNECTIONS = 500
"""Connections at once; above it the answer is 503."""

CLOSE_S = 1
"""How long requests in progress may take when the controller ends."""


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises
    ------
    SettingsError
        If the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(256)
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"cannot listen on {host}:{port}: {error.strerror or error}",
            hint="another program has the port? name another with --port, or `api` in the city file",
        ) from error
    listener.setblocking(False)
    return listener


class Server(uvicorn.Server):
    """uvicorn without its signal handlers, which says when it is up."""

    def __init__(self, app: FastAPI, listener: socket.socket) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=CLOSE_S,
        )
        super().__init__(config)
        self._listener = listener
        self.up = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the controller."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self.up.set()

    async def run_here(self) -> None:
        """Serve until ``should_exit`` is set."""
        await self.serve(sockets=[self._listener])
