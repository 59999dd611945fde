"""Who may read a room, kept in memory: no stream, poll or page asks the store for it."""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from quart_chat.domain.actors import Asker, Console, GuestKey, SiteToken, rank_of
from quart_chat.errors import ConfirmationInvalid, IdentityRefused, RemovedFromRoom, RoomNotFound, StoreUnavailable
from quart_chat.events import Event
from quart_chat.identity import site_tokens
from quart_chat.identity.claims import LEEWAY
from quart_chat.identity.site_tokens import Signed
from quart_chat.identity.tickets import Confirmed
from quart_chat.models import EmbedKey, Place, Rank, Room
from quart_chat.store import bans, embed_keys, members, rooms, users
from quart_chat.store.database import Database, Transaction

KEPT = 1_000
"""Rooms, those asked for last. A common one takes two kilobytes."""

READS = 8
"""Times that a room is read for somebody who asks, where each time who may read it changed meanwhile. Whoever is not
answered then asks again."""

MEMBERS = 100_000
"""Members of rooms with a shut network who were seen to be some, those last: of 200 bytes each."""


class Viewing(Protocol):
    """Whose a stream or a held poll is, as of when it was let in."""

    @property
    def user_key(self) -> str | None: ...

    @property
    def address(self) -> str: ...

    @property
    def vouched_by(self) -> str | None:
        """The id of the key with which the room's site has said who they are."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """Somebody who may read a room, and until when, in milliseconds since 1970, if what vouches for them ends."""

    room: Room
    user_key: str | None
    rank: Rank
    signed: Signed | None

    @property
    def until(self) -> int | None:
        return self.signed.expires_at + LEEWAY * 1000 if self.signed else None

    @property
    def vouched_by(self) -> str | None:
        return self.signed.key_id if self.signed else None


@dataclass(frozen=True, slots=True)
class Gate:
    """A room and its people as of one moment. `people` has all who are out or may more than others. Where a network is
    shut, whoever is a member is not meant: `members` has those who were seen to be some."""

    room: Room
    keys: Sequence[EmbedKey]
    people: Mapping[str, Place]
    owner_key: str | None
    operators: frozenset[str]
    networks: frozenset[str]
    members: "Members"
    secret: bytes

    def admit(self, asker: Asker, now: int) -> Admitted:
        """`now` is in milliseconds. Whoever brings a token that does not count is let in as what they then are, nobody
        known. Raises RemovedFromRoom."""
        if isinstance(asker.credential, Console):
            return Admitted(self.room, None, Rank.OPERATOR, None)
        try:
            key, signed = self.identify(asker, now)
        except IdentityRefused:
            key, signed = None, None
        rank = self._rank(key, asker.address, vouched=signed is not None, role=signed.user.role if signed else None)
        return Admitted(self.room, key, rank, signed)

    def identify(self, asker: Asker, now: int) -> tuple[str | None, Signed | None]:
        """As the function of that name."""
        return identify(asker, self.room, self.keys, self.secret, now)

    def keeps(self, viewer: Viewing) -> bool:
        """Whether they may read on."""
        try:
            self._rank(viewer.user_key, viewer.address, vouched=self._vouches(viewer))
        except RemovedFromRoom:
            return False
        return True

    def may_be_meant(self, key: str | None, address: str) -> bool:
        """Whether the store has to be asked whether this is a member: who comes from a shut network, and is known."""
        return (
            key is not None
            and self._is_shut(address)
            and key not in self.people
            and (self.room.id, key) not in self.members
        )

    def _vouches(self, viewer: Viewing) -> bool:
        return viewer.vouched_by is not None and any(key.id == viewer.vouched_by for key in self.keys)

    def _is_shut(self, address: str) -> bool:
        return bool(self.networks) and digest(self.secret, address) in self.networks

    def _rank(self, key: str | None, address: str, *, vouched: bool, role: str | None = None) -> Rank:
        place = self.people.get(key) if key else None
        return rank_of(
            place,
            owns=key is not None and key == self.owner_key,
            operator=key in self.operators,
            role=role,
            shut=not vouched and (self.room.id, key) not in self.members and self._is_shut(address),
        )


class Members:
    """Who is a member of which room, as far as that was asked: nobody who is one ceases to be, in or out."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[int, str], None] = OrderedDict()

    def __contains__(self, member: tuple[int, str | None]) -> bool:
        return member in self._seen

    def add(self, room_id: int, user_key: str) -> None:
        self._seen[room_id, user_key] = None
        if len(self._seen) > MEMBERS:
            self._seen.popitem(last=False)


