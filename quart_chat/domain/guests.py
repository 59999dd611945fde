"""Guests: each is a row made with the first message, or with a room that somebody makes."""

import hashlib
import hmac

from quart_chat.domain.chat import Chat
from quart_chat.errors import KeyInvalid, NameInvalid
from quart_chat.models import KEY_LENGTH, STRONG_KEY_LENGTH, Draft, Room, User
from quart_chat.store import users
from quart_chat.store.database import Transaction
from quart_chat.text import clean_name


async def current(chat: Chat, user_key: str | None) -> User | None:
    if user_key is None:
        return None
    return await chat.database.read(lambda tx: users.select(tx, user_key))


def find_first(tx: Transaction, chat: Chat, room: Room, draft: Draft) -> User | None:
    """The guest that was made by `draft`; only for keys that cannot be guessed."""
    return users.select(tx, _guest_key(chat, room, draft, "")) if may_be_issued_again(draft) else None


def find_or_make_guest(tx: Transaction, chat: Chat, room: Room, draft: Draft, name: str | None) -> User:
    """The guest whose first message `draft` is.

    The guest's key is derived from the draft's, so a first message that is sent again finds the guest it made. Raises
    NameInvalid when there is none yet and `name` is missing or not acceptable.
    """
    key = _guest_key(chat, room, draft, name or "")
    if guest := users.select(tx, key):
        return guest
    if name is None:
        raise NameInvalid("Please enter a name.")
    return users.insert(tx, name=clean_name(name), key=key, now=chat.now())


def find_or_make_owner(tx: Transaction, chat: Chat, name: str, key: str) -> User:
    """The guest who makes a room by the form with this key. Raises NameInvalid, and KeyInvalid where the key could be
    guessed: who sends it again is that guest."""
    if not STRONG_KEY_LENGTH <= len(key) <= KEY_LENGTH:
        raise KeyInvalid
    user_key = hmac.digest(chat.secret, b"owner\0" + key.encode(), hashlib.sha256).hex()
    return users.select(tx, user_key) or users.insert(tx, name=clean_name(name), key=user_key, now=chat.now())


def may_be_issued_again(draft: Draft) -> bool:
    """Whether repeating a first message may hand out its guest's token again: only where its key cannot be guessed."""
    return len(draft.key) >= STRONG_KEY_LENGTH


def _guest_key(chat: Chat, room: Room, draft: Draft, name: str) -> str:
    parts = [str(room.id), draft.key]
    if not may_be_issued_again(draft):
        # Two people may well think of the same short key: theirs only counts together with what they wrote.
        parts += [name, draft.text]
    material = b"\0".join(part.encode() for part in parts)
    return hmac.digest(chat.secret, b"guest\0" + material, hashlib.sha256).hex()
