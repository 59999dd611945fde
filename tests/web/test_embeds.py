"""Guests in an embed of another site's page: who they are there, and what they can do."""

import secrets
from collections.abc import AsyncIterator

import pytest

from quart_chat.domain import embeds
from quart_chat.domain.actors import CONSOLE
from tests.embeds import SITE, Visitor, beside
from tests.people import Person, client, only_cookie
from tests.serving import Server
from tests.web.conftest import stored
from tests.web.page import Page

OTHER_SITE = "http://other.localhost:4000"


@pytest.fixture
async def vera(server: Server, room: str) -> AsyncIterator[Visitor]:
    """A guest in an embed in a page of SITE."""
    async with Visitor("Vera", server.url, room) as visitor:
        yield visitor


async def whoever(server: Server, room: str, headers: dict[str, str]) -> Page:
    """Who the server says it is that sends these headers."""
    async with client(server.url) as nobody:
        answer = await nobody.get(f"/rooms/{room}/identity", headers=headers)
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


def is_known(page: Page) -> bool:
    return "data-user" in page.by_id("identity").attributes


#           the page around, as the embed says              may write, while there is no list
HOSTS = [
    (SITE, True),
    ("http://localhost", True),
    ("http://127.0.0.1:8080", True),
    ("https://localhost:8443", True),
    ("https://evil.example", False),
    ("http://[::1]:8080", False),
    ("null", False),
    ("", False),
    ("*", False),
    ("localhost", False),
    (f"{SITE}/", False),
    (f"{SITE}/page", False),
    (f"{SITE}, https://evil.example", False),
    (f"https://evil.example, {SITE}", False),
    (f"{SITE} https://evil.example", False),
    ("http://user@localhost", False),
    ("javascript:alert(1)", False),
    ("'self'", False),
    ('"><script>alert(1)</script>', False),
    ("https://" + "x" * 5000, False),
    ("http://löcalhost", False),
    ("http://localhost\u00a0", False),
    ("http://[", False),
]


@pytest.mark.parametrize(("host", "allowed"), HOSTS, ids=[ascii(host)[:60] for host, _ in HOSTS])
@pytest.mark.parametrize("htmx", [True, False], ids=["script", "form"])
async def test_only_embeds_in_pages_that_may_show_the_room_write(
    server: Server, room: str, host: str, allowed: bool, htmx: bool
) -> None:
    before = stored(server)
    headers = {"Chat-Host": host.encode(), "Origin": server.url.encode()}
    fields = {"text": "hello", "name": "Vera", "key": secrets.token_urlsafe(18)}
    async with client(server.url) as embed:
        answer = await embed.post(
            f"/rooms/{room}/messages", data=fields, headers=headers | ({"HX-Request": b"true"} if htmx else {})
        )
    if allowed:
        assert answer.status_code == (201 if htmx else 303)
        return
    assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "embed_refused")
    assert stored(server) == before
    assert "Chat-Token" not in answer.headers
    assert "Set-Cookie" not in answer.headers
    assert "<script>alert" not in answer.text
    assert len(answer.text) < 50_000


async def test_page_around_that_is_not_named_may_not_write_with_a_token(server: Server, vera: Visitor) -> None:
    """Whoever has a token is in an embed, whatever it says."""
    await vera.post_message("hello")
    del vera.client.headers["Chat-Host"]
    answer = await vera.try_to_post("hello again")
    assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "embed_refused")


async def test_embed_that_is_open_when_its_site_leaves_the_list_writes_no_more(server: Server, vera: Visitor) -> None:
    message = await vera.post_message("hello")
    async with beside(server) as chat, vera.listen() as stream:
        await embeds.change(chat, vera.room, CONSOLE, add=["https://www.example.org"])
        for answer in (await vera.try_to_post("again"), await vera.edit_message(message.message_id, "changed")):
            assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "embed_refused")
            assert SITE in answer.text
        async with Person("Bob", server.url) as bob:
            await bob.post_message("still read", room=vera.room)
        changed, posted = await stream.next("message"), await stream.next("message")
        assert "room-title" in changed.data
        assert "still read" in posted.data
        await embeds.change(chat, vera.room, CONSOLE, add=[SITE])
        await vera.post_message("and back")


async def test_guest_gets_a_token_in_an_embed_and_a_cookie_elsewhere(
    server: Server, alice: Person, vera: Visitor
) -> None:
    fields = {"text": "hello", "name": "Vera", "key": secrets.token_urlsafe(18)}
    embedded = await vera.send(f"/rooms/{vera.room}/messages", **fields)
    own = await alice.send(f"/rooms/{vera.room}/messages", **fields | {"key": secrets.token_urlsafe(18)})
    assert embedded.headers["Chat-Token"].startswith("guest.")
    assert "Set-Cookie" not in embedded.headers, "over http an embed's cookie would not be kept"
    assert "Chat-Token" not in own.headers
    assert "Set-Cookie" in own.headers


