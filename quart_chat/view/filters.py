"""What templates do to values: text with links, times, days."""

import functools
from datetime import UTC, datetime

from markupsafe import Markup, escape

from quart_chat.view.links import addresses

DAY_MS = 24 * 3600 * 1000
MINUTE_MS = 60_000

LINK = Markup('<a href="{}" rel="nofollow ugc noopener noreferrer" target="_blank">{}</a>')


def iso(milliseconds: int) -> str:
    """A time as RFC 3339, in UTC."""
    return f"{_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


def clock(milliseconds: int) -> str:
    """The time of day, in UTC; a script puts it into the reader's zone."""
    return _minute(milliseconds // MINUTE_MS)


def day(milliseconds: int) -> str:
    """The day, in UTC."""
    return _day(milliseconds // DAY_MS)


def linked(text: str) -> Markup:
    """Text as HTML: everything escaped, http, https and mailto addresses made links."""
    if ":" not in text:
        return escape(text)
    parts: list[str] = []
    done = 0
    for start, end in addresses(text):
        parts += [escape(text[done:start]), LINK.format(text[start:end], text[start:end])]
        done = end
    return Markup("").join([*parts, escape(text[done:])])


# What is shown at one time is mostly of one time.


@functools.lru_cache(1000)
def _second(number: int) -> str:
    return datetime.fromtimestamp(number, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@functools.lru_cache(1000)
def _minute(number: int) -> str:
    return datetime.fromtimestamp(number * MINUTE_MS / 1000, UTC).strftime("%H:%M UTC")


@functools.lru_cache(1000)
def _day(number: int) -> str:
    moment = datetime.fromtimestamp(number * DAY_MS / 1000, UTC)
    return f"{moment:%A}, {moment.day} {moment:%B %Y}"
