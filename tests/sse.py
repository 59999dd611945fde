"""An event stream parser written from the specification, independent of the program's encoder.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class SSEvent:
    type: str
    data: str
    last_event_id: str


class Parser:
    """Takes bytes in any pieces, gives whole events. `retry` is the reconnection time in milliseconds, once sent."""

    def __init__(self) -> None:
        self.last_event_id = ""
        self.retry: int | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._begun = False
        self._data: list[str] = []
        self._type = ""

    def feed(self, chunk: bytes) -> Iterator[SSEvent]:
        text = self._decoder.decode(chunk)
        if text and not self._begun:
            self._begun = True
            text = text.removeprefix("\ufeff")
        self._rest += text
        # A CR at the end may be half of a CRLF.
        while match := re.search(r"\r\n|\n|\r(?!\Z)", self._rest):
            line, self._rest = self._rest[: match.start()], self._rest[match.end() :]
            if (event := self._line(line)) is not None:
                yield event

    def _line(self, line: str) -> SSEvent | None:
        if not line:
            return self._dispatch()
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match field:
            case "data":
                self._data.append(value)
            case "event":
                self._type = value
            case "id" if "\0" not in value:
                self.last_event_id = value
            case "retry" if re.fullmatch("[0-9]+", value):
                self.retry = int(value)
        return None

    def _dispatch(self) -> SSEvent | None:
        data, type = self._data, self._type
        self._data, self._type = [], ""
        if not data:
            return None
        return SSEvent(type or "message", "\n".join(data), self.last_event_id)