async def test_token_is_given_once(vera: Visitor) -> None:
    key = secrets.token_urlsafe(18)
    first = await vera.try_to_post("hello", name="Vera", key=key)
    assert "Chat-Token" in first.headers
    repeated, second = await vera.try_to_post("hello", name="Vera", key=key), await vera.try_to_post("again")
    assert (repeated.status_code, second.status_code) == (200, 201)
    assert "Chat-Token" not in repeated.headers
    assert "Chat-Token" not in second.headers


async def test_first_message_whose_answer_was_lost_gets_the_token_again(server: Server, room: str) -> None:
    key = secrets.token_urlsafe(18)
    async with Visitor("Vera", server.url, room) as one, Visitor("Vera", server.url, room) as again:
        first, second = [await embed.try_to_post("hello", name="Vera", key=key) for embed in (one, again)]
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.headers["Chat-Message"] == second.headers["Chat-Message"]
    assert one.token == again.token is not None


async def test_short_key_hands_out_no_token(server: Server, room: str) -> None:
    async with Visitor("Vera", server.url, room) as vera, Visitor("Mallory", server.url, room) as mallory:
        await vera.try_to_post("hello", name="Vera", key="1")
        guess = await mallory.try_to_post("hello", name="Vera", key="1")
    assert guess.status_code == 200
    assert mallory.token is None


async def test_token_is_of_no_use_in_pages_of_another_site(server: Server, vera: Visitor) -> None:
    message = await vera.post_message("hello")
    async with Visitor("Mallory", server.url, vera.room, host=OTHER_SITE, token=vera.token) as elsewhere:
        assert not is_known(await whoever(server, vera.room, dict(elsewhere.client.headers)))
        answer = await elsewhere.try_to_post("as Vera")
        assert (answer.status_code, answer.headers["Chat-Error"]) == (422, "name_invalid")
        assert (await elsewhere.edit_message(message.message_id, "changed")).headers["Chat-Error"] == "not_yours"


async def test_cookie_of_the_sites_own_pages_does_not_count_in_an_embed(server: Server, alice: Person) -> None:
    """A page of the same site, which browsers send the cookie for, could use it by what it lays over the embed."""
    message = await alice.post_message("hello")
    alice.client.headers["Chat-Host"] = SITE
    fields = {"text": "as Alice", "key": secrets.token_urlsafe(18)}
    assert (await alice.send("/rooms/lobby/messages", **fields)).headers["Chat-Error"] == "name_invalid"
    assert (await alice.edit_message(message.message_id, "changed")).headers["Chat-Error"] == "not_yours"
    assert not is_known(Page((await alice.client.get("/rooms/lobby/identity")).text))


async def test_cookie_does_not_count_where_the_browser_says_that_it_opens_an_embed(alice: Person) -> None:
    await alice.post_message("hello")
    for destination in ("iframe", "frame", "embed", "object"):
        headers = {"Sec-Fetch-Dest": destination, "Referer": f"{SITE}/"}
        answer = await alice.client.get("/embed/lobby", headers=headers)
        assert not is_known(Page(answer.text)), destination
        assert "Set-Cookie" not in answer.headers
    assert is_known(Page((await alice.client.get("/embed/lobby", headers={"Sec-Fetch-Dest": "document"})).text))


async def test_token_of_an_embed_is_no_cookie_and_a_cookie_no_token(
    server: Server, alice: Person, vera: Visitor
) -> None:
    await alice.post_message("hello")
    await vera.post_message("hello")
    assert vera.token
    own, cookie = only_cookie(alice.client.cookies)
    room = vera.room
    for token in (vera.token, vera.token.removeprefix("guest.")):
        for name in (own, "quart_chat", own.replace("chat_", "chat_frame_"), "__Host-quart_chat_frame"):
            assert not is_known(await whoever(server, room, {"Cookie": f"{name}={token}"})), name
    for token in (f"guest.{cookie}", vera.token.removeprefix("guest."), f"guest.{vera.token}"):
        assert await nobody_with(server, room, token)
    assert is_known(await whoever(server, room, {"Chat-Token": vera.token, "Chat-Host": SITE}))


async def nobody_with(server: Server, room: str, token: str) -> bool:
    """Whether nobody is known by the token: not to the page, not by name, not as the author of anything."""
    headers = {"Chat-Token": token, "Chat-Host": SITE, "Origin": server.url, "HX-Request": "true"}
    fields = {"text": "hello", "key": secrets.token_urlsafe(18)}
    async with client(server.url) as somebody:
        asked = await somebody.get(f"/rooms/{room}/identity", headers=headers)
        posted = await somebody.post(f"/rooms/{room}/messages", data=fields, headers=headers)
        shown = await somebody.get(f"/rooms/{room}", headers=headers)
    assert posted.status_code in (401, 422), posted.text
    assert posted.headers["Chat-Error"] in ("name_invalid", "identity_refused")
    return not is_known(Page(shown.text)) and (asked.status_code == 401 or not is_known(Page(asked.text)))


