"""Everything the routes need to know about the request at hand. Quart's globals stop here."""

import functools
import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, urlsplit

from quart import current_app, g, request
from quart.wrappers import Response
from werkzeug.datastructures import Headers

from quart_chat.asgi import Scope
from quart_chat.domain import confirmation, identity
from quart_chat.domain.sender import Frame, Sender
from quart_chat.errors import ChatError, ConfirmationInvalid, FormInvalid, FormUnsupported
from quart_chat.models import Cursor, User
from quart_chat.streaming.handover import KEY, Handover
from quart_chat.web import proxies
from quart_chat.web.policies import Policy
from quart_chat.web.site import Site

COOKIE = "quart_chat"
FRAME_COOKIE = "__Host-quart_chat_frame"
"""In a frame, where browsers keep it at all: only under HTTPS, and another one for each site around
(https://datatracker.ietf.org/doc/draft-cutler-httpbis-partitioned-cookies/)."""

COOKIE_AGE = 400 * 24 * 3600
"""Seconds; browsers keep no cookie longer (draft-ietf-httpbis-rfc6265bis, 5.5)."""

EXTENSION = "quart_chat"

NONCE = "quart_chat.nonce"
"""Where the scope of a request holds its nonce, if anything in the answer carries one."""

POLICY = "quart_chat.policy"
"""Where it holds what its page may do beyond the others."""

HOST = "Chat-Host"
"""The header by which a frame says in whose page it is."""

FORWARDED = ("Forwarded", "X-Forwarded-For", "Via")
"""What proxies say of themselves."""

FRAMES = ("iframe", "frame", "embed", "object")
"""What browsers call a navigation within a page (https://www.w3.org/TR/fetch-metadata/#sec-fetch-dest-header)."""

NETWORK_LENGTH = 12
"""Hexadecimal digits in the name of a network."""

Refusal = Callable[[ChatError], Awaitable[str | bytes]]


def site() -> Site:
    found: Site = current_app.extensions[EXTENSION]
    return found


def nonce() -> str:
    """The random value that this response's scripts and styles carry (https://www.w3.org/TR/CSP3/#framework-directive-source-list)."""
    scope: Scope = request.scope  # type: ignore[assignment]  # a dictionary, to which middleware may add
    value: str = scope.setdefault(NONCE, secrets.token_urlsafe(16))
    return value


def render(template: str, **values: object) -> str:
    """A whole page."""
    return site().templates.render(template, nonce=nonce(), **values)


def fragment(template: str, **values: object) -> str:
    """A part of a page, for htmx: the same for every viewer, so without a nonce."""
    return site().templates.render(template, **values)


def headers() -> Headers:
    return request.headers


def http_version() -> str:
    return request.http_version


def is_head() -> bool:
    return request.method == "HEAD"


def is_safe() -> bool:
    """Whether the request only reads (https://www.rfc-editor.org/rfc/rfc9110#name-safe-methods)."""
    return request.method in ("GET", "HEAD", "OPTIONS")


def is_htmx() -> bool:
    return request.headers.get("HX-Request") == "true"


def is_navigation() -> bool:
    """Whether the browser is going to show the answer as a page."""
    return request.headers.get("Sec-Fetch-Dest") == "document"


def is_stream() -> bool:
    """Whether a stream or a poll was asked for."""
    return request.blueprint == "streams"


def origin() -> str:
    """The server's own origin: as configured, else as this request addressed it."""
    return site().config.public_url or f"{request.scheme}://{request.host}"


def is_https() -> bool:
    return (site().config.public_url or request.scheme).startswith("https")


def address() -> str:
    """Where the request comes from, as far as limits go: an IPv4 address, or the /64 that an IPv6 user has."""
    if not site().config.trusted_proxies:
        proxies.notice(request.scope)
    return counted(request.remote_addr or "")


@functools.lru_cache(1024)
def counted(peer: str) -> str:
    """As which address a peer counts for limits."""
    ip = proxies.parse(peer.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip or peer)


def network() -> str:
    """A name for where the request comes from, which says only whether it is the same as that of another."""
    return hmac.digest(site().chat.secret, b"network\0" + address().encode(), hashlib.sha256).hex()[:NETWORK_LENGTH]


def argument(name: str) -> str:
    """A value of the query; empty when it is not there."""
    value: str = request.args.get(name, "")
    return value


def optional(name: str) -> str | None:
    """A value of the query; None when it is not there."""
    value: str | None = request.args.get(name)
    return value


def number(name: str) -> int | None:
    """A number of the query; None for anything that is not one, or is larger than any id."""
    text = argument(name)
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None


def last_event_id() -> Cursor | None:
    """Where a stream goes on: the `Last-Event-ID` header, else `?after=`.

    A value that is no cursor counts as one of another database: the reader is told to reset.
    """
    text = request.headers.get("Last-Event-ID") or argument("after")
    return (Cursor.parse(text) or Cursor("", 0)) if text else None


def handover() -> Handover | None:
    """By what a stream may take its connection over; None where the app is not wrapped for it."""
    found = request.scope.get(KEY)
    return found if isinstance(found, Handover) else None


