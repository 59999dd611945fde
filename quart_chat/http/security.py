"""What is checked before, and said with, every answer."""

from quart_chat.asgi import App, Message, Receive, Scope, Send
from quart_chat.errors import OriginRefused, VersionUnsupported
from quart_chat.http import context, credentials, origins
from quart_chat.http.origins import Own
from quart_chat.http.policies import EVERY_PAGE, Policy
from quart_chat.http.surfaces import Surface

PERMISSIONS = b", ".join(
    b"%b=()" % feature
    for feature in b"accelerometer camera display-capture geolocation gyroscope microphone midi payment usb".split()
)

PAGE = [
    # Not `no-referrer`: with it browsers send `Origin: null` with our own forms.
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", PERMISSIONS),
    (b"cross-origin-opener-policy", b"same-origin"),
]

ANYWHERE = [
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"cross-origin-embedder-policy", b"credentialless"),
]

FIXED = [
    (b"x-content-type-options", b"nosniff"),
]

DEFAULTS = [
    # Of what is no page, nothing is to be run, and nobody may embed it.
    (b"content-security-policy", b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"private, no-cache"),
    (b"cross-origin-resource-policy", b"same-origin"),
]


async def check_request() -> None:
    """Refuse what the route should not see. Raises VersionUnsupported, OriginRefused, TooFast, BodyUnsupported,
    RequestTooLarge.

    HTTP/2: Hypercorn's has no backpressure, and without TLS it cannot be switched off by configuration.
    """
    check_version()
    check_origin(context.surface())
    if costs_when_refused():
        context.serving().chat.limits.check_refusals(context.address())
    if not context.is_safe():
        context.check_body()


def costs_when_refused() -> bool:
    """Whether a refusal of this request is counted: it wants to change something, or to have a signature checked."""
    return not context.is_safe() or credentials.token() is not None


def check_version() -> None:
    """Raises VersionUnsupported."""
    if context.http_version().startswith("2"):
        raise VersionUnsupported


def check_origin(surface: Surface) -> None:
    """Refuse a request that another site made in somebody's name, or that would use up what is somebody's.

    On unsafe methods `Origin` or `Sec-Fetch-Site` (https://www.w3.org/TR/fetch-metadata/) must show that the request
    comes from this site's own pages; a program sends neither header, and may read. Raises OriginRefused.
    """
    reads = context.is_safe()
    if not (reads and surface.foreign) and not _is_own(absent=reads or surface.programs):
        raise OriginRefused(_advice())


def is_own_page() -> bool:
    """Whether a page of this site asks for sure, once `check_origin` has found nothing against it. No other
    site's page can seem to be one: it could use up somebody's seats."""
    return context.header(b"sec-fetch-site") == "same-origin" or context.header(b"origin") is not None


class AddsHeaders:
    """ASGI middleware: what is said with every answer, as ready-made bytes. A route may say `DEFAULTS` otherwise."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers: list[tuple[bytes, bytes]] = message["headers"]
                if nonce := scope.get(context.NONCE):
                    headers += _page_headers(nonce, scope.get(context.POLICY, EVERY_PAGE))
                said = {name for name, _ in headers}
                headers += [header for header in DEFAULTS if header[0] not in said]
                headers += FIXED
            await send(message)

        await self._app(scope, receive, add)


def _page_headers(nonce: str, policy: Policy) -> list[tuple[bytes, bytes]]:
    """What only a page needs."""
    return [(b"content-security-policy", policy.header(nonce)), *PAGE, *(ANYWHERE if policy.anywhere else ())]


def _is_own(*, absent: bool) -> bool:
    """Whether the browser says that the request is this site's; `absent` when it says nothing."""
    serving = context.serving()
    return origins.is_own(
        Own(context.origin(), serving.hosts, public=bool(serving.config.public_url)),
        origin=context.header(b"origin"),
        site=context.header(b"sec-fetch-site"),
        safe=context.is_safe(),
        absent=absent,
    )


def _advice() -> str:
    claimed = context.header(b"origin") or "an unknown page"
    remedy = "Open the chat itself, and go on from there." if context.is_safe() else "Reload the page."
    return (
        f"This request came from {claimed}, not from this site ({context.origin()}), and was refused. {remedy} "
        "If that is this site's address, its operator must set QUART_CHAT_PUBLIC_URL."
    )
