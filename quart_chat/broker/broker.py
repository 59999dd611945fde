"""What carries news between whoever commits and whoever reads. Within a process those are events as they are; from
another they are positions and signals, and no text.

A broker may lose, repeat and reorder. A feed sees that from the numbers, and reads the store.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from quart_chat.events import Event
from quart_chat.signals import Signal

INBOX = 10_000
"""What may wait for one subscriber. When it is full, more is dropped; a feed then reads the store."""

SIGNALS = 1_000
"""What may wait where a signal is still put: whoever sends many pushes no event out."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What one may hear of: a room, or what concerns one user."""

    kind: Literal["room", "user"]
    id: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"

    @classmethod
    def room(cls, id: int) -> "Topic":
        return cls("room", id)

    @classmethod
    def user(cls, id: int) -> "Topic":
        return cls("user", id)


@dataclass(frozen=True, slots=True)
class Position:
    """Somebody else has committed in this room, up to `cursor`: what that was is in the store."""

    cursor: int


News = Event | Position | Signal

Inbox = asyncio.Queue[News]


class Broker(Protocol):
    def publish(self, committed: Sequence[Event]) -> None:
        """Tell of events after their commit, in the order of the log. Never waits, never raises."""

    def signal(self, topic: Topic, signal: Signal) -> None:
        """Tell whoever hears of `topic`. Never waits, never raises."""

    def subscribe(self, topic: Topic) -> AbstractContextManager[Inbox]:
        """What is told of `topic` from now on."""

    def watch(self, moved: Callable[[int], None]) -> AbstractContextManager[None]:
        """Have `moved` called from now on with the id of each room in which something was committed, of most at least.
        It MUST neither wait nor raise."""
