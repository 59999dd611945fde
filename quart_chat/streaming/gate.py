"""Who may go on reading a room: asked of the rules, which know what streaming does not."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from quart_chat.streaming.reader import Viewer


class Gate(Protocol):
    """What the rules say of one room, as of one moment. A feed has a new one after whatever changes that."""

    def keeps(self, viewer: Viewer) -> bool:
        """Whether they may read on. Asked for each reader at a time: MUST be answered from memory."""


Gates = Callable[[int, Sequence[Viewer]], Awaitable[Gate]]
"""The gate of a room, by its id, as it is in the store now. It is going to be asked about these viewers. Raises
StoreUnavailable."""


class Open:
    """A room that everybody may read."""

    def keeps(self, viewer: Viewer) -> bool:
        return True


async def open_to_all(room_id: int, viewers: Sequence[Viewer]) -> Gate:
    return Open()
