"""The page from which a room goes onto other sites: what to copy, and who may change what."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import httpx
import pytest

from quart_chat.domain import embeds
from quart_chat.domain.actors import CONSOLE
from tests.embeds import SITE, Visitor, beside
from tests.people import Person, client, only_cookie
from tests.serving import Server
from tests.web.conftest import stored
from tests.web.page import Page

EXACT, BELOW = "https://www.example.org", "https://*.example.org"


def form(**changes: str) -> dict[str, str]:
    slug = f"tea-{secrets.token_hex(4)}"
    return {"name": "Tea", "slug": slug, "owner": "Olga", "key": secrets.token_urlsafe(18)} | changes


@pytest.fixture
async def olga(server: Server) -> AsyncIterator[Person]:
    """The owner of a room of her own."""
    async with Person("Olga", server.url) as owner:
        fields = form()
        answer = await owner.send("/rooms", htmx=False, **fields)
        assert answer.status_code == 303
        owner.room = fields["slug"]
        yield owner


async def save(person: Person, room: str, *origins: str, **fields: str) -> httpx.Response:
    return await person.send(f"/rooms/{room}/embed", htmx=False, origins="\r\n".join(origins), **fields)


async def page_of(person: Person, room: str, query: str = "") -> Page:
    answer = await person.client.get(f"/rooms/{room}/embed{query}")
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


async def listed(server: Server, room: str) -> tuple[tuple[str, ...] | None, bool]:
    async with beside(server) as chat:
        found = await embeds.change(chat, room, CONSOLE)
    return found.origins, found.signed_only


# Who owns a room.


async def test_maker_of_a_room_is_its_owner_and_known_from_then_on(server: Server) -> None:
    async with Person("Olga", server.url) as olga:
        fields = form()
        answer = await olga.send("/rooms", htmx=False, **fields)
        assert only_cookie(answer.cookies)[0].startswith("quart_chat_")
        assert (await page_of(olga, fields["slug"])).field("origins") == ""
        page = Page((await olga.client.get(f"/rooms/{fields['slug']}")).text)
        assert "You are Olga" in " ".join(page.by_id("identity").text.split())


async def test_guest_who_is_known_owns_a_room_without_saying_a_name(server: Server, alice: Person) -> None:
    await alice.post_message("hello")
    before = stored(server)
    fields = form()
    del fields["owner"]
    answer = await alice.send("/rooms", htmx=False, **fields)
    assert (answer.status_code, stored(server).users) == (303, before.users)
    assert "Set-Cookie" not in answer.headers
    assert (await save(alice, fields["slug"], EXACT)).status_code == 303


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"owner": "x" * 41}, "name_invalid"),
        ({"owner": "Olga ✓"}, "name_invalid"),
        ({"owner": "Ol\u202ega"}, "name_invalid"),
        ({"key": "k" * 21}, "key_invalid"),
        ({"key": "1"}, "key_invalid"),
    ],
)
async def test_owner_that_cannot_be_one_makes_no_room(
    server: Server, mallory: Person, changes: dict[str, str], code: str
) -> None:
    before = stored(server)
    fields = form(**changes)
    answer = await mallory.send("/rooms", htmx=False, **fields)
    assert (answer.status_code, answer.headers["Chat-Error"]) == (422, code)
    assert Page(answer.text).field("owner") == fields["owner"]
    assert "Set-Cookie" not in answer.headers
    assert stored(server) == before


async def test_form_that_is_sent_again_finds_its_room_and_owner(server: Server) -> None:
    fields = form()
    async with Person("Olga", server.url) as lost, Person("Olga", server.url) as again:
        first = await lost.send("/rooms", htmx=False, **fields)
        before = stored(server)
        second = await again.send("/rooms", htmx=False, **fields)
        assert stored(server) == before
        assert (first.status_code, second.status_code) == (303, 303)
        assert first.headers["Location"] == second.headers["Location"]
        assert only_cookie(first.cookies) == only_cookie(second.cookies)
        assert (await save(again, fields["slug"], EXACT)).status_code == 303


@pytest.mark.parametrize("changes", [{"key": secrets.token_urlsafe(18)}, {"name": "Tea for two"}])
async def test_another_form_with_a_taken_address_is_refused(
    server: Server, mallory: Person, changes: dict[str, str]
) -> None:
    fields = form()
    async with Person("Olga", server.url) as olga:
        await olga.send("/rooms", htmx=False, **fields)
    before = stored(server)
    answer = await mallory.send("/rooms", htmx=False, **fields | changes)
    assert (answer.status_code, answer.headers["Chat-Error"]) == (409, "room_taken")
    assert "Set-Cookie" not in answer.headers
    assert stored(server) == before


async def test_room_name_may_have_what_a_persons_may_not(olga: Person) -> None:
    fields = form(name="Done ✓")
    assert (await olga.send("/rooms", htmx=False, **fields)).status_code == 303


# Who may show it.


async def test_owner_changes_the_list_and_it_counts_at_once(server: Server, olga: Person) -> None:
    answer = await save(olga, olga.room, EXACT, "", f"{BELOW}/", "HTTPS://WWW.EXAMPLE.ORG:443", signed_only="on")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/rooms/{olga.room}/embed?saved=1")
    assert await listed(server, olga.room) == ((EXACT, BELOW), True)
    page = await page_of(olga, olga.room, "?saved=1")
    assert page.field("origins") == f"{EXACT}\n{BELOW}"
    assert "checked" in page.all("input", name="signed_only")[0].attributes
    assert page.by_class("saved")
    embed = await olga.client.get(f"/embed/{olga.room}")
    assert embed.headers["Content-Security-Policy"].endswith(f"frame-ancestors 'self' {EXACT} {BELOW}")
    await save(olga, olga.room)
    assert await listed(server, olga.room) == ((), False), "an empty list lets nobody in, this machine neither"


async def test_saving_no_list_leaves_this_machine_let_in(server: Server, olga: Person) -> None:
    await save(olga, olga.room, signed_only="on")
    assert await listed(server, olga.room) == (None, True)


async def test_others_change_nothing(server: Server, olga: Person, alice: Person, mallory: Person) -> None:
    await save(olga, olga.room, EXACT)
    await alice.post_message("hello", room=olga.room)
    async with Visitor("Vera", server.url, "lobby") as vera:
        await vera.post_message("hello")
        before = await listed(server, olga.room)
        for person in (alice, mallory, vera):
            for htmx in (True, False):
                answer = await person.send(f"/rooms/{olga.room}/embed", htmx=htmx, origins=SITE, signed_only="on")
                assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "not_owner")
                assert "Only the owner" in answer.text
    assert await listed(server, olga.room) == before


async def test_owner_changes_nothing_from_an_embed_or_another_site(server: Server, olga: Person) -> None:
    """A page around an embed can lead a click anywhere in it."""
    path, fields = f"/rooms/{olga.room}/embed", {"origins": "https://evil.example"}
    for headers in ({"Chat-Host": SITE}, {"Chat-Host": ""}, {"Chat-Token": "guest.x"}):
        answer = await olga.client.post(path, data=fields, headers=headers)
        assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "not_owner")
    for origin in (SITE, "null"):
        answer = await olga.client.post(path, data=fields, headers={"Origin": origin})
        assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "origin_refused")
    assert await listed(server, olga.room) == (None, False)


async def test_room_without_an_owner_is_changed_by_nobody_here(server: Server, alice: Person) -> None:
    await alice.post_message("hello")
    answer = await save(alice, "lobby", SITE)
    assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "not_owner")
    assert not (await page_of(alice, "lobby")).all("textarea")


@pytest.mark.parametrize(
    "bad",
    [
        "https://*.org",
        "https://www.example.org/path",
        "*",
        "null",
        "'self'",
        "https://www.example.org;script-src",
        "javascript:alert(1)",
        "<script>alert(1)</script>",
        " ".join(f"https://site-{number}.example" for number in range(51)),
    ],
    ids=lambda bad: bad[:30],
)
async def test_list_with_one_that_is_no_origin_is_refused_whole(server: Server, olga: Person, bad: str) -> None:
    await save(olga, olga.room, EXACT)
    answer = await save(olga, olga.room, "https://new.example", bad, signed_only="on")
    page = Page(answer.text)
    assert (answer.status_code, answer.headers["Chat-Error"]) == (422, "origin_invalid")
    assert page.field("origins") == f"https://new.example\r\n{bad}"
    assert "checked" in page.all("input", name="signed_only")[0].attributes
    assert page.alert.endswith(".")
    assert "<script>alert" not in answer.text
    assert await listed(server, olga.room) == ((EXACT,), False)


async def test_others_see_who_may_show_it(olga: Person, bob: Person) -> None:
    sources = [element.text for element in (await page_of(bob, olga.room)).by_class("origins")]
    assert "Pages of this machine" in sources[0]
    await save(olga, olga.room, EXACT, BELOW)
    page = await page_of(bob, olga.room)
    assert EXACT in page.by_class("origins")[0].text
    assert BELOW in page.by_class("origins")[0].text
    assert not page.all("textarea")
    assert f"quart-chat room embed {olga.room}" in " ".join(element.text for element in page.all("pre"))
    await save(olga, olga.room)
    assert "Nobody." in (await page_of(bob, olga.room)).by_class("origins")[0].text


async def test_what_a_command_changes_counts_at_once_and_is_soon_on_every_page(server: Server, olga: Person) -> None:
    async with Visitor("Vera", server.url, olga.room) as vera, client(server.url) as reader:
        await vera.post_message("hello")
        await reader.get(f"/embed/{olga.room}")
        async with beside(server) as chat:
            await embeds.change(chat, olga.room, CONSOLE, add=[EXACT], signed_only=True)
        assert (await vera.try_to_post("hello")).headers["Chat-Error"] == "embed_refused"
        assert (await olga.send(f"/rooms/{olga.room}/messages", text="hello")).headers["Chat-Error"] == "signed_only"
        async with asyncio.timeout(10):
            while EXACT not in (await page_of(olga, olga.room)).field("origins"):
                await asyncio.sleep(0.05)


# What to copy.


def codes(page: Page) -> list[str]:
    return [element.text for element in page.all("code") if "<" in element.text]


async def test_snippets_name_server_room_and_options(server: Server, olga: Person) -> None:
    element, bubble, iframe = codes(await page_of(olga, olga.room))
    script = Page(element)
    assert script.all("quart-chat")[0].attributes["room"] == olga.room
    assert script.all("script")[0].attributes["src"] == f"{server.url}/embed.js"
    assert "async" in script.all("script")[0].attributes
    assert "bubble" in Page(bubble).all("quart-chat")[0].attributes
    shown = Page(iframe).all("iframe")[0].attributes
    assert shown["src"] == f"{server.url}/embed/{olga.room}"
    assert shown["referrerpolicy"] == "origin"
    assert set((shown["sandbox"] or "").split()) == {
        "allow-scripts", "allow-same-origin", "allow-forms", "allow-popups", "allow-popups-to-escape-sandbox"
    }  # fmt: skip
    query = "?theme=dark&accent=%232B6390&locale=pt-BR&compact=1&readonly=1"
    page = await page_of(olga, olga.room, query)
    element, bubble, iframe = codes(page)
    for code in (element, bubble):
        attributes = Page(code).all("quart-chat")[0].attributes
        assert (attributes["theme"], attributes["accent"], attributes["locale"]) == ("dark", "2b6390", "pt-BR")
        assert {"compact", "readonly"} <= attributes.keys()
    chosen = "?theme=dark&accent=2b6390&locale=pt-BR&compact=1&readonly=1"
    assert Page(iframe).all("iframe")[0].attributes["src"] == f"{server.url}/embed/{olga.room}{chosen}"
    assert page.by_class("preview")[0].attributes["src"] == f"/embed/{olga.room}{chosen}"
    assert page.field("accent") == "2b6390"


@pytest.mark.parametrize("name", ['Tea & "quotes"', "<b>Tea</b>", "'><script>alert(1)</script>", "Tea\\&quot;&lt;"])
async def test_snippets_hold_any_name(olga: Person, name: str) -> None:
    fields = form(name=name)
    await olga.send("/rooms", htmx=False, **fields)
    answer = await olga.client.get(f"/rooms/{fields['slug']}/embed")
    page = Page(answer.text)
    (iframe,) = Page(codes(page)[2]).elements
    assert iframe.attributes["title"] == f"Chat: {name}"
    assert not page.all("b")
    assert "<script>alert" not in answer.text
    assert name in page.all("h1")[0].text


async def test_snippets_name_the_address_that_was_asked_for(olga: Person) -> None:
    answer = await olga.client.get(f"/rooms/{olga.room}/embed", headers={"Host": "chat.localhost:1234"})
    assert codes(Page(answer.text))[0].count("http://chat.localhost:1234/embed.js") == 1


async def test_preview_may_be_shown_there_whatever_the_list_says(olga: Person) -> None:
    await save(olga, olga.room, EXACT)
    await save(olga, olga.room)
    page = await olga.client.get(f"/rooms/{olga.room}/embed")
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    preview = await olga.client.get(
        f"/embed/{olga.room}", headers={"Sec-Fetch-Dest": "iframe", "Referer": f"{olga.url}/rooms/{olga.room}/embed"}
    )
    assert preview.headers["Content-Security-Policy"].endswith("frame-ancestors 'self'")
    assert "You are Olga" in " ".join(Page(preview.text).by_id("identity").text.split())


async def test_unknown_room_has_no_such_page(olga: Person) -> None:
    assert (await olga.client.get("/rooms/nowhere/embed")).status_code == 404
    assert (await save(olga, "nowhere", EXACT)).status_code == 404
