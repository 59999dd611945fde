"""Everything the routes need to know about the request at hand. Quart's globals stop here."""

import functools
import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from urllib.parse import parse_qsl

from quart import Request as QuartRequest
from quart import current_app
from werkzeug.datastructures import Headers
from werkzeug.sansio.request import Request

from quart_chat import compression
from quart_chat.asgi import Scope
from quart_chat.domain.actors import Asker
from quart_chat.errors import BodyUnsupported, ChatError, FormInvalid, MethodNotAllowed, RequestTooLarge
from quart_chat.hosts import canonical
from quart_chat.http import fields, proxies, surfaces
from quart_chat.http.policies import Policy
from quart_chat.http.serving import Serving
from quart_chat.http.surfaces import FORM, Surface
from quart_chat.models import Cursor, User

EXTENSION = "quart_chat"

NONCE = "quart_chat.nonce"
"""Where the scope of a request holds its nonce, if anything in the answer carries one."""

POLICY = "quart_chat.policy"
"""Where it holds what its page may do beyond the others."""

ESCAPES = 40_000
"""Escaped bytes in a form at most: each costs more than all else that is done with it, and the longest message that is
written in characters of four bytes has 32,000."""

NETWORK_LENGTH = 12
"""Hexadecimal digits in the name of a network."""

RefusedPage = Callable[[ChatError], Awaitable[str | bytes]]


@dataclass(slots=True)
class Around:
    """What a request says of the page around the embed that made it: in headers, in its address or in its form."""

    host: str | None
    """As `Embed.host`; None where it is in no embed."""
    token: str | None


@dataclass(slots=True)
class Visit:
    """What becomes known of a request while it is answered."""

    around: Around | None = None
    asker: Asker | None = None
    user: User | None = None
    is_known: bool = False
    """Whether it has been looked up who that is."""
    headers: dict[bytes, bytes] | None = None
    """As `header` looks for them."""
    refused_page: RefusedPage | None = None
    """What a browser without JavaScript is shown when the request is refused."""


class HeldRequest(Request):
    """A request that is answered without Quart: what its own request is made of, and no more."""

    def __init__(self, scope: Scope, serving: Serving) -> None:
        super().__init__(
            scope["method"],
            scope["scheme"],
            scope.get("server"),
            scope.get("root_path", ""),
            scope["path"],
            scope["query_string"],
            Headers([(name.decode("latin1"), value.decode("latin1")) for name, value in scope["headers"]]),
            scope["client"][0] if scope.get("client") else None,
        )
        self.scope = scope
        self.serving = serving
        self.visit = Visit()
        self.http_version: str = scope["http_version"]


class ChatRequest(QuartRequest):
    """A request that Quart answers. Like the other it knows what serves it, and what becomes known of it."""

    serving: Serving
    visit: Visit
    rest: AsyncIterator[bytes] | None = None
    """The body in parts, if it is longer than a form."""
    begun: bytes = b""
    """What has come of that one."""


_asked: ContextVar[HeldRequest | ChatRequest] = ContextVar("asked")
"""In place of Quart's own, which is behind two lookups and a proxy, some fifty times in a request."""


@contextmanager
def held(request: HeldRequest) -> Iterator[None]:
    """Within this, everything here is about `request`."""
    token = _asked.set(request)
    try:
        yield
    finally:
        _asked.reset(token)


def begin(request: ChatRequest, serving: Serving) -> None:
    """From here on, in this task, everything here is about `request`."""
    request.serving = serving
    request.visit = Visit()
    _asked.set(request)


def _by_quart() -> ChatRequest:
    """The same where only Quart's own request will do."""
    request = _asked.get()
    assert isinstance(request, ChatRequest)
    return request


def serving() -> Serving:
    return _asked.get().serving


def nonce() -> str:
    """The random value that this response's scripts and styles carry (https://www.w3.org/TR/CSP3/#framework-directive-source-list)."""
    scope: Scope = _by_quart().scope  # type: ignore[assignment]  # a dictionary, to which middleware may add
    value: str = scope.setdefault(NONCE, secrets.token_urlsafe(16))
    return value


def render(template: str, **values: object) -> str:
    """A whole page."""
    return serving().templates.render(template, **{"nonce": nonce(), "origin": origin()} | values)


def fragment(template: str, **values: object) -> str:
    """A part of a page, for htmx: the same for every viewer, so without a nonce."""
    return serving().templates.render(template, **values)


def headers() -> Headers:
    """All of them, as they came."""
    return _asked.get().headers


def header(name: bytes) -> str | None:
    """What the first of this name says, which is in lower case as ASGI has it. Werkzeug's own go through all of them,
    some fifteen times in a request, and raise and catch an error for each that is not there."""
    asked = _asked.get()
    found = asked.visit.headers
    if found is None:
        found = asked.visit.headers = dict(reversed(list(asked.scope["headers"])))
    value = found.get(name)
    return None if value is None else value.decode("latin1")


def cookie(name: str) -> str | None:
    value: str | None = _asked.get().cookies.get(name)
    return value


def visit() -> Visit:
    return _asked.get().visit


def http_version() -> str:
    return _asked.get().http_version


def is_head() -> bool:
    return _asked.get().method == "HEAD"


def check_method(*allowed: str) -> None:
    """Raises MethodNotAllowed."""
    if _asked.get().method not in allowed:
        raise MethodNotAllowed


def has_body() -> bool:
    """Whether something comes, or is to come, behind the headers (https://www.rfc-editor.org/rfc/rfc9112#section-6)."""
    return header(b"transfer-encoding") is not None or (header(b"content-length") or "0") != "0"


