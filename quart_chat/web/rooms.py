"""The list of rooms, and a room."""

import secrets

from quart import redirect
from quart.typing import ResponseReturnValue
from quart.wrappers import Response

from quart_chat import sites
from quart_chat.compression import QUICK, gzip
from quart_chat.domain import messages, rooms
from quart_chat.errors import ChatError
from quart_chat.http import context, credentials
from quart_chat.http.policies import Policy
from quart_chat.http.surfaces import PAGES, Blueprint
from quart_chat.models import Page
from quart_chat.view.pages import Embedded

blueprint = Blueprint("rooms", __name__, PAGES)

REFRESH = 30
"""Seconds after which a page without JavaScript loads itself again."""


@blueprint.get("/")
async def index() -> ResponseReturnValue:
    return compressed(await _index())


@blueprint.get("/rooms")
@blueprint.get("/rooms/")
async def front() -> ResponseReturnValue:
    return redirect("/", 303)


@blueprint.post("/rooms")
async def create() -> ResponseReturnValue:
    form = await context.form()
    context.if_refused(lambda error: _index(form, error))
    chat = context.serving().chat
    asker = credentials.asker(form.get("owner", "").strip() or None)
    key = form.get("key") or secrets.token_urlsafe(18)
    created = await rooms.create(chat, form.get("name", ""), form.get("slug", ""), asker, key)
    response = redirect(f"/rooms/{created.room.slug}", 303)
    assert isinstance(response, Response)
    if created.owner and not created.known:
        credentials.remember(response, created.owner)
    return response


@blueprint.get("/rooms/<slug>")
async def show(slug: str) -> ResponseReturnValue:
    """The room: its newest messages, those around `?message=<id>`, the link on every message, or those before or after
    another."""
    packed = context.takes_gzip()
    response = answer(await show_page(slug, packed=packed), packed)
    if user := await credentials.user():
        # Browsers forget cookies with time, but nobody who comes back now and then.
        credentials.remember(response, user)
    return response


async def show_page(
    slug: str, form: dict[str, str] | None = None, error: ChatError | None = None, *, packed: bool = False
) -> bytes:
    """A room's page; with `form` and `error` when what was sent to it was refused, which is never packed."""
    page = await find_page(slug)
    context.allow(Policy(images=sites.ancestors(page.room, local=credentials.is_local())))
    return await render(page, form, error, packed=packed)


def compressed(html: str) -> Response:
    """An answer, compressed for whoever takes it so. It MUST hold nothing that is secret for longer than it lives: its
    length tells what that has in common with the words of others."""
    packed = context.takes_gzip()
    return answer(gzip(html.encode(), QUICK) if packed else html.encode(), packed)


async def find_page(slug: str) -> Page:
    """What the query asks for."""
    chat, asker = context.serving().chat, credentials.asker()
    if message_id := context.number("message"):
        return await messages.page_around(chat, slug, asker, message_id)
    if after := context.number("after"):
        return await messages.page_after(chat, slug, asker, after)
    return await messages.page(chat, slug, asker, context.number("before"))


def answer(page: bytes, packed: bool) -> Response:
    """HTML as it goes out."""
    headers = {"Vary": "Accept-Encoding"} | ({"Content-Encoding": "gzip"} if packed else {})
    return Response(page, headers=headers, content_type="text/html; charset=utf-8")


async def render(
    page: Page,
    form: dict[str, str] | None,
    error: ChatError | None,
    embedded: Embedded | None = None,
    *,
    packed: bool = False,
) -> bytes:
    """A page of a room for whoever asks, on its own or `embedded`."""
    # A page that somebody may be writing on, or looks back from, does not reload under them.
    still = bool(error or page.still or page.message or context.argument("refresh") == "off")
    return context.serving().pages.room(
        page,
        await credentials.user(),
        await credentials.rank(page.room.slug),
        nonce=context.nonce(),
        key=secrets.token_urlsafe(18),
        origin=context.origin(),
        refresh=None if still else REFRESH,
        form=form or {},
        error=error,
        embedded=embedded,
        packed=packed,
    )


async def _index(form: dict[str, str] | None = None, error: ChatError | None = None) -> str:
    found = await rooms.public(context.serving().chat, credentials.asker())
    key = (form or {}).get("key") or secrets.token_urlsafe(18)
    user = await credentials.user()
    return context.render("rooms/index.html", rooms=found, user=user, key=key, form=form or {}, error=error)
