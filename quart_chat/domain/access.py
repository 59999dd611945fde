"""The only way into a room, and one table of who may do what there. The same on every surface."""

from dataclasses import dataclass
from enum import Enum, auto

from quart_chat import sites
from quart_chat.domain import gates
from quart_chat.domain.actors import Actor, Asker, Console, Embed, SiteToken, rank_of
from quart_chat.domain.chat import Chat
from quart_chat.domain.gates import Admitted
from quart_chat.errors import (
    ChatError,
    ConfirmationInvalid,
    EmbedRefused,
    IdentityRefused,
    NeedsConfirmation,
    NotModerator,
    NotOperator,
    NotOwner,
    RoomNotFound,
    SignedOnly,
)
from quart_chat.identity.site_tokens import Signed
from quart_chat.identity.tickets import Confirmed
from quart_chat.models import Place, Rank, Room, User
from quart_chat.store import bans, embed_keys, members, rooms, users
from quart_chat.store.database import Transaction


class Action(Enum):
    READ = auto()
    WRITE = auto()
    """Post, and change what is one's own."""
    ASK = auto()
    """To be shown, on a page of its own, what is to be confirmed there."""
    DELETE = auto()
    """One's own message."""
    MODERATE = auto()
    """Delete anybody's message, remove people and let them in again."""
    APPOINT = auto()
    """Make somebody a moderator, or take that away."""
    SETTINGS = auto()
    KEYS = auto()
    """With which the room's site signs who its people are."""


LEAST: dict[Action, Rank] = {
    Action.READ: Rank.READER,
    Action.WRITE: Rank.READER,
    Action.ASK: Rank.READER,
    Action.DELETE: Rank.READER,
    Action.MODERATE: Rank.MODERATOR,
    Action.APPOINT: Rank.OWNER,
    Action.SETTINGS: Rank.OWNER,
    Action.KEYS: Rank.OPERATOR,
}
"""The rank that each needs at least."""

IN_EMBEDS = (Action.READ, Action.WRITE, Action.ASK)
"""What may come out of an embed. The page around it can lead a click anywhere in it."""

CONFIRMED = (Action.DELETE, Action.MODERATE, Action.APPOINT)
"""What whoever is in one confirms on a page of this site itself."""

REFUSALS: dict[Rank, type[ChatError]] = {
    Rank.MODERATOR: NotModerator,
    Rank.OWNER: NotOwner,
    Rank.OPERATOR: NotOperator,
}


@dataclass(frozen=True, slots=True)
class Entered:
    room: Room
    actor: Actor


def enter(tx: Transaction, chat: Chat, slug: str, asker: Asker, action: Action, *, claim: bool = False) -> Entered:
    """The room for whoever asks, if they may do that there. With `claim` the room is this transaction's, which MUST
    have done nothing before: only then may it write to the room's log.

    Who only reads, with a token that does not count, is nobody known. Raises RoomNotFound, RemovedFromRoom,
    EmbedRefused, SignedOnly, NeedsConfirmation, NotModerator, NotOwner, NotOperator, IdentityRefused,
    IdentityExpired, ConfirmationInvalid.
    """
    room = rooms.claim(tx, slug) if claim else rooms.select(tx, slug)
    if room is None:
        raise RoomNotFound
    if isinstance(asker.credential, Console):
        return Entered(room, Actor(asker, None, None, Rank.OPERATOR))
    keys = embed_keys.select(tx, room.id) if isinstance(asker.credential, SiteToken | Confirmed) else ()
    try:
        key, signed = gates.identify(asker, room, keys, chat.secret, chat.now())
    except IdentityRefused:
        if action is not Action.READ:
            raise
        key, signed = None, None
    user = users.select(tx, key) if key else None
    place = place_of(tx, room, user) if user else None
    rank = rank_of(
        place,
        owns=user is not None and user.id == room.owner_id,
        operator=user is not None and user.operator,
        role=_role(asker, signed),
        shut=place is None and not _is_vouched(asker, signed) and is_shut(tx, chat, room, asker.address),
    )
    actor = Actor(asker, user or (signed.user if signed else None), place, rank, signed)
    check(room, asker, rank, action, signed=signed is not None)
    return Entered(room, actor)


