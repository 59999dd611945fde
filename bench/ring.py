"""`python -m bench.ring`: what a post, an edit and a deletion cost a room's feed with a full ring and one reader."""

import asyncio
import functools
import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace

from quart_chat import assets
from quart_chat.app import forms
from quart_chat.events import Act, Event, MessageChanged, MessageDeleted, MessagePosted
from quart_chat.models import Message, User
from quart_chat.streaming.feed import Feed
from quart_chat.streaming.forms import HTML
from quart_chat.streaming.gate import open_to_all
from quart_chat.streaming.queue_reader import QueueReader
from quart_chat.streaming.reader import Burst, Viewer
from quart_chat.streaming.ring import RING_EVENTS
from quart_chat.view.templates import Templates

ROUNDS = 300

ANYBODY = Viewer(None, "here", None, HTML)

AUTHOR = User(1, "Ana", "k" * 43, 0).author


class Empty:
    """A log that nobody has to read."""

    async def after(self, cursor: int, limit: int) -> Sequence[Event]:
        return []

    async def head(self) -> int:
        return 0

    async def size_after(self, cursor: int) -> int:
        return 0


class Nowhere(QueueReader):
    """A reader whose bytes nobody takes."""

    def write(self, burst: Burst) -> None:
        pass


def posted(number: int) -> Message:
    return Message(number, 1, AUTHOR, "k" * 43, f"message {number}", 1_700_000_000_000, None, None, 1, number)


async def measure() -> dict[str, float]:
    """Microseconds, medians; the kinds in turns, so that what the machine does meanwhile happens to all."""
    templates = Templates(assets.folder("templates"))
    feed = Feed("epoch", 0, asyncio.Queue(), forms(templates), Empty(), 15.0, functools.partial(open_to_all, 1))
    feed.join(Nowhere(ANYBODY, math.inf))
    took: dict[str, list[float]] = {"post": [], "edit": [], "delete": []}

    async def hand_out(kind: str | None, act: Act) -> None:
        event = Event(1, feed.head + 1, 0, 1, act)
        began = time.perf_counter()
        await feed._hand_out([event])
        if kind is not None:
            took[kind].append(time.perf_counter() - began)

    for number in range(1, RING_EVENTS + 1):
        await hand_out(None, MessagePosted(posted(number)))
    for number in range(ROUNDS):
        message = posted(RING_EVENTS + number)
        edited = replace(posted(RING_EVENTS // 2 + 4 * number), text=f"edited {number}", edited_at=1, version=2)
        await hand_out("post", MessagePosted(message))
        await hand_out("edit", MessageChanged(edited))
        deleted = replace(edited, text="", edited_at=None, deleted_at=2, version=3)
        await hand_out("delete", MessageDeleted(deleted))
    return {kind: statistics.median(times) * 1e6 for kind, times in took.items()}


def main() -> None:
    found = asyncio.run(measure())
    for kind, microseconds in found.items():
        print(f"{kind:7} {microseconds:7.0f} µs   {microseconds / found['post']:.2f} x a post")


if __name__ == "__main__":
    main()
