"""What whoever asks is called, on a page of its own and from the composer of a room."""

from quart import redirect
from quart.typing import ResponseReturnValue
from quart.wrappers import Response

from quart_chat.domain import names
from quart_chat.domain.rooms import SLUG, SLUG_LENGTH
from quart_chat.errors import ChatError
from quart_chat.http import context, credentials
from quart_chat.http.surfaces import PAGES, Blueprint

blueprint = Blueprint("me", __name__, PAGES)


@blueprint.get("/me")
async def show() -> str:
    """Who this browser is, with a form; `?room=<slug>` is where one came from."""
    return await _show()


@blueprint.post("/me")
async def update() -> ResponseReturnValue:
    form = await context.form()
    context.if_refused(lambda error: _show(form, error))
    chat, name = context.serving().chat, form.get("name", "")
    if not context.is_htmx():
        await names.rename(chat, credentials.asker(), name)
        return redirect(_back(), 303)
    # The composer of a room, whose fields say which.
    slug = form.get("room", "")
    rank = await credentials.rank(slug)
    user = await names.rename(chat, credentials.asker(), name, slug)
    html = context.fragment("answers/identified.html", user=user, rank=rank)
    response = Response(html, content_type="text/html; charset=utf-8")
    response.headers["Chat-Identity"] = str(user.id)
    return response


async def _show(form: dict[str, str] | None = None, error: ChatError | None = None) -> str:
    user, still = await credentials.user(), context.argument("refresh") == "off"
    return context.render("me/show.html", user=user, room=_room(), still=still, form=form or {}, error=error)


def _back() -> str:
    """Where one came from: a room, or this page. Never an address that somebody else could have made up."""
    if not (room := _room()):
        return "/me"
    return f"/rooms/{room}?refresh=off" if context.argument("refresh") == "off" else f"/rooms/{room}"


def _room() -> str:
    """The slug of the room from which one came; empty where that is none."""
    room = context.argument("room")
    return room if len(room) <= SLUG_LENGTH and SLUG.fullmatch(room) else ""
