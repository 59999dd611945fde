"""How many streams and held polls one address, one network of IPv6, and one user may have open: where they are too
many, the oldest goes.

Whoever comes is let in, so that connections which nobody uses any more keep nobody out.
"""

from collections import OrderedDict
from typing import Protocol

from quart_chat.config import Config
from quart_chat.domain.networks import shares
from quart_chat.streaming.reader import Reason, Viewer


class Holder(Protocol):
    """Whatever carries a stream at the moment, or holds a poll."""

    def close(self, reason: Reason) -> None: ...


class Seat:
    """What one stream takes from its first byte to its last. Its `holder` may change on the way."""

    __slots__ = ("_lines", "holder")

    def __init__(self, holder: Holder) -> None:
        self.holder = holder
        self._lines: tuple[_Line, ...] = ()

    def queue(self, line: "_Line") -> None:
        line[self] = None
        self._lines += (line,)

    def leave(self) -> None:
        """Make room. May be called again."""
        lines, self._lines = self._lines, ()
        for line in lines:
            del line[self]
            if not line:
                line.forget()


class Seats:
    """All seats that are taken. What it costs to find the oldest does not depend on how many there are."""

    def __init__(self, per_address: int, per_user: int) -> None:
        self._per_address = per_address
        self._per_user = per_user
        self._addresses: dict[str, _Line] = {}
        self._networks: dict[str, _Line] = {}
        self._users: dict[str, _Line] = {}

    @classmethod
    def from_config(cls, config: Config) -> "Seats | None":
        """None where limits are off."""
        return None if config.limits == "off" else cls(config.streams_per_address, config.streams_per_user)

    def taken(self) -> tuple[int, int]:
        """How many seats are taken, of all addresses and of all users."""
        return sum(map(len, self._addresses.values())), sum(map(len, self._users.values()))

    def take(self, viewer: Viewer, holder: Holder) -> Seat:
        """A seat for `holder`. `leave` MUST follow.

        Where there are too many, the oldest of the address, of one of its networks, or of the user, leaves and is
        closed. It is not counted while it ends: then it is the next oldest's turn.
        """
        seat = Seat(holder)
        _queue(seat, self._addresses, viewer.address, self._per_address)
        for name, times in shares(viewer.address)[1:]:
            _queue(seat, self._networks, name, self._per_address * times)
        if viewer.user_key is not None and viewer.counted:
            _queue(seat, self._users, viewer.user_key, self._per_user)
        return seat


class _Line(OrderedDict[Seat, None]):
    """Those of one address, network or user, from the oldest to the newest. It is forgotten with the last of them."""

    __slots__ = ("_key", "_lines")

    def __init__(self, lines: "dict[str, _Line]", key: str) -> None:
        super().__init__()
        self._lines = lines
        self._key = key

    def forget(self) -> None:
        del self._lines[self._key]


def _queue(seat: Seat, lines: dict[str, _Line], key: str, most: int) -> None:
    line = lines.get(key)
    if line is None:
        line = lines[key] = _Line(lines, key)
    seat.queue(line)
    if len(line) > most:
        oldest = next(iter(line))
        oldest.leave()
        oldest.holder.close(Reason.LIMIT)
