"""People of a room: removing somebody, letting them in again, and who is out."""

from quart import redirect
from quart.typing import ResponseReturnValue
from quart.wrappers import Response

from quart_chat.domain import moderation
from quart_chat.domain.actors import Asker
from quart_chat.errors import ChatError, IdentityRefused, SignInOver
from quart_chat.events import Event, MemberChanged
from quart_chat.http import context, credentials
from quart_chat.http.surfaces import PAGES, Blueprint
from quart_chat.identity import tickets
from quart_chat.identity.tickets import Confirmed, Deed

blueprint = Blueprint("members", __name__, PAGES, url_prefix="/rooms/<slug>")


@blueprint.get("/members/<number:user_id>/removal")
async def ask(slug: str, user_id: int) -> str:
    """A page that asks whether somebody is to be removed, where no script does."""
    return await _ask(slug, user_id)


@blueprint.post("/members/<number:user_id>/removal")
async def remove(slug: str, user_id: int) -> ResponseReturnValue:
    """Fields: `ban` is `1` to ban as well, `reason` is what the person is told."""
    form = await context.form()
    ticket = form.get("ticket")
    context.if_refused(lambda error: _ask(slug, user_id, form, error))
    chat, asker = context.serving().chat, _asker(ticket, moderation.REMOVAL, slug, user_id)
    ban, reason = form.get("ban") == "1", form.get("reason", "")
    event = await moderation.remove(chat, slug, asker, user_id, ban=ban, reason=reason)
    return await _done(slug, event, asker)


@blueprint.post("/members/<number:user_id>/return")
async def let_in(slug: str, user_id: int) -> ResponseReturnValue:
    ticket = (await context.form()).get("ticket")
    asker = _asker(ticket, moderation.RETURN, slug, user_id)
    return await _done(slug, await moderation.let_in(context.serving().chat, slug, asker, user_id), asker)


@blueprint.post("/members/<number:user_id>/confirmation")
async def confirm(slug: str, user_id: int) -> str:
    """A page that asks whether somebody is to be removed, in a tab of its own (as `messages.confirm`)."""
    form = await context.form()
    credentials.embedded_in(form.get("host", ""), form.get("token"))
    try:
        question = await moderation.ask_to_remove(context.serving().chat, slug, credentials.asker(), user_id)
    except IdentityRefused as error:
        raise SignInOver from error
    return context.render("members/confirm.html", slug=slug, question=question, embedded=True, form={}, error=None)


@blueprint.get("/removed")
async def index(slug: str) -> str:
    """Who is out."""
    found = await moderation.outcasts(context.serving().chat, slug, credentials.asker())
    return context.render("members/index.html", slug=slug, outcasts=[(member, None) for member in found])


async def _ask(slug: str, user_id: int, form: dict[str, str] | None = None, error: ChatError | None = None) -> str:
    if error and form and "ticket" in form:
        raise error  # who was asked in a tab of its own is nobody in this one
    question = await moderation.ask_to_remove(context.serving().chat, slug, credentials.asker(), user_id)
    return context.render(
        "members/confirm.html", slug=slug, question=question, embedded=False, form=form or {}, error=error
    )


def _asker(ticket: str | None, what: str, slug: str, user_id: int) -> Asker:
    return credentials.asker() if ticket is None else credentials.confirmed(ticket, Deed(what, slug, user_id))


async def _done(slug: str, event: Event, asker: Asker) -> ResponseReturnValue:
    """The fragment that the stream brings as well; without a script the list of those who are out; in a tab of its own
    a page that says so, and takes it back."""
    assert isinstance(event.act, MemberChanged)
    member = event.act.member
    if isinstance(asker.credential, Confirmed):
        deed = Deed(moderation.RETURN, slug, member.author.id)
        ticket = tickets.issue(context.serving().chat.secret, asker.credential, deed)
        return context.render("members/done.html", slug=slug, member=member, ticket=ticket)
    if not context.is_htmx():
        return redirect(f"/rooms/{slug}/removed", 303)
    response = Response(context.serving().templates.fragment(event), content_type="text/html; charset=utf-8")
    response.headers["Chat-Member"] = str(member.author.id)
    return response
