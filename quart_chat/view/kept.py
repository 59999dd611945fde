"""HTML that is the same for every viewer, kept for the next one."""

import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

ENTRY_BYTES = 2048
"""What a kept entry takes besides its HTML and the text of its message, about."""

Html = TypeVar("Html")


class Kept(Generic[Html]):
    """As long as there is room for it: what was used least recently goes."""

    def __init__(self, most: int) -> None:
        """`most` is in bytes."""
        self._most = most
        self._entries: OrderedDict[Hashable, tuple[object, Html, int]] = OrderedDict()
        self._bytes = 0

    def get(self, key: Hashable, state: object, make: Callable[[], Html], extra: int = 0) -> Html:
        """What `make` returned when `key` had this `state`; made anew where that is not known any more.

        `extra` is how many bytes the key itself holds.
        """
        entry = self._entries.get(key)
        if entry and entry[0] == state:
            self._entries.move_to_end(key)
            return entry[1]
        html = make()
        if entry:
            self._bytes -= entry[2]
        size = ENTRY_BYTES + extra + sys.getsizeof(html)
        self._entries[key] = (state, html, size)
        self._entries.move_to_end(key)
        self._bytes += size
        while self._bytes > self._most:
            self._bytes -= self._entries.popitem(last=False)[1][2]
        return html
