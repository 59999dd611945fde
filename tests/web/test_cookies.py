"""Who somebody is: a cookie that only this server can make, and that no reader needs."""

import re
import secrets
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.people import Person, client, only_cookie
from tests.serving import Server, serving
from tests.web.page import Page

PUBLIC = "https://chat.example.org"

EXPIRES = re.compile("(?<=Expires=)[^;]+")
"""When a cookie ends, by a clock that goes on between two answers."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def behind_tls(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server that people reach under an https address, through a proxy."""
    async with serving(tmp_path_factory.mktemp("tls"), limits="off", public_url=PUBLIC) as running:
        yield running


def form(**changes: str) -> dict[str, str]:
    return {"text": "hello", "name": "Ana", "key": secrets.token_urlsafe(18)} | changes


def given(answer: httpx.Response) -> tuple[str, dict[str, str]]:
    """The name of the cookie in an answer, and its attributes."""
    ((name, morsel),) = SimpleCookie(answer.headers["Set-Cookie"]).items()
    return name, {key: value for key, value in morsel.items() if value}


async def is_known(person: httpx.AsyncClient, room: str, cookie: str) -> bool:
    """Whether somebody with this Cookie header is a guest of the server."""
    page = Page((await person.get(f"/rooms/{room}", headers={"Cookie": cookie})).text)
    return "data-user" in page.by_id("identity").attributes


async def test_cookie_is_out_of_reach_of_scripts_and_other_sites(alice: Person, room: str) -> None:
    name, attributes = given(await alice.send(f"/rooms/{room}/messages", **form()))
    assert re.fullmatch("quart_chat_[0-9a-f]{8}", name)
    assert attributes["httponly"]
    assert (attributes["samesite"], attributes["path"]) == ("Lax", "/")
    assert "domain" not in attributes
    assert "secure" not in attributes, "over http a browser would not keep it"


async def test_cookie_under_https_is_bound_to_the_host(behind_tls: Server) -> None:
    async with client(behind_tls.url, Origin=PUBLIC) as ana:
        answer = await ana.post("/rooms/lobby/messages", data=form())
        name, attributes = given(answer)
        assert re.fullmatch("__Host-quart_chat_[0-9a-f]{8}", name)
        assert attributes["secure"]
        assert attributes["httponly"]
        assert (attributes["samesite"], attributes["path"]) == ("Lax", "/")
        assert "domain" not in attributes
        value = SimpleCookie(answer.headers["Set-Cookie"])[name].value
        assert await is_known(ana, "lobby", f"{name}={value}")
        assert not await is_known(ana, "lobby", f"{name.removeprefix('__Host-')}={value}"), (
            "one that another host of the domain could set"
        )


async def test_own_address_is_no_origin_where_a_public_one_is_set(behind_tls: Server) -> None:
    async with Person("Ana", behind_tls.url) as ana:
        answer = await ana.send("/rooms/lobby/messages", **form())
    assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "origin_refused")


async def test_cookie_that_was_tampered_with_is_nobodys(alice: Person, room: str) -> None:
    await alice.post_message("hello", room=room)
    name, value = next(iter(alice.client.cookies.items()))
    alice.client.cookies.clear()
    assert await is_known(alice.client, room, f"{name}={value}")
    payload, signature = value.split(".")
    other = ("B" if signature[0] == "A" else "A") + signature[1:]
    for forged in (f"{payload}.{other}", f"MQ.{signature}", f"{payload}.", payload, f".{signature}", "", "x" * 3000):
        assert not await is_known(alice.client, room, f"{name}={forged}"), forged
        headers = {"Cookie": f"{name}={forged}", "HX-Request": "true"}
        fields = form()
        del fields["name"]
        answer = await alice.client.post(f"/rooms/{room}/messages", data=fields, headers=headers)
        assert (answer.status_code, answer.headers["Chat-Error"]) == (422, "name_invalid")


async def test_key_of_another_server_signs_nothing_here(behind_tls: Server, alice: Person, room: str) -> None:
    async with client(behind_tls.url, Origin=PUBLIC) as ana:
        answer = await ana.post("/rooms/lobby/messages", data=form())
    _, value = only_cookie(answer.cookies)
    await alice.post_message("hello", room=room)
    name, _ = only_cookie(alice.client.cookies)
    assert value
    for called in (name, "quart_chat"):
        assert not await is_known(alice.client, room, f"{called}={value}")


async def test_two_servers_on_one_machine_leave_each_other_their_cookies(tmp_path: Path, server: Server) -> None:
    """Browsers keep cookies by the host alone, whatever the port."""
    async with serving(tmp_path, limits="off") as other, httpx.AsyncClient() as browser:
        authors: dict[str, set[str | None]] = {}
        for running in (server, other) * 2:
            headers = {"Origin": running.url, "HX-Request": "true"}
            answer = await browser.post(f"{running.url}/rooms/lobby/messages", data=form(), headers=headers)
            (message,) = Page(answer.text).by_class("message")
            authors.setdefault(running.url, set()).add(message.attributes["data-author"])
            await browser.get(f"{running.url}/rooms/lobby")
    assert [len(found) for found in authors.values()] == [1, 1], "each knows its guest again"
    assert len(browser.cookies) == 2


