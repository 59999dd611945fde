"""What happened in a room, in the past tense: each is one row of the room's log, at a gapless cursor.

A new act is a dataclass here, a member of `Act`, and `templates/events/<snake_case_name>.html`.
"""

import re
from dataclasses import dataclass
from typing import ClassVar, get_args

from quart_chat.models import Member, Message, Rank, Room, Standing


@dataclass(frozen=True, slots=True)
class AboutMessage:
    """What all acts have whose subject is a message."""

    message: Message
    changes_access: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class MessagePosted(AboutMessage):
    pass


@dataclass(frozen=True, slots=True)
class MessageChanged(AboutMessage):
    """Anything that its article shows."""


@dataclass(frozen=True, slots=True)
class MessageDeleted(AboutMessage):
    pass


@dataclass(frozen=True, slots=True)
class MemberChanged:
    """Somebody's rank or standing in the room, or what they are called, in each room that they are in."""

    member: Member
    renamed: bool = False
    """Whether only the name has changed."""
    made: tuple[Rank, Standing] | None = None
    """What they became by this act, as far as the log says: what they are now may be something else."""

    @property
    def changes_access(self) -> bool:
        return not self.renamed


@dataclass(frozen=True, slots=True)
class RoomChanged:
    """The room itself: its name, who may show it or write in it, the keys that its site signs with."""

    room: Room
    changes_access: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Erased:
    """A position without content, never a hole: its subject is gone, or it is of a type that only newer versions
    know: perhaps one that takes the room from somebody."""

    changes_access: ClassVar[bool] = True


Act = MessagePosted | MessageChanged | MessageDeleted | MemberChanged | RoomChanged | Erased


@dataclass(frozen=True, slots=True)
class Event:
    """An act, and where it stands in the log. Its subject is as it is when it is read."""

    room_id: int
    cursor: int
    at: int
    actor_id: int | None
    """Whose act it was; None for the operator's, and for a person who is gone."""
    act: Act


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


ACT_NAMES: dict[type[Act], str] = {act: _snake_case(act.__name__) for act in get_args(Act) if act is not Erased}
"""Acts by their names in the log and in the templates: `MessagePosted` is `message_posted`."""
