"""The MQTT broker of the simulated city: amqtt, embedded, on this machine's own addresses only."""

from __future__ import annotations

import errno
import logging
import socket
from urllib.parse import urlsplit

from amqtt.broker import Broker as Amqtt

from sitl.errors import SimError

DEFAULT_PORT = 1883
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class BrokerError(SimError):
    """The embedded broker cannot be started; says on which address and why."""


def address(url: str) -> tuple[str, int]:
    """Return host and port of a city file's broker.

    Raises
    ------
    BrokerError
        If it is not one that can be embedded: TLS, or another machine's.
    """
    parts = urlsplit(url)
    if parts.scheme != "mqtt" or parts.hostname not in _LOOPBACK:
        raise BrokerError(
            f"broker {url!r} cannot be simulated: only mqtt:// on 127.0.0.1 can",
            hint="a city in the field has its own broker; give the simulator a city file of its own",
        )
    return parts.hostname, DEFAULT_PORT if parts.port is None else parts.port


class Broker:
    """The broker. Anonymous, so it refuses to listen beyond this machine.

    Parameters
    ----------
    host, port
        Where to listen; port 0 takes a free one, which ``port`` then says.
    """

    def __init__(self, host: str, port: int) -> None:
        if host not in _LOOPBACK:
            raise BrokerError(f"the embedded broker listens on 127.0.0.1 only, not on {host!r}")
        self.host, self.port = host, port
        self._broker: Amqtt | None = None

    async def start(self) -> None:
        """Listen.

        Raises
        ------
        BrokerError
            If the address is taken or cannot be used.
        """
        # it logs every refused connection (MQTT 5 is one) with a trace; what matters is raised
        for name in ("amqtt", "transitions"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self.port = self._free(self.port)
        config = {
            "listeners": {"default": {"type": "tcp", "bind": f"{self.host}:{self.port}"}},
            "plugins": {
                "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}
            },
        }
        broker = Amqtt(config)
        await broker.start()
        self._broker = broker

    def _free(self, port: int) -> int:
        """Return the port, tried out first: amqtt's own error does not say what is wrong."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, port))
            except OSError as error:
                taken = error.errno == errno.EADDRINUSE
                raise BrokerError(
                    f"the MQTT broker cannot listen on {self.host}:{port}: {error.strerror}",
                    hint="another broker or simulator runs there; stop it, or change `broker: url:` in the city file"
                    if taken
                    else "ports below 1024 need root; change `broker: url:` in the city file",
                ) from error
            return int(probe.getsockname()[1])

    async def stop(self) -> None:
        """Listen no longer and drop every client."""
        broker, self._broker = self._broker, None
        if broker is not None:
            await broker.shutdown()
