"""Messages: posting, editing, deleting, and reading them back."""

import re
from dataclasses import dataclass, replace

from quart_chat.domain import guests, permissions, rooms, site_members
from quart_chat.domain.chat import Chat
from quart_chat.domain.sender import Sender
from quart_chat.errors import EditConflict, KeyInvalid, KeyReused, MessageNotFound, NotYours
from quart_chat.events import Event, MessageChanged, MessageDeleted, MessagePosted
from quart_chat.identity import tickets
from quart_chat.identity.tickets import Confirmed
from quart_chat.models import KEY_LENGTH, Cursor, Draft, Message, Page, Rank, Room, User
from quart_chat.store import events, messages, users
from quart_chat.store import members as stored_members
from quart_chat.store.database import Transaction
from quart_chat.text import clean_text

PAGE = 50
"""Messages on a page, and in each step back."""

PAGE_BYTES = 32 * 1024
"""Bytes of text on a page at most: five to six times as many of HTML, where all of it has to be escaped. The
longest message has all of them."""

AROUND = PAGE // 2
"""Of these, before a message that was asked for; as many from it on."""

NEWEST = 2**62
"""Above every id and every position; numbers past 2**63 databases do not even take."""

KEY = re.compile(rf"[!-~]{{1,{KEY_LENGTH}}}")


@dataclass(frozen=True, slots=True)
class Posted:
    message: Message
    author: User
    first: bool
    """False when a repeated key returned an earlier result."""
    known: bool
    """Whether the sender was known as the author already."""
    identify: bool
    """Whether a token of the author may be handed out with the answer. Never of somebody whom a room's site has signed
    in: it would still count when that site's own does not any more."""


async def post(chat: Chat, slug: str, sender: Sender, draft: Draft) -> Posted:
    """Store a message, or find the one that this draft made before. A sender without a user becomes a guest.

    Raises TextInvalid, NameInvalid, NameReserved, KeyInvalid, KeyReused, RoomNotFound, FramingRefused, SignedOnly,
    IdentityRefused, TooFast, StoreUnavailable; nothing is stored then, neither message nor guest.
    """
    if not KEY.fullmatch(draft.key):
        raise KeyInvalid
    draft = replace(draft, text=clean_text(draft.text))
    member = await site_members.signed_in(chat, slug, sender)
    chat.limits.spend_message(member.key if member else sender.user_key, sender.address, draft.text)
    chat.database.check_space()
    return await chat.database.write(lambda tx: _post(tx, chat, slug, sender, member, draft), room=slug)


def _post(tx: Transaction, chat: Chat, slug: str, sender: Sender, member: User | None, draft: Draft) -> Posted:
    room = rooms.claim_in(tx, slug)
    permissions.check_write(room, sender, member)
    key = member.key if member else sender.user_key
    known = users.select(tx, key) if key else None
    author = site_members.store(tx, member, known) if member else _guest(tx, chat, room, sender, known, draft)
    was = known if member else author
    now = chat.now()
    message = messages.insert(tx, room, author, key=draft.key, text=draft.text, now=now)
    if message is None:
        posted = _posted_before(tx, room, author, known, draft)
    else:
        if not author.verified:
            author = guests.keep_off_reserved(tx, room, author, sender.name)
        if author is not was:
            message = replace(message, author=author.author)
        stored_members.upsert(tx, room.id, author.id, rank=Rank.MEMBER, now=now)
        events.append(tx, room, MessagePosted(message), actor=author.id, now=now)
        same = known is not None and known.id == author.id
        posted = Posted(message, author, first=True, known=same, identify=not author.verified)
    if was is not None:
        guests.tell_new_name(tx, was, author, now)
    return posted


def _guest(tx: Transaction, chat: Chat, room: Room, sender: Sender, known: User | None, draft: Draft) -> User:
    # First of all the guest that this very draft made: its answer may have been lost, and another tab has since become
    # another guest, with whose cookie the draft is now sent again. Without a name it cannot have made one.
    first = guests.find_first(tx, chat, room, draft) if sender.name is not None else None
    return first or known or guests.find_or_make_guest(tx, chat, room, draft, sender.name)


def _posted_before(tx: Transaction, room: Room, author: User, known: User | None, draft: Draft) -> Posted:
    earlier = messages.select_by_key(tx, room.id, author.id, draft.key)
    assert earlier is not None
    if earlier.version == 1 and earlier.text != draft.text:
        raise KeyReused
    identify = known == author or (known is None and guests.may_be_issued_again(draft))
    return Posted(earlier, author, first=False, known=known == author, identify=identify and not author.verified)


async def edit(
    chat: Chat, slug: str, sender: Sender, message_id: int, text: str, version: int | None = None
) -> Message:
    """Replace the text of one's own message, where it still has this `version`; the same text again changes nothing.

    Raises TextInvalid, NameInvalid, NameReserved, RoomNotFound, MessageNotFound, NotYours, EditConflict,
    FramingRefused, SignedOnly, IdentityRefused, TooFast, StoreUnavailable.
    """
    text = clean_text(text)
    member = await site_members.signed_in(chat, slug, sender)
    key = member.key if member else sender.user_key
    chat.limits.spend_message(key, sender.address, text)
    chat.database.check_space()

    def job(tx: Transaction) -> Message:
        room = rooms.claim_in(tx, slug)
        permissions.check_write(room, sender, member)
        author, message = _own(tx, room, key, message_id)
        if message.text == text:
            return message
        if version not in (None, message.version):
            raise EditConflict
        renamed = author if author.verified else guests.keep_off_reserved(tx, room, author, sender.name)
        now = chat.now()
        messages.update_text(tx, message.id, text, now=now)
        edited = replace(message, author=renamed.author, text=text, edited_at=now, version=message.version + 1)
        events.append(tx, room, MessageChanged(edited), actor=author.id, now=now)
        guests.tell_new_name(tx, author, renamed, now)
        return edited

    return await chat.database.write(job, room=slug)


