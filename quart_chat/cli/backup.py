"""Commands that back a database up, and put a backup back."""

import time
from pathlib import Path

import click

from quart_chat.cli.beside import OneLine, database_option, find_database
from quart_chat.errors import StartupError
from quart_chat.store import copies
from quart_chat.store.copies import Contents

PATIENCE = 1.0
"""Seconds between two words about progress. What is done sooner is not talked about."""

backup_file = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


@click.command()
@backup_file
@database_option
def backup(file: Path, database: str | None) -> None:
    """Write a backup of the chat into FILE, whether a server runs or not.

    FILE is checked, and is there whole or not at all; an older backup of that name is replaced.
    """
    try:
        config = find_database(database)
        found = copies.back_up(config.database_path, file, _progress("copied"))
    except StartupError as error:
        raise OneLine(str(error)) from error
    click.echo(f"{file} has {_described(found)}, and is sound.")
    if not config.secret_key:
        click.echo(
            f"It does not have the key that signs cookies, without which everybody is a new guest: keep a copy of "
            f"{config.secret_path} where only you can read it.",
            err=True,
        )


@click.command()
@backup_file
@database_option
def restore(file: Path, database: str | None) -> None:
    """Put the backup FILE in the place of the chat's database, while no server runs on it.

    The present database is kept under another name, which is printed. Pages that are open load their rooms anew when
    the server is back.
    """
    try:
        config = find_database(database, may_be_new=True)
        found, kept = copies.put_back(file, config.database_path, _progress("restored"))
    except StartupError as error:
        raise OneLine(str(error)) from error
    click.echo(f"{config.database_path} has {_described(found)} now.")
    if kept:
        click.echo(f"What was there before is in {kept}. Remove that when you do not need it any more.", err=True)
    if not config.secret_key and not config.secret_path.exists():
        click.echo(
            f"There is no key at {config.secret_path}: put back its copy too, or everybody is a new guest.", err=True
        )


def _progress(done: str) -> copies.Progress:
    said_at = time.monotonic()

    def say(pages: int, total: int) -> None:
        nonlocal said_at
        if time.monotonic() - said_at > PATIENCE:
            said_at = time.monotonic()
            click.echo(f"{100 * pages // max(total, 1)} % {done}", err=True)

    return say


def _described(found: Contents) -> str:
    return f"{found.messages} message{'s' * (found.messages != 1)} in {found.rooms} room{'s' * (found.rooms != 1)}"
