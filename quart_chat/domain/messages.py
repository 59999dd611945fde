"""Messages: posting, editing, deleting, and reading them back."""

import re
from dataclasses import dataclass, replace
from enum import Enum, auto

from quart_chat.domain import access, confirmations, gates, guests, names, signed_users
from quart_chat.domain.access import LEAST, Action, Entered
from quart_chat.domain.actors import Actor, Asker
from quart_chat.domain.chat import Chat
from quart_chat.errors import EditConflict, KeyInvalid, KeyReused, MessageNotFound, NeedsConfirmation, NotYours
from quart_chat.events import Act, Event, MessageChanged, MessageDeleted, MessagePosted
from quart_chat.identity import tickets
from quart_chat.identity.tickets import Deed
from quart_chat.models import KEY_LENGTH, Cursor, Draft, Message, Page, Rank, Room, User
from quart_chat.store import events, members, messages
from quart_chat.store.database import Transaction
from quart_chat.text import clean_text

PAGE = 50
"""Messages on a page, and in each step back."""

PAGE_BYTES = 32 * 1024
"""Bytes of text on a page at most: five to six times as many of HTML, where all of it has to be escaped. The
longest message has all of them."""

AROUND = PAGE // 2
"""Of these, before a message that was asked for; as many from it on."""

DELETION = "deletion"
"""What tickets for it are called."""

NEWEST = 2**62
"""Above every id and every position; numbers past 2**63 databases do not even take."""

KEY = re.compile(rf"[!-~]{{1,{KEY_LENGTH}}}")


class Recognised(Enum):
    """What whoever posts has to do with the author of what is there then."""

    BEFORE = auto()
    """They were known as the author already."""
    NOW = auto()
    """They are the author from now on, and have to learn it."""
    NOT = auto()
    """They know the key of a message, and nothing else that its author knows: they learn nothing of the author."""


@dataclass(frozen=True, slots=True)
class Posted:
    event: Event
    first: bool
    """False when a repeated key returned an earlier result."""
    author: User
    rank: Rank
    """Of the author in the room."""
    recognised: Recognised


async def post(chat: Chat, slug: str, asker: Asker, draft: Draft) -> Posted:
    """Store a message, or find the one that this draft made before. Whoever is no user becomes a guest.

    Raises TextInvalid, NameInvalid, NameReserved, KeyInvalid, KeyReused, TooFast, StoreUnavailable, and what
    `access.enter` raises; nothing is stored then, neither message nor guest.
    """
    if not KEY.fullmatch(draft.key):
        raise KeyInvalid
    draft = replace(draft, text=clean_text(draft.text))
    key, _ = await access.identify(chat, slug, asker)
    chat.limits.spend_message(key, asker.address, draft.text)
    chat.database.check_space()
    posted, renamed = await chat.database.write(lambda tx: _post(tx, chat, slug, asker, draft), room=slug)
    if renamed:
        await names.tell_elsewhere(chat, posted.author, posted.event.room_id)
    return posted


def _post(tx: Transaction, chat: Chat, slug: str, asker: Asker, draft: Draft) -> tuple[Posted, bool]:
    """And whether its author has another name now."""
    entered = access.enter(tx, chat, slug, asker, Action.WRITE, claim=True)
    room, actor = entered.room, entered.actor
    known = actor.stored
    author = signed_users.store(tx, actor.signed.user, known) if actor.signed else _guest(tx, chat, room, actor, draft)
    same = known is not None and known.id == author.id
    place = actor.place if same else access.check_in(tx, room, author)
    was = known if actor.signed else author
    rank = actor.rank if same or actor.signed else Rank.MEMBER
    now = chat.now()
    message = messages.insert(tx, room, author, key=draft.key, text=draft.text, now=now)
    if message is None:
        posted = _posted_before(tx, room, author, known, draft, rank)
    else:
        if not author.verified:
            author = names.keep_off_reserved(tx, room, author, asker.name)
        if author is not was:
            message = replace(message, author=author.author)
        network = gates.digest(chat.secret, asker.address)
        if place is None or place.network != network:
            members.upsert(tx, room.id, author.id, rank=Rank.MEMBER, network=network, now=now)
        event = events.append(tx, room, MessagePosted(message), actor=author.id, now=now)
        posted = Posted(event, True, author, rank, Recognised.BEFORE if same else Recognised.NOW)
    return posted, was is not None and names.tell(tx, room, was, author, now)


