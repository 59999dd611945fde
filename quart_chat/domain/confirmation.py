"""Tickets for what no click in a frame may do: a page of this site itself asks, with one of them in its form."""

import hashlib

from itsdangerous import BadData, URLSafeTimedSerializer

from quart_chat.domain.chat import Chat

SALT = "confirmation"

AGE = 600
"""Seconds for somebody to make up their mind."""

LENGTH = 1024
"""Characters of a ticket at most, several times what they have."""


def issue(chat: Chat, user_key: str, message_id: int) -> str:
    """What lets whoever sends it delete this message as this user."""
    return str(_serializer(chat).dumps([user_key, message_id]))


def verify(chat: Chat, ticket: str, message_id: int) -> str | None:
    """The key of the user who may delete this message; None for any other ticket, and for an old one."""
    if len(ticket) > LENGTH:
        return None
    try:
        key, issued_for = _serializer(chat).loads(ticket, max_age=AGE)
    except (BadData, ValueError):
        return None
    return str(key) if issued_for == message_id else None


def _serializer(chat: Chat) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(chat.secret, salt=SALT, signer_kwargs={"digest_method": hashlib.sha256})
