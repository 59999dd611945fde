"""Who may be in a room: removing people, letting them in again, and who looks after it beside its owner."""

from dataclasses import dataclass, replace

from quart_chat.domain import access, confirmations, signed_users
from quart_chat.domain.access import LEAST, Action, Entered
from quart_chat.domain.actors import Asker, rank_of
from quart_chat.domain.chat import Chat
from quart_chat.errors import CannotAppoint, CannotRemove, MemberNotFound, NeedsConfirmation, NotModerator, NotOwner
from quart_chat.events import Event, MemberChanged
from quart_chat.identity import tickets
from quart_chat.identity.tickets import Deed
from quart_chat.models import Author, Kind, Member, Place, Rank, Room, Standing, User
from quart_chat.store import bans, events, members, users
from quart_chat.store.database import Transaction
from quart_chat.text import clean_reason

LISTED = 500
"""Of those who are out, those who went last."""

ASKED = 20
"""Of these, on a page in a tab of its own, which whoever looks after a room in an embed has of them."""

LARGEST_ID = 2**62
"""Databases do not even take numbers past 2**63."""

REMOVAL, RETURN, APPOINTMENT, DISMISSAL = "removal", "return", "appointment", "dismissal"
"""What tickets are called for."""


async def remove(
    chat: Chat, slug: str, asker: Asker, user_id: int, *, ban: bool = False, reason: str | None = None
) -> Event:
    """Put somebody out of the room until they are let in again; with `ban` a guest's network as well, from which nobody
    comes in then who was no member before. Who is banned stays so, and who is out is told another `reason`, or with an
    empty one none any more; None leaves what they are told. What changes nothing is no event of the log.

    Whoever looked after the room does not any more when they come back.

    Raises ReasonInvalid, MemberNotFound, CannotRemove, TooFast, StoreUnavailable, and what `access.enter` raises.
    """
    _not_in_embeds(asker)
    given = None if reason is None else clean_reason(reason)
    await _spend(chat, slug, asker)

    def job(tx: Transaction) -> Event:
        entered = access.enter(tx, chat, slug, asker, Action.MODERATE, claim=True)
        user, place = _find(tx, entered, user_id)
        now = chat.now()
        if not confirmations.use(tx, asker, now):
            return _unchanged(tx, entered.room, user, now)
        _check(entered, user, place)
        place = place or Place(Rank.READER)
        standing = Standing.BANNED if ban or place.standing is Standing.BANNED else Standing.REMOVED
        reason_now = place.reason if given is None else given
        if (place.standing, place.reason) == (standing, reason_now):
            return _unchanged(tx, entered.room, user, now)
        if place.rank < Rank.MEMBER:
            members.upsert(tx, entered.room.id, user.id, rank=Rank.MEMBER, now=now)
        if standing is Standing.BANNED and user.kind is Kind.GUEST and place.network:
            bans.insert(tx, entered.room.id, user.id, place.network, now=now)
        by = _by(tx, entered)
        if place.rank > Rank.MEMBER:
            members.update_rank(tx, entered.room.id, user.id, Rank.MEMBER, by=by, now=now)
        members.update_standing(tx, entered.room.id, user.id, standing, reason=reason_now, by=by, now=now)
        return _changed(tx, entered.room, user, by, now)

    return await chat.database.write(job, room=slug)


async def let_in(chat: Chat, slug: str, asker: Asker, user_id: int) -> Event:
    """Let somebody in again, and open the networks that were shut because of them. What changes nothing is no event of
    the log. Raises MemberNotFound, TooFast, StoreUnavailable, and what `access.enter` raises."""
    _not_in_embeds(asker)
    await _spend(chat, slug, asker)

    def job(tx: Transaction) -> Event:
        entered = access.enter(tx, chat, slug, asker, Action.MODERATE, claim=True)
        user, place = _find(tx, entered, user_id)
        now = chat.now()
        if not confirmations.use(tx, asker, now) or place is None or place.standing is Standing.IN:
            return _unchanged(tx, entered.room, user, now)
        by = _by(tx, entered)
        bans.delete(tx, entered.room.id, user.id)
        members.update_standing(tx, entered.room.id, user.id, Standing.IN, by=by, now=now)
        return _changed(tx, entered.room, user, by, now)

    return await chat.database.write(job, room=slug)


async def appoint(chat: Chat, slug: str, asker: Asker, user_id: int, moderator: bool) -> Event:
    """Let somebody look after the room, or not any more. What changes nothing is no event of the log.

    Raises MemberNotFound, CannotAppoint, TooFast, StoreUnavailable, and what `access.enter` raises.
    """
    _not_in_embeds(asker)
    await _spend(chat, slug, asker)

    def job(tx: Transaction) -> Event:
        entered = access.enter(tx, chat, slug, asker, Action.APPOINT, claim=True)
        user, place = _find(tx, entered, user_id)
        now, rank = chat.now(), Rank.MODERATOR if moderator else Rank.MEMBER
        if not confirmations.use(tx, asker, now):
            return _unchanged(tx, entered.room, user, now)
        _check_appointed(entered, user, place)
        if (place.rank if place else Rank.MEMBER) is rank:
            return _unchanged(tx, entered.room, user, now)
        by = _by(tx, entered)
        members.upsert(tx, entered.room.id, user.id, rank=Rank.MEMBER, now=now)
        members.update_rank(tx, entered.room.id, user.id, rank, by=by, now=now)
        return _changed(tx, entered.room, user, by, now)

    return await chat.database.write(job, room=slug)


@dataclass(frozen=True, slots=True)
class Question:
    """Whether somebody is to be removed, with tickets for that, and for letting in again who is out."""

    person: Author
    place: Place
    """Where they stand now: who is out may be removed again, with another reason."""
    ticket: str
    outcasts: list[tuple[Member, str]]


