"""Who somebody is: a guest is a row made with the first message, and a signed token that names the row.

A browser keeps the token as a cookie; an embed in another site's page, which may get none, keeps one of its own.
"""

import functools
import hashlib

from itsdangerous import BadSignature, Signer, URLSafeSerializer

from quart_chat.models import User

SALT = "guest"
EMBED_SALT = "frame"  # as in the tokens that browsers keep

GUEST = "guest."
"""How tokens of guests in embeds begin. Any other is one that a room's site is to have signed."""

TOKEN_LENGTH = 256
EMBED_TOKEN_LENGTH = 1024
"""Characters of a token at most, twice what they have: what is longer is not even looked at."""


def issue(secret: bytes, user: User) -> str:
    """A token for `user`, to be kept by its browser. Whoever holds it is that user.

    It names the user by key and not by id: another database, or an older backup, gives the same id to somebody else.
    """
    return _signer(secret).sign(user.key).decode()


def verify(secret: bytes, token: str | None) -> str | None:
    """The key of the user a token was issued to; None for no token, or one that this server did not sign."""
    return _verify(secret, token) if token and len(token) <= TOKEN_LENGTH else None


@functools.lru_cache(10_000)
def _verify(secret: bytes, token: str) -> str | None:
    try:
        return _signer(secret).unsign(token).decode()
    except BadSignature:
        return None


def issue_for_embed(secret: bytes, user: User, host: str) -> str:
    """A token for `user`, to be kept by an embed in pages of `host`. It is of no use anywhere else."""
    return GUEST + str(_serializer(secret).dumps([user.key, host]))


def verify_in_embed(secret: bytes, token: str | None, host: str) -> str | None:
    """The key of the user to whom a token was issued in pages of `host`; None for any other."""
    if not token or len(token) > EMBED_TOKEN_LENGTH or not token.startswith(GUEST):
        return None
    key, issued_in = _verify_in_embed(secret, token) or (None, None)
    return key if issued_in == host else None


@functools.lru_cache(10_000)
def _verify_in_embed(secret: bytes, token: str) -> tuple[str, str] | None:
    try:
        key, host = _serializer(secret).loads(token.removeprefix(GUEST))
    except (BadSignature, ValueError):
        return None
    return key, host


def _serializer(secret: bytes) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt=EMBED_SALT, signer_kwargs={"digest_method": hashlib.sha256})


def _signer(secret: bytes) -> Signer:
    return Signer(secret, salt=SALT, digest_method=hashlib.sha256)
