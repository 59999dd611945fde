"""How much of something there may be at a time: of one address, of its networks, and in all."""

from quart_chat.domain.networks import shares


class UnderWay:
    """Counts what is taken. Where it is not `limited` there is always room."""

    def __init__(self, each: int, everybody: int, *, limited: bool) -> None:
        self._each = each
        self._everybody = everybody
        self._limited = limited
        self._taken: dict[str, int] = {}
        self._total = 0

    def has_room(self, address: str) -> bool:
        """Whether less is taken than may be. What is taken next may go beyond that, once."""
        if not self._total or not self._limited:
            return True
        return self._total < self._everybody and all(
            self._taken.get(name, 0) < self._each * times for name, times in shares(address)
        )

    def take(self, address: str, amount: int) -> None:
        """`give_back` MUST follow, in parts or whole."""
        self._total += amount
        for name, _ in shares(address):
            self._taken[name] = self._taken.get(name, 0) + amount

    def give_back(self, address: str, amount: int) -> None:
        self._total -= amount
        for name, _ in shares(address):
            self._taken[name] -= amount
            if not self._taken[name]:
                del self._taken[name]