async def delete(chat: Chat, slug: str, sender: Sender, message_id: int) -> Message:
    """Delete one's own message and forget its text; deleting it again changes nothing.

    Raises RoomNotFound, MessageNotFound, NotYours, NeedsConfirmation, ConfirmationInvalid, TooFast,
    StoreUnavailable.
    """
    permissions.check_delete(sender)
    chat.limits.spend_message(sender.user_key, sender.address)

    def job(tx: Transaction) -> Message:
        room = rooms.claim_in(tx, slug)
        site_members.check_vouched(tx, room, sender, chat.now())
        author, message = _own(tx, room, sender.user_key, message_id, deleted=True)
        if message.deleted_at:
            return message
        now = chat.now()
        messages.update_deleted(tx, message.id, now=now)
        deleted = replace(message, text="", deleted_at=now, version=message.version + 1)
        events.append(tx, room, MessageDeleted(deleted), actor=author.id, now=now)
        return deleted

    return await chat.database.write(job, room=slug)


async def source(chat: Chat, slug: str, sender: Sender, message_id: int) -> Message:
    """One's own message, to be edited. Raises RoomNotFound, MessageNotFound, NotYours, IdentityRefused,
    StoreUnavailable."""
    member = await site_members.signed_in(chat, slug, sender)
    key = member.key if member else sender.user_key
    _, message = await chat.database.read(lambda tx: _own(tx, rooms.find_in(tx, slug), key, message_id))
    return message


async def ask_to_delete(chat: Chat, slug: str, sender: Sender, message_id: int) -> tuple[Message, str]:
    """One's own message, and a ticket with which a page of this site itself may have it deleted.

    Raises RoomNotFound, MessageNotFound, NotYours, IdentityRefused, StoreUnavailable.
    """
    signed = await site_members.verified(chat, slug, sender)
    key = signed.user.key if signed else sender.user_key
    author, message = await chat.database.read(lambda tx: _own(tx, rooms.find_in(tx, slug), key, message_id))
    confirmed = Confirmed(author.key, signed.key_id if signed else None)
    return message, tickets.issue(chat.secret, confirmed, message_id)


async def find(chat: Chat, slug: str, message_id: int) -> Message:
    """Raises RoomNotFound, MessageNotFound."""
    return await chat.database.read(lambda tx: _find(tx, rooms.find_in(tx, slug), message_id))


async def page(chat: Chat, slug: str, before: int | None = None) -> Page:
    """The newest messages of a room, or those at positions below `before`. Raises RoomNotFound."""
    if before is None and (kept := chat.newest.get(slug)):
        return kept

    def query(tx: Transaction) -> Page:
        room = rooms.find_in(tx, slug)
        found = messages.select_before(tx, room.id, min(before or NEWEST, NEWEST), limit=PAGE + 1)
        shown = _last_that_fit(found, PAGE)
        newer = before is not None and bool(messages.select_after(tx, room.id, min(before, NEWEST) - 1, limit=1))
        return Page(room, before, shown, len(found) > len(shown), Cursor(chat.epoch, room.cursor), newer)

    page = await chat.database.read(query)
    if before is None:
        chat.newest.keep(page)
    return page


async def page_after(chat: Chat, slug: str, after: int) -> Page:
    """The messages at positions above `after`: on from where a page ended. Raises RoomNotFound."""

    def query(tx: Transaction) -> Page:
        room = rooms.find_in(tx, slug)
        found = messages.select_after(tx, room.id, min(after, NEWEST), limit=PAGE + 1)
        shown = _first_that_fit(found, PAGE)
        older = bool(messages.select_before(tx, room.id, min(after, NEWEST) + 1, limit=1))
        cursor = Cursor(chat.epoch, room.cursor)
        return Page(room, None, shown, older, cursor, newer=len(found) > len(shown), after=after)

    return await chat.database.read(query)


async def page_around(chat: Chat, slug: str, message_id: int) -> Page:
    """A message with what is before and after it. Raises RoomNotFound, MessageNotFound."""

    def query(tx: Transaction) -> Page:
        room = rooms.find_in(tx, slug)
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


async def events_after(chat: Chat, room_id: int, cursor: int, limit: int) -> list[Event]:
    """The log after a position, at most `limit` events, each with its message as it is now."""
    return await chat.database.read(lambda tx: events.select_after(tx, room_id, cursor, limit=limit))


async def head(chat: Chat, room_id: int) -> int:
    """The position of a room's newest event."""
    return await chat.database.read(lambda tx: events.select_head(tx, room_id))


async def size_after(chat: Chat, room_id: int, cursor: int) -> int:
    """About how many bytes the log has after a position, as its messages are now."""
    return await chat.database.read(lambda tx: events.select_size_after(tx, room_id, cursor))


def _find(tx: Transaction, room: Room, message_id: int, *, deleted: bool = False) -> Message:
    message = messages.select(tx, room.id, min(message_id, NEWEST))
    if message is None or (message.deleted_at and not deleted):
        raise MessageNotFound
    return message


def _own(
    tx: Transaction, room: Room, user_key: str | None, message_id: int, *, deleted: bool = False
) -> tuple[User, Message]:
    """A message, and its author, who asks."""
    message = _find(tx, room, message_id, deleted=deleted)
    user = users.select(tx, user_key) if user_key else None
    if user is None or user.id != message.author.id:
        raise NotYours
    return user, message
