"""Who a request comes from, where a proxy brings it: what the proxy says counts, and only if the operator trusts it.

Each proxy adds the address that it was called from at the end of `X-Forwarded-For`. What stands before that, the client
may have written itself.
"""

import functools
import re
from collections.abc import Awaitable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

import structlog

from quart_chat.asgi import App, Receive, Scope, Send
from quart_chat.config import UNIX

log = structlog.get_logger()

FOR, PROTO = b"x-forwarded-for", b"x-forwarded-proto"

HOPS = 16
"""Proxies that are followed, one behind the other: a header may name thousands of trusted ones."""

LONGEST = 64
"""Characters of an address with a port at most, and more than any has: what is longer is not even looked at."""

REMEMBERED = 4096
"""Addresses that are kept parsed."""

SCHEMES = {
    "http": {b"http": "http", b"https": "https"},
    "websocket": {b"http": "ws", b"https": "wss"},
}
"""By the type of a scope: its scheme for what a proxy says."""

WITH_PORT = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<v4>[0-9.]+))(?::[0-9]{1,5})?")

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Proxies:
    """ASGI middleware that puts the client and the scheme that trusted proxies name into the scope. Where none is
    trusted, it only tells of one that should be.

    The host is not taken from them: they have to pass `Host` on. An open stream keeps no frame of this.
    """

    def __init__(self, app: App, networks: tuple[Network, ...], *, unix: bool) -> None:
        """Trust whoever calls from `networks`, and with `unix` whoever has no address: through a Unix socket."""
        self._app = app
        self._networks = networks
        self._unix = unix
        self._trusts = functools.lru_cache(REMEMBERED)(self._is_within)
        self._told = False

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] in SCHEMES:
            self._resolve(scope)
        return self._app(scope, receive, send)

    def _resolve(self, scope: Scope) -> None:
        peer = _peer(scope)
        if not (self._unix if scope.get("client") is None else peer is not None and self._trusts(peer)):
            self._notice(scope)
            return
        # Into the scope of the server itself, which thus has the client in its access log.
        if (client := self._client(_said(scope, FOR).decode("latin1"))) is not None:
            scope["client"] = (str(client), 0)
        if scheme := SCHEMES[scope["type"]].get(_said(scope, PROTO).rpartition(b",")[2].strip(b" \t").lower()):
            scope["scheme"] = scheme

    def _notice(self, scope: Scope) -> None:
        """Tell the operator, once, of a proxy nearby that is not trusted: all who come through it count as one."""
        if self._told or not any(name == FOR for name, _ in scope["headers"]):
            return
        peer = _peer(scope)
        is_unix = scope.get("client") is None
        if not is_unix and (peer is None or not peer.is_private):
            return
        self._told = True
        log.warning(
            "a proxy names its clients in X-Forwarded-For but is not trusted: all of them count as one address and "
            "share its limits; if the proxy is yours, set QUART_CHAT_TRUSTED_PROXIES to its address",
            proxy=UNIX if is_unix else str(peer),
        )

    def _client(self, forwarded: str) -> Address | None:
        """The last address that no trusted proxy has. What cannot be read ends it: nothing before that is believed.

        None where nothing can be read at all.
        """
        found = None
        for value in reversed(forwarded.rsplit(",", HOPS)[-HOPS:]):
            address = parse(value.strip(" \t")) if len(value) <= LONGEST else None
            if address is None:
                break
            found = address
            if not self._trusts(address):
                break
        return found

    def _is_within(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


@functools.lru_cache(REMEMBERED)
def parse(value: str) -> Address | None:
    """An address, with or without a port (`192.0.2.1:80`, `[2001:db8::1]:80`); None for anything else.

    An IPv6 address that stands for an IPv4 one is that one. Zones (`fe80::1%eth0`) mean nothing elsewhere.
    """
    match = WITH_PORT.fullmatch(value)
    plain = value if match is None else match["v6"] or match["v4"]
    try:
        address = ip_address(plain)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return None if match is not None and match["v6"] else address
    return None if address.scope_id else address.ipv4_mapped or address


def _peer(scope: Mapping[str, Any]) -> Address | None:
    """The address at the other end of the connection; None where it has none."""
    client = scope.get("client")
    return parse(client[0].partition("%")[0]) if client else None


def _said(scope: Mapping[str, Any], header: bytes) -> bytes:
    """What all lines of a header say together (https://www.rfc-editor.org/rfc/rfc9110#section-5.3)."""
    return b",".join(value for name, value in scope["headers"] if name == header)
