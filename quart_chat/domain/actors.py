"""Who asks, and who that turns out to be in one room."""

from dataclasses import dataclass

from quart_chat.errors import NetworkShut, RemovedFromRoom
from quart_chat.identity.site_tokens import Signed
from quart_chat.identity.tickets import Confirmed
from quart_chat.models import Place, Rank, Standing, User


@dataclass(frozen=True, slots=True)
class Embed:
    """The page around the embed from which a request comes."""

    host: str
    """The origin of that page, as the embed says; empty where the browser has not told it."""
    local: bool
    """Whether pages of this machine are let in where a room has no list."""


@dataclass(frozen=True, slots=True)
class GuestKey:
    """Of a user, out of a cookie or a token that this server has signed."""

    user_key: str


@dataclass(frozen=True, slots=True)
class SiteToken:
    """What a room's site has signed, not verified yet."""

    token: str


@dataclass(frozen=True, slots=True)
class Console:
    """Whoever runs commands on the database: its operator."""


Credential = GuestKey | SiteToken | Confirmed | Console


@dataclass(frozen=True, slots=True)
class Asker:
    """Made by a surface, and believed by nobody: `access` says who it is."""

    credential: Credential | None
    name: str | None
    """The one given along."""
    address: str
    """Of the network; empty for commands."""
    embed: Embed | None = None
    """None for a page of this site itself, and for programs."""


CONSOLE = Asker(Console(), None, "")


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever asks, as known in one room. `user` is None for who is nobody yet, and has the id 0 for whom the room's
    site vouches and who has not written yet; `place` is None for who is no member."""

    asker: Asker
    user: User | None
    place: Place | None
    rank: Rank
    signed: Signed | None = None

    @property
    def key(self) -> str | None:
        return self.user.key if self.user else None

    @property
    def stored(self) -> User | None:
        """The user if there is a row of them."""
        return self.user if self.user and self.user.id else None


def rank_of(
    place: Place | None, *, owns: bool = False, operator: bool = False, role: str | None = None, shut: bool = False
) -> Rank:
    """What somebody may in a public room: by their place in it, by being an operator, by the role that its site has
    signed. `shut` is their network to whoever is no member. Raises RemovedFromRoom, NetworkShut.

    Nobody takes a room away from its owner, or anything from an operator.
    """
    if operator:
        return Rank.OPERATOR
    rank = Rank.OWNER if owns else place.rank if place else Rank.READER
    if rank < Rank.OWNER:
        if place and place.standing is not Standing.IN:
            raise RemovedFromRoom(place.reason)
        if place is None and shut:
            raise NetworkShut
    return max(rank, Rank.MODERATOR) if role == "moderator" else rank