async def admit(chat: Chat, slug: str, asker: Asker, action: Action = Action.READ) -> Admitted:
    """The same for what only reads, out of memory. A credential that does not count is as good as none.

    Raises RoomNotFound, RemovedFromRoom, StoreUnavailable, and what `check` raises.
    """
    admitted = await chat.gates.admit(slug, asker, chat.now())
    check(admitted.room, asker, admitted.rank, action, signed=admitted.signed is not None)
    return admitted


async def embedders(chat: Chat, slug: str, *, local: bool) -> tuple[str, ...]:
    """Which sites may show the room, as `sites.ancestors`: also to whoever is out, who reads so in the embed. Raises
    RoomNotFound, StoreUnavailable."""
    return sites.ancestors((await chat.gates.of(slug)).room, local=local)


async def identify(chat: Chat, slug: str, asker: Asker) -> tuple[str | None, Signed | None]:
    """The key of whoever asks, and what the room's site says of them, before anything else is done for them. What is
    refused out of memory is looked at in the store: there may be a new key, made by a command this moment.

    Raises RoomNotFound, IdentityRefused, IdentityExpired, ConfirmationInvalid, StoreUnavailable.
    """
    try:
        return (await chat.gates.of(slug)).identify(asker, chat.now())
    except (IdentityRefused, ConfirmationInvalid):
        return (await chat.gates.anew(slug)).identify(asker, chat.now())


def check(room: Room, asker: Asker, rank: Rank, action: Action, *, signed: bool) -> None:
    """Raises EmbedRefused, SignedOnly, NeedsConfirmation, NotModerator, NotOwner, NotOperator."""
    if asker.embed is not None and action not in IN_EMBEDS:
        raise NeedsConfirmation if action in CONFIRMED else REFUSALS[LEAST[action]]
    if action is Action.WRITE:
        check_embed(room, asker.embed)
        if room.signed_only and not signed:
            raise SignedOnly
    if rank < LEAST[action]:
        raise REFUSALS[LEAST[action]]


def check_embed(room: Room, embed: Embed | None) -> None:
    """Refuse whoever is in an embed where the room may not be now, whatever it was when it was opened. Raises
    EmbedRefused."""
    if embed is None or sites.allows(room, embed.host, local=embed.local):
        return
    if embed.host in ("", sites.NOBODY):
        raise EmbedRefused(
            "The page around this room does not say which site it is of, so nothing can be sent from here. Its iframe "
            'needs referrerpolicy="origin".'
        )
    raise EmbedRefused(
        f"{embed.host[:200]} is not among the sites that may show this room, so nothing can be sent from here. The "
        "room’s owner can add it."
    )


def _role(asker: Asker, signed: Signed | None) -> str | None:
    """What the room's site has signed that they are there."""
    if signed is not None:
        return signed.user.role
    return asker.credential.role if isinstance(asker.credential, Confirmed) else None


def _is_vouched(asker: Asker, signed: Signed | None) -> bool:
    """Whether the room's site says who they are, who are then nobody who comes back under another name."""
    return signed is not None or (isinstance(asker.credential, Confirmed) and asker.credential.vouched_by is not None)


def place_of(tx: Transaction, room: Room, user: User) -> Place | None:
    """Where somebody stands in the room; None for who is no member."""
    return members.select_place(tx, room.id, user.id)


def check_in(tx: Transaction, room: Room, user: User) -> Place | None:
    """The same of somebody in whose name it is done. Raises RemovedFromRoom."""
    place = place_of(tx, room, user)
    rank_of(place, owns=user.id == room.owner_id, operator=user.operator)
    return place


def is_shut(tx: Transaction, chat: Chat, room: Room, address: str) -> bool:
    """Whether nobody who is new may come in from there."""
    return bans.exists(tx, room.id, gates.digest(chat.secret, address))