def _guest(tx: Transaction, chat: Chat, room: Room, actor: Actor, draft: Draft) -> User:
    # First of all the guest that this very draft made: its answer may have been lost, and another tab has since become
    # another guest, with whose cookie the draft is now sent again. Without a name it cannot have made one.
    name = actor.asker.name
    first = guests.find_first(tx, chat, room, draft) if name is not None else None
    return first or actor.stored or guests.find_or_make_guest(tx, chat, room, draft, name)


def _posted_before(tx: Transaction, room: Room, author: User, known: User | None, draft: Draft, rank: Rank) -> Posted:
    earlier = messages.select_by_key(tx, room.id, author.id, draft.key)
    assert earlier is not None
    if earlier.version == 1 and earlier.text != draft.text:
        raise KeyReused
    event = Event(room.id, earlier.position, earlier.created_at, author.id, MessagePosted(earlier))
    proved = author.verified or (known is None and guests.may_be_issued_again(draft))
    recognised = Recognised.BEFORE if known == author else Recognised.NOW if proved else Recognised.NOT
    return Posted(event, False, author, rank, recognised)


async def edit(chat: Chat, slug: str, asker: Asker, message_id: int, text: str, version: int | None = None) -> Event:
    """Replace the text of one's own message, where it still has this `version`. The same text again changes nothing:
    what is returned is then no event of the log.

    Raises TextInvalid, NameInvalid, NameReserved, MessageNotFound, NotYours, EditConflict, TooFast, StoreUnavailable,
    and what `access.enter` raises.
    """
    text = clean_text(text)
    key, _ = await access.identify(chat, slug, asker)
    chat.limits.spend_message(key, asker.address, text)
    chat.database.check_space()

    def job(tx: Transaction) -> tuple[Event, User | None]:
        entered = access.enter(tx, chat, slug, asker, Action.WRITE, claim=True)
        room, now = entered.room, chat.now()
        author, message = _own(tx, entered, message_id)
        if message.text == text:
            return _unchanged(room, MessageChanged(message), now), None
        if version not in (None, message.version):
            raise EditConflict
        renamed = author if author.verified else names.keep_off_reserved(tx, room, author, asker.name)
        messages.update_text(tx, message.id, text, now=now)
        edited = replace(message, author=renamed.author, text=text, edited_at=now, version=message.version + 1)
        event = events.append(tx, room, MessageChanged(edited), actor=author.id, now=now)
        return event, renamed if names.tell(tx, room, author, renamed, now) else None

    event, renamed = await chat.database.write(job, room=slug)
    if renamed is not None:
        await names.tell_elsewhere(chat, renamed, event.room_id)
    return event


async def delete(chat: Chat, slug: str, asker: Asker, message_id: int) -> Event:
    """Delete one's own message, or as a moderator anybody's, and forget its text. Deleting it again changes nothing:
    what is returned is then no event of the log.

    Raises MessageNotFound, NotYours, TooFast, StoreUnavailable, and what `access.enter` raises.
    """
    if asker.embed is not None:
        raise NeedsConfirmation  # whatever else there would be to say
    key, _ = await access.identify(chat, slug, asker)
    chat.limits.spend_message(key, asker.address)

    def job(tx: Transaction) -> Event:
        entered = access.enter(tx, chat, slug, asker, Action.DELETE, claim=True)
        room, now = entered.room, chat.now()
        message = _mine_or_moderated(tx, entered, message_id, deleted=True)
        if not confirmations.use(tx, asker, now) or message.deleted_at:
            return _unchanged(room, MessageDeleted(message), now)
        messages.update_deleted(tx, message.id, now=now)
        deleted = replace(message, text="", deleted_at=now, version=message.version + 1)
        actor = signed_users.acting(tx, entered.actor)
        return events.append(tx, room, MessageDeleted(deleted), actor=actor.id if actor else None, now=now)

    return await chat.database.write(job, room=slug)


async def source(chat: Chat, slug: str, asker: Asker, message_id: int) -> Message:
    """One's own message, to be edited. Raises MessageNotFound, NotYours, StoreUnavailable, and what `access.enter`
    raises."""

    def query(tx: Transaction) -> Message:
        _, message = _own(tx, access.enter(tx, chat, slug, asker, Action.WRITE), message_id)
        return message

    return await chat.database.read(query)


async def ask_to_delete(chat: Chat, slug: str, asker: Asker, message_id: int) -> tuple[Message, str]:
    """A message that the asker may delete, and a ticket for that (`confirmations.ask`).

    Raises MessageNotFound, NotYours, StoreUnavailable, and what `access.enter` raises.
    """

    def find(tx: Transaction, entered: Entered) -> Message:
        return _mine_or_moderated(tx, entered, message_id)

    message, confirmed = await confirmations.ask(chat, slug, asker, find)
    return message, tickets.issue(chat.secret, confirmed, Deed(DELETION, slug, message_id))


