"""People of a room: removing somebody and letting them in again, who looks after it, and who is out."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from quart import redirect
from quart.typing import ResponseReturnValue
from quart.wrappers import Response

from quart_chat.domain import moderation
from quart_chat.domain.actors import Asker
from quart_chat.domain.chat import Chat
from quart_chat.domain.moderation import Question
from quart_chat.errors import ChatError, IdentityRefused, RankInvalid, SignInOver
from quart_chat.events import Event, MemberChanged
from quart_chat.http import context, credentials
from quart_chat.http.surfaces import PAGES, QUESTIONS, Blueprint
from quart_chat.identity import tickets
from quart_chat.identity.tickets import Confirmed, Deed
from quart_chat.models import Standing

blueprint = Blueprint("members", __name__, PAGES, url_prefix="/rooms/<slug>")

T = TypeVar("T")


@blueprint.get("/members/<number:user_id>/removal")
@blueprint.but(QUESTIONS)
async def ask(slug: str, user_id: int) -> str:
    """A page that asks whether somebody is to be removed, where no script does."""
    return await _ask(slug, user_id)


@blueprint.post("/members/<number:user_id>/removal")
async def remove(slug: str, user_id: int) -> ResponseReturnValue:
    """Fields: `ban` is `1` to ban as well; `reason` is what the person is told, and where it is not there, what they
    were told before stays."""
    form = await context.form()
    ticket = form.get("ticket")
    context.if_refused(lambda error: _ask(slug, user_id, form, error))
    chat, asker = context.serving().chat, _asker(ticket, moderation.REMOVAL, slug, user_id)
    ban, reason = form.get("ban") == "1", form.get("reason")
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
    question = await _embedded(moderation.ask_to_remove, slug, user_id)
    form = _as_it_is(question)
    return context.render("members/confirm.html", slug=slug, question=question, embedded=True, form=form, error=None)


@blueprint.get("/members/<number:user_id>/rank")
@blueprint.but(QUESTIONS)
async def ask_rank(slug: str, user_id: int) -> str:
    """A page that asks whether somebody is to be a moderator, or where they are one whether not to be any more."""
    asked = await moderation.ask_to_appoint(context.serving().chat, slug, credentials.asker(), user_id)
    return context.render("members/rank.html", slug=slug, asked=asked, embedded=False)


@blueprint.post("/members/<number:user_id>/rank")
async def appoint(slug: str, user_id: int) -> ResponseReturnValue:
    """Field: `rank` is `moderator` or `member`."""
    form = await context.form()
    rank = form.get("rank")
    if rank not in ("moderator", "member"):
        raise RankInvalid
    deed = moderation.APPOINTMENT if rank == "moderator" else moderation.DISMISSAL
    asker = _asker(form.get("ticket"), deed, slug, user_id)
    event = await moderation.appoint(context.serving().chat, slug, asker, user_id, rank == "moderator")
    return await _done(slug, event, asker, of_rank=True)


@blueprint.post("/members/<number:user_id>/rank/confirmation")
async def confirm_rank(slug: str, user_id: int) -> str:
    """The page that asks so, in a tab of its own."""
    asked = await _embedded(moderation.ask_to_appoint, slug, user_id)
    return context.render("members/rank.html", slug=slug, asked=asked, embedded=True)


@blueprint.get("/members")
@blueprint.but(QUESTIONS)
async def index(slug: str) -> str:
    """Who looks after the room, and who is out."""
    people = await moderation.people(context.serving().chat, slug, credentials.asker())
    outcasts = [(member, None) for member in people.outcasts]
    return context.render("members/index.html", slug=slug, people=people, outcasts=outcasts)


async def _ask(slug: str, user_id: int, form: dict[str, str] | None = None, error: ChatError | None = None) -> str:
    if error and form and "ticket" in form:
        raise error  # who was asked in a tab of its own is nobody in this one
    question = await moderation.ask_to_remove(context.serving().chat, slug, credentials.asker(), user_id)
    form = form or _as_it_is(question)
    return context.render("members/confirm.html", slug=slug, question=question, embedded=False, form=form, error=error)


def _as_it_is(question: Question) -> dict[str, str]:
    """What the form says before anybody has changed it: of who is out, how they are, and why."""
    place = question.place
    return {"ban": "1" if place.standing is Standing.BANNED else "", "reason": place.reason}


async def _embedded(ask: Callable[[Chat, str, Asker, int], Awaitable[T]], slug: str, user_id: int) -> T:
    """What whoever is in an embed is asked."""
    form = await context.form()
    credentials.embedded_in(form.get("host", ""), form.get("token"))
    try:
        return await ask(context.serving().chat, slug, credentials.asker(), user_id)
    except IdentityRefused as error:
        raise SignInOver from error


def _asker(ticket: str | None, what: str, slug: str, user_id: int) -> Asker:
    return credentials.asker() if ticket is None else credentials.confirmed(ticket, Deed(what, slug, user_id))


async def _done(slug: str, event: Event, asker: Asker, *, of_rank: bool = False) -> ResponseReturnValue:
    """The fragment that the stream brings as well; without a script the list of people; in a tab of its own a page that
    says so, and takes a removal back."""
    assert isinstance(event.act, MemberChanged)
    member = event.act.member
    if isinstance(asker.credential, Confirmed):
        deed = Deed(moderation.RETURN, slug, member.author.id)
        ticket = tickets.issue(context.serving().chat.secret, asker.credential, deed)
        return context.render("members/done.html", slug=slug, member=member, ticket=ticket, of_rank=of_rank)
    if not context.is_htmx():
        return redirect(f"/rooms/{slug}/members", 303)
    response = Response(context.serving().templates.fragment(event), content_type="text/html; charset=utf-8")
    response.headers["Chat-Member"] = str(member.author.id)
    return response