async def test_cookie_of_before_it_had_a_name_of_its_own_is_carried_over(alice: Person, bob: Person, room: str) -> None:
    await alice.post_message("hello", room=room)
    name, value = only_cookie(alice.client.cookies)
    await bob.post_message("hello", room=room)
    _, other = only_cookie(bob.client.cookies)
    alice.client.cookies.clear()
    answer = await alice.client.get(f"/rooms/{room}", headers={"Cookie": f"quart_chat={value}"})
    assert only_cookie(answer.cookies) == (name, value)
    opened = Page(
        (await bob.client.get(f"/rooms/{room}", headers={"Cookie": f"quart_chat={value}; {name}={other}"})).text
    )
    assert "You are Bob" in " ".join(opened.by_id("identity").text.split()), "the newer one counts"


@pytest.mark.parametrize("path", ["/", "/rooms/{room}", "/rooms/{room}/messages", "/rooms/{room}/poll", "/nowhere"])
async def test_reader_gets_no_cookie(bob: Person, room: str, path: str) -> None:
    assert "Set-Cookie" not in (await bob.client.get(path.format(room=room))).headers


async def test_cookie_is_made_to_last_whenever_its_guest_opens_a_room(alice: Person, room: str) -> None:
    posted = await alice.send(f"/rooms/{room}/messages", text="hello", name="Alice", key="k" * 24)
    again = await alice.send(f"/rooms/{room}/messages", text="hello again", key="l" * 24)
    opened = await alice.client.get(f"/rooms/{room}")
    assert "Set-Cookie" not in again.headers, "a guest who is known needs no other"
    assert EXPIRES.sub("", opened.headers["Set-Cookie"]) == EXPIRES.sub("", posted.headers["Set-Cookie"])
    assert "Max-Age=" in opened.headers["Set-Cookie"]


async def test_guest_is_named_to_a_page_that_does_not_know_it(alice: Person, room: str) -> None:
    """Of two tabs, the one that has not written yet sends a name, and the cookie of the other."""
    await alice.send(f"/rooms/{room}/messages", text="hello", name="Alice", key="k" * 24)
    knows = await alice.send(f"/rooms/{room}/messages", text="one", key="l" * 24)
    does_not = await alice.send(f"/rooms/{room}/messages", text="two", name="Alice", key="m" * 24)
    assert "You are" not in knows.text
    assert "You are" in does_not.text


async def test_reader_of_a_stream_gets_no_cookie(bob: Person, room: str) -> None:
    async with bob.listen(room=room) as stream:
        assert "Set-Cookie" not in stream.response.headers


async def test_short_key_does_not_hand_out_its_guest(alice: Person, mallory: Person, room: str) -> None:
    """A key that can be guessed may repeat a first message, but whoever guesses it does not become its author."""
    fields = form(key="1")
    first = await alice.send(f"/rooms/{room}/messages", **fields)
    guess = await mallory.send(f"/rooms/{room}/messages", **fields)
    assert (first.status_code, guess.status_code) == (201, 200)
    assert "Set-Cookie" not in guess.headers


async def test_cookie_of_an_older_database_is_nobodys(tmp_path: Path) -> None:
    """Its guest had the id that somebody else has now."""
    async with (
        serving(tmp_path, limits="off") as server,
        Person("Ana", server.url) as ana,
        Person("Bo", server.url) as bo,
    ):
        await ana.post_message("in the old database")
        await server.kill()
        for file in ("quart_chat.db", "quart_chat.db-wal", "quart_chat.db-shm"):
            (tmp_path / file).unlink(missing_ok=True)
        await server.start()
        message = await bo.post_message("in the new one")
        answer = await ana.edit_message(message.message_id, "mine now")
        assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "not_yours")


async def test_first_message_sent_again_with_the_cookie_of_another_guest_is_found(alice: Person, room: str) -> None:
    """Two tabs send their first messages; one answer is lost, and its retry carries the other's cookie."""
    fields = form() | {"name": "Alice"}
    async with client(alice.url, Origin=alice.url) as first_tab:
        lost = await first_tab.post(f"/rooms/{room}/messages", data=fields, headers={"HX-Request": "true"})
    await alice.post_message("from the other tab", room=room)
    before = only_cookie(alice.client.cookies)
    again = await alice.client.post(f"/rooms/{room}/messages", data=fields, headers={"HX-Request": "true"})
    assert (lost.status_code, again.status_code) == (201, 200)
    assert again.headers["Chat-Message"] == lost.headers["Chat-Message"]
    assert only_cookie(alice.client.cookies) == before
