"""Where a request comes from, as the rules see it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Frame:
    """The page around the frame from which a request comes."""

    host: str
    """The origin of that page, as the frame says; empty where the browser has not told it."""
    local: bool
    """Whether pages of this machine are let in where a room has no list."""


@dataclass(frozen=True, slots=True)
class Sender:
    """A verified user's key or None, the name given along, and the network address."""

    user_key: str | None
    name: str | None
    address: str
    frame: Frame | None = None
    """None for a page of this site itself, and for programs."""
    token: str | None = None
    """What a room's site has signed, not verified yet; then there is no `user_key`."""
    vouched_by: str | None = None
    """The id of the embed key without which `user_key` does not count any more."""