async def ask_to_remove(chat: Chat, slug: str, asker: Asker, user_id: int) -> Question:
    """Raises MemberNotFound, CannotRemove, and what `access.enter` raises."""

    def find(tx: Transaction, entered: Entered) -> tuple[Author, Place, list[Member]]:
        _check_moderates(entered)
        user, place = _find(tx, entered, user_id)
        _check(entered, user, place)
        return user.author, place or Place(Rank.READER), members.select_out(tx, entered.room.id, limit=ASKED)

    (person, place, out), confirmed = await confirmations.ask(chat, slug, asker, find)

    def ticket(what: str, whom: Author) -> str:
        return tickets.issue(chat.secret, confirmed, Deed(what, slug, whom.id))

    return Question(person, place, ticket(REMOVAL, person), [(member, ticket(RETURN, member.author)) for member in out])


@dataclass(frozen=True, slots=True)
class Appointment:
    """Whether somebody is to look after the room, or who does is not to any more, with a ticket for that."""

    person: Author
    moderator: bool
    """What they would be."""
    ticket: str


async def ask_to_appoint(chat: Chat, slug: str, asker: Asker, user_id: int) -> Appointment:
    """Raises MemberNotFound, CannotAppoint, and what `access.enter` raises."""

    def find(tx: Transaction, entered: Entered) -> tuple[Author, bool]:
        _check_appoints(entered)
        user, place = _find(tx, entered, user_id)
        _check_appointed(entered, user, place)
        return user.author, place is None or place.rank < Rank.MODERATOR

    (person, moderator), confirmed = await confirmations.ask(chat, slug, asker, find)
    deed = Deed(APPOINTMENT if moderator else DISMISSAL, slug, person.id)
    return Appointment(person, moderator, tickets.issue(chat.secret, confirmed, deed))


@dataclass(frozen=True, slots=True)
class People:
    """Those of a room of whom there is something to say."""

    keepers: list[Member]
    """Who looks after it, of those whom its site does not make moderators: the owner first."""
    outcasts: list[Member]
    """Who is out, who went last first."""
    appoints: bool
    """Whether whoever asks may say who looks after it."""


async def people(chat: Chat, slug: str, asker: Asker) -> People:
    """LISTED of each at most. Raises what `access.enter` raises."""

    def query(tx: Transaction) -> People:
        entered = access.enter(tx, chat, slug, asker, Action.MODERATE)
        return People(
            members.select_keepers(tx, entered.room.id, limit=LISTED),
            members.select_out(tx, entered.room.id, limit=LISTED),
            entered.actor.rank >= LEAST[Action.APPOINT],
        )

    return await chat.database.read(query)


def _not_in_embeds(asker: Asker) -> None:
    if asker.embed is not None:
        raise NeedsConfirmation  # whatever else there would be to say


async def _spend(chat: Chat, slug: str, asker: Asker) -> None:
    key, _ = await access.identify(chat, slug, asker)
    chat.limits.spend_message(key, asker.address)


def _find(tx: Transaction, entered: Entered, user_id: int) -> tuple[User, Place | None]:
    """Somebody who is known in the room: of nobody else is it said who they are, or that they are there. Operators may
    keep out who has never been there. Raises MemberNotFound."""
    user = users.select_by_id(tx, min(user_id, LARGEST_ID))
    if user is None or user.room_id not in (None, entered.room.id):
        raise MemberNotFound
    place = access.place_of(tx, entered.room, user)
    if place is None and entered.actor.rank < Rank.OPERATOR:
        raise MemberNotFound
    return user, place


def _check_moderates(entered: Entered) -> None:
    if entered.actor.rank < LEAST[Action.MODERATE]:
        raise NotModerator


def _check_appoints(entered: Entered) -> None:
    if entered.actor.rank < LEAST[Action.APPOINT]:
        raise NotOwner


def _check_appointed(entered: Entered, user: User, place: Place | None) -> None:
    """Whether this person is one who can be appointed, or dismissed."""
    if user.id == entered.room.owner_id:
        raise CannotAppoint("This person owns the room, and looks after it anyway.")
    if place is not None and place.standing is not Standing.IN:
        raise CannotAppoint("This person is out of the room. Let them in first.")


def _check(entered: Entered, user: User, place: Place | None) -> None:
    """Whether this person is one whom the actor may remove."""
    actor, owns = entered.actor, user.id == entered.room.owner_id
    if actor.stored is not None and actor.stored.id == user.id:
        raise CannotRemove("You cannot remove yourself.")
    if owns:
        raise CannotRemove("This person owns the room. Nobody can remove them.")
    if user.operator:
        raise CannotRemove("This person looks after the whole server. Nobody can remove them.")
    if rank_of(place and replace(place, standing=Standing.IN), role=user.role) >= actor.rank:
        raise CannotRemove("This person looks after the room as you do. Only its owner can remove them.")


def _by(tx: Transaction, entered: Entered) -> int | None:
    user = signed_users.acting(tx, entered.actor)
    return user.id if user else None


def _changed(tx: Transaction, room: Room, user: User, by: int | None, now: int) -> Event:
    return events.append(tx, room, MemberChanged(_member(tx, room, user)), actor=by, now=now)


def _unchanged(tx: Transaction, room: Room, user: User, now: int) -> Event:
    """What there is to show where nothing has happened, as of now."""
    return Event(room.id, room.cursor, now, None, MemberChanged(_member(tx, room, user)))


def _member(tx: Transaction, room: Room, user: User) -> Member:
    member = members.select(tx, room.id, user.id)
    return member or Member(room.id, user.author, Rank.READER, Standing.IN, "", 0)
