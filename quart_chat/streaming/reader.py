"""What a feed knows of an open stream. A reader takes bursts with `write` and ends with `close`, and that is all."""

import random
import time
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from quart_chat.streaming import sse

PATIENCE = 3.0
"""Seconds that a closed reader gets to take what is on its way. Then it is cut off."""


class Reason(Enum):
    """Why a stream ends: the milliseconds, from and to, after which its reader should come back."""

    AGE = (0, 500)
    SHUTDOWN = (500, 4000)
    SLOW = (0, 0)
    LIMIT = (10_000, 20_000)
    """It was the oldest, and others of its address or its user have taken its place. Were it back at once, it would
    take theirs, and so on and on."""

    def farewell(self) -> bytes:
        return sse.farewell(random.randint(*self.value), self.name.lower())


@dataclass(frozen=True, slots=True)
class Burst:
    """Whole events that go to every reader at a time: one encoding for all of them, in both forms that readers send."""

    data: bytes
    chunk: bytes
    """The same as a chunk of a response body (https://www.rfc-editor.org/rfc/rfc9112#name-chunked-transfer-coding)."""

    @classmethod
    def of(cls, data: bytes) -> "Burst":
        """`data` MUST NOT be empty: an empty chunk ends the body."""
        return cls(data, b"%x\r\n%b\r\n" % (len(data), data))


def end_of_life(age: float) -> float:
    """When a stream that begins now is old, on the monotonic clock, if streams live for about `age` seconds.

    Randomised, so that streams which began together do not end together.
    """
    return time.monotonic() + age * random.uniform(0.8, 1.2)


class Reader(Protocol):
    """The seam between the feed and whatever carries the bytes."""

    @property
    def deadline(self) -> float:
        """When the stream is old enough to end, on the monotonic clock."""

    def write(self, burst: Burst) -> None:
        """Take whole events. Never waits, never raises."""

    def close(self, reason: Reason) -> None:
        """End the stream, with a farewell where there is room for one. May be called again."""
