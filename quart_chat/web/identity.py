"""Who somebody is, for embeds: what says so is in the headers of their requests, and opening a page has none."""

from quart.wrappers import Response

from quart_chat.domain import signed_users
from quart_chat.http import context, credentials
from quart_chat.http.surfaces import Blueprint, Refusal, Surface

blueprint = Blueprint("identity", __name__, Surface(Refusal.PAGE), url_prefix="/rooms/<slug>/identity")


@blueprint.get("")
async def show(slug: str) -> Response:
    """Whose token this request carries, as the part of the page that says so. Nothing is made or kept.

    `Chat-Identity` is who that is, or `none`: an answer without it is somebody else's. `Chat-Expires` is for how many
    seconds a token counts that the room's site has signed.
    """
    chat = context.serving().chat
    found = await signed_users.present(chat, slug, credentials.asker())
    user, expires_at = found.user, found.expires_at
    body = context.fragment("answers/identified.html", user=user, rank=found.rank)
    response = Response(body, content_type="text/html; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Chat-Identity"] = str(user.id) if user and user.id else "none"
    if expires_at is not None:
        response.headers["Chat-Expires"] = str(max(0, (expires_at - chat.now()) // 1000))
    return response
