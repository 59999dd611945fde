"""A room embedded in another site's page."""

import secrets

from quart import redirect
from quart.typing import ResponseReturnValue
from quart.wrappers import Response

from quart_chat import sites
from quart_chat.domain import access, messages, names, rooms
from quart_chat.domain.actors import Embed
from quart_chat.domain.messages import Recognised
from quart_chat.errors import ChatError
from quart_chat.http import context, credentials
from quart_chat.http.policies import OWN, Policy
from quart_chat.http.surfaces import PAGES, Blueprint
from quart_chat.models import Draft
from quart_chat.view import look
from quart_chat.view.pages import Embedded
from quart_chat.web.rooms import answer, render

blueprint = Blueprint("embed", __name__, PAGES)


@blueprint.get("/embed/<slug>")
async def show(slug: str) -> ResponseReturnValue:
    """The room, for an embed. A link to a message, or to older ones, leads to a page of its own."""
    message_id, before = context.number("message"), context.number("before")
    if message_id or before:
        room = await rooms.find(context.serving().chat, slug, credentials.asker())
        path = f"?message={message_id}#message-{message_id}" if message_id else f"?before={before}"
        return redirect(f"/rooms/{room.slug}{path}", 303)
    credentials.embedded_in(credentials.host_around())
    packed = context.takes_gzip()
    response = answer(await _show(slug, packed=packed), packed)
    if user := await credentials.user():
        credentials.remember(response, user)
    return response


@blueprint.post("/embed/<slug>/messages")
async def create(slug: str) -> ResponseReturnValue:
    """What an embed without a script sends. It says in its address in whose page it is."""
    form = await context.form()
    credentials.embedded_in(credentials.host_around())
    chosen = look.parse(context.optional)
    context.if_refused(lambda error: _show(slug, form, error))
    draft = Draft(form.get("text", ""), form.get("key") or secrets.token_urlsafe(18))
    posted = await messages.post(context.serving().chat, slug, credentials.asker(form.get("name")), draft)
    response = redirect(f"/embed/{slug}{chosen.query(**_said(credentials.embed()))}", 303)
    assert isinstance(response, Response)
    if posted.recognised is Recognised.NOW:
        credentials.remember(response, posted.author)
    return response


@blueprint.post("/embed/<slug>/me")
async def rename(slug: str) -> ResponseReturnValue:
    """The same for a new name."""
    form = await context.form()
    credentials.embedded_in(credentials.host_around())
    chosen = look.parse(context.optional)
    context.if_refused(lambda error: _show(slug, form, error))
    await names.rename(context.serving().chat, credentials.asker(), form.get("name", ""), slug)
    return redirect(f"/embed/{slug}{chosen.query(**_said(credentials.embed()))}", 303)


async def _show(
    slug: str, form: dict[str, str] | None = None, error: ChatError | None = None, *, packed: bool = False
) -> bytes:
    chat = context.serving().chat
    others = await access.embedders(chat, slug, local=credentials.is_local())
    context.allow(Policy(ancestors=(OWN, *others), images=others, anywhere=True))
    page = await messages.page(chat, slug, credentials.asker())
    chosen = look.parse(context.optional)  # from here on what is wrong can be read in the embed
    return await render(
        page, form, error, Embedded(chosen, f"/embed/{slug}", _said(credentials.embed())), packed=packed
    )


def _said(embed: Embed | None) -> dict[str, str]:
    """What a form without a script says of the page around."""
    return {} if embed is None else {"host": embed.host or sites.NOBODY}
