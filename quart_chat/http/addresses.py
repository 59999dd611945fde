"""Addresses of rooms that are nearly right: in capitals, or with a slash at their end."""

import re

from quart_chat.domain.rooms import SLUG_LENGTH

NEARLY = re.compile(
    rf"/(?P<kind>rooms|embed)/(?P<slug>[A-Za-z0-9-]{{1,{SLUG_LENGTH}}})"
    r"(?P<rest>(?:/[a-z]{1,20}(?:/[0-9]{1,18}(?:/[a-z]{1,20})?)?)?)/?"
)
"""A path below a room, of characters that may stand in any header."""

QUERY = re.compile(rb"[!-~]*")


def room_meant(path: str) -> tuple[str, str] | None:
    """The slug that such a path means, and the path as it should be; None where it is right, or no room's."""
    found = NEARLY.fullmatch(path)
    if found is None:
        return None
    slug = found["slug"].lower()
    right = f"/{found['kind']}/{slug}{found['rest']}"
    return None if right == path else (slug, right)


def with_query(path: str, query: bytes) -> str:
    """The path with the query of a request, where that is of visible ASCII, as it must be."""
    return f"{path}?{query.decode()}" if query and QUERY.fullmatch(query) else path