async def form() -> dict[str, str]:
    """The fields of a POST, read strictly: bytes that are no UTF-8 are refused, not replaced.

    Raises FormUnsupported, FormInvalid.
    """
    if request.mimetype not in ("application/x-www-form-urlencoded", ""):
        raise FormUnsupported
    body = await request.get_data()
    assert isinstance(body, bytes)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=20))
    except UnicodeDecodeError:
        raise FormInvalid("The text is not valid UTF-8. Please send it again as plain text.") from None
    except ValueError:
        raise FormInvalid("The form has too many fields.") from None


def is_local() -> bool:
    """Whether this is somebody's own machine: the server listens to it alone, was asked under its name, and by nobody
    who says that others ask through it."""
    host = urlsplit(origin()).hostname or ""
    if site().config.trusted_proxies or any(name in request.headers for name in FORWARDED):
        return False
    return site().local and (host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost"))


def frame() -> Frame | None:
    """The frame from which this request comes; None where a page of this site itself has sent it, or a program.

    Whoever brings a token is in a frame, even if it does not say in whose.
    """
    if "host" in g:
        host: str | None = g.host
    else:
        host = request.headers.get(HOST, "" if bearer() else None)
    return None if host is None else Frame(host, is_local())


def in_frame_of(host: str | None, token: str | None = None) -> None:
    """Let this request count as one from a frame in a page of `host`, with a token that is not in its headers; with
    None, as one of this site itself."""
    g.host, g.token = host, token


def host_around() -> str | None:
    """For a navigation, the origin of the page around the frame as far as the browser says; None where it is no frame,
    or one in a page of this site."""
    destination = request.headers.get("Sec-Fetch-Dest")
    referrer = _origin_of(request.headers.get("Referer", ""))
    if destination is not None and destination not in FRAMES:
        return None
    if referrer == origin():
        # The frame itself asks, by a form that was sent without a script. It says what it knew.
        return argument("host") or None
    return None if destination is None and not referrer else referrer


def bearer() -> str | None:
    """The token that a frame sends with its requests (https://www.rfc-editor.org/rfc/rfc6750#section-2.1)."""
    if g.get("token"):
        return str(g.token)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def signed_token() -> str | None:
    """The same if it is not a guest's: then a room's site has signed it, or it is nothing."""
    token = bearer()
    return token if token and not token.startswith(identity.GUEST) else None


def user_key() -> str | None:
    """The key of the user whose token the request carries. In a frame the cookie of this site's own pages does not
    count: where a browser sends it, the page around could use it."""
    around = frame()
    if around is None:
        return identity.verify(site().chat, request.cookies.get(_cookie_name()))
    token = bearer() or request.cookies.get(FRAME_COOKIE)
    return identity.verify_in_frame(site().chat, token, around.host)


async def user() -> User | None:
    """Whoever this request comes from, looked up once."""
    if "user" not in g:
        g.user = await identity.current(site().chat, user_key())
    found: User | None = g.user
    return found


def sender(name: str | None = None) -> Sender:
    token = signed_token()
    return Sender(None if token else user_key(), name, address(), frame(), token)


def confirmed(ticket: str, message_id: int) -> Sender:
    """Whoever has confirmed, on a page of this site itself, that this message is to be deleted. Raises
    ConfirmationInvalid."""
    user_key = confirmation.verify(site().chat, ticket, message_id)
    if user_key is None or frame() is not None:
        raise ConfirmationInvalid
    return Sender(user_key, None, address())


def remember(response: Response, author: User) -> None:
    """Let the browser be `author` from now on: by a cookie, or in a frame by a token that its script keeps. `__Host-`
    keeps other hosts of the domain from setting it."""
    around = frame()
    if around is None:
        response.set_cookie(
            _cookie_name(),
            identity.issue(site().chat, author),
            max_age=COOKIE_AGE,
            path="/",
            secure=is_https(),
            httponly=True,
            samesite="Lax",
        )
        return
    token = identity.issue_for_frame(site().chat, author, around.host)
    response.headers["Chat-Token"] = token
    if is_https():
        response.set_cookie(
            FRAME_COOKIE,
            token,
            max_age=COOKIE_AGE,
            path="/",
            secure=True,
            httponly=True,
            samesite="None",
            partitioned=True,
        )


def allow(policy: Policy) -> None:
    """Let this answer's page do what others may not."""
    scope: Scope = request.scope  # type: ignore[assignment]  # as above
    scope[POLICY] = policy


def if_refused(page: Refusal) -> None:
    """What a browser without JavaScript is shown when this request is refused: the same page, its form still filled."""
    g.refusal = page


async def refused_page(error: ChatError) -> str | bytes | None:
    """That page; None where there is none, or where the page itself is what is refused."""
    page: Refusal | None = g.get("refusal")
    try:
        return await page(error) if page else None
    except ChatError:
        return None


def _origin_of(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else ""


def _cookie_name() -> str:
    return f"__Host-{COOKIE}" if is_https() else COOKIE
