"""Sites that may embed a room: how their origins are written, and which of them one is."""

import re
from urllib.parse import urlsplit

from quart_chat import hosts
from quart_chat.errors import OriginInvalid
from quart_chat.models import Room

HOST = re.compile(rf"(?:\*\.(?=[^.]+\.))?{hosts.NAME.pattern}")
"""A host as browsers compare it. After `*.` there are at least two labels: nobody means everything below `org`."""

ORIGIN_LENGTH = hosts.LENGTH + len("https://:65535")
"""Characters of an origin as browsers say it, at most: what is longer is not even looked at."""

ORIGIN = re.compile(r"(https?)://([a-z0-9_][a-z0-9_.-]*)(?::([1-9][0-9]{0,4}))?")
"""An origin as browsers say it (https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin).
No source expression can name an address of IPv6."""

NOBODY = "null"
"""The origin of pages that have none, or do not say it. It is never let in."""

LOOPBACK = (
    "http://localhost:*", "https://localhost:*", "http://*.localhost:*", "https://*.localhost:*",
    "http://127.0.0.1:*", "https://127.0.0.1:*",
)  # fmt: skip
"""Pages of the same machine."""


def clean_origin(text: str) -> str:
    """An origin as it is kept: `https://www.example.org`, with its port unless that is the scheme's own, or
    `https://*.example.org` for all below it. A host of other letters becomes what browsers make of it. Raises
    OriginInvalid.
    """
    text = text.strip().rstrip("/")
    advice = (
        f"“{text[:80]}” is no origin. Write it like https://www.example.org or https://*.example.org, without a path."
    )
    if len(text) > ORIGIN_LENGTH:
        raise OriginInvalid(advice)
    try:
        parts = urlsplit(text)
        port = parts.port
        host = hosts.to_ascii(parts.hostname or "")
    except (ValueError, UnicodeError):
        raise OriginInvalid(advice) from None
    whole = f"{parts.scheme}://{parts.netloc}".lower() == text.lower() and "@" not in text
    known = parts.scheme in hosts.PORTS and port != 0
    if not known or not whole or not HOST.fullmatch(host) or len(host) > hosts.LENGTH:
        raise OriginInvalid(advice)
    return f"{parts.scheme}://{host}" + ("" if port in (None, hosts.PORTS[parts.scheme]) else f":{port}")


def ancestors(room: Room, *, local: bool) -> tuple[str, ...]:
    """Who may embed the room, as CSP source expressions (https://www.w3.org/TR/CSP3/#framework-directive-source-list);
    with `local`, pages of this machine until a list is set."""
    if room.origins is None:
        return LOOPBACK if local else ()
    return room.origins


def allows(room: Room, origin: str, *, local: bool) -> bool:
    """Whether a page of `origin` may embed the room. Never `null`, which any page can seem to be."""
    return len(origin) <= ORIGIN_LENGTH and any(_matches(source, origin) for source in ancestors(room, local=local))


def _matches(source: str, origin: str) -> bool:
    scheme, _, rest = source.partition("://")
    host, _, port = rest.partition(":")
    found = ORIGIN.fullmatch(origin)
    if found is None or len(found[2]) > hosts.LENGTH:
        return False
    # As browsers have it, a site that is let in is let in under HTTPS, too (https://www.w3.org/TR/CSP3/#match-schemes).
    if found[1] != scheme and (scheme, found[1]) != ("http", "https"):
        return False
    usual = hosts.PORTS[found[1]]
    if port != "*" and int(found[3] or usual) != int(port or usual):
        return False
    return found[2].endswith(host[1:]) if host.startswith("*.") else found[2] == host
