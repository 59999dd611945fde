"""Commands for rooms inside other sites' pages: who may show one, and the keys with which its site signs."""

from dataclasses import dataclass
from datetime import UTC, datetime

import click

from quart_chat import sites
from quart_chat.cli.beside import OneLine, database_option, in_chat, words
from quart_chat.domain import embed_keys, embeds, rooms
from quart_chat.domain.actors import CONSOLE
from quart_chat.domain.chat import Chat
from quart_chat.domain.embed_keys import ALGORITHMS, GRACE, NewKey
from quart_chat.models import EmbedKey, Room

algorithms = click.Choice(ALGORITHMS)


@click.group()
def embed_key() -> None:
    """Keys with which a site's server signs who its people are in a room."""


@embed_key.command()
@click.argument("room", type=words)
@click.option(
    "--algorithm", type=algorithms, default="HS256", show_default=True,
    help="HS256: a secret that both servers know. EdDSA: a private key, of which this server keeps the public half.",
)  # fmt: skip
@database_option
def create(room: str, algorithm: str, database: str | None) -> None:
    """Make the first key of ROOM and print it, once."""
    _print_key(in_chat(database, room, lambda chat: embed_keys.create(chat, room, CONSOLE, algorithm)))
    _advise(
        f"The room “{room}” has a key. Put these two variables into the environment of the server that knows your "
        "people, and nowhere else: who has the key can be anybody in this room. The folder examples/signing shows how "
        "to sign with it."
    )


@embed_key.command()
@click.argument("room", type=words)
@click.option(
    "--grace", metavar="HOURS", type=float, default=GRACE / 3600, show_default=True,
    help="How long the old key stays valid.",
)  # fmt: skip
@click.option("--algorithm", type=algorithms, help="What the new key is for. [default: as the old one]")
@database_option
def rotate(room: str, grace: float, algorithm: str | None, database: str | None) -> None:
    """Make a new key of ROOM and print it, once. The old one stays valid for a while."""

    async def do(chat: Chat) -> tuple[NewKey, list[EmbedKey]]:
        new = await embed_keys.rotate(chat, room, CONSOLE, grace * 3600, algorithm)
        return new, [key for key in await embed_keys.valid(chat, room, CONSOLE) if key.id != new.key.id]

    new, old = in_chat(database, room, do)
    _print_key(new)
    ends = f"The key {old[0].id} is valid until {_time(old[0].retires_at)}." if old else "No other key is valid."
    _advise(f"The room “{room}” has a new key. Put it in the place of the old one wherever you sign. {ends}")


@embed_key.command()
@click.argument("room", type=words)
@click.argument("key", type=words)
@database_option
def revoke(room: str, key: str, database: str | None) -> None:
    """Make KEY of ROOM invalid at once, with every token that it has signed."""

    async def do(chat: Chat) -> list[EmbedKey]:
        await embed_keys.revoke(chat, room, CONSOLE, key)
        return await embed_keys.valid(chat, room, CONSOLE)

    left = in_chat(database, room, do)
    click.echo(f"The key {key} is revoked. What it has signed does not count any more.")
    if not left:
        _advise(f"Nobody can be signed in now. To make a key: quart-chat embed-key create {room}")


@embed_key.command("list")
@click.argument("room", type=words)
@database_option
def list_keys(room: str, database: str | None) -> None:
    """Show which keys of ROOM are valid. Secrets are not shown."""
    keys = in_chat(database, room, lambda chat: embed_keys.valid(chat, room, CONSOLE))
    for key in keys:
        use = "to sign with" if key.retires_at is None else f"valid until {_time(key.retires_at)}"
        click.echo(f"{key.id}  {key.algorithm}  made {_time(key.created_at)}  {use}")
    if not keys:
        click.echo(f"The room “{room}” has no key. To make one: quart-chat embed-key create {room}")


@click.group("room")
def room_group() -> None:
    """One room: its settings, and who may be in it."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of a room."""

    allow: tuple[str, ...]
    remove: tuple[str, ...]
    nobody: bool
    signed_only: bool | None


@room_group.command()
@click.argument("room", type=words)
@click.option("--allow", metavar="ORIGIN", multiple=True, help="Let pages of a site show the room; may be repeated.")
@click.option("--remove", metavar="ORIGIN", multiple=True, help="Take a site off the list; may be repeated.")
@click.option("--nobody", is_flag=True, help="Empty the list: no site may show the room.")
@click.option(
    "--signed-only/--anyone", default=None, help="Who may write: people whom the site signs in, or everybody."
)
@database_option
def embed(
    room: str,
    allow: tuple[str, ...],
    remove: tuple[str, ...],
    nobody: bool,
    signed_only: bool | None,
    database: str | None,
) -> None:
    """Say which sites may embed ROOM, and print which may.

    An ORIGIN is like https://www.example.org, or https://*.example.org for all below it. A running server follows
    within a second.
    """
    if nobody and (allow or remove):
        raise OneLine("--nobody empties the list. Leave --allow and --remove away, or --nobody.")
    change = Change(allow, remove, nobody, signed_only)
    changed, keys = in_chat(database, room, lambda chat: _change(chat, room, change))
    click.echo(_described(changed))
    if changed.signed_only and not keys:
        _advise(f"There is no key to sign anybody in with. To make one: quart-chat embed-key create {room}")


async def _change(chat: Chat, slug: str, change: Change) -> tuple[Room, list[EmbedKey]]:
    room = await rooms.find(chat, slug, CONSOLE)
    for origin in map(sites.clean_origin, change.remove):
        # Somebody who mistypes what is to go would otherwise believe that it is gone.
        if origin not in (room.origins or ()):
            raise OneLine(f"{origin} is not on the list of the room “{slug}”.")
    if change.nobody:
        room = await embeds.clear(chat, slug, CONSOLE)
    if change.allow or change.remove or change.signed_only is not None:
        room = await embeds.change(
            chat, slug, CONSOLE, add=change.allow, remove=change.remove, signed_only=change.signed_only
        )
    return room, await embed_keys.valid(chat, slug, CONSOLE)


def _described(room: Room) -> str:
    if room.origins is None:
        who = (
            f"No list of sites is set for the room “{room.slug}”. No site may show it, but for pages of the same "
            "machine where the server listens on that alone."
        )
    elif room.origins:
        who = "\n".join((f"These sites may show the room “{room.slug}”:", *(f"  {origin}" for origin in room.origins)))
    else:
        who = f"No site may show the room “{room.slug}”."
    writers = "Only people whom its site signs in may write in it." if room.signed_only else "Anyone may write in it."
    return f"{who}\n{writers}"


def _print_key(new: NewKey) -> None:
    """What a site's server needs, as variables for a shell or a file of them, alone on standard output."""
    secret = new.secret.strip()
    click.echo(f"QUART_CHAT_KEY_ID={new.key.id}")
    click.echo(f"QUART_CHAT_KEY='{secret}'" if "\n" in secret else f"QUART_CHAT_KEY={secret}")


def _advise(text: str) -> None:
    click.echo(text, err=True)


def _time(milliseconds: int | None) -> str:
    assert milliseconds is not None
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M} UTC"
