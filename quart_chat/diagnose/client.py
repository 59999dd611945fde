"""HTTP as a program of this network speaks it: through the proxies that the environment names, piece by piece."""

import base64
import http.client
import ssl
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from quart_chat.diagnose.headers import Headers, text
from quart_chat.hosts import clean

CONNECT = 10.0
"""Seconds to connect, and for the first answer."""

PIECE = 64 * 1024

Connection = http.client.HTTPConnection

TROUBLE = (OSError, http.client.HTTPException, zlib.error)
"""All that can go wrong on the way."""


class Unusable(Exception):
    """There is nothing to measure. The message is one line that says why; exit code 2."""


@dataclass(frozen=True, slots=True)
class Proxy:
    host: str
    port: int
    credentials: str | None


@dataclass(frozen=True, slots=True)
class Server:
    """The server to be measured, and the way to it."""

    scheme: str
    host: str
    port: int
    authority: str
    proxy: Proxy | None

    def get(self, path: str, *, timeout: float) -> tuple[Connection, http.client.HTTPResponse]:
        """The answer as soon as it begins; `timeout` is in seconds, and for each of its pieces. Raises TROUBLE."""
        connection = self.connect(tunnel=self.scheme == "https")
        try:
            connection.connect()
            connection.sock.settimeout(timeout)
            absolute = self.proxy is not None and self.scheme == "http"
            address = f"http://{self.authority}{path}" if absolute else path
            connection.request("GET", address, headers=self._headers())
            return connection, connection.getresponse()
        except BaseException:
            connection.close()
            raise

    def connect(self, *, tunnel: bool) -> Connection:
        """A connection to the server, or to the proxy before it: with `tunnel`, then through it. It is not yet open."""
        host, port = (self.proxy.host, self.proxy.port) if self.proxy else (self.host, self.port)
        kind = http.client.HTTPSConnection if self.scheme == "https" else Connection
        connection = kind(host, port, timeout=CONNECT)
        if self.proxy and tunnel:
            connection.set_tunnel(self.host, self.port, self._proxy_headers())
        return connection

    def _headers(self) -> dict[str, str]:
        # Compression is asked for, to see whether somebody does it: the server itself does not.
        own = {"User-Agent": "quart-chat-diagnose", "Accept-Encoding": "gzip", "Cache-Control": "no-cache"}
        return own | (self._proxy_headers() if self.scheme == "http" else {})

    def _proxy_headers(self) -> dict[str, str]:
        return {"Proxy-Authorization": self.proxy.credentials} if self.proxy and self.proxy.credentials else {}


def server(url: str) -> Server:
    """The server that serves `url`; its path does not matter. Raises Unusable."""
    parts, port = _split(url)
    host = parts.hostname or ""
    # An address keeps what it has: the zone of one of IPv6 among that.
    host = host if ":" in host else clean(host)
    if parts.scheme not in ("http", "https") or not host:
        raise Unusable(f"{url!r} is no address of a chat. It must look like https://chat.example.org")
    authority = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    proxy = None if proxy_bypass(authority) else getproxies().get(parts.scheme)
    port = port or (443 if parts.scheme == "https" else 80)
    return Server(parts.scheme, host, port, authority, _proxy(proxy) if proxy else None)


def read(response: http.client.HTTPResponse, seconds: float) -> Iterator[tuple[bytes, float]]:
    """What comes, without compression, and when (on the monotonic clock). Raises TROUBLE, also after `seconds`."""
    until = time.monotonic() + seconds
    zipped = zlib.decompressobj(47) if response.headers.get("Content-Encoding") in ("gzip", "deflate") else None
    while piece := response.read1(PIECE):
        if time.monotonic() > until:
            raise TimeoutError
        yield zipped.decompress(piece, 16 * PIECE) if zipped else piece, time.monotonic()


def headers_of(response: http.client.HTTPResponse) -> Headers:
    return tuple((name.lower(), text(value)) for name, value in response.getheaders())


def issuer_of(connection: Connection) -> str:
    """Who has signed the server's certificate, or that of somebody who opens TLS in between; empty without TLS."""
    if not isinstance(connection.sock, ssl.SSLSocket):
        return ""
    issuer: Any = (connection.sock.getpeercert() or {}).get("issuer", ())
    return text(", ".join(value for names in issuer for _, value in names))


def reason(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted here ({error.verify_message}); somebody may be opening TLS in between"
    if isinstance(error, TimeoutError):
        return "no answer came in time"
    return str(getattr(error, "strerror", None) or error or type(error).__name__).rstrip(".")


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        return parts, parts.port
    except ValueError as error:
        raise Unusable(f"{url!r} is no address: {error}.") from error


def _proxy(url: str) -> Proxy:
    parts, port = _split(url if "//" in url else f"http://{url}")
    if parts.scheme != "http" or not parts.hostname:
        raise Unusable(f"The proxy {parts.scheme}://{parts.hostname} cannot be used: only http:// proxies can.")
    if parts.username is None:
        return Proxy(parts.hostname, port or 80, None)
    credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return Proxy(parts.hostname, port or 80, f"Basic {base64.b64encode(credentials.encode()).decode()}")
