"""Rendering: Jinja templates, what they may call, and which one shows an event."""

import functools
import re
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from linkify_it import LinkifyIt
from markupsafe import Markup, escape

from quart_chat import assets, vendor
from quart_chat.events import EVENT_NAMES, Event
from quart_chat.models import Message

GROUP_MS = 5 * 60_000
"""Messages of one author that follow each other within this time are shown as one group."""


class Templates:
    """The templates of a folder. Rendering never waits: everything a template shows is given to it."""

    def __init__(self, folder: Path) -> None:
        static = assets.folder("static")
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
        )
        self._environment.filters.update(linked=linked, iso=iso, day=day, clock=clock)
        self._environment.globals.update(
            static=f"/static/{assets.fingerprint(static)}",
            htmx=vendor.SCRIPTS,
            continues=continues,
        )

    def render(self, name: str, **values: object) -> str:
        return self._environment.get_template(name).render(values)

    def fragment(self, event: Event) -> str:
        """What an event changes on a page, as it is now: of a message that is gone only that it is gone."""
        name = "message_deleted" if event.message.deleted_at else EVENT_NAMES[type(event)]
        return self.render(f"events/{name}.html", message=event.message)


def continues(message: Message, previous: Message | None) -> bool:
    """Whether `message` belongs to the group that `previous` is in."""
    return (
        previous is not None
        and previous.author.id == message.author.id
        and message.created_at - previous.created_at < GROUP_MS
        and day(previous.created_at) == day(message.created_at)
    )


def iso(milliseconds: int) -> str:
    """A time as RFC 3339, in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clock(milliseconds: int) -> str:
    """The time of day, in UTC; a script puts it into the reader's zone."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%H:%M UTC")


def day(milliseconds: int) -> str:
    """The day, in UTC."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return f"{moment:%A}, {moment.day} {moment:%B %Y}"


def linked(text: str) -> Markup:
    """Text as HTML: everything escaped, http, https and mailto addresses made links."""
    if not re.search(r"https?://|mailto:", text, re.IGNORECASE):
        return escape(text)
    parts = []
    end = 0
    for match in _linkify().match(text) or ():
        parts += [escape(text[end : match.index]), _link(match.url, match.raw)]
        end = match.last_index
    return Markup("").join([*parts, escape(text[end:])])


def _link(url: str, text: str) -> Markup:
    return Markup('<a href="{}" rel="nofollow ugc noopener noreferrer" target="_blank">{}</a>').format(url, text)


@functools.cache
def _linkify() -> LinkifyIt:
    # Only what says that it is an address: `main.py` and `e.g.this` are not.
    return LinkifyIt({"ftp:": None, "//": None}, {"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False})
