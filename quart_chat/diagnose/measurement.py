"""What was measured, as plain numbers and words. Nothing in it is judged yet, and nothing in it is believed.

A page hands it in as JSON in an address, so every field is bounded; the command writes the same JSON.
"""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from quart_chat.diagnose.headers import ITEMS, Headers, pairs, text
from quart_chat.errors import Invalid

LONGEST = 600.0
"""Seconds of the longest time that anything can have taken."""

LENGTH = 12_000
"""Characters of a whole measurement."""

DEPTH = 3
"""Lists and objects within each other: a measurement has lists of pairs."""

STRING = re.compile(r'"(?:[^"\\]|\\.)*"')

Times = tuple[tuple[float, float], ...]
"""Of each event, in seconds: when the server says to have sent it after its first, when it came after the request."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """All times are in seconds. None, or an empty text, is what is not known."""

    host: str = ""
    address: str = ""
    """The client's, as the server sees it."""
    http: str = ""
    """The version of HTTP in which requests reach the server."""
    protocol: str = ""
    """The same at the client's end."""
    issuer: str = ""
    """Who has signed the certificate that the client got."""
    heartbeat: float | None = None
    round_trip: float | None = None

    status: int | None = None
    """Of the stream; None when it was not answered."""
    type: str = ""
    """Its content type."""
    title: str = ""
    """Of the page that came in its place."""
    events: int | None = None
    """How many it was to bring, as its first event says."""
    times: Times = ()

    idle: float | None = None
    """How long a stream was to be silent."""
    idle_lasted: float | None = None
    """How long it was, until the next event came or the connection was cut."""
    idle_arrived: bool = False

    hold: float | None = None
    """How long an ordinary answer was to be held."""
    held: float | None = None
    hold_status: int | None = None

    websocket: str = ""
    """open, refused (with a status, if there was one), silent."""
    websocket_status: int | None = None

    said: Headers = ()
    """Of the stream's headers, those that did not arrive as the server sent them."""
    arrived: Headers = ()
    """Those that arrived, but were not sent like that."""
    request: Headers = ()
    """Headers of the request that the client did not send."""
    stream_encoding: str = ""
    plain_encoding: str = ""


def parse(given: str) -> Measurement:
    """Raises Invalid for what is no measurement. Unknown fields are ignored: an older page may have others."""
    try:
        return _parsed(given)
    except (ValueError, OverflowError) as error:
        raise Invalid("That is no measurement of this version of the page. Reload it and measure again.") from error


def _parsed(given: str) -> Measurement:
    if len(given) > LENGTH or _depth(given) > DEPTH:
        raise ValueError("a measurement is shorter and flatter")
    values = json.loads(given)
    if not isinstance(values, dict):
        raise ValueError("a measurement is an object")
    known = {field.name: PARSERS[field.type] for field in fields(Measurement)}
    return Measurement(**{name: known[name](value) for name, value in values.items() if name in known})


def _depth(given: str) -> int:
    """Looked at before anything reads it: what reads it calls itself for each."""
    deepest = depth = 0
    for character in STRING.sub("", given):
        depth += (character in "[{") - (character in "]}")
        deepest = max(deepest, depth)
    return deepest


def _seconds(value: object) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError("not a number")
    seconds = float(value)
    if not math.isfinite(seconds) or not 0 <= seconds <= LONGEST:
        raise ValueError("not a time")
    return seconds


def _number(value: object) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 999:
        raise ValueError("not a number")
    return value


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("neither true nor false")
    return value


def _pairs(value: object) -> list[list[Any]]:
    """As many as are looked at."""
    if not isinstance(value, list):
        raise ValueError("not a list")
    found = value[:ITEMS]
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in found):
        raise ValueError("not pairs")
    return found


def _times(value: object) -> Times:
    return tuple((_seconds(sent) or 0.0, _seconds(came) or 0.0) for sent, came in _pairs(value))


def _headers(value: object) -> Headers:
    return pairs(_pairs(value))


PARSERS: dict[object, Callable[[Any], Any]] = {
    str: text,
    bool: _boolean,
    float | None: _seconds,
    int | None: _number,
    Headers: _headers,
    Times: _times,
}
"""By the type of a field."""
