"""Changing one's name: from a page of its own, from the composer, and in embeds; with a script and without."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.embeds import SITE, Site, Visitor, site_of
from tests.people import Person
from tests.serving import Server
from tests.web.conftest import new_room, stored
from tests.web.page import Page


@pytest.fixture
async def ana(server: Server, room: str) -> AsyncIterator[Person]:
    """Who has written in two rooms."""
    async with Person("Ana", server.url, room) as ana:
        await ana.post_message("hello")
        await ana.post_message("hello", room="lobby")
        yield ana


async def names(person: Person, *rooms: str) -> list[set[str]]:
    pages = [Page((await person.client.get(f"/rooms/{room}")).text) for room in rooms]
    return [{element.text for element in page.by_class("message-author")} for page in pages]


def you(answer: httpx.Response) -> str:
    return " ".join(Page(answer.text).by_id("identity").text.split())


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.headers.get("Chat-Error", "")


async def test_page_says_who_one_is_and_takes_a_name_without_a_script(server: Server, room: str, ana: Person) -> None:
    asked = await ana.client.get("/me", params={"room": room})
    page = Page(asked.text)
    assert Page((await ana.client.get("/")).text).all("a", href="/me")
    said = " ".join(page.all("main")[0].text.split())
    assert "You are Ana #" in said
    assert "this browser keeps what says that it is you" in said
    assert page.all("a", href=f"/rooms/{room}")
    assert page.field("name") == "Ana"
    (form,) = page.all("form")
    before = stored(server)
    answer = await ana.send(str(form.attributes["action"]), htmx=False, name=" Bea ")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/rooms/{room}")
    assert await names(ana, room) == [{"Bea"}]
    assert "Bea" in (await names(ana, "lobby"))[0]
    assert stored(server).events == before.events + 2
    again = await ana.send("/me", htmx=False, name="Bea")
    assert (again.status_code, again.headers["Location"]) == (303, "/me")
    assert stored(server).events == before.events + 2
    assert "You are Bea #" in you(await ana.client.get(f"/rooms/{room}"))


async def test_one_comes_back_to_nowhere_but_a_room(ana: Person) -> None:
    leads = {}
    for where in ("tea&refresh=off", "//evil.example", "https://evil.example", "..%2f..", "tea%0d%0aX:1", "x" * 99, ""):
        answer = await ana.send(f"/me?room={where}", htmx=False, name="Bea")
        leads[where] = (answer.status_code, answer.headers["Location"])
        assert "evil" not in (await ana.client.get(f"/me?room={where}")).text
    assert leads.pop("tea&refresh=off") == (303, "/rooms/tea?refresh=off")
    assert set(leads.values()) == {(303, "/me")}


async def test_refused_name_stands_in_its_form_with_the_reason(room: str, ana: Person) -> None:
    refused = await ana.send(f"/me?room={room}", htmx=False, name="\u202eana")
    page = Page(refused.text)
    assert code(refused) == (422, "name_invalid")
    assert page.by_id("form-error").attributes["role"] == "alert"
    assert "invisible or control characters" in page.by_id("form-error").text
    assert page.field("name") == "\u202eana"
    assert page.all("input", name="name")[0].attributes["aria-invalid"] == "true"
    by_script = await ana.send("/me", name="x" * 100_000, room=room)
    assert code(by_script) == (422, "name_invalid")
    assert "#composer-error" in by_script.text
    assert (await ana.send("/me", name="x" * 131_072, room=room)).status_code == 413
    assert await names(ana, room) == [{"Ana"}]


async def test_composer_gets_what_it_shows_of_a_new_name(room: str, ana: Person) -> None:
    identity = Page((await ana.client.get(f"/rooms/{room}")).text).by_id("identity")
    answer = await ana.send("/me", name="<b>Bea", room=room)
    assert answer.status_code == 200
    assert answer.headers["Chat-Identity"] == identity.attributes["data-user"]
    new = Page(answer.text)
    assert new.by_id("identity").attributes == identity.attributes
    assert "You are <b>Bea #" in you(answer)
    assert new.all("input", form="rename")[0].attributes["value"] == "<b>Bea"
    assert code(await ana.send("/me", name="Cleo", room="nowhere")) == (404, "room_not_found")
    assert await names(ana, room) == [{"<b>Bea"}]


async def test_nobody_and_whoever_a_site_has_signed_in_have_no_name_to_change_here(
    server: Server, room: str, ana: Person
) -> None:
    site: Site = await site_of(server, room)
    async with (
        Person("Bo", server.url) as nobody,
        Visitor("", server.url, room, token=site.token(name="Sigrid")) as sigrid,
    ):
        assert "nobody here yet" in (await nobody.client.get("/me")).text
        assert code(await nobody.send("/me", htmx=False, name="Bo")) == (403, "nobody_yet")
        assert code(await sigrid.send("/me", name="Siggi", room=room)) == (403, "name_of_site")
        assert (await sigrid.try_to_post("hello")).status_code == 201
        assert code(await sigrid.send("/me", name="Siggi", room=room)) == (403, "name_of_site")
        shown = Page((await sigrid.client.get(f"/rooms/{room}/identity")).text)
        assert not shown.all("input", form="rename")
        for name in ("Sigrid", "SІGRID"):
            refused = await ana.send(f"/me?room={room}", htmx=False, name=name)
            assert code(refused) == (422, "name_reserved")
            assert "has a name that looks like this" in refused.text
    assert code(await ana.send("/me", name="Bea", room=room)) == (200, "")


async def test_other_sites_change_nobodys_name(room: str, ana: Person) -> None:
    for headers in ({"Origin": SITE}, {"Sec-Fetch-Site": "cross-site", "Origin": "null"}):
        for path in ("/me", f"/embed/{room}/me"):
            answer = await ana.client.post(path, data={"name": "Bea", "room": room}, headers=headers)
            assert code(answer) == (403, "origin_refused")
    assert await names(ana, room) == [{"Ana"}]
    assert "frame-ancestors 'none'" in (await ana.client.get("/me")).headers["Content-Security-Policy"]


async def test_guest_of_an_embed_is_renamed_by_its_token_and_not_by_the_cookie(
    server: Server, room: str, ana: Person
) -> None:
    async with Visitor("Vera", server.url, room) as vera:
        await vera.post_message("hello")
        answer = await vera.send("/me", name="Wera", room=room)
        assert "You are Wera #" in you(answer)
        assert "Chat-Token" not in answer.headers, "it is the same guest"
        vera.client.headers["Chat-Host"] = "https://evil.example"
        assert code(await vera.send("/me", name="Evil", room=room))[0] == 403
    async with Visitor("Bo", server.url, room) as with_cookie:
        with_cookie.client.cookies = ana.client.cookies
        assert code(await with_cookie.send("/me", name="Bo", room=room)) == (403, "nobody_yet")
    assert await names(ana, room) == [{"Ana", "Wera"}]


async def test_identity_on_every_page_has_the_new_name_at_once(server: Server, room: str, ana: Person) -> None:
    other = await new_room(server)
    await ana.post_message("there", room=other)
    message = Page((await ana.client.get(f"/rooms/{room}")).text).all("article")[0].attributes["id"]
    number = str(message).removeprefix("message-")
    paths = (
        f"/rooms/{room}",
        f"/rooms/{room}/messages",
        f"/rooms/{room}?message={number}",
        f"/rooms/{room}?before=9",
        f"/rooms/{room}/messages/{number}",
        f"/rooms/{room}/messages/{number}/deletion",
        f"/rooms/{other}",
        f"/embed/{other}",
    )
    for name in ("Bea", "Cleo"):
        await ana.send("/me", htmx=False, name=name)
        shown = {path: Page((await ana.client.get(path)).text).by_class("message-author") for path in paths}
        assert {path: {each.text for each in found} for path, found in shown.items()} == {
            path: {name} for path in paths
        }


async def test_new_name_is_told_to_who_waits_and_to_who_was_away(room: str, ana: Person) -> None:
    poll = f"/rooms/{room}/poll"
    head = str((await ana.client.get(poll)).headers["Chat-Cursor"])
    held = asyncio.create_task(ana.client.get(poll, params={"after": head, "wait": 25}))
    await ana.client.get("/healthz")
    await ana.send("/me", htmx=False, name="Bea")
    for answer in (await held, await ana.client.get(poll, params={"after": head})):
        (mark,) = [each for each in Page(answer.text).elements if "data-member" in each.attributes]
        assert " ".join(mark.text.split()).startswith("BBea #")
    away = Page((await ana.client.get(poll, params={"after": f"{head.split('.')[0]}.0"})).text)
    assert {element.text for element in away.by_class("message-author")} == {"Bea"}
