"""What leads others to a room: its address, also for cameras; and what a phone needs to show the chat as an app."""

import functools
import io
import json

import segno
from quart.wrappers import Response

from quart_chat import assets
from quart_chat.domain import rooms
from quart_chat.http import context, credentials
from quart_chat.http.surfaces import PAGES, Blueprint

blueprint = Blueprint("share", __name__, PAGES)

AGE = 3600
"""Seconds for which the manifest and a code may be kept."""

ICONS = (192, 512)
"""Pixels of the pictures in the manifest, as `scripts/icons.py` draws them."""


@blueprint.get("/rooms/<slug>/share")
async def show(slug: str) -> str:
    room = await rooms.find(context.serving().chat, slug, credentials.asker())
    return context.render("rooms/share.html", room=room)


@blueprint.get("/rooms/<slug>/qr.svg")
async def code(slug: str) -> Response:
    """The room's address as a QR code."""
    room = await rooms.find(context.serving().chat, slug, credentials.asker())
    return _kept(_drawn(f"{context.origin()}/rooms/{room.slug}"), "image/svg+xml")


@blueprint.get("/manifest.webmanifest")
async def manifest() -> Response:
    """https://www.w3.org/TR/appmanifest/"""
    folder = f"/static/{assets.fingerprint(assets.folder('static'))}/icons"
    icons = [
        {"src": f"{folder}/{size}.png", "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
        for size in ICONS
        for purpose in ("any", "maskable")
    ]
    described = {
        "id": "/",
        "name": "quart-chat",
        "short_name": "Chat",
        "description": "Chat rooms that go through any network.",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": "#2b6390",
        "icons": icons,
    }
    return _kept(json.dumps(described).encode(), "application/manifest+json")


@blueprint.get("/apple-touch-icon.png")
async def picture() -> Response:
    """What iOS shows, and asks for at this address also where no page names it."""
    return _kept(_touch_icon(), "image/png")


@functools.cache
def _touch_icon() -> bytes:
    return (assets.folder("static") / "icons" / "180.png").read_bytes()


@functools.lru_cache(256)
def _drawn(url: str) -> bytes:
    """Black on white in every theme: not all cameras read it the other way round."""
    svg = io.BytesIO()
    segno.make(url, error="m", micro=False).save(
        svg, kind="svg", border=4, dark="#000", light="#fff", xmldecl=False, omitsize=True
    )
    return svg.getvalue()


def _kept(body: bytes, kind: str) -> Response:
    return Response(body, headers={"Cache-Control": f"private, max-age={AGE}"}, content_type=kind)
