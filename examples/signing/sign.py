"""Say who somebody is in a room, as the server of the site that shows it. Needs PyJWT; for EdDSA `pyjwt[crypto]`.

QUART_CHAT_KEY_ID=... QUART_CHAT_KEY=... python sign.py ROOM SUBJECT NAME [AVATAR [ROLE]]
"""

import os
import secrets
import sys
import time

import jwt

LIFETIME = 300
"""Seconds. Short: the page fetches the next token by itself. The chat takes an hour at most."""


def sign(
    key_id: str,
    key: str,
    *,
    room: str,
    subject: str,
    name: str,
    avatar: str | None = None,
    role: str | None = None,
) -> str:
    """A token for somebody who is signed in on your site. `subject` is what never changes about them, such as the
    number of their account; call this for whoever has the session, and never for what a request says.
    """
    claims: dict[str, object] = {
        "room": room,
        "sub": subject,
        "name": name,
        "exp": int(time.time()) + LIFETIME,
        "jti": secrets.token_urlsafe(16),
    }
    if avatar:
        claims["avatar"] = avatar
    if role:
        claims["role"] = role
    algorithm = "EdDSA" if key.startswith("-----BEGIN ") else "HS256"
    return jwt.encode(claims, key, algorithm, {"kid": key_id})


if __name__ == "__main__":
    if not 4 <= len(sys.argv) <= 6:
        sys.exit(__doc__)
    room, subject, name, *rest = sys.argv[1:]
    avatar, role = (*rest, "", "")[:2]
    key_id, key = os.environ["QUART_CHAT_KEY_ID"], os.environ["QUART_CHAT_KEY"]
    print(sign(key_id, key, room=room, subject=subject, name=name, avatar=avatar, role=role))
