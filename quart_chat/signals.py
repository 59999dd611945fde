"""What is true for a moment, in a room or for somebody: it has no cursor, is kept nowhere, and is not repeated.

Nothing sends one yet. A new signal is a dataclass here with a `kind` and a `user_id`, a template
`templates/signals/<kind>.html`, and a call of `broker.signal`; from there on it is told (`streaming/signals.py`).
"""

from typing import Protocol


class Signal(Protocol):
    """The latest of a kind and a user replaces those before."""

    @property
    def kind(self) -> str:
        """A word: it goes into an attribute as it is."""

    @property
    def user_id(self) -> int: ...
