"""Messages of a room: older ones, posting, and changing one's own."""

import secrets

from quart import redirect
from quart.typing import ResponseReturnValue
from quart.wrappers import Response

from quart_chat import sites
from quart_chat.domain import messages, rooms
from quart_chat.domain.messages import Recognised
from quart_chat.errors import ChatError, IdentityRefused, SignInOver
from quart_chat.events import AboutMessage, Event
from quart_chat.http import context, credentials
from quart_chat.http.policies import Policy
from quart_chat.http.surfaces import PAGES, QUESTIONS, STRICTEST, Blueprint
from quart_chat.identity.tickets import Deed
from quart_chat.models import Draft, Message, Rank
from quart_chat.web.rooms import compressed, find_page, show_page

blueprint = Blueprint("messages", __name__, PAGES, url_prefix="/rooms/<slug>/messages")


@blueprint.get("")
async def index(slug: str) -> ResponseReturnValue:
    """A page of messages as a fragment: the newest, or those before `?before=<position>`, or after `?after=`."""
    if context.is_navigation():
        # Somebody reloads the answer to a form that was refused.
        return await _back((await rooms.find(context.serving().chat, slug, credentials.asker())).slug)
    page = await find_page(slug)
    response = compressed(context.fragment("messages/index.html", page=page))
    response.headers["Chat-Cursor"] = str(page.cursor)
    return response


@blueprint.post("")
async def create(slug: str) -> ResponseReturnValue:
    form = await context.form()
    context.if_refused(lambda error: show_page(slug, form, error))
    draft = Draft(form.get("text", ""), form.get("key") or secrets.token_urlsafe(18))
    posted = await messages.post(context.serving().chat, slug, credentials.asker(form.get("name")), draft)
    if context.is_htmx():
        # A page that sends a name does not know who it is, though its browser may: another tab has become somebody. One
        # that says who it is may be wrong: its browser has become somebody else since.
        mistaken = "name" in form or form.get("user", str(posted.author.id)) != str(posted.author.id)
        tell = posted.recognised is Recognised.NOW or (posted.recognised is Recognised.BEFORE and mistaken)
        response = _changed(posted.event, posted.rank if tell else None, 201 if posted.first else 200)
    else:
        response = await _back(slug)
    if posted.recognised is Recognised.NOW:
        credentials.remember(response, posted.author)
    return response


@blueprint.get("/<number:message_id>")
async def show(slug: str, message_id: int) -> str:
    return await _show(slug, message_id)


@blueprint.route("/<number:message_id>", methods=["POST", "PUT"])
async def update(slug: str, message_id: int) -> ResponseReturnValue:
    form = await context.form()
    context.if_refused(lambda error: _show(slug, message_id, form, error))
    version = context.as_number(form.get("version", ""))
    asker = credentials.asker(form.get("name"))
    event = await messages.edit(context.serving().chat, slug, asker, message_id, form.get("text", ""), version)
    if not context.is_htmx():
        return await _back(slug)
    return _changed(event, await credentials.rank(slug) if "name" in form else None)


@blueprint.get("/<number:message_id>/source")
@blueprint.but(STRICTEST)
async def source(slug: str, message_id: int) -> Response:
    """The text of one's own message as it was written, for editing: what a page shows of it may be a translation."""
    message = await messages.source(context.serving().chat, slug, credentials.asker(), message_id)
    response = Response(message.text, content_type="text/plain; charset=utf-8")
    response.headers["Chat-Version"] = str(message.version)
    return response


@blueprint.get("/<number:message_id>/deletion")
@blueprint.but(QUESTIONS)
async def ask(slug: str, message_id: int) -> str:
    """A page that asks whether a message is to be deleted, where no script does."""
    message, _ = await messages.ask_to_delete(context.serving().chat, slug, credentials.asker(), message_id)
    await _allow_avatar(slug, message)
    return context.render("messages/confirm.html", slug=slug, message=message, ticket=None)


@blueprint.route("/<number:message_id>", methods=["DELETE"], endpoint="delete")
@blueprint.post("/<number:message_id>/deletion")
async def delete(slug: str, message_id: int) -> ResponseReturnValue:
    """Forms know no DELETE, and some proxies block it: a deletion can be posted too."""
    ticket = (await context.form()).get("ticket")
    deed = Deed(messages.DELETION, slug, message_id)
    asker = credentials.asker() if ticket is None else credentials.confirmed(ticket, deed)
    event = await messages.delete(context.serving().chat, slug, asker, message_id)
    if ticket is not None:
        return context.render("messages/deleted.html")
    return _changed(event) if context.is_htmx() else await _back(slug)


@blueprint.post("/<number:message_id>/confirmation")
async def confirm(slug: str, message_id: int) -> str:
    """A page that asks whether a message is to be deleted. Embeds open it in a tab of its own, where nobody else's page
    can lead a click; by a form, so that their token is in no address."""
    form = await context.form()
    credentials.embedded_in(form.get("host", ""), form.get("token"))
    try:
        message, ticket = await messages.ask_to_delete(context.serving().chat, slug, credentials.asker(), message_id)
    except IdentityRefused as error:
        raise SignInOver from error
    await _allow_avatar(slug, message)
    return context.render("messages/confirm.html", slug=slug, message=message, ticket=ticket)


async def _show(slug: str, message_id: int, form: dict[str, str] | None = None, error: ChatError | None = None) -> str:
    message = await messages.find(context.serving().chat, slug, credentials.asker(), message_id)
    await _allow_avatar(slug, message)
    user, rank = await credentials.user(), await credentials.rank(slug)
    return context.render(
        "messages/show.html",
        slug=slug,
        message=message,
        own=user is not None and user.id == message.author.id,
        moderates=rank >= Rank.MODERATOR,
        appoints=rank >= Rank.OWNER,
        form=form or {},
        error=error,
    )


async def _allow_avatar(slug: str, message: Message) -> None:
    if message.author.avatar:
        room = await rooms.find(context.serving().chat, slug, credentials.asker())
        context.allow(Policy(images=sites.ancestors(room, local=credentials.is_local())))


def _changed(event: Event, rank: Rank | None = None, status: int = 200) -> Response:
    """The fragment that the stream brings as well, made of the same event; with the author's `rank` also who that is.

    The header `Chat-Message` tells a page that it was this server that answered, and not the login page of a network.
    """
    assert isinstance(event.act, AboutMessage)
    message = event.act.message
    body = context.serving().templates.fragment(event)
    if rank is not None:
        body += context.fragment("answers/identified.html", user=message.author, rank=rank)
    response = _html(body, status)
    response.headers["Chat-Message"] = str(message.id)
    response.headers["Chat-Version"] = str(message.version)
    return response


def _html(body: str, status: int = 200) -> Response:
    return Response(body, status, content_type="text/html; charset=utf-8")


async def _back(slug: str) -> Response:
    # Whoever has stopped the refreshing of a page without JavaScript goes on without it.
    still = "?refresh=off" if context.argument("refresh") == "off" else ""
    response = redirect(f"/rooms/{slug}{still}", 303)
    assert isinstance(response, Response)
    return response
