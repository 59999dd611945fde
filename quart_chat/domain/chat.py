"""What every rule works with."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from quart_chat.broker.broker import Broker
from quart_chat.domain.gates import Gates
from quart_chat.domain.limits import Limits
from quart_chat.domain.newest import Newest
from quart_chat.store.database import Database


def milliseconds() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Chat:
    """The open resources of one running chat. `secret` signs and derives; `now` is the clock, in milliseconds."""

    database: Database
    broker: Broker
    newest: Newest
    gates: Gates
    limits: Limits
    epoch: str
    secret: bytes
    now: Callable[[], int] = milliseconds