def is_safe() -> bool:
    """Whether the request only reads (https://www.rfc-editor.org/rfc/rfc9110#name-safe-methods)."""
    return _asked.get().method in ("GET", "HEAD", "OPTIONS")


def is_htmx() -> bool:
    return header(b"hx-request") == "true"


def is_navigation() -> bool:
    """Whether the browser is going to show the answer as a page."""
    return header(b"sec-fetch-dest") == "document"


def surface() -> Surface:
    """Of the route that was asked for."""
    asked = _by_quart()
    endpoint = asked.endpoint
    return surfaces.surface_of(current_app, endpoint) if endpoint else surfaces.surface_around(current_app, asked.path)


def takes_gzip() -> bool:
    """Whether the client takes compressed answers."""
    return bool(compression.chosen((header(b"accept-encoding") or "").encode(), {b"gzip": None}))


def origin() -> str:
    """The server's own origin: as configured, else as this request addressed it, by a name that is the server's."""
    return serving().config.public_url or canonical(f"{_asked.get().scheme}://{header(b'host') or ''}")


def is_https() -> bool:
    return (serving().config.public_url or _asked.get().scheme).startswith("https")


def address() -> str:
    """Where the request comes from, as far as limits go: an IPv4 address, or the /64 that an IPv6 user has."""
    return address_of(_asked.get().scope.get("client"))


def address_of(client: tuple[str, int] | None) -> str:
    """The same for a request that has not begun yet, by what its scope says of the client."""
    return counted(client[0] if client else "")


@functools.lru_cache(1024)
def counted(peer: str) -> str:
    """As which address a peer counts for limits."""
    ip = proxies.parse(peer.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip or peer)


def network() -> str:
    """A name for where the request comes from, which says only whether it is the same as that of another."""
    return hmac.digest(serving().chat.secret, b"network\0" + address().encode(), hashlib.sha256).hex()[:NETWORK_LENGTH]


def path() -> str:
    return _asked.get().path


def answers(path: str) -> bool:
    """Whether there is something at this path for a request like this one."""
    found: bool = current_app.url_map.bind("").test(path, method=_asked.get().method)
    return found


def query() -> bytes:
    """The query as it came."""
    return _asked.get().query_string


def argument(name: str) -> str:
    """A value of the query; empty when it is not there."""
    value: str = _asked.get().args.get(name, "")
    return value


def optional(name: str) -> str | None:
    """A value of the query; None when it is not there."""
    value: str | None = _asked.get().args.get(name)
    return value


def slug() -> str | None:
    """The room's, as the address has it."""
    value: str | None = (_by_quart().view_args or {}).get("slug")
    return value


def number(name: str) -> int | None:
    """A number of the query; None for anything that is not one, or is larger than any id."""
    return as_number(argument(name))


def as_number(text: str) -> int | None:
    """The same of any text that came with a request."""
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None


def last_event_id() -> Cursor | None:
    """Where a stream goes on: the `Last-Event-ID` header, else `?after=`.

    A value that is no cursor counts as one of another database: the reader is told to reset.
    """
    text = header(b"last-event-id") or argument("after")
    return (Cursor.parse(text) or Cursor("", 0)) if text else None


def check_body() -> None:
    """Refuse a body that the route does not take, by what the headers say of it. Raises BodyUnsupported,
    RequestTooLarge."""
    request, taken = _by_quart(), surface()
    # What does not say what it is, is a form.
    kind = request.mimetype or (FORM if has_body() else "")
    if kind and kind not in taken.kinds:
        raise BodyUnsupported(taken.kinds)
    if (request.content_length or 0) > taken.length:
        raise _too_large()


async def whole_body() -> bytes:
    """The body of a request whose route takes no more than a form has. Raises RequestTooLarge."""
    request = _by_quart()
    if request.rest is not None:
        raise _too_large()
    body = await request.get_data()
    assert isinstance(body, bytes)
    if len(body) > surface().length:
        raise _too_large(body)
    return body


def _too_large(body: bytes | None = None) -> RequestTooLarge:
    """What to say of this body, or of one of which only the beginning has come."""
    request, most = _by_quart(), surface().length
    if (request.mimetype or FORM) != FORM:
        return RequestTooLarge(f"{RequestTooLarge.sentence} This address takes up to {most:,} bytes.")
    return fields.too_large(request.begun if body is None else body, request.content_length, most)


async def parts() -> AsyncIterator[bytes]:
    """The body as it comes, once: nothing of it is kept. Raises RequestTooLarge, BodyBroken."""
    request = _by_quart()
    most, received = surface().length, 0
    if request.rest is None:
        yield await whole_body()
        return
    async for part in request.rest:
        received += len(part)
        if received > most:
            raise _too_large()
        yield part


async def form() -> dict[str, str]:
    """The fields of a POST, read strictly: bytes that are no UTF-8 are refused, not replaced.

    Raises FormInvalid, RequestTooLarge.
    """
    body = await whole_body()
    if body.count(b"%") > ESCAPES:
        raise _too_large(body)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=20))
    except UnicodeDecodeError:
        raise FormInvalid("The text is not valid UTF-8. Please send it again as plain text.") from None
    except ValueError:
        raise FormInvalid("The form has too many fields.") from None


def allow(policy: Policy) -> None:
    """Let this answer's page do what others may not."""
    scope: Scope = _by_quart().scope  # type: ignore[assignment]  # as above
    scope[POLICY] = policy


def if_refused(page: RefusedPage) -> None:
    """What a browser without JavaScript is shown when this request is refused: the same page, its form still filled."""
    visit().refused_page = page


async def refused_page(error: ChatError) -> str | bytes | None:
    """That page; None where there is none, or where the page itself is what is refused."""
    page = visit().refused_page
    try:
        return await page(error) if page else None
    except ChatError:
        return None
