"""Who a request comes from: a browser with a cookie, an embed with a token, or nobody yet."""

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from quart.wrappers import Response

from quart_chat.domain import access
from quart_chat.domain import guests as people
from quart_chat.domain.actors import Asker, Credential, Embed, GuestKey, SiteToken
from quart_chat.errors import ConfirmationInvalid
from quart_chat.http import context, cookies, origins
from quart_chat.http.context import Around
from quart_chat.identity import guests, tickets
from quart_chat.identity.tickets import Deed
from quart_chat.models import Rank, User

COOKIE_AGE = 400 * 24 * 3600
"""Seconds; browsers keep no cookie longer (draft-ietf-httpbis-rfc6265bis, 5.5)."""

HOST = b"chat-host"
"""The header by which an embed says in whose page it is."""

TOKEN = b"chat-token"
"""The header by which it says who is there, and is told. `Authorization` is not ours to take: behind a proxy that asks
for a password, it is the proxy's."""

LONGEST = 2048
"""Characters of a referrer that are looked at."""

FORWARDED = (b"forwarded", b"x-forwarded-for", b"via")
"""What proxies say of themselves."""

FRAMES = ("iframe", "frame", "embed", "object")
"""What browsers call a navigation within a page (https://www.w3.org/TR/fetch-metadata/#sec-fetch-dest-header)."""


def is_local() -> bool:
    """Whether this is somebody's own machine: the server listens to it alone, was asked under its name, and by nobody
    who says that others ask through it."""
    host = urlsplit(context.origin()).hostname or ""
    if context.serving().config.trusted_proxies or any(context.header(name) is not None for name in FORWARDED):
        return False
    return context.serving().local and (host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost"))


def embed() -> Embed | None:
    """The embed from which this request comes; None where a page of this site itself has sent it, or a program.

    Whoever brings a token is in an embed, even if it does not say in whose.
    """
    return asker().embed


def embedded_in(host: str | None, token: str | None = None) -> None:
    """Let this request count as one from an embed in a page of `host`, with a token that is not in its headers; with
    None, as one of this site itself."""
    visit = context.visit()
    visit.around, visit.asker = Around(host, token or _around().token), None


def host_around() -> str | None:
    """For a navigation, the origin of the page around the embed as far as the browser says; None where it is no embed,
    or one in a page of this site."""
    destination = context.header(b"sec-fetch-dest")
    referrer = _origin_of(context.header(b"referer") or "")
    if destination is not None and destination not in FRAMES:
        return None
    if origins.is_same(referrer, context.origin()):
        # The embed itself asks, by a form that was sent without a script. It says what it knew.
        return context.argument("host") or None
    return None if destination is None and not referrer else referrer


def token() -> str | None:
    """The token that an embed sends with its requests; empty where it sends an empty one."""
    return _around().token


def user_key() -> str | None:
    """The key of the user whose token the request carries; None where a room's site has signed who it is."""
    credential = asker().credential
    return credential.user_key if isinstance(credential, GuestKey) else None


async def user() -> User | None:
    """Whoever this request comes from, looked up once."""
    visit = context.visit()
    if not visit.is_known:
        visit.user, visit.is_known = await people.current(context.serving().chat, user_key()), True
    return visit.user


def asker(name: str | None = None) -> Asker:
    """Whoever this request comes from, as it says; `name` is the one given along."""
    visit = context.visit()
    if visit.asker is None:
        around = _around()
        embed = None if around.host is None else Embed(around.host, is_local())
        visit.asker = Asker(_credential(embed, around.token), None, context.address(), embed)
    return visit.asker if name is None else replace(visit.asker, name=name)


async def rank(slug: str) -> Rank:
    """What whoever asks may in the room. Raises RoomNotFound, RemovedFromRoom, StoreUnavailable."""
    return (await access.admit(context.serving().chat, slug, asker())).rank


def confirmed(ticket: str, deed: Deed) -> Asker:
    """Whoever has confirmed, on a page of this site itself, that this is to be done. Raises ConfirmationInvalid."""
    found = tickets.verify(context.serving().chat.secret, ticket, deed)
    if found is None or embed() is not None:
        raise ConfirmationInvalid
    return Asker(found, None, context.address())


def remember(response: Response, author: User) -> None:
    """Let the browser be `author` from now on: by a cookie, or in an embed by a token that its script keeps.

    Never somebody whom a room's site has signed in: it would still count when that site's own token does not any more.
    """
    if author.verified:
        return
    around, secret = embed(), context.serving().chat.secret
    if around is None:
        response.set_cookie(
            cookies.name(cookies.PAGE, secret, https=context.is_https()),
            guests.issue(secret, author),
            max_age=COOKIE_AGE,
            path="/",
            secure=context.is_https(),
            httponly=True,
            samesite="Lax",
        )
        return
    issued = guests.issue_for_embed(secret, author, around.host)
    response.headers[TOKEN.decode()] = issued
    if context.is_https():
        # Browsers that keep it keep another one for each site around
        # (https://datatracker.ietf.org/doc/draft-cutler-httpbis-partitioned-cookies/).
        response.set_cookie(
            cookies.name(cookies.EMBED, secret, https=True),
            issued,
            max_age=COOKIE_AGE,
            path="/",
            secure=True,
            httponly=True,
            samesite="None",
            partitioned=True,
        )


def _around() -> Around:
    visit = context.visit()
    if visit.around is None:
        host, token = context.header(HOST), context.header(TOKEN)
        visit.around = Around("" if host is None and token is not None else host, token and token.strip())
    return visit.around


def _credential(embed: Embed | None, token: str | None) -> Credential | None:
    """In an embed the cookie of this site's own pages does not count: where a browser sends it, the page around could
    use it. A token that is not a guest's was signed by a room's site, or it is nothing."""
    if token and not token.startswith(guests.GUEST):
        return SiteToken(token)
    secret = context.serving().chat.secret
    found: Iterator[str | None]
    if embed is None:
        found = (guests.verify(secret, kept) for kept in _kept(cookies.PAGE))
    else:
        given = [token] if token else _kept(cookies.EMBED)
        found = (guests.verify_in_embed(secret, one, embed.host) for one in given)
    key = next(filter(None, found), None)
    return GuestKey(key) if key else None


def _origin_of(url: str) -> str:
    try:
        parts = urlsplit(url[:LONGEST])
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else ""


def _kept(kind: str) -> list[str]:
    """The values of such a cookie that the browser has, under all names of it. In an embed only under HTTPS."""
    https = context.is_https() or kind == cookies.EMBED
    named = map(context.cookie, cookies.names(kind, context.serving().chat.secret, https=https))
    return [value for value in named if value]
