"""The key that signs cookies: configured, or made once and kept beside the database."""

import os
import secrets

from quart_chat.config import Config
from quart_chat.errors import StartupError


def load_secret(config: Config) -> bytes:
    """The secret key. Raises StartupError when its file can be neither read nor made."""
    if config.secret_key:
        return config.secret_key.encode()
    path = config.secret_path
    try:
        if not path.exists():
            # Written elsewhere and linked into place: no other process ever reads half a key, and none replaces one.
            draft = path.with_name(f"{path.name}.{os.getpid()}")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(secrets.token_hex(32))
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        secret = path.read_text().strip()
    except OSError as error:
        raise StartupError(f"The secret key in {path} cannot be read or made: {error.strerror}.") from error
    if len(secret) < 32:
        raise StartupError(f"The secret key in {path} is too short. Delete the file to have a new one made.")
    return secret.encode()