async def test_token_that_was_tampered_with_is_nobodys(server: Server, vera: Visitor) -> None:
    await vera.post_message("hello")
    assert vera.token
    payload, _, signature = vera.token.rpartition(".")
    flipped = ("B" if signature[0] == "A" else "A") + signature[1:]
    for forged in (
        f"{payload}.{flipped}",
        f"{payload}.",
        payload,
        vera.token[:-1],
        vera.token[1:],
        vera.token[:-5],
        f"{vera.token}.x",
        f"{vera.token}{'x' * 4000}",
        f"GUEST{vera.token.removeprefix('guest')}",
        f"guest.{signature}",
        "guest.",
        "guest..",
        "guest...",
        "guest.[]",
        "guest." + "x" * 20_000,
        "null",
        ".",
        "..",
    ):
        assert await nobody_with(server, vera.room, forged), forged


async def test_authorization_is_for_whatever_stands_in_front(server: Server, vera: Visitor, alice: Person) -> None:
    """A proxy that asks for a password has the browser send it with everything, and passes on that or its own token."""
    await vera.post_message("hello")
    await alice.post_message("hello", room=vera.room)
    name, value = only_cookie(alice.client.cookies)
    for gate in ("Basic dmVyYTpzM2NyZXQ=", "Bearer e30.e30.AA", f"Bearer {vera.token}", "Negotiate x", ""):
        headers = {"Authorization": gate, "Chat-Host": SITE}
        assert not is_known(await whoever(server, vera.room, headers)), gate
        assert is_known(await whoever(server, vera.room, headers | {"Chat-Token": vera.token or ""})), gate
        vera.client.headers["Authorization"] = gate
        await vera.post_message("from behind the gate")
        with_cookie = {"Authorization": gate, "Cookie": f"{name}={value}"}
        assert is_known(await whoever(server, vera.room, with_cookie)), "on the chat's own pages, too"


async def test_guest_of_an_embed_edits_and_repeats_as_elsewhere(vera: Visitor) -> None:
    message = await vera.post_message("hello")
    assert (await vera.edit_message(message.message_id, "changed")).status_code == 200
    page = Page((await vera.client.get(f"/rooms/{vera.room}/messages")).text)
    assert page.texts == ["changed"]


async def test_message_of_an_embed_reaches_stream_and_poll_of_others_in_embeds(server: Server, vera: Visitor) -> None:
    await vera.post_message("hello")
    async with Visitor("Bob", server.url, vera.room, host=OTHER_SITE) as bob, vera.listen() as stream:
        await bob.post_message("from the other site")
        assert "from the other site" in (await stream.next("message")).data
        poll = await vera.client.get(f"/rooms/{vera.room}/poll", params={"after": "x.0"})
        assert poll.status_code == 200
        # A token that is nobody's reads like anybody.
        bob.token = "guest.nonsense"
        assert (await bob.client.get(f"/rooms/{vera.room}/poll")).status_code == 200
        async with bob.listen() as other:
            await vera.post_message("hello again")
            assert "hello again" in (await other.next("message")).data


async def test_room_that_is_made_in_an_embed_is_changed_by_nobody_there(vera: Visitor) -> None:
    await vera.post_message("hello")
    slug = f"tea-{secrets.token_hex(4)}"
    made = await vera.send("/rooms", name=slug, slug=slug, key=secrets.token_urlsafe(18))
    assert made.status_code == 303
    answer = await vera.send(f"/rooms/{slug}/embed", origins=SITE)
    assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "not_owner")


async def test_token_is_in_a_header_and_nowhere_else(server: Server, vera: Visitor) -> None:
    await vera.post_message("hello")
    assert vera.token
    message = await vera.post_message("hello again")
    room = f"/rooms/{vera.room}"
    deletion = f"{room}/messages/{message.message_id}/deletion"
    answers = [
        await vera.client.get(f"/embed/{vera.room}"),
        await vera.client.get(room),
        await vera.client.get(f"{room}/identity"),
        await vera.client.get(f"{room}/messages"),
        await vera.client.get(f"{room}/poll"),
        await vera.client.get(f"{room}/messages/{message.message_id}"),
        await vera.client.get("/nowhere"),
        await vera.send(deletion),
        await vera.send(f"{room}/messages", text=""),
        await vera.send(f"{room}/messages", htmx=False, text="a form"),
        await vera.edit_message(message.message_id, "changed"),
        await vera.client.post(
            f"{room}/messages/{message.message_id}/confirmation", data={"token": vera.token, "host": SITE}
        ),
    ]
    for answer in answers:
        answer.headers.pop("Chat-Token", None)
        said = answer.text + str(answer.url) + repr(answer.headers)
        assert vera.token not in said, answer.url
        assert vera.token.removeprefix("guest.") not in said, answer.url
    assert vera.token not in server.log
    assert "token=" not in server.log
