"""What another process does to the database is seen by those who read from this one."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from quart_chat.domain import embeds
from quart_chat.domain.actors import CONSOLE
from quart_chat.identity.claims import LEEWAY
from tests.embeds import Site, Visitor, beside, site_of
from tests.people import Person, client
from tests.serving import Server, serving


async def test_reader_sees_what_a_command_does_without_waiting_for_a_heartbeat(tmp_path: Path) -> None:
    """A stream, a held poll, and a page that nobody has changed since it was kept."""
    async with serving(tmp_path, limits="off", heartbeat="60") as server, Person("Ana", server.url) as ana:
        await ana.post_message("hello")
        async with client(server.url) as reader:
            assert (await reader.get("/rooms/lobby")).status_code == 200
            async with ana.listen() as stream:
                after = stream.hello.last_event_id
                poll = asyncio.create_task(reader.get("/rooms/lobby/poll", params={"after": after, "wait": "20"}))
                async with beside(server) as chat:
                    changed = await embeds.change(chat, "lobby", CONSOLE, add=["https://www.example.org"])
                assert (await stream.next("message", seconds=30)).last_event_id.endswith(f".{changed.cursor}")
                assert (await poll).headers["Chat-Cursor"].endswith(f".{changed.cursor}")
            page = await reader.get("/rooms/lobby")
            assert "https://www.example.org" in page.headers["Content-Security-Policy"]


@asynccontextmanager
async def signing(server: Server, room: str) -> AsyncIterator[Site]:
    yield await site_of(server, room)


async def test_stream_ends_with_the_token_that_let_it_in(tmp_path: Path) -> None:
    """One that is as good as over: nothing but the leeway between two clocks is left of it. Whoever has none, or whose
    token does not count, reads on as anybody may."""
    room, left = "lobby", 5
    async with (
        serving(tmp_path, limits="off", heartbeat="0.5") as server,
        signing(server, room) as site,
        Visitor("Sigrid", server.url, room, token=site.token(exp=int(time.time()) - LEEWAY + left)) as sigrid,
        Visitor("Sigrid", server.url, room, token=site.token(exp=int(time.time()) - 2 * LEEWAY)) as late,
        Visitor("Vera", server.url, room) as vera,
        sigrid.listen() as ending,
        late.listen() as reading,
        vera.listen() as other,
    ):
        farewell = (await ending.rest(seconds=30))[-1]
        assert (farewell.type, '"reason":"age"' in farewell.data.replace(" ", "")) == ("farewell", True)
        await vera.post_message("hello")
        assert "hello" in (await reading.next("message")).data
        assert "hello" in (await other.next("message")).data
