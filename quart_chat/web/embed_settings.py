"""For the owner of a room: what to put into a page, what it looks like there, and who may show it."""

from quart import redirect
from quart.typing import ResponseReturnValue

from quart_chat import sites
from quart_chat.domain import access, embed_keys, embeds
from quart_chat.domain.access import LEAST, Action
from quart_chat.errors import ChatError
from quart_chat.http import context, credentials
from quart_chat.http.policies import Policy
from quart_chat.http.surfaces import PAGES, Blueprint
from quart_chat.view import look

blueprint = Blueprint("embed_settings", __name__, PAGES, url_prefix="/rooms/<slug>/embed")


@blueprint.get("")
async def show(slug: str) -> str:
    return await _show(slug)


@blueprint.post("")
async def update(slug: str) -> ResponseReturnValue:
    form = await context.form()
    context.if_refused(lambda error: _show(slug, form, error))
    await embeds.replace_list(
        context.serving().chat, slug, credentials.asker(), form.get("origins", "").split(), "signed_only" in form
    )
    return redirect(f"/rooms/{slug}/embed?saved=1", 303)


async def _show(slug: str, form: dict[str, str] | None = None, error: ChatError | None = None) -> str:
    chosen = look.parse(context.optional)
    chat, asker = context.serving().chat, credentials.asker()
    admitted = await access.admit(chat, slug, asker)
    room = admitted.room
    context.allow(Policy(frames=True))
    return context.render(
        "embed/settings.html",
        room=room,
        look=chosen,
        origin=context.origin(),
        owns=admitted.rank >= LEAST[Action.SETTINGS],
        allowed=sites.ancestors(room, local=credentials.is_local()),
        signs=await embed_keys.are_there(chat, slug, asker),
        saved=context.argument("saved") == "1",
        form=form,
        error=error,
    )
