"""Rate limits: token buckets per guest and per address, in memory.

A bucket holds `burst` tokens and gains `rate` per second (https://en.wikipedia.org/wiki/Token_bucket).
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from quart_chat.config import Config
from quart_chat.errors import TooFast

REMEMBERED = 100_000
"""Buckets kept at most, about 20 MB; the one unused for the longest time goes first, and starts full if it returns."""


class Buckets:
    """Token buckets of one size, by key."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, key: str) -> float:
        """Seconds until `key` has a token; 0 when it has one now."""
        return max(0.0, (1.0 - self._level(key)) / self._rate)

    def take(self, key: str) -> None:
        self._levels[key] = (self._level(key) - 1.0, self._clock())
        self._levels.move_to_end(key)
        if len(self._levels) > REMEMBERED:
            self._levels.popitem(last=False)

    def _level(self, key: str) -> float:
        level, then = self._levels.get(key, (float(self._burst), self._clock()))
        return min(self._burst, level + (self._clock() - then) * self._rate)


@dataclass(frozen=True, slots=True)
class Limits:
    """All limits of one server. None where limits are off."""

    users: Buckets | None
    addresses: Buckets | None
    rooms: Buckets | None

    @classmethod
    def from_config(cls, config: Config) -> "Limits":
        if config.limits == "off":
            return cls(None, None, None)
        return cls(
            Buckets(config.user_rate, config.user_burst),
            Buckets(config.address_rate, config.address_burst),
            Buckets(config.room_rate, config.room_burst),
        )

    def spend_message(self, user_key: str | None, address: str) -> None:
        """Count one posted, edited or deleted message. Raises TooFast, and then counts nothing."""
        _spend((self.addresses, address), (self.users, user_key))

    def spend_room(self, address: str) -> None:
        """Count one created room. Raises TooFast."""
        _spend((self.rooms, address))


def _spend(*claims: tuple[Buckets | None, str | None]) -> None:
    held = [(buckets, key) for buckets, key in claims if buckets is not None and key is not None]
    if wait := max((buckets.wait(key) for buckets, key in held), default=0.0):
        raise TooFast(math.ceil(wait))
    for buckets, key in held:
        buckets.take(key)
