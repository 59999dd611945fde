"""The keys with which a room's site signs who its people are: one to sign with, and while it is changed the old one."""

import base64
import secrets
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from quart_chat.domain import access
from quart_chat.domain.access import Action
from quart_chat.domain.actors import Asker
from quart_chat.domain.chat import Chat
from quart_chat.errors import EmbedKeyInvalid
from quart_chat.events import RoomChanged
from quart_chat.models import TAG_ALPHABET, EmbedKey, Room
from quart_chat.store import embed_keys as stored
from quart_chat.store import events
from quart_chat.store.database import Transaction

ALGORITHMS = ("HS256", "EdDSA")

VALID = 2
"""Keys of one room at a time: the one to sign with, and the one before it."""

GRACE = 24 * 3600.0
"""Seconds for which the old key stays valid: time to bring the new one to every server that signs."""

LONGEST_GRACE = 30 * 24 * 3600.0
"""Seconds. A key that is to be good for longer is not being rotated."""

ID_LENGTH = 10
"""Characters of a key's id: short enough to read out, and random in 50 bits, for ids are unique in a server."""

SECRET_BYTES = 32
"""As long as the digest (https://www.rfc-editor.org/rfc/rfc7518#section-3.2)."""


@dataclass(frozen=True, slots=True)
class NewKey:
    key: EmbedKey
    secret: str
    """What the site signs with, for it alone: of HS256 the shared secret, whose characters are the key as they are; of
    EdDSA the private key as PEM, which is kept nowhere here."""


async def valid(chat: Chat, slug: str, asker: Asker) -> list[EmbedKey]:
    """The keys of a room that count now, oldest first. Raises what `access.enter` raises."""

    def query(tx: Transaction) -> list[EmbedKey]:
        return _valid(tx, access.enter(tx, chat, slug, asker, Action.KEYS).room.id, chat.now())

    return await chat.database.read(query)


async def are_there(chat: Chat, slug: str, asker: Asker) -> bool:
    """Whether anybody can be signed in: the room's owner may know that. Raises what `access.enter` raises."""

    def query(tx: Transaction) -> bool:
        return bool(_valid(tx, access.enter(tx, chat, slug, asker, Action.READ).room.id, chat.now()))

    return await chat.database.read(query)


async def create(chat: Chat, slug: str, asker: Asker, algorithm: str) -> NewKey:
    """Make a room's first key. Raises EmbedKeyInvalid, and what `access.enter` raises."""

    def job(tx: Transaction) -> NewKey:
        room, now = _claim(tx, chat, slug, asker), chat.now()
        if keys := _valid(tx, room.id, now):
            raise EmbedKeyInvalid(f"The room “{slug}” has the key {keys[-1].id} already. Rotate it to have another.")
        return _insert(tx, room, algorithm, now)

    return await chat.database.write(job, room=slug)


async def rotate(chat: Chat, slug: str, asker: Asker, grace: float = GRACE, algorithm: str | None = None) -> NewKey:
    """Make a new key, by default of the old one's kind; the old one stays valid for `grace` seconds.

    Raises EmbedKeyInvalid, and what `access.enter` raises; EmbedKeyInvalid also when two keys are valid already.
    """
    if not 0 <= grace <= LONGEST_GRACE:
        raise EmbedKeyInvalid(f"The old key can stay valid for 0 to {LONGEST_GRACE / 3600:.0f} hours.")

    def job(tx: Transaction) -> NewKey:
        room, now = _claim(tx, chat, slug, asker), chat.now()
        keys = _valid(tx, room.id, now)
        if not keys:
            raise EmbedKeyInvalid(f"The room “{slug}” has no valid key that could be rotated. Create one.")
        if len(keys) >= VALID:
            raise EmbedKeyInvalid(
                f"The room “{slug}” has {VALID} valid keys, {' and '.join(key.id for key in keys)}: revoke one of them "
                "first."
            )
        old = keys[0]
        ends = now + int(grace * 1000)
        stored.update_retires_at(tx, old.id, ends if old.retires_at is None else min(old.retires_at, ends))
        return _insert(tx, room, algorithm or old.algorithm, now)

    return await chat.database.write(job, room=slug)


async def revoke(chat: Chat, slug: str, asker: Asker, key_id: str) -> None:
    """Make a key invalid at once. Raises EmbedKeyInvalid, and what `access.enter` raises."""

    def job(tx: Transaction) -> None:
        room = _claim(tx, chat, slug, asker)
        if not stored.delete(tx, room.id, key_id):
            raise EmbedKeyInvalid(f"The room “{slug}” has no key “{key_id[:40]}”.")
        events.append(tx, room, RoomChanged(room), actor=None, now=chat.now())

    await chat.database.write(job, room=slug)


def _claim(tx: Transaction, chat: Chat, slug: str, asker: Asker) -> Room:
    return access.enter(tx, chat, slug, asker, Action.KEYS, claim=True).room


def _valid(tx: Transaction, room_id: int, now: int) -> list[EmbedKey]:
    return [key for key in stored.select(tx, room_id) if key.is_valid(now)]


def _insert(tx: Transaction, room: Room, algorithm: str, now: int) -> NewKey:
    """Store a new key, and forget those of the room whose time was over before."""
    made = _make(room.id, algorithm, now)
    for key in stored.select(tx, room.id):
        if key.retires_at is not None and key.retires_at < now:
            stored.delete(tx, room.id, key.id)
    stored.insert(tx, made.key)
    events.append(tx, room, RoomChanged(room), actor=None, now=now)
    return made


def _make(room_id: int, algorithm: str, now: int) -> NewKey:
    key_id = "".join(secrets.choice(TAG_ALPHABET) for _ in range(ID_LENGTH))
    key = EmbedKey(key_id, room_id, algorithm, "", now, None)
    if algorithm == "HS256":
        secret = secrets.token_urlsafe(SECRET_BYTES)
        return NewKey(replace(key, material=secret), secret)
    if algorithm == "EdDSA":
        private = Ed25519PrivateKey.generate()
        public = base64.urlsafe_b64encode(private.public_key().public_bytes_raw()).decode().rstrip("=")
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return NewKey(replace(key, material=public), pem)
    raise EmbedKeyInvalid(f"A key is for {' or '.join(ALGORITHMS)}, not for “{algorithm[:40]}”.")
