"""What happened in a room, in the past tense. Each is one row of the room's log, at a gapless cursor.

A new event is a dataclass here, a member of `Told`, and `templates/events/<snake_case_name>.html`.
"""

import re
from dataclasses import dataclass
from typing import get_args

from quart_chat.models import Message


@dataclass(frozen=True, slots=True)
class MessagePosted:
    room_id: int
    cursor: int
    message: Message


@dataclass(frozen=True, slots=True)
class MessageEdited:
    room_id: int
    cursor: int
    message: Message


@dataclass(frozen=True, slots=True)
class MessageDeleted:
    room_id: int
    cursor: int
    message: Message


@dataclass(frozen=True, slots=True)
class Erased:
    """A position without content, never a hole: its subject is gone, or it is of a type that only newer versions
    know."""

    room_id: int
    cursor: int


Told = MessagePosted | MessageEdited | MessageDeleted

Event = Told | Erased


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


EVENT_TYPES: dict[str, type[Told]] = {_snake_case(event.__name__): event for event in get_args(Told)}
"""Events by their names in the log and in the templates: `MessagePosted` is `message_posted`."""

EVENT_NAMES = {event: name for name, event in EVENT_TYPES.items()}
