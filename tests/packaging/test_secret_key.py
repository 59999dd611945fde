"""The key that signs cookies is made once, kept beside the database, and read by its owner alone."""

import os
import re
import stat
from pathlib import Path

import pytest

from quart_chat.config import Config
from quart_chat.errors import StartupError
from quart_chat.secret import load_secret
from tests.packaging.test_refusals_to_start import refusal
from tests.people import Person
from tests.serving import Server, serving


async def test_cookie_stays_valid_over_restarts(server: Server, alice: Person) -> None:
    first = await alice.post_message("before")
    secret = (server.folder / "quart_chat.db.secret").read_bytes()
    await server.restart()
    await server.stop()
    await server.start()
    second = await alice.post_message("after")

    assert author(first.html) == author(second.html)
    assert (server.folder / "quart_chat.db.secret").read_bytes() == secret


async def test_key_is_readable_by_its_owner_alone(server: Server) -> None:
    path = server.folder / "quart_chat.db.secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_text().strip()) >= 64
    assert [left.name for left in server.folder.glob("*.secret.*")] == []


async def test_key_that_is_there_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "quart_chat.db.secret"
    path.write_text("k" * 40)
    path.chmod(0o600)
    async with serving(tmp_path):
        assert path.read_text() == "k" * 40


async def test_configured_key_leaves_no_file(tmp_path: Path) -> None:
    async with serving(tmp_path, secret_key="configured-" + "k" * 32):
        pass
    assert not (tmp_path / "quart_chat.db.secret").exists()


async def test_key_that_others_can_read_or_guess_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "quart_chat.db.secret"
    path.write_text("k" * 40)
    path.chmod(0o640)
    line = await refusal(tmp_path)
    assert "Others can read the secret key in quart_chat.db.secret" in line
    assert "chmod 600 quart_chat.db.secret" in line
    config = Config(database_url=f"sqlite:///{tmp_path}/quart_chat.db")
    for mode in (0o604, 0o620, 0o602):
        path.chmod(mode)
        with pytest.raises(StartupError, match="Others can read"):
            load_secret(config)
    path.chmod(0o600)
    path.write_text("k" * 31)
    with pytest.raises(StartupError, match="too short"):
        load_secret(config)
    path.write_bytes(bytes(range(100, 200)))  # as from /dev/urandom
    with pytest.raises(StartupError, match="is no text"):
        load_secret(config)
    for short in ("k" * 31, " " * 40):
        with pytest.raises(StartupError, match="QUART_CHAT_SECRET_KEY is too short"):
            load_secret(Config(secret_key=short))


def test_key_is_made_new_for_its_owner_alone_whatever_the_umask_and_whoever_was_there(tmp_path: Path) -> None:
    config = Config(database_url=f"sqlite:///{tmp_path}/chat.db")
    for umask in (0o000, 0o022, 0o777):
        before = os.umask(umask)
        try:
            secret = load_secret(config)
        finally:
            os.umask(before)
        assert stat.S_IMODE(config.secret_path.stat().st_mode) == 0o600
        assert load_secret(config) == secret
        assert [path.name for path in tmp_path.iterdir()] == ["chat.db.secret"]
        config.secret_path.unlink()


def author(html: str) -> str:
    found = re.search('data-author="([0-9]+)"', html)
    assert found, html
    return found[1]
