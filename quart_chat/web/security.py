"""What is checked before, and said with, every answer."""

from urllib.parse import urlsplit

from quart.wrappers import Response

from quart_chat.errors import OriginRefused, VersionUnsupported
from quart_chat.web import context

PERMISSIONS = ", ".join(
    f"{feature}=()"
    for feature in "accelerometer camera display-capture geolocation gyroscope microphone midi payment usb".split()
)


async def check_origin() -> None:
    """Refuse a request that another site made in somebody's name.

    On unsafe methods `Sec-Fetch-Site` or `Origin` must show that the request comes from this site's own pages
    (https://www.w3.org/TR/fetch-metadata/). `Origin: null`, which sandboxed frames send, never does. Raises
    OriginRefused.
    """
    if not context.is_safe() and not _is_own(absent=False):
        raise OriginRefused(_advice())


async def check_version() -> None:
    """Refuse HTTP/2: Hypercorn's has no backpressure, and without TLS it cannot be switched off by configuration.

    Raises VersionUnsupported.
    """
    if context.http_version().startswith("2"):
        raise VersionUnsupported


def check_stream_origin() -> None:
    """Refuse a stream that another site's page asks for: it could use up a person's connections.

    A program sends neither header and is served. Raises OriginRefused.
    """
    if not _is_own(absent=True):
        raise OriginRefused(_advice())


async def add_headers(response: Response) -> Response:
    """A policy that starts from nothing: scripts and styles need this response's nonce, nobody may frame it."""
    nonce = f"'nonce-{context.nonce()}'"
    response.headers.setdefault(
        "Content-Security-Policy",
        f"default-src 'none'; script-src {nonce}; style-src {nonce}; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    # Not `no-referrer`: with it browsers send `Origin: null` with our own forms.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = PERMISSIONS
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers.setdefault("Cache-Control", "private, no-cache")
    return response


def _is_own(*, absent: bool) -> bool:
    """Whether the browser says that the request is this site's; `absent` when it says nothing."""
    site = context.headers().get("Sec-Fetch-Site")
    origin = context.headers().get("Origin")
    if origin == "null":
        return False
    if origin is not None and _normal(origin) == _normal(context.origin()):
        return site in (None, "same-origin")
    if site is None:
        return absent and origin is None
    # A proxy in front may have changed scheme and host as this server sees them; the browser's own word counts then.
    return site == "same-origin" or (site == "none" and context.is_safe())


def _normal(origin: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(origin)
        return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return "", origin, None


def _advice() -> str:
    claimed = context.headers().get("Origin") or "an unknown page"
    return (
        f"This request came from {claimed}, not from this site ({context.origin()}), and was refused. Reload the page. "
        "If that is this site's address, its operator must set QUART_CHAT_PUBLIC_URL."
    )
