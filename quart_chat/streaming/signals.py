"""What is true in a room for a moment: of each kind and user the latest, told at most once a second.

Signals have no cursor, and nobody comes back for one. Who has anything waiting is not told: there will be another.
"""

from collections import OrderedDict

from quart_chat.signals import Signal

PAUSE = 1.0
"""Seconds between two frames of signals in a room."""

FRESH = 5.0
"""Seconds for which a poll brings a signal. A stream brings each once."""

MOST = 100
"""Signals of which a room knows: of more, the oldest are nothing that anybody could look at."""

Key = tuple[str, int]


class Signals:
    """Times are the event loop's."""

    def __init__(self) -> None:
        self._latest: OrderedDict[Key, tuple[Signal, float]] = OrderedDict()
        self._untold: dict[Key, Signal] = {}
        self._told_at = float("-inf")

    def put(self, signal: Signal, now: float) -> None:
        key = signal.kind, signal.user_id
        self._latest.pop(key, None)
        self._untold.pop(key, None)
        self._latest[key] = signal, now
        self._untold[key] = signal
        if len(self._latest) > MOST:
            oldest, _ = self._latest.popitem(last=False)
            self._untold.pop(oldest, None)

    @property
    def due(self) -> float | None:
        """When readers are to be told; None where there is nothing to tell."""
        return self._told_at + PAUSE if self._untold else None

    def tell(self, now: float) -> list[Signal]:
        """What readers have not been told, from the oldest; then they have."""
        signals = [*self._untold.values()]
        self._untold.clear()
        self._told_at = now
        return signals

    def latest(self, now: float) -> list[Signal]:
        """What a poll brings, from the oldest."""
        while self._latest and next(iter(self._latest.values()))[1] < now - FRESH:
            oldest, _ = self._latest.popitem(last=False)
            self._untold.pop(oldest, None)
        return [signal for signal, _ in self._latest.values()]
