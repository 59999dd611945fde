"""Commands of whoever is responsible: who looks after rooms, who is out of one, and messages that go."""

import click

from quart_chat.cli.beside import OneLine, database_option, in_chat, words
from quart_chat.domain import messages, moderation, operators
from quart_chat.domain.actors import CONSOLE
from quart_chat.domain.chat import Chat
from quart_chat.domain.operators import Known
from quart_chat.errors import MessageNotFound
from quart_chat.events import AboutMessage, Event, MemberChanged
from quart_chat.models import Author, Member, Message, Standing, User

LISTED = 20
"""People who may be meant that are listed."""


@click.group("user")
def user_group() -> None:
    """People."""


@user_group.command()
@click.argument("name", type=words)
@click.option("--no-operator", is_flag=True, help="Take it away again.")
@database_option
def operator(name: str, no_operator: bool, database: str | None) -> None:
    """Let the guest NAME do everything in every room, as whoever runs this command may.

    NAME is a name, a name with its tag like Ana#k3m9, or a number. It is the browser with that guest's cookie that may.
    """

    async def do(chat: Chat) -> User:
        known = _only(await operators.find(chat, CONSOLE, name), name)
        return await operators.appoint(chat, CONSOLE, known.user.id, not no_operator)

    author = in_chat(database, "", do).author
    click.echo(f"{_named(author)} is {'no operator' if no_operator else 'an operator'} now.")


@click.group("message")
def message_group() -> None:
    """Messages."""


@message_group.command()
@click.argument("number", type=click.IntRange(1, 2**62))
@database_option
def delete(number: int, database: str | None) -> None:
    """Delete the message with this NUMBER, which is in its link, for everybody."""

    async def do(chat: Chat) -> tuple[str, Event]:
        try:
            slug = await operators.room_of(chat, CONSOLE, number)
        except MessageNotFound as error:
            raise OneLine(f"There is no message {number}.") from error
        return slug, await messages.delete(chat, slug, CONSOLE, number)

    slug, event = in_chat(database, "", do)
    click.echo(f"The message {number} of {_named(_message(event).author)} in the room “{slug}” is deleted.")


@click.command()
@click.argument("room", type=words)
@click.argument("user", type=words)
@click.option("--ban", is_flag=True, help="For a guest, let nobody new in from where they wrote last.")
@click.option("--reason", help="What the person reads; of who is out already it stays unless this says otherwise.")
@database_option
def remove(room: str, user: str, ban: bool, reason: str | None, database: str | None) -> None:
    """Put USER out of ROOM until they are let in again.

    USER is a name, a name with its tag like Ana#k3m9, or a number. All their windows end at once.
    """

    async def do(chat: Chat) -> Event:
        return await moderation.remove(chat, room, CONSOLE, await _in_room(chat, room, user), ban=ban, reason=reason)

    member = _member(in_chat(database, room, do))
    how = "banned from" if member.standing is Standing.BANNED else "out of"
    why = f" The reason given: {member.reason}" if member.reason else ""
    click.echo(f"{_named(member.author)} is {how} the room “{room}”.{why}")


@click.command()
@click.argument("room", type=words)
@click.argument("user", type=words)
@database_option
def let_in(room: str, user: str, database: str | None) -> None:
    """Let USER into ROOM again, and others from their network.

    USER is a name, a name with its tag like Ana#k3m9, or a number.
    """

    async def do(chat: Chat) -> Event:
        return await moderation.let_in(chat, room, CONSOLE, await _in_room(chat, room, user))

    click.echo(f"{_named(_member(in_chat(database, room, do)).author)} may be in the room “{room}”.")


@click.command()
@click.argument("room", type=words)
@click.argument("user", type=words)
@click.option("--no", is_flag=True, help="Take it away again.")
@database_option
def moderator(room: str, user: str, no: bool, database: str | None) -> None:
    """Let USER look after ROOM: delete messages in it, and remove people.

    USER is a name, a name with its tag like Ana#k3m9, or a number.
    """

    async def do(chat: Chat) -> Event:
        return await moderation.appoint(chat, room, CONSOLE, await _in_room(chat, room, user), not no)

    author = _member(in_chat(database, room, do)).author
    click.echo(f"{_named(author)} is {'no moderator' if no else 'a moderator'} of the room “{room}” now.")


async def _in_room(chat: Chat, room: str, called: str) -> int:
    return _only(await operators.find(chat, CONSOLE, called, room), called).user.id


def _only(found: list[Known], called: str) -> Known:
    """Who is meant. Raises OneLine, and lists those who may be meant."""
    if not found:
        raise OneLine(f"There is nobody called “{called}”.")
    if len(found) == 1:
        return found[0]
    for known in found[:LISTED]:
        rooms = f"in {', '.join(known.rooms)}" if known.rooms else "in no room"
        click.echo(f"{_named(known.user.author)}  number {known.user.id}  {rooms}", err=True)
    if len(found) > LISTED:
        click.echo(f"and {len(found) - LISTED} more", err=True)
    raise OneLine(f"{len(found)} people may be meant by “{called}”. Name one with the tag, or by number.")


def _named(author: Author) -> str:
    return f"{author.name}#{author.tag}"


def _member(event: Event) -> Member:
    assert isinstance(event.act, MemberChanged)
    return event.act.member


def _message(event: Event) -> Message:
    assert isinstance(event.act, AboutMessage)
    return event.act.message
