"""Who may do what in a room. The same on every surface."""

from quart_chat.domain import embeds
from quart_chat.domain.sender import Sender
from quart_chat.errors import NeedsConfirmation, SignedOnly
from quart_chat.models import Room, User


def check_write(room: Room, sender: Sender, member: User | None) -> None:
    """`member` is whom the room's site has signed in. Raises FramingRefused, SignedOnly."""
    embeds.check(room, sender.frame)
    if room.signed_only and member is None:
        raise SignedOnly


def check_delete(sender: Sender) -> None:
    """A page around a frame can lead a click anywhere in it. Raises NeedsConfirmation."""
    if sender.frame is not None:
        raise NeedsConfirmation