class Gates:
    """Those of the rooms that were asked for last. Whatever takes a room from somebody is an event of it, and tells."""

    def __init__(self, database: Database, secret: bytes) -> None:
        self._database = database
        self._secret = secret
        self._members = Members()
        self._kept: OrderedDict[str, Gate] = OrderedDict()
        self._heads: dict[int, int] = {}
        self._changed: dict[int, int] = {}
        self._forgotten = 0

    def committed(self, events: Iterable[Event]) -> None:
        """MUST be called before whoever wrote them hears of it."""
        for event in events:
            # Where positions are missing, somebody else has committed, which nobody may have told of yet.
            if event.act.changes_access or event.cursor != self._heads.get(event.room_id, 0) + 1:
                self._changed[event.room_id] = event.cursor
            self._heads[event.room_id] = event.cursor

    def forget(self, moved: Mapping[int, int]) -> None:
        """Somebody else has committed, in these rooms up to there, and does not say what."""
        self._forgotten += 1
        self._kept.clear()
        for room_id, cursor in moved.items():
            self._changed[room_id] = max(cursor, self._changed.get(room_id, 0))

    async def of(self, slug: str) -> Gate:
        """Raises RoomNotFound, StoreUnavailable."""
        gate = self._kept.get(slug)
        if gate is not None and self._is_current(gate):
            self._kept.move_to_end(slug)
            return gate
        return await self.anew(slug)

    async def anew(self, slug: str) -> Gate:
        """As it is in the store now. Raises RoomNotFound, StoreUnavailable."""
        return await self._load(lambda tx: rooms.select(tx, slug))

    async def of_room(self, room_id: int, viewers: Iterable[Viewing] = ()) -> Gate:
        """As it is in the store by now or later, by the room's id; it knows which of these viewers are members. Raises
        RoomNotFound, StoreUnavailable."""
        gate = await self._read(lambda tx: rooms.select_by_id(tx, room_id))
        await self._look_for(gate, ((viewer.user_key, viewer.address) for viewer in viewers))
        return gate

    async def admit(self, slug: str, asker: Asker, now: int) -> Admitted:
        """As `Gate.admit`. Raises RoomNotFound, RemovedFromRoom, StoreUnavailable."""
        gate = await self.of(slug)
        known = [(asker.credential.user_key, asker.address)] if isinstance(asker.credential, GuestKey) else []
        if await self._look_for(gate, known):
            gate = await self.of(slug)  # what was committed meanwhile counts
        return gate.admit(asker, now)

    async def _look_for(self, gate: Gate, people: Iterable[tuple[str | None, str]]) -> bool:
        """Whether the store had to be asked."""
        keys = {key for key, address in people if key is not None and gate.may_be_meant(key, address)}
        if not keys:
            return False

        def query(tx: Transaction) -> list[str]:
            return [key for key in keys if members.is_there(tx, gate.room.id, key)]

        for key in await self._database.read(query):
            self._members.add(gate.room.id, key)
        return True

    async def _load(self, find: Callable[[Transaction], Room | None]) -> Gate:
        for _ in range(READS):
            gate = await self._read(find)
            # It may have been read before what it would have to know by now: whoever is let in is shown what is newest.
            if self._is_current(gate):
                return gate
        raise StoreUnavailable("Who may be in this room is being changed over and over. Please try again soon.")

    async def _read(self, find: Callable[[Transaction], Room | None]) -> Gate:
        """Kept, unless something was told meanwhile of which it may not know."""
        forgotten = self._forgotten
        gate = await self._database.read(lambda tx: load(tx, find(tx), self._members, self._secret))
        if forgotten == self._forgotten and self._is_current(gate):
            self._kept[gate.room.slug] = gate
            self._kept.move_to_end(gate.room.slug)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return gate

    def _is_current(self, gate: Gate) -> bool:
        return gate.room.cursor >= self._changed.get(gate.room.id, 0)


def load(tx: Transaction, room: Room | None, known: Members, secret: bytes) -> Gate:
    """Raises RoomNotFound."""
    if room is None:
        raise RoomNotFound
    return Gate(
        room,
        embed_keys.select(tx, room.id),
        members.select_places(tx, room.id),
        users.select_key(tx, room.owner_id) if room.owner_id is not None else None,
        frozenset(users.select_operators(tx)),
        frozenset(bans.select(tx, room.id)),
        known,
        secret,
    )


def identify(
    asker: Asker, room: Room, keys: Sequence[EmbedKey], secret: bytes, now: int
) -> tuple[str | None, Signed | None]:
    """The key of whoever asks, if they are somebody, and what the room's site says of them. Raises IdentityRefused,
    IdentityExpired, ConfirmationInvalid."""
    match asker.credential:
        case GuestKey(user_key):
            return user_key, None
        case SiteToken(token):
            local = asker.embed is not None and asker.embed.local
            signed = site_tokens.verify(token, room, keys, secret, now, local=local)
            return signed.user.key, signed
        case Confirmed(user_key, vouched_by, _):
            if vouched_by is not None and not any(key.id == vouched_by and key.is_valid(now) for key in keys):
                raise ConfirmationInvalid
            return user_key, None
    return None, None


@lru_cache(4096)
def digest(secret: bytes, address: str) -> str:
    """A name for a network, from which nobody can tell which it is; empty where there is none."""
    return hmac.digest(secret, b"ban\0" + address.encode(), hashlib.sha256).hex()[:32] if address else ""
