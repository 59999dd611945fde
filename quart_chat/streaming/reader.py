"""What a feed knows of an open stream. A reader takes bursts with `write` and ends with `close`, and that is all."""

import math
import random
import time
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from quart_chat.streaming import sse
from quart_chat.streaming.forms import Form

PATIENCE = 3.0
"""Seconds that a closed reader gets to take what is on its way. Then it is cut off."""


class Reason(Enum):
    """Why a stream ends: the milliseconds, from and to, after which its reader should come back."""

    AGE = (0, 500)
    SHUTDOWN = (500, 4000)
    SLOW = (0, 0)
    LIMIT = (10_000, 20_000)
    """It was the oldest, and others of its address or its user have taken its seat. Were it back at once, it would
    take theirs, and so on and on."""
    REMOVED = (30_000, 60_000)
    """Whose it is may not read here any more. The page says so, and does not come back by itself."""
    UNAVAILABLE = (1000, 4000)
    """What its reader has missed cannot be read at the moment. Whoever is told so comes back to where it was."""

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


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whose a stream or a held poll is, as of when it was let in."""

    user_key: str | None
    """None for a program, and for whoever has no name yet."""
    address: str
    until: int | None
    """When it ends with the token that let it in, in milliseconds since 1970; None where there is no such time."""
    form: Form
    vouched_by: str | None = None
    """The id of the key with which the room's site has said who they are."""
    counted: bool = True
    """Whether it takes a seat of its user's: not where another site's page could have asked for it."""

    def left(self, now: int) -> float:
        """Seconds from `now`, in milliseconds since 1970, for which it may go on."""
        return math.inf if self.until is None else max(0.0, (self.until - now) / 1000)


def end_of_life(age: float, left: float = math.inf) -> float:
    """When a stream that begins now is old, on the monotonic clock, if streams live for about `age` seconds, and this
    one for no more than `left`.

    Randomised, so that streams which began together do not end together.
    """
    return time.monotonic() + min(age * random.uniform(0.8, 1.2), left)


class Reader(Protocol):
    """The seam between the feed and whatever carries the bytes."""

    @property
    def viewer(self) -> Viewer: ...

    @property
    def is_behind(self) -> bool:
        """Whether anything waits to be sent: then there is nothing to add that could be left out."""

    @property
    def deadline(self) -> float:
        """When the stream is old enough to end, on the monotonic clock."""

    def write(self, burst: Burst) -> None:
        """Take whole events. Never waits, never raises."""

    def close(self, reason: Reason) -> None:
        """End the stream, with a farewell where there is room for one. May be called again."""
