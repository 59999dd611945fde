"""What a site's signed token says of somebody: which claims there must be, and what they may be.

Names as in https://www.rfc-editor.org/rfc/rfc7519#section-4; `room`, `avatar` and `role` are this chat's own. Refusals
name claim, what is expected and what was found, for the developer of the site.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from quart_chat import sites
from quart_chat.errors import IdentityExpired, IdentityRefused, NameInvalid, OriginInvalid
from quart_chat.models import Room
from quart_chat.text import clean_name

LEEWAY = 30
"""Seconds by which the clocks of two servers may differ."""

LONGEST = 3600
"""Seconds for which a token may be good: whoever gets hold of one is that person until it ends."""

SUB_LENGTH = 200
AVATAR_LENGTH = 500
FOUND_LENGTH = 60
"""Characters of what was found that a refusal shows."""

JTI = re.compile(r"[\x21-\x7e]{1,128}")
AVATAR = re.compile(r"https?://[A-Za-z0-9.:_-]+/[!#-;=?-\[\]_a-z~]*")
"""An address as a browser takes it, letter by letter: anything else could be one origin here and another there."""

ROLES = ("member", "moderator")

Claims = Mapping[str, Any]


def check_times(claims: Claims, now: int) -> int:
    """When the token ends, in milliseconds; `now` is in milliseconds too. Raises IdentityExpired, IdentityRefused."""
    seconds = now / 1000
    exp = _time(claims, "exp")
    if exp + LEEWAY <= seconds:
        raise IdentityExpired(f"The token ended at {exp:.0f} (claim exp) and it is {seconds:.0f} here. Sign a new one.")
    if exp > seconds + LONGEST + LEEWAY:
        raise IdentityRefused(
            f"The token is good for too long: claim exp is {exp:.0f}, and at most {seconds + LONGEST:.0f} is accepted, "
            f"which is {LONGEST} seconds from now."
        )
    for name in ("nbf", "iat"):
        if name in claims and (found := _time(claims, name)) > seconds + LEEWAY:
            raise IdentityRefused(
                f"The token is not good yet: claim {name} is {found:.0f} and it is {seconds:.0f} here. Look at the "
                "clock of the server that signs."
            )
    return int(exp * 1000)


def check_room(claims: Claims, room: Room) -> None:
    if (found := _required(claims, "room")) != room.slug:
        raise IdentityRefused(f"The token is for another room: claim room must be “{room.slug}”, found {shown(found)}.")


def subject(claims: Claims) -> str:
    """Who it is, in words of the site."""
    sub = _required(claims, "sub")
    if not isinstance(sub, str) or not 1 <= len(sub) <= SUB_LENGTH or any(map(_is_unwritable, sub)):
        raise _wrong("sub", f"1 to {SUB_LENGTH} characters in a string, without control characters", sub)
    return sub


def check_id(claims: Claims) -> None:
    jti = _required(claims, "jti")
    if not isinstance(jti, str) or not JTI.fullmatch(jti):
        raise _wrong("jti", "1 to 128 visible ASCII characters in a string", jti)


def name(claims: Claims) -> str:
    found = _required(claims, "name")
    if not isinstance(found, str):
        raise _wrong("name", "a string", found)
    try:
        return clean_name(found)
    except NameInvalid as error:
        raise IdentityRefused(f"Claim name is {shown(found)}. {error.sentence}") from None


def role(claims: Claims) -> str | None:
    found = claims.get("role")
    if found is not None and found not in ROLES:
        raise _wrong("role", " or ".join(ROLES), found)
    return None if found is None else str(found)


def avatar(claims: Claims, room: Room, *, local: bool) -> str | None:
    """The address of a picture, on one of the sites that may embed the room: nobody else is to learn who reads."""
    found = claims.get("avatar")
    if found is None:
        return None
    if not isinstance(found, str) or len(found) > AVATAR_LENGTH or not AVATAR.fullmatch(found):
        raise _wrong("avatar", f"an https address of at most {AVATAR_LENGTH} ASCII characters, with a path", found)
    parts = urlsplit(found)
    origin = _origin(f"{parts.scheme}://{parts.netloc}")
    if not sites.allows(room, origin, local=local):
        raise IdentityRefused(
            f"Claim avatar is {shown(found)}, and {shown(origin)} is not among the sites that may embed the room."
        )
    if parts.scheme != "https" and not sites.allows(replace(room, origins=None), origin, local=True):
        raise _wrong("avatar", "an https address", found)
    return found


def shown(value: object) -> str:
    """What was found, in few visible ASCII characters."""
    text = "a list" if isinstance(value, list) else "an object" if isinstance(value, dict) else ascii(value)
    return text if len(text) <= FOUND_LENGTH else f"{text[:FOUND_LENGTH]}…"


def _required(claims: Claims, name: str) -> Any:
    if claims.get(name) is None:
        raise IdentityRefused(f"The token has no claim {name}. It needs exp, jti, name, room and sub.")
    return claims[name]


def _time(claims: Claims, name: str) -> float:
    value = _required(claims, name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        raise _wrong(name, "seconds since 1970 as a number", value)
    return float(value)


def _wrong(claim: str, expected: str, found: object) -> IdentityRefused:
    return IdentityRefused(f"Claim {claim} must be {expected}; found {shown(found)}.")


def _is_unwritable(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs")


def _origin(text: str) -> str:
    try:
        return sites.clean_origin(text)
    except OriginInvalid:
        raise _wrong("avatar", "an https address", text) from None
