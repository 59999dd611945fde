"""When the server cannot store: the poster is told and keeps the text, readers go on, and afterwards it works again."""

import os
import secrets
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx

from tests.people import Fragment, Person
from tests.serving import Server, serving
from tests.web.conftest import stored
from tests.web.page import Page


async def test_locked_database_is_an_error_to_the_poster(server: Server, alice: Person, bob: Person, room: str) -> None:
    form = {"text": "kept in the form", "name": "Alice", "key": secrets.token_urlsafe(18)}
    with closing(sqlite3.connect(server.folder / "quart_chat.db", isolation_level=None)) as backup:
        before = stored(server)
        backup.execute("BEGIN IMMEDIATE")
        answer = await alice.send(f"/rooms/{room}/messages", htmx=False, **form)
        assert (answer.status_code, answer.headers["Chat-Error"]) == (503, "store_unavailable")
        page = Page(answer.text)
        assert "Nothing was sent" in page.alert
        assert page.field("text") == "kept in the form"
        assert (await bob.client.get(f"/rooms/{room}")).status_code == 200
        backup.execute("ROLLBACK")
    assert stored(server) == before
    assert (await alice.send(f"/rooms/{room}/messages", **form)).status_code == 201


async def test_full_disk_loses_no_acknowledged_message(tmp_path: Path, small_disk: Path) -> None:
    url = f"sqlite:///{small_disk}/chat.db"
    async with (
        serving(tmp_path, limits="off", database_url=url, disk_reserve="0") as server,
        Person("Alice", server.url) as alice,
        Person("Bob", server.url) as bob,
        bob.listen() as stream,
    ):
        ballast = small_disk / "ballast"
        free = os.statvfs(small_disk)
        ballast.write_bytes(b"x" * (free.f_bavail * free.f_bsize - 128 * 1024))
        acknowledged: list[int] = []
        while (answer := await post(alice)).status_code == 201:
            acknowledged.append(Fragment(answer.text).message_id)
        assert (answer.status_code, answer.headers["Chat-Error"]) == (503, "store_unavailable")
        ballast.unlink()
        acknowledged.append(Fragment((await post(alice)).text).message_id)
        await server.restart()
        received = [Fragment((await stream.next("message")).data).message_id for _ in acknowledged]
        page = Page((await bob.client.get("/rooms/lobby/messages")).text)
        shown = [int((element.attributes["id"] or "").removeprefix("message-")) for element in page.all("article")]
        assert received == acknowledged
        assert shown == acknowledged[-50:]


async def post(person: Person) -> httpx.Response:
    fields = {"text": "x" * 4000, "name": person.name, "key": secrets.token_urlsafe(18)}
    return await person.send("/rooms/lobby/messages", **fields)
