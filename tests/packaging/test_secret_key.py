"""The key that signs cookies is made once, kept beside the database, and read by its owner alone."""

import re
import stat
from pathlib import Path

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
    async with serving(tmp_path):
        assert path.read_text() == "k" * 40


async def test_configured_key_leaves_no_file(tmp_path: Path) -> None:
    async with serving(tmp_path, secret_key="configured-" + "k" * 32):
        pass
    assert not (tmp_path / "quart_chat.db.secret").exists()


def author(html: str) -> str:
    found = re.search('data-author="([0-9]+)"', html)
    assert found, html
    return found[1]
