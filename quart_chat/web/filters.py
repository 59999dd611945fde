"""What templates do to values: text with links, times, days."""

import functools
import re
from datetime import UTC, datetime

from linkify_it import LinkifyIt
from markupsafe import Markup, escape

DAY_MS = 24 * 3600 * 1000
MINUTE_MS = 60_000

ADDRESS = re.compile(r"(?<!\w)(https?://|mailto:)[^\s<>]+", re.IGNORECASE)
"""Where an address may be, and how far it reaches at most."""

LONGEST_LINK = 2048
"""Characters of an address. What is longer is no link: not every browser and server takes it."""

LINKS = 100
"""Links in one message: more are no reading matter. The rest stays text, as each costs the event loop time."""

LOOKED_AT = 20_000
"""Characters that are searched for the ends of links in one message: the longest text more than twice. Only hostile
texts, in which candidates overlap, come to it; to search those to the end takes quadratic time."""


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
