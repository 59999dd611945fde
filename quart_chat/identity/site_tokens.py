"""Who a room's site says somebody is: a JSON Web Token that its server has signed with a key of the room.

Follows https://www.rfc-editor.org/rfc/rfc8725: the key decides the algorithm and the token does not, and nothing in the
token says where a key could be found.
"""

import base64
import functools
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt.types import Options

from quart_chat.errors import IdentityRefused
from quart_chat.identity import claims
from quart_chat.identity.claims import shown
from quart_chat.models import EmbedKey, Kind, Room, User

TOKEN_LENGTH = 4096
"""Characters of a token at most: it goes with every request, in a header that servers and proxies bound at 8 KiB."""

TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]*", re.ASCII)
"""Three parts in base64url; the last is empty where nobody has signed."""

UNKNOWN_HEADERS = ("crit", "b64")
"""Headers that change how a token is to be read (https://www.rfc-editor.org/rfc/rfc7515#section-4.1.11). Those that say
where to find a key (jku, jwk, x5u, x5c) are not looked at."""

KID_LENGTH = 16
"""Characters of a kid that a refusal shows, of any kid of ours all: somebody may have taken the secret for the id."""

CHECKED = 2_000
"""Tokens whose signature is known to be good, of up to 4 KiB each."""

SIGNATURE_ALONE: Options = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}
"""The claims are checked here, each time. Audience and issuer are not: a key is for one room and of one site."""


@dataclass(frozen=True, slots=True)
class Signed:
    """Somebody whom a room's site vouches for, until when, in milliseconds, and by which key."""

    user: User
    expires_at: int
    key_id: str


def verify(token: str, room: Room, keys: Sequence[EmbedKey], secret: bytes, now: int, *, local: bool) -> Signed:
    """Whom the site of `room` has signed in with one of these keys, at `now` in milliseconds. The user's id is 0.

    With `local`, a room without a list takes avatars from this machine. Raises IdentityExpired, IdentityRefused.
    """
    key = _key(_header(token), room, keys, now)
    told = _claims(token, key.id, key.material, key.algorithm)
    claims.check_room(told, room)
    expires_at = claims.check_times(told, now)
    claims.check_id(told)
    user = User(
        id=0,
        name=claims.name(told),
        key=user_key(secret, room, claims.subject(told)),
        created_at=now,
        room_id=room.id,
        avatar=claims.avatar(told, room, local=local),
        role=claims.role(told),
        kind=Kind.SIGNED,
    )
    return Signed(user, expires_at, key.id)


def user_key(secret: bytes, room: Room, subject: str) -> str:
    """The key of the user whom a room's site calls `subject`."""
    return hmac.digest(secret, b"signed\0%d\0" % room.id + subject.encode(), hashlib.sha256).hex()


def _header(token: str) -> dict[str, Any]:
    """What the token says of itself, not verified. Raises IdentityRefused."""
    if len(token) > TOKEN_LENGTH:
        raise IdentityRefused(f"The token has {len(token)} characters; {TOKEN_LENGTH} are accepted.")
    if not TOKEN.fullmatch(token):
        raise IdentityRefused("This is no token: it must be three parts in base64url with a dot between them.")
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise IdentityRefused(f"The token’s header cannot be read: {shown(str(error))}.") from None
    for name in UNKNOWN_HEADERS:
        if name in header:
            raise IdentityRefused(f"The token has the header {name}, which is not accepted. Leave it out.")
    return header


def _key(header: dict[str, Any], room: Room, keys: Sequence[EmbedKey], now: int) -> EmbedKey:
    """The key that a token's header names, if it is one to be used in this room now. Raises IdentityRefused."""
    valid = [key for key in keys if key.is_valid(now)]
    if not valid:
        raise IdentityRefused(f"The room “{room.slug}” has no key to sign with. Its operator can make one.")
    ours = " or ".join(key.id for key in reversed(valid))
    if "kid" not in header:
        raise IdentityRefused(f"The token has no header kid, which must name the key: {ours}.")
    kid = header["kid"]
    key = next((key for key in keys if key.id == kid), None)
    if key is None:
        raise IdentityRefused(
            f"Header kid must name a key of the room “{room.slug}”, {ours}; found {shown(kid[:KID_LENGTH])}, which is "
            "of another room, or was revoked, or never was one."
        )
    if key not in valid:
        assert key.retires_at is not None
        ended = datetime.fromtimestamp(key.retires_at / 1000, UTC)
        raise IdentityRefused(
            f"The key {key.id} was rotated away and has not been valid since {ended:%Y-%m-%d %H:%M} UTC. Sign with "
            f"{ours}."
        )
    if header.get("alg") != key.algorithm:
        raise IdentityRefused(
            f"Header alg must be {key.algorithm}, which the key {key.id} is for; found {shown(header.get('alg'))}."
        )
    return key


@functools.lru_cache(CHECKED)
def _claims(token: str, kid: str, material: str, algorithm: str) -> dict[str, Any]:
    """The claims of a token that was signed with this key, not to be changed. Raises IdentityRefused, which costs a
    signature's check each time."""
    try:
        return jwt.decode(token, _opened(material, algorithm), algorithms=[algorithm], options=SIGNATURE_ALONE)
    except jwt.InvalidSignatureError:
        raise IdentityRefused(
            f"The signature is not of the key {kid}. Sign with the secret that came with that id, for {algorithm}, its "
            "characters as they are."
        ) from None
    except jwt.PyJWTError as error:
        raise IdentityRefused(f"The token cannot be read: {shown(str(error))}.") from None


@functools.lru_cache(1_000)
def _opened(material: str, algorithm: str) -> str | Ed25519PublicKey:
    if algorithm == "EdDSA":
        return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(material + "="))
    return material
