"""`quart-chat embed-key` and `quart-chat room embed`, typed by an operator while a server runs and while none does."""

import asyncio
import os
import re
import shlex
import sys
import time
from contextlib import chdir
from pathlib import Path

import jwt
import pytest
import pytest_asyncio
import structlog
from click.testing import CliRunner

from quart_chat.app import open_chat
from quart_chat.cli import main
from quart_chat.config import Config
from tests.people import client
from tests.serving import Ended, Server, run


async def typed(folder: Path, *arguments: str) -> Ended:
    return await run(folder, sys.executable, "-m", "quart_chat", *arguments)


async def command(folder: Path, *arguments: str) -> Ended:
    """The same without a process of its own, whose start takes longer than all that it does."""
    return await asyncio.to_thread(_run, folder, arguments)


def _run(folder: Path, arguments: tuple[str, ...]) -> Ended:
    try:
        with chdir(folder):
            result = CliRunner(env=dict.fromkeys(filter(is_setting, os.environ))).invoke(main, arguments)
    finally:
        structlog.reset_defaults()  # the command's log goes to what is its standard error
    return Ended(result.exit_code, result.stdout, result.stderr)


def is_setting(name: str) -> bool:
    return name.startswith("QUART_CHAT_")


async def done(folder: Path, *arguments: str) -> Ended:
    ended = await command(folder, *arguments)
    assert ended.code == 0, ended
    return ended


async def refused(folder: Path, *arguments: str) -> str:
    """The line with which a command refuses."""
    ended = await command(folder, *arguments)
    assert (ended.code, ended.out) == (2, ""), ended
    assert ended.err.startswith("quart-chat: "), ended.err
    assert ended.err.count("\n") == 1, ended.err
    return ended.err


def printed_key(ended: Ended) -> tuple[str, str]:
    """Id and secret as a shell reads what was printed."""
    found = dict(word.split("=", 1) for word in shlex.split(ended.out))
    assert list(found) == ["QUART_CHAT_KEY_ID", "QUART_CHAT_KEY"]
    return found["QUART_CHAT_KEY_ID"], found["QUART_CHAT_KEY"]


@pytest_asyncio.fixture
async def folder(tmp_path: Path) -> Path:
    """Where a server has been, and has left its database."""
    async with open_chat(Config(database_url=f"sqlite:///{tmp_path}/quart_chat.db")):
        pass
    return tmp_path


async def who(server: Server, key: tuple[str, str]) -> str:
    """What the running server says to somebody in an embed whom `key` has signed in."""
    claims = {"room": "lobby", "sub": "1", "name": "Ana", "jti": "1", "exp": time.time() + 300}
    token = jwt.encode(claims, key[1], "EdDSA" if "PRIVATE" in key[1] else "HS256", {"kid": key[0]})
    headers = {"Chat-Token": token, "Chat-Host": "http://localhost:9000"}
    async with client(server.url, **headers) as embed:
        response = await embed.get("/rooms/lobby/identity")
    assert response.status_code == (200 if "Ana" in response.text else 401)
    return response.text


@pytest.mark.parametrize("algorithm", ["HS256", "EdDSA"])
async def test_running_server_knows_a_key_at_once_until_it_is_revoked(server: Server, algorithm: str) -> None:
    folder = server.folder
    created = await typed(folder, "embed-key", "create", "lobby", "--algorithm", algorithm)
    assert created.code == 0, created
    old = printed_key(created)
    assert "Ana" in await who(server, old)
    new = printed_key(await done(folder, "embed-key", "rotate", "lobby", "--grace", "1"))
    assert ("PRIVATE" in new[1]) is (algorithm == "EdDSA")
    for key in (old, new):
        assert "Ana" in await who(server, key)
    assert "is revoked" in (await done(folder, "embed-key", "revoke", "lobby", old[0])).out
    assert "was revoked" in await who(server, old)
    assert "Ana" in await who(server, new)
    for key in (old, new):
        assert key[1].splitlines()[-1] not in server.log
        assert key[1][-40:] not in server.log


async def test_secret_is_alone_on_standard_output_and_shown_once(folder: Path) -> None:
    created = await done(folder, "embed-key", "create", "lobby")
    kid, secret = printed_key(created)
    assert re.fullmatch(r"[\w-]{43}", secret)
    assert secret not in created.err
    assert "environment of the server that knows your people" in created.err
    listed = await done(folder, "embed-key", "list", "lobby")
    assert re.fullmatch(rf"{kid}  HS256  made \d{{4}}-\d\d-\d\d \d\d:\d\d UTC  to sign with\n", listed.out)
    assert secret not in listed.out + listed.err


