"""The things the chat is about, as frozen values. Times are integers: milliseconds since 1970, UTC."""

import functools
import hashlib
import re
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Self

COLOURS = 12
"""How many author colours the style sheet knows."""

TAG_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no i, l, o, u, so that a tag can be read aloud."""

TAG_LENGTH = 4

TOKEN_LENGTH = 6
KEY_LENGTH = 64
STRONG_KEY_LENGTH = 22
"""22 base64 characters are 128 random bits: too many to guess, even with a token's worth of them known."""


class Rank(IntEnum):
    """What somebody may do in a room: everything that those before may."""

    NOBODY = 0
    READER = 1
    MEMBER = 2
    MODERATOR = 3
    OWNER = 4
    OPERATOR = 5


class Standing(StrEnum):
    """Whether somebody may be in a room at all."""

    IN = "in"
    REMOVED = "removed"
    """This person may not, until they are let in again."""
    BANNED = "banned"
    """The same; nor does anybody come in, for a guest, from their network who was no member before."""


class Kind(StrEnum):
    """What a user is."""

    GUEST = "guest"
    SIGNED = "signed"
    """Somebody whom a room's site has signed in."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position in a room's log: `<epoch>.<position>` on the wire.

    The epoch is a random token made with the database, so that a cursor from another one is recognised.
    """

    epoch: str
    position: int

    def __str__(self) -> str:
        return f"{self.epoch}.{self.position}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read a cursor as it came from a client; None for anything that is not one."""
        match = re.fullmatch(r"([0-9a-z]{1,32})\.([0-9]{1,18})", text)
        return cls(match[1], int(match[2])) if match else None


@dataclass(frozen=True, slots=True)
class Room:
    id: int
    slug: str
    name: str
    created_at: int
    active_at: int
    cursor: int
    """Position of the newest event in this room's log; 0 when there is none."""
    owner_id: int | None = None
    """The user who made the room; None where only the operator may change it."""
    origins: tuple[str, ...] | None = None
    """Who may embed it, as CSP source expressions; None until somebody has set a list."""
    signed_only: bool = False
    """Whether only those write whom the room's site has signed in."""


@dataclass(frozen=True, slots=True)
class Author:
    """What of somebody may be shown."""

    id: int
    name: str
    tag: str
    """Four characters that tell two guests of one name apart, the same wherever the guest appears."""
    colour: int
    """0 to COLOURS - 1."""
    avatar: str | None
    role: str | None
    """What a room's site says that they are there."""
    verified: bool
    """Whether the name is what a room's site says it is."""

    @classmethod
    def of(cls, id: int, name: str, key: str, avatar: str | None, role: str | None, kind: Kind) -> Self:
        """What may be shown of the user with this `key`."""
        tag, colour = _marks(key)
        return cls(id, name, tag, colour, avatar, role, kind is Kind.SIGNED)


@dataclass(frozen=True, slots=True)
class User:
    """Someone who writes. `key` identifies them and is never shown: what is shown is the `author`."""

    id: int
    """0 for somebody who is signed in and has not written yet."""
    name: str
    key: str
    created_at: int
    room_id: int | None = None
    """The room whose site vouches for this user, who exists there alone; None for a guest."""
    avatar: str | None = None
    role: str | None = None
    kind: Kind = Kind.GUEST
    operator: bool = False
    """Whether they may everything, everywhere."""

    @property
    def verified(self) -> bool:
        return self.kind is Kind.SIGNED

    @property
    def author(self) -> Author:
        return Author.of(self.id, self.name, self.key, self.avatar, self.role, self.kind)

    @property
    def tag(self) -> str:
        return _marks(self.key)[0]

    @property
    def colour(self) -> int:
        return _marks(self.key)[1]


@functools.lru_cache(10_000)
def _marks(key: str) -> tuple[str, int]:
    """A user's tag and colour, which say nothing of the key."""
    digest = hashlib.sha256(b"tag:" + key.encode()).digest()
    return "".join(TAG_ALPHABET[byte % 32] for byte in digest[:TAG_LENGTH]), digest[-1] % COLOURS


@dataclass(frozen=True, slots=True)
class Place:
    """What a room knows of one of its people."""

    rank: Rank
    standing: Standing = Standing.IN
    reason: str = ""
    """Why, as they are told; may be empty."""
    network: str = ""
    """From where they wrote last, as a digest; empty where that is not known."""


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in one room."""

    room_id: int
    author: Author
    rank: Rank
    standing: Standing
    reason: str
    """Why, as they are told; may be empty."""
    changed_at: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A message as its author sent it, not yet checked. `key` is random per message: a repeat is recognised by it."""

    text: str
    key: str


@dataclass(frozen=True, slots=True)
class Message:
    id: int
    room_id: int
    author: Author
    key: str
    text: str
    """Empty once the message is deleted."""
    created_at: int
    edited_at: int | None
    deleted_at: int | None
    version: int
    position: int
    """The cursor of the event by which it was posted: it orders the room, ids do not."""

    @property
    def token(self) -> str:
        """The start of a strong key: lets the author's page match its own pending message, reveals nothing useful."""
        return self.key[:TOKEN_LENGTH] if len(self.key) >= STRONG_KEY_LENGTH else ""


@dataclass(frozen=True, slots=True)
class EmbedKey:
    """A key with which a room's site signs who its people are. `id` is the `kid` of its tokens, and no secret."""

    id: str
    room_id: int
    algorithm: str
    """HS256 or EdDSA."""
    material: str
    """The shared secret, or the public key, in base64url."""
    created_at: int
    retires_at: int | None
    """When it stops being valid; None for the one that is to be used."""

    def is_valid(self, now: int) -> bool:
        """Whether what it signs counts at `now`, in milliseconds."""
        return self.retires_at is None or self.retires_at > now


@dataclass(frozen=True, slots=True)
class Page:
    """Some messages of a room in the order of the log, and the cursor up to which they tell everything."""

    room: Room
    before: int | None
    """The position before which these are, if that was asked for."""
    messages: list[Message]
    older: bool
    """Whether there are messages before these."""
    cursor: Cursor
    newer: bool = False
    """Whether there are messages after these."""
    after: int | None = None
    """The position after which these are, if that was asked for."""
    message: int | None = None
    """The id of the one around which these are, if that was asked for."""

    @property
    def still(self) -> bool:
        """Whether it is only to be looked at: where one writes are the newest messages, or those that lead to them."""
        return self.before is not None or self.after is not None
