"""Rate limits: token buckets per guest and per address, in memory. Refusals count as well.

A bucket holds `burst` tokens and gains `rate` per second (https://en.wikipedia.org/wiki/Token_bucket).
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from quart_chat.config import Config
from quart_chat.domain.networks import shares
from quart_chat.errors import TooFast

REMEMBERED = 100_000
"""Buckets kept at most, about 20 MB; the one unused for the longest time goes first, and starts full if it returns."""

DAY = 86_400.0
"""Seconds."""

NAMES = (1 / 60, 5)
"""How often somebody may change their name: once a minute, five times at once."""

ROOMS_TOLD = 100
"""Rooms in which a new name is told for that; in more it costs as much again for each so many."""

ROW = 512
"""Bytes that a message takes on the disk beside its text: its row, its event, their indexes."""


class Buckets:
    """Token buckets of one size, by key: of users, or of addresses, whose networks have larger ones."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, key: str, tokens: float = 1.0) -> float:
        """Seconds until `key`, and each network it is in, has so many tokens; 0 when there are now."""
        return max(max(0.0, (tokens - self._level(name, times)) / (self._rate * times)) for name, times in shares(key))

    def take(self, key: str, tokens: float = 1.0) -> None:
        for name, times in shares(key):
            self._levels[name] = (self._level(name, times) - tokens, self._clock())
            self._levels.move_to_end(name)
        while len(self._levels) > REMEMBERED:
            self._levels.popitem(last=False)

    def spend(self, key: str) -> None:
        """Take a token. Raises TooFast where there is none, and then takes nothing."""
        if wait := self.wait(key):
            raise TooFast(math.ceil(wait))
        self.take(key)

    def _level(self, name: str, times: int) -> float:
        most = float(self._burst * times)
        level, then = self._levels.get(name, (most, self._clock()))
        return min(most, level + (self._clock() - then) * self._rate * times)


@dataclass(frozen=True, slots=True)
class Limits:
    """All limits of one server. None where limits are off."""

    users: Buckets | None
    addresses: Buckets | None
    rooms: Buckets | None
    refusals: Buckets | None
    """By address, for what was asked and refused. They are counted apart from what was accepted, so that a queue that
    waits as it was told always gets on: being too fast is no refusal here."""
    rooms_of_day: Buckets | None = None
    bytes_of_day: Buckets | None = None
    """By address, too: what it may have stored in a day."""
    names: Buckets | None = None
    """By guest, for changes of their name."""
    all_rooms: int | None = None
    """How many rooms there may be."""

    @classmethod
    def from_config(cls, config: Config) -> "Limits":
        if config.limits == "off":
            return cls(None, None, None, None)
        return cls(
            Buckets(config.user_rate, config.user_burst),
            Buckets(config.address_rate, config.address_burst),
            Buckets(config.room_rate, config.room_burst),
            Buckets(config.address_rate, config.address_burst),
            Buckets(config.rooms_per_day / DAY, config.rooms_per_day),
            Buckets(config.bytes_per_day / DAY, config.bytes_per_day),
            Buckets(*NAMES),
            config.rooms,
        )

    def spend_message(self, user_key: str | None, address: str, text: str = "") -> None:
        """Count one posted, edited or deleted message. Raises TooFast, and then counts nothing."""
        size = len(text.encode()) + ROW if text else 0
        _spend((self.addresses, address, 1), (self.users, user_key, 1), (self.bytes_of_day, address, size))

    def spend_room(self, address: str) -> None:
        """Count one created room. Raises TooFast."""
        _spend((self.rooms, address, 1), (self.rooms_of_day, address, 1))

    def spend_name(self, user_key: str, address: str) -> None:
        """Count one try to have another name, like a message. Raises TooFast, and then counts nothing."""
        if self.names is not None and (wait := self.names.wait(user_key)):
            raise TooFast(math.ceil(wait))
        _spend((self.addresses, address, 1), (self.users, user_key, 1))

    def count_name(self, user_key: str, address: str, rooms: int) -> None:
        """Count a new name, which was told in so many rooms: as that is known only afterwards, it may be a debt."""
        if self.names is not None and self.bytes_of_day is not None:
            self.names.take(user_key, max(1, rooms / ROOMS_TOLD))
            self.bytes_of_day.take(address, rooms * ROW)

    def refused(self, address: str) -> None:
        """Count one request that was refused."""
        if self.refusals is not None:
            self.refusals.take(address)

    def check_refusals(self, address: str) -> None:
        """Refuse at once, before any work, whoever had too much refused. Raises TooFast, and counts nothing."""
        if self.refusals is not None and (wait := self.refusals.wait(address)):
            raise TooFast(math.ceil(wait))


def _spend(*claims: tuple[Buckets | None, str | None, float]) -> None:
    held = [(buckets, key, tokens) for buckets, key, tokens in claims if buckets is not None and key is not None]
    if wait := max((buckets.wait(key, tokens) for buckets, key, tokens in held), default=0.0):
        raise TooFast(math.ceil(wait))
    for buckets, key, tokens in held:
        buckets.take(key, tokens)