async def find(chat: Chat, slug: str, asker: Asker, message_id: int) -> Message:
    """Raises MessageNotFound, and what `access.enter` raises."""

    def query(tx: Transaction) -> Message:
        return _find(tx, access.enter(tx, chat, slug, asker, Action.READ).room, message_id)

    return await chat.database.read(query)


async def page(chat: Chat, slug: str, asker: Asker, before: int | None = None) -> Page:
    """The newest messages of a room, or those at positions below `before`. Raises what `access.enter` raises."""
    await access.admit(chat, slug, asker)
    if before is None and (kept := chat.newest.get(slug)):
        return kept

    def query(tx: Transaction) -> Page:
        room = access.enter(tx, chat, slug, asker, Action.READ).room
        found = messages.select_before(tx, room.id, min(before or NEWEST, NEWEST), limit=PAGE + 1)
        shown = _last_that_fit(found, PAGE)
        newer = before is not None and bool(messages.select_after(tx, room.id, min(before, NEWEST) - 1, limit=1))
        return Page(room, before, shown, len(found) > len(shown), Cursor(chat.epoch, room.cursor), newer)

    page = await chat.database.read(query)
    if before is None:
        chat.newest.keep(page)
    return page


async def page_after(chat: Chat, slug: str, asker: Asker, after: int) -> Page:
    """The messages at positions above `after`: on from where a page ended. Raises what `access.enter` raises."""

    def query(tx: Transaction) -> Page:
        room = access.enter(tx, chat, slug, asker, Action.READ).room
        found = messages.select_after(tx, room.id, min(after, NEWEST), limit=PAGE + 1)
        shown = _first_that_fit(found, PAGE)
        older = bool(messages.select_before(tx, room.id, min(after, NEWEST) + 1, limit=1))
        cursor = Cursor(chat.epoch, room.cursor)
        return Page(room, None, shown, older, cursor, newer=len(found) > len(shown), after=after)

    return await chat.database.read(query)


async def page_around(chat: Chat, slug: str, asker: Asker, message_id: int) -> Page:
    """A message with what is before and after it. Raises MessageNotFound, and what `access.enter`
    raises."""

    def query(tx: Transaction) -> Page:
        room = access.enter(tx, chat, slug, asker, Action.READ).room
        message = _find(tx, room, message_id)
        before = messages.select_before(tx, room.id, message.position, limit=AROUND + 1)
        after = messages.select_after(tx, room.id, message.position - 1, limit=AROUND + 1)
        shown = _last_that_fit(before, AROUND), _first_that_fit(after, AROUND)
        return Page(
            room,
            None,
            [*shown[0], *shown[1]],
            len(before) > len(shown[0]),
            Cursor(chat.epoch, room.cursor),
            newer=len(after) > len(shown[1]),
            message=message.id,
        )

    return await chat.database.read(query)


def _last_that_fit(found: list[Message], most: int) -> list[Message]:
    """The newest of them that fit on a page, `most` at most."""
    size = count = 0
    for message in reversed(found[-most:]):
        size += len(message.text.encode())
        if count and size > PAGE_BYTES * most / PAGE:
            break
        count += 1
    return found[len(found) - count :]


def _first_that_fit(found: list[Message], most: int) -> list[Message]:
    return _last_that_fit(found[::-1], most)[::-1]


def _find(tx: Transaction, room: Room, message_id: int, *, deleted: bool = False) -> Message:
    message = messages.select(tx, room.id, min(message_id, NEWEST))
    if message is None or (message.deleted_at and not deleted):
        raise MessageNotFound
    return message


def _own(tx: Transaction, entered: Entered, message_id: int) -> tuple[User, Message]:
    """A message, and its author, who asks."""
    message, user = _find(tx, entered.room, message_id), entered.actor.stored
    if user is None or user.id != message.author.id:
        raise NotYours
    return user, message


def _mine_or_moderated(tx: Transaction, entered: Entered, message_id: int, *, deleted: bool = False) -> Message:
    """A message that whoever asks may delete."""
    message, user = _find(tx, entered.room, message_id, deleted=deleted), entered.actor.stored
    if (user is None or user.id != message.author.id) and entered.actor.rank < LEAST[Action.MODERATE]:
        raise NotYours
    return message


def _unchanged(room: Room, act: Act, now: int) -> Event:
    """What there is to show where nothing has happened, as of now."""
    return Event(room.id, room.cursor, now, None, act)
