"""Tickets for what no click in an embed may do: a page of this site itself asks, with one of them in its form."""

import hashlib
import secrets
from dataclasses import dataclass

from itsdangerous import BadData, URLSafeTimedSerializer

SALT = "confirmation"

AGE = 600
"""Seconds for somebody to make up their mind."""

ID_LENGTH = 12
"""Random bytes that tell tickets apart: nobody has to guess them, as they are signed."""

LENGTH = 1024
"""Characters of a ticket at most, several times what they have."""


@dataclass(frozen=True, slots=True)
class Deed:
    """The one thing that a ticket is good for."""

    what: str
    """Such as `deletion`."""
    slug: str
    """Of the room in which it is done."""
    id: int
    """Of the message, or the person, to whom."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """As whom it may be done."""

    user_key: str
    vouched_by: str | None
    """The id of the embed key that had signed who they are, which must still be valid; None for a guest."""
    role: str | None = None
    """What it had signed that they are there."""
    ticket: str = ""
    """The id of the ticket that said so; empty before there is one."""


def issue(secret: bytes, confirmed: Confirmed, deed: Deed) -> str:
    """What lets whoever sends it do this, once: whoever does it MUST note that it is used (`confirmations.use`)."""
    told = [
        secrets.token_urlsafe(ID_LENGTH),
        confirmed.user_key,
        confirmed.vouched_by,
        confirmed.role,
        deed.what,
        deed.slug,
        deed.id,
    ]
    return str(_serializer(secret).dumps(told))


def verify(secret: bytes, ticket: str, deed: Deed) -> Confirmed | None:
    """As whom this may be done; None for any other ticket, and for an old one."""
    if len(ticket) > LENGTH:
        return None
    try:
        ticket_id, user_key, vouched_by, role, *issued_for = _serializer(secret).loads(ticket, max_age=AGE)
    except (BadData, ValueError):
        return None
    return Confirmed(user_key, vouched_by, role, ticket_id) if issued_for == [deed.what, deed.slug, deed.id] else None


def _serializer(secret: bytes) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret, salt=SALT, signer_kwargs={"digest_method": hashlib.sha256})
