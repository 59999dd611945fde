"""Who somebody is: a guest is a row made with the first message, and a signed token that names the row."""

import functools
import hashlib
import hmac

from itsdangerous import BadSignature, Signer

from quart_chat.domain.chat import Chat
from quart_chat.domain.text import clean_name
from quart_chat.errors import NameInvalid
from quart_chat.models import STRONG_KEY_LENGTH, Draft, Room, User
from quart_chat.store import users
from quart_chat.store.sqlite import Transaction

SALT = "guest"

TOKEN_LENGTH = 256
"""Characters of a token at most, twice what they have: what is longer is not even looked at."""


def issue(chat: Chat, user: User) -> str:
    """A token for `user`, to be kept by its browser. Whoever holds it is that user.

    It names the user by key and not by id: another database, or an older backup, gives the same id to somebody else.
    """
    return _signer(chat.secret).sign(user.key).decode()


def verify(chat: Chat, token: str | None) -> str | None:
    """The key of the user a token was issued to; None for no token, or one that this server did not sign."""
    return _verify(chat.secret, token) if token and len(token) <= TOKEN_LENGTH else None


@functools.lru_cache(10_000)
def _verify(secret: bytes, token: str) -> str | None:
    try:
        return _signer(secret).unsign(token).decode()
    except BadSignature:
        return None


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


def _signer(secret: bytes) -> Signer:
    return Signer(secret, salt=SALT, digest_method=hashlib.sha256)
