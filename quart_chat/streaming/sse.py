"""Server-Sent Events on the wire (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream).

Lines end with LF alone: hx-sse breaks one event in two when a chunk ends between CR and LF.
"""

import json
import re

from quart_chat.models import Cursor

PADDING = b":" + b" " * 4096 + b"\n"
"""A comment that fills the first buffer of whatever stands between: scanners hold back the first 4 KiB."""

RETRY_MS = 3000
"""How long a plain EventSource waits before it comes back, unless told otherwise."""

LINE_BREAK = re.compile(r"\r\n|\r|\n")
"""The line breaks of the specification: no others, whatever Unicode says."""


def frame(data: str, *, event: str | None = None, id: str | None = None, retry: int | None = None) -> bytes:
    """One event. `retry` is in milliseconds.

    Every line of `data` becomes a field of its own; NUL becomes U+FFFD, as an HTML parser would read it. Raises
    ValueError for a line break or NUL in `event` or `id`, where it could forge a field.
    """
    lines = []
    if event is not None:
        lines.append(f"event: {_one_line(event)}")
    if id is not None:
        lines.append(f"id: {_one_line(id)}")
    if retry is not None:
        lines.append(f"retry: {retry:d}")
    lines += [f"data: {line}" for line in LINE_BREAK.split(data.replace("\0", "\ufffd"))]
    return ("\n".join(lines) + "\n\n").encode()


def hello(start: Cursor, heartbeat: float) -> bytes:
    """The first event of a stream: where it goes on from, and how often (in seconds) a heartbeat can be expected."""
    data = json.dumps({"cursor": str(start), "heartbeat": heartbeat})
    return PADDING + frame(data, event="hello", id=str(start), retry=RETRY_MS)


def heartbeat(head: Cursor) -> bytes:
    """Sign of life; named, because comments never reach a page. A reader that is behind `head` missed something.

    The one at the start of a stream names where the stream goes on from, which no reader is behind.
    """
    return frame(str(head), event="heartbeat")


def reset(head: Cursor) -> bytes:
    """What the reader has cannot be continued: it must load the room anew. The stream goes on from `head`."""
    return frame(str(head), event="reset", id=str(head))


def farewell(retry: int, reason: str) -> bytes:
    """The last event: come back in `retry` milliseconds; and why the stream ends, as a word for programs."""
    return frame(json.dumps({"retry": retry, "reason": reason}), event="farewell", retry=retry)


def _one_line(value: str) -> str:
    if re.search(r"[\r\n\0]", value):
        raise ValueError(f"line break or NUL in an event stream field: {value!r}")
    return value
