"""Rendering: Jinja templates, what they may call, and which one shows an event."""

import functools
import re
import sys
from collections import OrderedDict
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from linkify_it import LinkifyIt
from markupsafe import Markup, escape

from quart_chat import assets, vendor
from quart_chat.events import EVENT_NAMES, Event
from quart_chat.models import Message

DAY_MS = 24 * 3600 * 1000

GROUP_MS = 5 * 60_000
"""Messages of one author that follow each other within this time are shown as one group."""

ADDRESS = re.compile(r"(?<!\w)(https?://|mailto:)[^\s<>]+", re.IGNORECASE)
"""Where an address may be, and how far it reaches at most."""

LONGEST_LINK = 2048
"""Characters of an address. What is longer is no link: not every browser and server takes it."""

LINKS = 100
"""Links in one message: more are no reading matter. The rest stays text, as each costs the event loop time."""

LOOKED_AT = 20_000
"""Characters that are searched for the ends of links in one message: the longest text more than twice. Only hostile
texts, in which candidates overlap, come to it; to search those to the end takes quadratic time."""

SHOWN_BYTES = 16 * 1024 * 1024
"""Of rendered messages that are kept: thousands of common ones, a hundred of the largest."""

ENTRY_BYTES = 2048
"""What a kept message takes besides its text and its HTML, about."""


class _Environment(Environment):
    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """A plain dictionary: Jinja's own chain of them is gone through for every template that is rendered, and costs
        more than a message."""
        return {**self.globals, **(d or {})}


class Templates:
    """The templates of a folder. Rendering never waits: everything a template shows is given to it."""

    def __init__(self, folder: Path) -> None:
        static = assets.folder("static")
        self._environment = _Environment(
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
            once=_Once(),
        )

    def render(self, name: str, **values: object) -> str:
        return self._environment.get_template(name).render(values)

    def fragment(self, event: Event) -> str:
        """What an event changes on a page, as it is now: of a message that is gone only that it is gone."""
        return self.happened(EVENT_NAMES[type(event)], event.message)

    def happened(self, name: str, message: Message) -> str:
        """The same for an event by its name. Its template is a macro: a call, without a context of its own."""
        name = "message_deleted" if message.deleted_at else name
        template = self._environment.get_template(f"events/{name}.html")
        # A plain string: what is added to Markup is escaped.
        return str(template.module.fragment(message))  # type: ignore[attr-defined]


class _Once:
    """What a macro made of a message, as long as there is room for it: the same for every viewer.

    The key is the whole message. It is frozen, so that what was changed or deleted is never shown as it was.
    """

    def __init__(self) -> None:
        self._shown: OrderedDict[tuple[Message, bool], str] = OrderedDict()
        self._bytes = 0

    def __call__(self, macro: Callable[[Message, bool], str], message: Message, continued: bool) -> str:
        key = (message, continued)
        if key in self._shown:
            self._shown.move_to_end(key)
            return self._shown[key]
        html = self._shown[key] = macro(message, continued)
        self._bytes += _size(message, html)
        while self._bytes > SHOWN_BYTES:
            (oldest, _), shown = self._shown.popitem(last=False)
            self._bytes -= _size(oldest, shown)
        return html


def _size(message: Message, html: str) -> int:
    return ENTRY_BYTES + sys.getsizeof(message.text) + sys.getsizeof(html)


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
    return _day(milliseconds // DAY_MS)


@functools.lru_cache(1000)
def _day(number: int) -> str:
    moment = datetime.fromtimestamp(number * DAY_MS / 1000, UTC)
    return f"{moment:%A}, {moment.day} {moment:%B %Y}"


def linked(text: str) -> Markup:
    """Text as HTML: everything escaped, http, https and mailto addresses made links."""
    parts: list[str] = []
    end = position = looked_at = 0
    while candidate := ADDRESS.search(text, position):
        position = candidate.end()
        length = position - candidate.start()
        if length > LONGEST_LINK:
            continue
        looked_at += length
        if looked_at > LOOKED_AT or len(parts) >= 2 * LINKS:
            break
        # One at a time, from its start: linkify-it's own search takes quadratic time over a whole text.
        if match := _linkify().match_at_start(candidate[0]):
            parts += [escape(text[end : candidate.start()]), _link(match.url, match.raw)]
            end = position = candidate.start() + match.last_index
        else:
            position = candidate.end(1)
    return Markup("").join([*parts, escape(text[end:])])


def _link(url: str, text: str) -> Markup:
    return Markup('<a href="{}" rel="nofollow ugc noopener noreferrer" target="_blank">{}</a>').format(url, text)


@functools.cache
def _linkify() -> LinkifyIt:
    # Only what says that it is an address: `main.py` and `e.g.this` are not.
    return LinkifyIt({"ftp:": None, "//": None}, {"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False})
