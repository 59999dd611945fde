"""Who a request comes from: a browser with a cookie, a frame with a token, or nobody yet."""

from urllib.parse import urlsplit

from quart.wrappers import Response

from quart_chat.domain import confirmation, identity
from quart_chat.domain.sender import Frame, Sender
from quart_chat.errors import ConfirmationInvalid
from quart_chat.models import User
from quart_chat.web import context, origins

COOKIE = "quart_chat"
FRAME_COOKIE = "__Host-quart_chat_frame"
"""In a frame, where browsers keep it at all: only under HTTPS, and another one for each site around
(https://datatracker.ietf.org/doc/draft-cutler-httpbis-partitioned-cookies/)."""

COOKIE_AGE = 400 * 24 * 3600
"""Seconds; browsers keep no cookie longer (draft-ietf-httpbis-rfc6265bis, 5.5)."""

HOST = "Chat-Host"
"""The header by which a frame says in whose page it is."""

LONGEST = 2048
"""Characters of a referrer that are looked at."""

FORWARDED = ("Forwarded", "X-Forwarded-For", "Via")
"""What proxies say of themselves."""

FRAMES = ("iframe", "frame", "embed", "object")
"""What browsers call a navigation within a page (https://www.w3.org/TR/fetch-metadata/#sec-fetch-dest-header)."""


def is_local() -> bool:
    """Whether this is somebody's own machine: the server listens to it alone, was asked under its name, and by nobody
    who says that others ask through it."""
    host = urlsplit(context.origin()).hostname or ""
    if context.site().config.trusted_proxies or any(name in context.headers() for name in FORWARDED):
        return False
    return context.site().local and (host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost"))


def frame() -> Frame | None:
    """The frame from which this request comes; None where a page of this site itself has sent it, or a program.

    Whoever brings a token is in a frame, even if it does not say in whose.
    """
    noted = context.notes()
    if "host" in noted:
        host: str | None = noted["host"]
    else:
        host = context.headers().get(HOST, "" if bearer() else None)
    return None if host is None else Frame(host, is_local())


def in_frame_of(host: str | None, token: str | None = None) -> None:
    """Let this request count as one from a frame in a page of `host`, with a token that is not in its headers; with
    None, as one of this site itself."""
    context.notes().update(host=host, token=token)


def host_around() -> str | None:
    """For a navigation, the origin of the page around the frame as far as the browser says; None where it is no frame,
    or one in a page of this site."""
    destination = context.headers().get("Sec-Fetch-Dest")
    referrer = _origin_of(context.headers().get("Referer", ""))
    if destination is not None and destination not in FRAMES:
        return None
    if origins.is_same(referrer, context.origin()):
        # The frame itself asks, by a form that was sent without a script. It says what it knew.
        return context.argument("host") or None
    return None if destination is None and not referrer else referrer


def bearer() -> str | None:
    """The token that a frame sends with its requests (https://www.rfc-editor.org/rfc/rfc6750#section-2.1)."""
    if token := context.notes().get("token"):
        return str(token)
    scheme, _, token = context.headers().get("Authorization", "").partition(" ")
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
        return identity.verify(context.site().chat, context.cookie(_cookie_name()))
    token = bearer() or context.cookie(FRAME_COOKIE)
    return identity.verify_in_frame(context.site().chat, token, around.host)


async def user() -> User | None:
    """Whoever this request comes from, looked up once."""
    noted = context.notes()
    if "user" not in noted:
        noted["user"] = await identity.current(context.site().chat, user_key())
    found: User | None = noted["user"]
    return found


def sender(name: str | None = None) -> Sender:
    token = signed_token()
    return Sender(None if token else user_key(), name, context.address(), frame(), token)


def confirmed(ticket: str, message_id: int) -> Sender:
    """Whoever has confirmed, on a page of this site itself, that this message is to be deleted. Raises
    ConfirmationInvalid."""
    user_key = confirmation.verify(context.site().chat, ticket, message_id)
    if user_key is None or frame() is not None:
        raise ConfirmationInvalid
    return Sender(user_key, None, context.address())


def remember(response: Response, author: User) -> None:
    """Let the browser be `author` from now on: by a cookie, or in a frame by a token that its script keeps. `__Host-`
    keeps other hosts of the domain from setting it."""
    around = frame()
    if around is None:
        response.set_cookie(
            _cookie_name(),
            identity.issue(context.site().chat, author),
            max_age=COOKIE_AGE,
            path="/",
            secure=context.is_https(),
            httponly=True,
            samesite="Lax",
        )
        return
    token = identity.issue_for_frame(context.site().chat, author, around.host)
    response.headers["Chat-Token"] = token
    if context.is_https():
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


def _origin_of(url: str) -> str:
    try:
        parts = urlsplit(url[:LONGEST])
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else ""


def _cookie_name() -> str:
    return f"__Host-{COOKIE}" if context.is_https() else COOKIE
