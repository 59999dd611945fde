"""How much measuring one address may do: it costs the server connections that are held, and nothing else."""

from quart_chat.domain.limits import Buckets
from quart_chat.errors import TooFast
from quart_chat.http.underway import UnderWay

RATE = 1.0
"""Requests per second that one address may keep up. One measurement takes about ten in half a minute."""

BURST = 60
"""Requests that one address may send at once: a few people of one office."""

HELD = 12
"""Answers that are held for one address at a time; one measurement has three. Below what Buckets lets through."""

HELD_IN_ALL = 200
"""The same for everybody, about 6 MB."""


class Allowance:
    def __init__(self, *, limited: bool) -> None:
        self._limited = limited
        self._buckets = Buckets(RATE, BURST)
        self._held = UnderWay(HELD, HELD_IN_ALL, limited=limited)

    def spend(self, address: str) -> None:
        """Count one request. Raises TooFast."""
        if self._limited:
            self._buckets.spend(address)

    def spend_held(self, address: str) -> None:
        """Count one request whose answer is to be held. Raises TooFast, also where there is no room to hold it."""
        if not self._held.has_room(address):
            raise TooFast(5)
        self.spend(address)

    def hold(self, address: str) -> bool:
        """Take room for one held answer, if there is some; `release` MUST follow, once."""
        if not self._held.has_room(address):
            return False
        self._held.take(address, 1)
        return True

    def release(self, address: str) -> None:
        self._held.give_back(address, 1)
