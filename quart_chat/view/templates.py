"""Rendering: Jinja templates, what they may call, and which one shows an event."""

import sys
from collections.abc import Callable, Iterable, MutableMapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from quart_chat import assets
from quart_chat.events import ACT_NAMES, AboutMessage, Act, Event, MemberChanged, MessageDeleted, RoomChanged
from quart_chat.models import Author, Member, Message, Room
from quart_chat.signals import Signal
from quart_chat.text import NAME_LENGTH, NAME_SIZE, REASON_LENGTH, first_character
from quart_chat.view import bundles, htmx
from quart_chat.view.filters import clock, day, iso, linked
from quart_chat.view.kept import Kept

GROUP_MS = 5 * 60_000
"""Messages of one author that follow each other within this time are shown as one group."""

MESSAGE_BYTES = 16 * 1024 * 1024
"""Of rendered messages that are kept: thousands of common ones, a hundred of the largest."""

AUTHOR_BYTES = 4 * 1024 * 1024
"""Of what shows who wrote a message: for some eight hundred of those who wrote last."""

Macro = Callable[..., str]


class _Environment(Environment):
    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """A plain dictionary: Jinja's own chain of them is gone through for every template that is rendered, and costs
        more than a message."""
        return {**self.globals, **(d or {})}


class Templates:
    """The templates of a folder. Rendering never waits: everything a template shows is given to it."""

    def __init__(self, folder: Path, *, joined: bool = True, cdn: bool = True) -> None:
        """`joined` pages ask for their scripts and styles as one file each; without `cdn` also htmx comes from here."""
        static = assets.folder("static")
        self.night = Markup(bundles.sheet(static / "css", "dark"))  # noqa: S704  # a file of ours
        """The colours of the dark."""
        self._environment = _Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
        )
        self._environment.filters.update(linked=linked, iso=iso, day=day, clock=clock, first_character=first_character)
        self._environment.globals.update(
            static=f"/static/{assets.fingerprint(static)}",
            name_length=NAME_LENGTH,
            name_units=2 * NAME_SIZE,
            reason_length=REASON_LENGTH,
            joined=joined,
            sheets=["page.css"] if joined else [f"css/{name}.css" for name in bundles.SHEETS],
            scripts={name: f"{name}.js" if joined else f"js/{file}" for name, file in bundles.SCRIPTS.items()},
            modules={}
            if joined
            else {name: bundles.modules(static / "js", file) for name, file in bundles.SCRIPTS.items()},
            night=self.night,
            choose_htmx=Markup(bundles.inline(static / "js", f"{bundles.INLINE}.js")),  # noqa: S704  # this one, too
            htmx=htmx.SCRIPTS if cdn else (),
            htmx_copy=bundles.HTMX if htmx.is_complete(static / "vendor") else None,
            continues=continues,
            article=self._message,
            avatar_of=lambda author: self._author("avatar", author),
            name_of=lambda author: self._author("person", author),
        )
        self._messages: Kept[str] = Kept(MESSAGE_BYTES)
        self._authors: Kept[str] = Kept(AUTHOR_BYTES)
        self._shown = {name: self.macro("messages/_person.html", name) for name in ("avatar", "person")}
        self._article = self.macro("messages/_message.html", "article")
        self._iframe = self.macro("embed/_iframe.html", "iframe")
        self._fragments = {name: self.macro(f"events/{name}.html", "fragment") for name in ACT_NAMES.values()}

    def render(self, name: str, /, **values: object) -> str:
        return self._environment.get_template(name).render(values)

    def iframe(self, origin: str, room: Room, query: str, size: str) -> str:
        """The embed that a site puts into its page, as HTML. `size` is its attributes."""
        return str(self._iframe(origin, room, query, size))

    def fragment(self, event: Event) -> str:
        """What an event changes on a page, as it is now: of a message that is gone only that it is gone. Nothing where
        nothing is known."""
        return self.happened(event.act)

    def signals(self, signals: Iterable[Signal]) -> str:
        """What they change on a page, each by the template of its kind."""
        return "".join(self.render(f"signals/{signal.kind}.html", signal=signal) for signal in signals)

    def happened(self, act: Act) -> str:
        """The same for an act by itself. Its template is a macro: a call, without a context of its own."""
        subject: Message | Member | Room
        match act:
            case AboutMessage(message):
                act, subject = MessageDeleted(message) if message.deleted_at else act, message
            case MemberChanged(subject) | RoomChanged(subject):
                pass
            case _:
                return ""
        # A plain string: what is added to Markup is escaped.
        return str(self._fragments[ACT_NAMES[type(act)]](subject))

    def _message(self, message: Message, continued: bool = False) -> str:
        """The key is the whole message. It is frozen, so that what was changed or deleted is never shown as it was."""
        return self._messages.get(
            (message, continued), None, lambda: self._article(message, continued), sys.getsizeof(message.text)
        )

    def _author(self, part: str, author: Author) -> str:
        """Whoever writes, writes again: two macros less for each message."""
        return self._authors.get((part, author), None, lambda: self._shown[part](author))

    def macro(self, template: str, name: str) -> Macro:
        found: Macro = getattr(self._environment.get_template(template).module, name)
        return found


def continues(message: Message, previous: Message | None) -> bool:
    """Whether `message` belongs to the group that `previous` is in."""
    return (
        previous is not None
        and previous.author.id == message.author.id
        and message.created_at - previous.created_at < GROUP_MS
        and day(previous.created_at) == day(message.created_at)
    )
