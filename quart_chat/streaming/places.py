"""How many streams and held polls one address, and one user, may have open: where they are too many, the oldest goes.

Whoever comes is let in, so that connections which nobody uses any more keep nobody out.
"""

from typing import NamedTuple, Protocol

from quart_chat.config import Config
from quart_chat.streaming.reader import Reason


class Caller(NamedTuple):
    """Who asks for a stream: from where, and as which user, if that is known."""

    address: str
    user: str | None


class Holder(Protocol):
    """Whatever carries a stream at the moment, or holds a poll."""

    def close(self, reason: Reason) -> None: ...


class Place:
    """What one stream takes from its first byte to its last. Its `holder` may change on the way."""

    __slots__ = ("_seats", "holder")

    def __init__(self, holder: Holder) -> None:
        self.holder = holder
        self._seats: tuple[_Seat, ...] = ()

    def sit(self, seat: "_Seat") -> None:
        self._seats += (seat,)

    def leave(self) -> None:
        """Make room. May be called again."""
        seats, self._seats = self._seats, ()
        for seat in seats:
            seat.leave()


class Places:
    """All places that are taken. What it costs to find the oldest does not depend on how many there are."""

    def __init__(self, per_address: int, per_user: int) -> None:
        self._per_address = per_address
        self._per_user = per_user
        self._addresses: dict[str, _Line] = {}
        self._users: dict[str, _Line] = {}

    @classmethod
    def from_config(cls, config: Config) -> "Places | None":
        """None where limits are off."""
        return None if config.limits == "off" else cls(config.streams_per_address, config.streams_per_user)

    def taken(self) -> tuple[int, int]:
        """How many places are taken, of all addresses and of all users."""
        addresses, users = self._addresses.values(), self._users.values()
        return sum(line.length for line in addresses), sum(line.length for line in users)

    def take(self, caller: Caller, holder: Holder) -> Place:
        """A place for `holder`. `leave` MUST follow.

        Where there are too many, the oldest of the address, or of the user, leaves and is closed. It is not counted
        while it ends: then it is the next oldest's turn.
        """
        place = Place(holder)
        self._queue(place, self._addresses, caller.address, self._per_address)
        if caller.user is not None:
            self._queue(place, self._users, caller.user, self._per_user)
        return place

    def _queue(self, place: Place, lines: "dict[str, _Line]", key: str, most: int) -> None:
        line = lines.get(key)
        if line is None:
            line = lines[key] = _Line(lines, key)
        place.sit(line.append(place))
        if line.length > most:
            oldest = line.oldest.place
            oldest.leave()
            oldest.holder.close(Reason.LIMIT)


class _Line:
    """Those of one address or one user, from the oldest to the newest. It is forgotten with the last of them."""

    __slots__ = ("_key", "_lines", "length", "newest", "oldest")

    oldest: "_Seat"
    newest: "_Seat"

    def __init__(self, lines: "dict[str, _Line]", key: str) -> None:
        self.length = 0
        self._lines = lines
        self._key = key

    def append(self, place: Place) -> "_Seat":
        seat = _Seat(self, place, self.newest if self.length else None)
        if seat.older is None:
            self.oldest = seat
        else:
            seat.older.newer = seat
        self.newest = seat
        self.length += 1
        return seat

    def remove(self, seat: "_Seat") -> None:
        self.length -= 1
        if not self.length:
            # Nothing refers to itself through what is left: it goes without the garbage collector.
            del self._lines[self._key], self.oldest, self.newest
            return
        if seat.older is None:
            assert seat.newer is not None
            self.oldest = seat.newer
        else:
            seat.older.newer = seat.newer
        if seat.newer is None:
            assert seat.older is not None
            self.newest = seat.older
        else:
            seat.newer.older = seat.older


class _Seat:
    """A place in a line, between its neighbours."""

    __slots__ = ("line", "newer", "older", "place")

    def __init__(self, line: _Line, place: Place, older: "_Seat | None") -> None:
        self.line = line
        self.place = place
        self.older = older
        self.newer: _Seat | None = None

    def leave(self) -> None:
        self.line.remove(self)
