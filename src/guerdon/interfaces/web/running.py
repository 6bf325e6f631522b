"""Running: an address that is bound before anything is loaded, and a server on it that finishes what it has begun when it is asked to stop."""

import ipaddress
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from guerdon.errors import InputError
from guerdon.interfaces.web.ending import Drained, Ending
from guerdon.interfaces.web.guarding import Guarded

LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
GRACE = 30  # seconds that requests may still take when it is asked to stop
AT_ONCE = 2  # and when the grace is over, or it is asked again


@dataclass(frozen=True)
class Address:
    """Where a server listens; ``bound`` is the socket."""

    host: str
    port: int
    bound: socket.socket

    @property
    def loopback(self) -> bool:
        return _loopback(self.host)

    @property
    def url(self) -> str:
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def link(self) -> str:
        """The URL for others: where it listens at every address of this machine, by the machine's name."""
        everywhere = not self.loopback and ipaddress.ip_address(self.bound.getsockname()[0]).is_unspecified
        return f"http://{socket.gethostname()}:{self.port}" if everywhere else self.url


def address(host: str, port: int) -> Address:
    """The address, bound; port 0 takes one that is free.

    Raises:
        InputError: the host is none of this machine's, or the port is taken.
    """
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(where)
    except (OSError, OverflowError) as error:
        raise InputError(f"--host {host} --port {port}: cannot listen there ({error}); give another port, or 0 for a free one") from error
    return Address(host, bound.getsockname()[1], bound)


def serve(
    app: Any,
    at: Address,
    tokens: Mapping[str, str],
    most_bytes: int,
    say: Callable[[str], None],
    open_paths: frozenset[str] = frozenset(),
    ending: Ending | None = None,
    grace: float = GRACE,
) -> None:
    """Serve the application until Ctrl-C or SIGTERM, or until ``ending`` is asked for; what was begun is finished, for ``grace`` seconds at most, and new requests are
    refused meanwhile.

    Args:
        tokens: token → whose it is. Without one only this machine may ask.
        say: is told the address once it is served.
        open_paths: that are answered without a token, and until the very end.

    Raises:
        InputError: others than this machine could ask without a token, or what serves is not installed.
    """
    if not at.loopback and not tokens:
        raise InputError(f"--host {at.host}: everybody who reaches it could ask; give a token, or listen on 127.0.0.1")
    try:
        import uvicorn
    except ImportError as error:
        raise InputError("a server needs the extra 'serve'; install it with pip install 'guerdon[serve]'") from error
    from guerdon.interfaces.web._server import Server

    hosts = LOCAL | {at.host.lower()} if at.loopback else frozenset()
    ending = ending or Ending()
    guarded = Guarded(Drained(app, ending, open_paths), tokens, hosts, most_bytes, open_paths)
    configuration = uvicorn.Config(
        guarded, log_level="warning", access_log=False, timeout_graceful_shutdown=AT_ONCE, ws="none", server_header=False, log_config=None
    )
    server = Server(configuration, ending, grace)
    at.bound.listen(configuration.backlog)  # who is told the address may ask at once
    say(at.url)
    server.run(sockets=[at.bound])


def _loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
