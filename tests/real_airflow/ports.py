"""A port for a server that is yet to be started."""

from __future__ import annotations

from contextlib import suppress
from random import SystemRandom
from socket import create_server

NEVER_GIVEN = range(20_000, 32_000)  # Linux gives connections, and who binds port 0, one from 32768 on


def free_port() -> int:
    """A port of loopback at which nobody listens. Nobody is given it by chance before the server has started."""
    for port in SystemRandom().sample(NEVER_GIVEN, 100):
        with suppress(OSError), create_server(("127.0.0.1", port)):
            return port
    raise OSError("of a hundred ports on loopback none is free")
