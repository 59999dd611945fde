"""How a client reaches the server, and people who take that way."""

import functools
import ssl
from dataclasses import dataclass

import httpx

from tests.people import Person


@dataclass(frozen=True)
class Way:
    """The address of the chat as a browser has it, and the forward proxy it is told to use, if any."""

    url: str
    proxy: str | None = None
    http2: bool = False

    def client(self, address: str | None = None, **headers: str) -> httpx.AsyncClient:
        """Certificates are the tests' own and are not checked; `address` is where it calls from."""
        transport = httpx.AsyncHTTPTransport(
            verify=_unchecked(), http1=not self.http2, http2=self.http2, proxy=self.proxy, local_address=address
        )
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=30, transport=transport, trust_env=False)


class Visitor(Person):
    """A person who takes this way, with the header by which browsers say that a request is the page's own.

    Browsers send it to addresses with TLS and to localhost; stock proxies change `Host`, so that `Origin` differs.
    """

    def __init__(self, name: str, way: Way, room: str = "lobby", *, address: str | None = None, **headers: str) -> None:
        self.name = name
        self.url = way.url
        self.room = room
        self.client = way.client(address, **({"Origin": way.url, "Sec-Fetch-Site": "same-origin"} | headers))


@functools.cache
def _unchecked() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
