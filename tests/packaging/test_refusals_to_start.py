"""`quart-chat serve` that cannot serve says why in one line, and exits with 2."""

import os
import shutil
import sqlite3
import sys
from pathlib import Path

import pytest

from tests.serving import Server, run

SERVE = (sys.executable, "-m", "quart_chat", "serve")


async def refusal(folder: Path, *arguments: str, command: tuple[str, ...] = SERVE, **settings: str) -> str:
    """The line with which the command refuses to serve."""
    ended = await run(folder, *command, *arguments, **{"bind": "127.0.0.1:0"} | settings)
    assert (ended.code, ended.out) == (2, ""), ended
    assert ended.err.startswith("quart-chat: "), ended.err
    assert ended.err.endswith(".\n"), ended.err
    assert ended.err.count("\n") == 1, ended.err
    return ended.err


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("heartbeat", "soon", "number"),
        ("database_url", "postgresql://localhost/chat", "sqlite:///PATH"),
        ("broker_url", "redis://localhost", "memory://"),
        ("public_url", "chat.example.org", "https://chat.example.org"),
    ],
)
async def test_setting_that_does_not_parse_is_named_with_its_value(
    tmp_path: Path, name: str, value: str, advice: str
) -> None:
    line = await refusal(tmp_path, **{name: value})
    assert f"QUART_CHAT_{name.upper()} is {value!r}" in line
    assert advice in line


async def test_address_that_is_none_is_named(tmp_path: Path) -> None:
    assert "Cannot listen on 127.0.0.1:99999: " in await refusal(tmp_path, "--bind", "127.0.0.1:99999")


async def test_address_in_use_is_named(server: Server, tmp_path: Path) -> None:
    line = await refusal(tmp_path, "--bind", server.bind, "--database", "sqlite:///other.db")
    assert f"Cannot listen on {server.bind}: Address already in use." in line
    assert "--bind" in line


async def test_second_server_on_a_database_is_told_what_to_do(server: Server, tmp_path: Path) -> None:
    line = await refusal(tmp_path)
    assert "quart_chat.db is already served by another process" in line
    assert "workers = 1" in line


@pytest.mark.parametrize(
    ("database", "reason"),
    [
        ("no-folder/chat.db", "No such file or directory"),
        ("a-folder.db", "it is not a file"),
        ("no-database.db", "file is not a database"),
        ("newer.db", "made by a newer quart-chat"),
    ],
)
async def test_database_that_cannot_be_opened_is_named(tmp_path: Path, database: str, reason: str) -> None:
    (tmp_path / "a-folder.db").mkdir()
    (tmp_path / "no-database.db").write_text("This was meant to be a list of groceries.\n" * 20)
    with sqlite3.connect(tmp_path / "newer.db") as newer:
        newer.execute("CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT")
        newer.execute("INSERT INTO migrations VALUES (9999, '9999_from_the_future.sql')")
    newer.close()

    line = await refusal(tmp_path, "--database", f"sqlite:///{database}")
    assert reason in line
    assert "database" in line


async def test_database_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret.db").touch(mode=0)
    line = await refusal(tmp_path, "--database", "sqlite:///secret.db", command=(*without_privileges(), *SERVE))
    assert "secret.db cannot be opened" in line


async def test_secret_key_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "quart_chat.db.secret").mkdir()
    assert "quart_chat.db.secret cannot be read or made" in await refusal(tmp_path)


async def test_audit_log_that_is_something_else_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("tea\ncake\n")
    line = await refusal(tmp_path, audit_log="list.txt")
    assert "The audit log list.txt cannot be written: it is something else already" in line
    assert (tmp_path / "list.txt").read_text() == "tea\ncake\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("bind = [", "Invalid value"),
        ("backlog = 'many'", "backlog must be a number"),
        ("bind = 8000", "bind must be a list"),
        ("worker = 4", "no setting called 'worker'"),
        ("certfile = 'cert.pem'\nkeyfile = 'key.pem'", "No such file"),
    ],
)
async def test_broken_server_settings_are_named(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "hypercorn.toml").write_text(content)
    line = await refusal(tmp_path)
    assert "The server settings in hypercorn.toml cannot be used" in line
    assert reason in line


async def test_two_workers_are_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "two.toml").write_text("workers = 2")
    line = await refusal(tmp_path, "--config", "two.toml")
    assert "two.toml asks for 2 workers" in line
    assert "Set workers = 1." in line


def without_privileges() -> tuple[str, ...]:
    """The start of a command to which permissions apply, as they do not to root."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("NOT RUN: root may read every file, and there is no setpriv here")
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
