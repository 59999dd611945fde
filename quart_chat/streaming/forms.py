"""What an event looks like to those who read it: HTML for pages, in a language, and JSON for programs.

A form is a key. All readers of one form get the same bytes, made when the first of them needs them.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from quart_chat.events import ACT_NAMES, AboutMessage, Event, MemberChanged, RoomChanged
from quart_chat.models import Author, Member, Message, Room
from quart_chat.signals import Signal


@dataclass(frozen=True, slots=True)
class Form:
    name: str
    language: str | None = None


HTML = Form("html", "en")

JSON = Form("json")


class Encoder(NamedTuple):
    """How a form is made. Nothing in it may depend on who reads."""

    event: Callable[[Event], str]
    """What happened, as things are now: never what has been deleted since. Empty where there is nothing to say."""
    signals: Callable[[Iterable[Signal]], str]


Forms = Mapping[Form, Encoder]


class Encoded(NamedTuple):
    """One event in one form: as a poll answers with it, and framed for streams."""

    fragment: bytes
    frame: bytes

    @property
    def size(self) -> int:
        return len(self.fragment) + len(self.frame)


def event_as_json(event: Event) -> str:
    """One line. Keys, by which people and messages are recognised, are in none."""
    said: dict[str, object] = {"type": ACT_NAMES.get(type(event.act), "erased"), "cursor": event.cursor}
    match event.act:
        case AboutMessage(message):
            said["message"] = _message(message)
        case MemberChanged(member):
            said["member"] = _member(member)
        case RoomChanged(room):
            said["room"] = _room(room)
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")) + "\n"


def signals_as_json(signals: Iterable[Signal]) -> str:
    """One line for each."""
    return "".join(json.dumps({"signal": signal.kind, "user": signal.user_id}) + "\n" for signal in signals)


def _message(message: Message) -> dict[str, object]:
    return {
        "id": message.id,
        "position": message.position,
        "author": _author(message.author),
        "text": message.text,
        "created_at": message.created_at,
        "edited_at": message.edited_at,
        "deleted_at": message.deleted_at,
        "version": message.version,
    }


def _author(author: Author) -> dict[str, object]:
    return {"id": author.id, "name": author.name, "tag": author.tag, "verified": author.verified}


def _member(member: Member) -> dict[str, object]:
    """Whether and why somebody is out is not for everybody."""
    return _author(member.author)


def _room(room: Room) -> dict[str, object]:
    return {"slug": room.slug, "name": room.name, "signed_only": room.signed_only}