async def test_rotation_says_until_when_the_old_key_is_valid(folder: Path) -> None:
    old, _ = printed_key(await done(folder, "embed-key", "create", "lobby"))
    rotated = await done(folder, "embed-key", "rotate", "lobby", "--algorithm", "EdDSA")
    new, pem = printed_key(rotated)
    assert pem.startswith("-----BEGIN PRIVATE KEY-----\n")
    assert f"The key {old} is valid until 20" in rotated.err
    listed = (await done(folder, "embed-key", "list", "lobby")).out
    assert re.search(rf"{old}  HS256 .* valid until .* UTC\n", listed)
    assert re.search(rf"{new}  EdDSA .* to sign with\n", listed)
    assert f"{old} and {new}: revoke one" in await refused(folder, "embed-key", "rotate", "lobby")
    await done(folder, "embed-key", "revoke", "lobby", old)
    assert "No other key" in (await done(folder, "embed-key", "rotate", "lobby", "--grace", "0")).err


async def test_last_key_revoked_is_told_what_that_means(folder: Path) -> None:
    assert "To make one: quart-chat embed-key create lobby" in (await done(folder, "embed-key", "list", "lobby")).out
    kid, _ = printed_key(await done(folder, "embed-key", "create", "lobby"))
    revoked = await done(folder, "embed-key", "revoke", "lobby", kid)
    assert "Nobody can be signed in now" in revoked.err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("embed-key", "create", "nowhere"), "There is no room “nowhere” in quart_chat.db."),
        (("embed-key", "list", "nowhere"), "There is no room “nowhere”"),
        (("room", "embed", "nowhere", "--nobody"), "There is no room “nowhere”"),
        (("embed-key", "rotate", "lobby"), "no valid key that could be rotated. Create one."),
        (("embed-key", "rotate", "lobby", "--grace", "-1"), "0 to 720 hours"),
        (("embed-key", "rotate", "lobby", "--grace", "nan"), "0 to 720 hours"),
        (("embed-key", "revoke", "lobby", "nobody"), "has no key “nobody”."),
        (("room", "embed", "lobby", "--allow", "example.org"), "“example.org” is no origin."),
        (("room", "embed", "lobby", "--allow", "https://*.org"), "is no origin."),
        (("room", "embed", "lobby", "--allow", "null"), "is no origin."),
        (("room", "embed", "lobby", "--remove", "https://a.example"), "https://a.example is not on the list"),
        (("room", "embed", "lobby", "--nobody", "--allow", "https://a.example"), "--nobody empties the list."),
        (("embed-key", "list", "lobby", "--database", "postgresql://localhost/chat"), "must be sqlite:///PATH"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
async def test_command_is_refused_in_one_line(folder: Path, arguments: tuple[str, ...], reason: str) -> None:
    assert reason in await refused(folder, *arguments)
    state = await done(folder, "room", "embed", "lobby")
    assert "No list of sites is set" in state.out, "nothing has changed"


@pytest.mark.parametrize(
    "arguments", [("embed-key", "create", "lobby"), ("embed-key", "list", "lobby"), ("room", "embed", "lobby")]
)
async def test_no_database_is_made_by_mistake(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    line = await refused(tmp_path, *arguments, "--database", "sqlite:///mistyped.db")
    assert "There is no database at mistyped.db." in line
    assert list(tmp_path.iterdir()) == []


async def test_database_may_be_named(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    named = ("--database", f"sqlite:///{folder}/quart_chat.db")
    kid, _ = printed_key(await done(elsewhere, "embed-key", "create", "lobby", *named))
    assert kid in (await done(elsewhere, "embed-key", "list", "lobby", *named)).out
    assert list(elsewhere.iterdir()) == []


async def test_sites_are_let_in_and_taken_off(folder: Path) -> None:
    embed = ("room", "embed", "lobby")
    listed = await done(folder, *embed, "--allow", "https://WWW.example.org:443/", "--allow", "https://*.example.com")
    both = "These sites may show the room “lobby”:\n  https://www.example.org\n  https://*.example.com\n"
    assert listed.out == both + "Anyone may write in it.\n"
    assert (await done(folder, *embed)).out == listed.out
    left = (await done(folder, *embed, "--remove", "https://*.example.com")).out
    assert left.splitlines()[1:] == ["  https://www.example.org", "Anyone may write in it."]
    nobody = (await done(folder, *embed, "--nobody")).out
    assert nobody.startswith("No site may show the room “lobby”.\n")


async def test_room_for_signed_in_people_alone_says_that_it_needs_a_key(folder: Path) -> None:
    embed = ("room", "embed", "lobby")
    closed = await done(folder, *embed, "--signed-only")
    assert closed.out.endswith("Only people whom its site signs in may write in it.\n")
    assert "To make one: quart-chat embed-key create lobby" in closed.err
    await done(folder, "embed-key", "create", "lobby")
    assert (await done(folder, *embed)).err == ""
    assert (await done(folder, *embed, "--anyone")).out.endswith("Anyone may write in it.\n")


async def test_running_server_follows_a_list_within_seconds(server: Server) -> None:
    async with client(server.url) as host:

        async def ancestors() -> str:
            policy = (await host.get("/embed/lobby")).headers["Content-Security-Policy"]
            return policy.partition("frame-ancestors ")[2].partition(";")[0]

        assert "http://localhost:*" in await ancestors()
        await done(server.folder, "room", "embed", "lobby", "--allow", "https://www.example.org")
        async with asyncio.timeout(10):
            while await ancestors() != "'self' https://www.example.org":
                await asyncio.sleep(0.1)
