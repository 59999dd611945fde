"""Headers: what a client sends by itself, and what therefore somebody in between has added."""

import re
from collections.abc import Iterable
from typing import Any

TEXT = 200
"""Characters of one text; what is longer is cut."""

ITEMS = 24
"""Headers in one list; what is more is left out."""

Headers = tuple[tuple[str, str], ...]
"""Names in lower case, and values."""

BROWSERS = re.compile(
    r"accept|accept-(encoding|language|charset)|user-agent|host|connection|keep-alive|proxy-connection|referer|origin|"
    r"cookie|authorization|cache-control|pragma|priority|te|dnt|save-data|upgrade-insecure-requests|purpose|range|"
    r"if-[a-z-]+|sec-[a-z-]+|content-(length|type)|last-event-id|upgrade|http2-settings|remote-addr|"
    r"rtt|ect|downlink|device-memory|dpr|viewport-width|hx-[a-z-]+"
)
"""Headers that browsers and this program's command send themselves. `Remote-Addr` is what Quart adds."""

SECRET = re.compile(
    r"auth|cookie|token|secret|key|session|jwt|oidc|saml|cert|passw|assertion|credential|identity|email|user(?!-agent)",
    re.IGNORECASE,
)
"""Names of headers whose values open something, or name somebody: nobody should find them in a report."""

ORDINARY = re.compile(r"date|connection|keep-alive|transfer-encoding|vary|alt-svc|strict-transport-security|set-cookie")
"""Headers of a response that every server and proxy adds, and that mean nothing here."""

HIDDEN = "(not shown)"


def text(value: object) -> str:
    """Bounded, and without what could break a line or turn its direction. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError("not a text")
    return "".join(character for character in value[:TEXT] if character.isprintable())


def pairs(value: Any) -> Headers:
    """Names and values from any list of both. Raises ValueError, TypeError."""
    return tuple((text(name).lower(), text(content)) for name, content in value[:ITEMS])


def shown(came: Iterable[tuple[str, str]]) -> Headers:
    """A request's headers as they came; `Cookie`, `Authorization` and `Proxy-Authorization` not at all, and of what
    looks like a secret only that it is there."""
    left_out = ("cookie", "authorization", "proxy-authorization", "remote-addr")
    return pairs(
        [
            (name, HIDDEN if SECRET.search(name) and not name.lower().startswith("sec-") else value)
            for name, value in came
            if name.lower() not in left_out
        ]
    )


def added(came: Headers) -> Headers:
    """Those of a request that no browser sends by itself."""
    return tuple((name, value) for name, value in came if not BROWSERS.fullmatch(name))


def differences(said: Headers, arrived: Headers) -> tuple[Headers, Headers]:
    """Of both, what the other has not in the same words; framing, which every hop makes anew, is left out."""
    mine, theirs = set(said), set(arrived)
    return (
        tuple(header for header in said if header not in theirs),
        tuple(header for header in arrived if header not in mine and not ORDINARY.fullmatch(header[0])),
    )
