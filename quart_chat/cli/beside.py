"""Commands that work on a chat's database, whether a server runs on it or not."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import click

from quart_chat.config import Config, load_config
from quart_chat.domain.chat import Chat
from quart_chat.errors import ChatError, RoomNotFound, StartupError
from quart_chat.text import JOINERS

T = TypeVar("T")

SERVICE = Path("/var/lib/quart-chat/quart_chat.db")
"""Where deploy/quart-chat.service keeps its database."""

LONGEST = 1000
"""Characters of a line that are shown."""

database_option = click.option(
    "--database", metavar="URL", help="Where messages are kept. [default: sqlite:///quart_chat.db]"
)


class OneLine(click.ClickException):
    """What stops a command, in one line on standard error."""

    exit_code = 2

    def show(self, file: object = None) -> None:
        click.echo(f"quart-chat: {in_one_line(self.message)}", err=True)


def words(value: str) -> str:
    """The type of an argument that says what something is called: a shell passes any bytes on, and databases have only
    text."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise OneLine(f"“{value}” is not UTF-8.") from None
    return value


def in_one_line(message: str) -> str:
    """As a terminal shows it, also where it repeats what somebody has typed: what is no letter or sign as its escape,
    and of what is very long the beginning and the end."""
    if len(message) > LONGEST:
        message = f"{message[: LONGEST // 2]} … {message[-LONGEST // 2 :]}"
    return "".join(sign if sign.isprintable() or sign in JOINERS else ascii(sign)[1:-1] for sign in message)


def in_chat(database: str | None, room: str, do: Callable[[Chat], Awaitable[T]]) -> T:
    """Do something with a room of the chat in `database`; raises OneLine where it is refused."""
    try:
        config = find_database(database)
        return asyncio.run(_in_chat(config, do))
    except StartupError as error:
        raise OneLine(str(error)) from error
    except RoomNotFound as error:
        raise OneLine(f"There is no room “{room}” in {config.database_path}.") from error
    except ChatError as error:
        raise OneLine(error.sentence) from error


def find_database(database: str | None, *, may_be_new: bool = False) -> Config:
    """The settings of the chat in `database`; without one, of that which the settings name, else the one in this
    folder, else that of the installed service. Raises StartupError.

    It is there, or `may_be_new` where it is named: who mistypes a name shall hear of it.
    """
    config = load_config(**{} if database is None else {"database_url": database})
    named = "database_url" in config.model_fields_set
    if config.database_path.exists() or (named and may_be_new):
        return config
    if not named and _is_file(SERVICE):
        click.echo(f"This is about the chat of the service, in {SERVICE}.", err=True)
        return load_config(database_url=f"sqlite:///{quote(str(SERVICE))}")
    raise StartupError(
        f"There is no database at {config.database_path}. Name the right one with --database, or have it made by "
        "`quart-chat serve`."
    )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except PermissionError:
        raise StartupError(
            f"The chat of the service is in {path.parent}, where you may not look: use sudo. Or name another with "
            "--database."
        ) from None


async def _in_chat(config: Config, do: Callable[[Chat], Awaitable[T]]) -> T:
    from quart_chat.app import open_chat

    async with open_chat(config, alone=False) as chat:
        return await do(chat)
