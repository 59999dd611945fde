"""The newest page of the rooms that were opened last, kept in memory."""

from collections import OrderedDict
from collections.abc import Iterable

from quart_chat.events import Event
from quart_chat.models import Page

KEPT = 64
"""Rooms: of the largest pages, which only who wants to fill the memory would write, about 16 MB."""


class Newest:
    """Knows the pages, and what has happened since. Whatever changes a room moves its cursor, and this is told of all
    that is committed: while nothing was in a room, its page is what it was when it was read."""

    def __init__(self) -> None:
        self._heads: dict[int, int] = {}
        self._pages: OrderedDict[str, Page] = OrderedDict()

    def committed(self, events: Iterable[Event]) -> None:
        """MUST be called before whoever wrote them hears of it."""
        for event in events:
            self._heads[event.room_id] = event.cursor

    def moved(self, room_id: int, cursor: int) -> None:
        """Somebody else has committed up to there."""
        self._heads[room_id] = max(cursor, self._heads.get(room_id, 0))

    def get(self, slug: str) -> Page | None:
        """The page, unless something has happened in the room since it was read."""
        page = self._pages.get(slug)
        return page if page is not None and self._is_newest(page) else None

    def keep(self, page: Page) -> None:
        self._pages[page.room.slug] = page
        self._pages.move_to_end(page.room.slug)
        if len(self._pages) > KEPT:
            self._pages.popitem(last=False)

    def _is_newest(self, page: Page) -> bool:
        # A page that was being read during a commit is older than that, and kept after it.
        return page.cursor.position >= self._heads.get(page.room.id, 0)
