"""What the cookies are called by which a browser is known.

Browsers keep the cookies of a host for all of its ports together, so that of two servers on one machine each would
overwrite the other's. A part of the name is the server's own, therefore: it comes from the secret that signs.
"""

import functools
import hashlib
import hmac
from collections.abc import Iterator

PAGE, EMBED = "quart_chat", "quart_chat_frame"
"""The beginnings of the names: of one for this site's own pages, and of one for embeds in pages of others."""

MARK_LENGTH = 8
"""Hexadecimal digits that are the server's own: two servers of one machine are never the same by accident."""

HOST = "__Host-"
"""Keeps other hosts of the domain from setting it
(https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#name-the-__host-prefix); under HTTPS alone."""


def name(kind: str, secret: bytes, *, https: bool) -> str:
    return f"{HOST if https else ''}{kind}_{_mark(secret)}"


def names(kind: str, secret: bytes, *, https: bool) -> Iterator[str]:
    """The names under which a browser may have it: as it is called now, and as it was called at first, which still
    counts where this server has signed it."""
    yield name(kind, secret, https=https)
    yield f"{HOST if https else ''}{kind}"


@functools.lru_cache(16)
def _mark(secret: bytes) -> str:
    return hmac.digest(secret, b"cookie", hashlib.sha256).hex()[:MARK_LENGTH]
