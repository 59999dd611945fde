"""Frames for sites that make them from an address alone (https://oembed.com/)."""

from urllib.parse import urlsplit

from markupsafe import Markup
from quart.typing import ResponseReturnValue

from quart_chat import sites
from quart_chat.domain import rooms
from quart_chat.errors import EmbedForbidden, FormatUnsupported, RoomNotFound
from quart_chat.http import context, credentials, origins
from quart_chat.http.surfaces import PAGES, Blueprint

blueprint = Blueprint("oembed", __name__, PAGES)

WIDTH, HEIGHT = 640, 480
"""Pixels, where a site says nothing of its limits."""

LONGEST = 2048
"""Characters of a room's address at most."""

CACHE_AGE = 3600
"""Seconds."""

HEADERS = {
    "Cache-Control": f"public, max-age={CACHE_AGE}",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
}


@blueprint.get("/oembed")
async def show() -> ResponseReturnValue:
    """`?url=` is the address of a room; `?maxwidth=` and `?maxheight=` bound the iframe, in pixels."""
    if (context.argument("format") or "json") != "json":
        raise FormatUnsupported
    room = await rooms.find(context.serving().chat, _slug(context.argument("url")), credentials.asker())
    if not sites.ancestors(room, local=credentials.is_local()):
        raise EmbedForbidden
    origin = context.origin()
    width, height = _at_most(WIDTH, "maxwidth"), _at_most(HEIGHT, "maxheight")
    size = Markup('width="{}" height="{}"').format(width, height)
    html = context.serving().templates.iframe(origin, room, "", size)
    return {
        "version": "1.0",
        "type": "rich",
        "title": room.name,
        "provider_name": "quart-chat",
        "provider_url": f"{origin}/",
        "cache_age": CACHE_AGE,
        "width": width,
        "height": height,
        "html": html,
    }, HEADERS


def _slug(url: str) -> str:
    """The room at an address of this site. Raises RoomNotFound."""
    if len(url) > LONGEST:
        raise RoomNotFound
    try:
        parts = urlsplit(url)
    except ValueError:
        raise RoomNotFound from None
    kind, _, slug = parts.path.strip("/").partition("/")
    if not origins.is_same(url, context.origin()) or kind not in ("rooms", "embed"):
        raise RoomNotFound
    return slug.lower() if slug.isascii() else slug


def _at_most(usual: int, name: str) -> int:
    most = context.number(name)
    return usual if most is None else min(usual, most)
