"""The key that signs cookies: configured, or made once and kept beside the database."""

import os
import secrets
import shlex
from contextlib import suppress
from pathlib import Path

from quart_chat.config import Config
from quart_chat.errors import StartupError

SHORTEST = 32
"""Characters of a key: what is shorter can be guessed, and who knows it can be everybody."""


def load_secret(config: Config) -> bytes:
    """The secret key. Raises StartupError when its file can be neither read nor made, or others can read it."""
    if config.secret_key:
        if len(config.secret_key.strip()) < SHORTEST:
            raise StartupError(
                f"QUART_CHAT_SECRET_KEY is too short: it needs {SHORTEST} characters, such as "
                "`openssl rand -hex 32` makes."
            )
        return config.secret_key.encode()
    path = config.secret_path
    try:
        if not path.exists():
            _make(path)
        secret = _read(path)
    except OSError as error:
        raise StartupError(f"The secret key in {path} cannot be read or made: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise StartupError(
            f"The secret key in {path} is no text: it needs {SHORTEST} characters, such as "
            "`openssl rand -hex 32` makes."
        ) from error
    if len(secret) < SHORTEST:
        raise StartupError(f"The secret key in {path} is too short. Delete the file to have a new one made.")
    return secret.encode()


def _make(path: Path) -> None:
    """Written elsewhere and linked into place: no other process ever reads half a key, and none replaces one."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            os.fchmod(handle, 0o600)  # an umask may have taken even the owner's rights
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(handle)
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()


def _read(path: Path) -> str:
    with path.open() as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise StartupError(
                f"Others can read the secret key in {path}, or write it. If nobody has: chmod 600 "
                f"{shlex.quote(str(path))}. Otherwise delete the file: a new one is made, and everybody is a new guest."
            )
        return file.read().strip()
