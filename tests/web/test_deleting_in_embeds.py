"""A message of somebody in an embed is deleted from a page of this site itself, by nothing that happens there."""

from collections.abc import AsyncIterator

import httpx
import pytest
from itsdangerous import TimestampSigner, URLSafeSerializer, URLSafeTimedSerializer

from quart_chat.domain import embed_keys, messages
from quart_chat.domain.actors import CONSOLE
from quart_chat.identity import tickets
from quart_chat.identity.tickets import Confirmed, Deed
from tests.embeds import SITE, Site, Visitor, beside, site_of
from tests.people import Fragment, Person, client, key_of
from tests.serving import Server
from tests.web.conftest import new_room
from tests.web.page import Page


@pytest.fixture
async def vera(server: Server, room: str) -> AsyncIterator[Visitor]:
    async with Visitor("Vera", server.url, room) as visitor:
        yield visitor


def path(visitor: Visitor, message: int, what: str) -> str:
    return f"/rooms/{visitor.room}/messages/{message}/{what}"


async def confirm(visitor: Visitor, message: int, token: str | None = None, host: str = SITE) -> httpx.Response:
    """What the embed's form opens in a tab of its own: a navigation has none of the embed's headers."""
    async with client(visitor.url, Origin=visitor.url) as tab:
        fields = {"token": visitor.token or "" if token is None else token, "host": host}
        asked = await tab.post(path(visitor, message, "confirmation"), data=fields)
        # What is pressed for the second time of a double click is not there yet.
        assert asked.is_error or Page(asked.text).by_class("late")
        return asked


async def ticket_for(visitor: Visitor, message: int) -> str:
    answer = await confirm(visitor, message)
    assert answer.status_code == 200, answer.text
    return Page(answer.text).field("ticket")


async def delete(visitor: Visitor, message: int, ticket: str, **headers: str) -> httpx.Response:
    async with client(visitor.url, Origin=visitor.url) as tab:
        return await tab.post(path(visitor, message, "deletion"), data={"ticket": ticket}, headers=headers)


async def is_there(visitor: Visitor, message: int) -> bool:
    return (await visitor.client.get(f"/rooms/{visitor.room}/messages/{message}")).status_code == 200


async def test_nothing_in_an_embed_deletes(vera: Visitor) -> None:
    message = (await vera.post_message("hello")).message_id
    for htmx in (True, False):
        answer = await vera.send(path(vera, message, "deletion"), htmx=htmx)
        assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "needs_confirmation")
    answer = await vera.client.delete(f"/rooms/{vera.room}/messages/{message}")
    assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "needs_confirmation")
    del vera.client.headers["Chat-Host"]
    answer = await vera.send(path(vera, message, "deletion"))
    assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "needs_confirmation")
    assert await is_there(vera, message)


async def test_page_of_its_own_asks_and_deletes(vera: Visitor, bob: Person) -> None:
    message = (await vera.post_message("my secret")).message_id
    asked = await confirm(vera, message)
    page = Page(asked.text)
    assert page.texts == ["my secret"]
    assert "frame-ancestors 'none'" in asked.headers["Content-Security-Policy"]
    assert await is_there(vera, message), "asking deletes nothing"
    async with bob.listen(room=vera.room) as stream:
        deleted = await delete(vera, message, page.field("ticket"))
        assert "is deleted" in Page(deleted.text).all("h1")[0].text
        assert f'data-deleted="message-{message}"' in (await stream.next("message")).data
    assert not await is_there(vera, message)
    again = await delete(vera, message, page.field("ticket"))
    assert again.status_code == 200, "the button was pressed twice"


async def test_only_the_author_is_asked(server: Server, vera: Visitor, alice: Person) -> None:
    message = (await vera.post_message("hello")).message_id
    await alice.post_message("hello", room=vera.room)
    async with Visitor("Mallory", server.url, vera.room) as mallory:
        await mallory.post_message("hello")
        for token, host in (
            (mallory.token, SITE),
            ("", SITE),
            ("guest.x", SITE),
            (vera.token, "http://other.localhost"),
            (vera.token, "null"),
            (vera.token, ""),
            ((vera.token or "")[:-1], SITE),
        ):
            answer = await confirm(vera, message, token, host)
            assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "not_yours"), (token, host)
            assert "ticket" not in answer.text


async def test_person_whose_sign_in_is_over_reads_no_words_for_developers(server: Server, room: str) -> None:
    site = await site_of(server, room)
    async with Visitor("", server.url, room, token=site.token()) as sigrid:
        message = (await sigrid.post_message("hello")).message_id
        for token in (site.token(exp=1), site.token(room="lobby"), "not.a.token"):
            answer = await confirm(sigrid, message, token)
            assert (answer.status_code, answer.headers["Chat-Error"]) == (401, "sign_in_over")
            assert "Your sign-in on the other site has run out." in answer.text
            assert "token" not in answer.text.partition("<body")[2]
        assert await is_there(sigrid, message)


async def test_cookie_of_the_sites_own_pages_asks_nothing_for_an_embed(alice: Person, room: str) -> None:
    """Else a page could have somebody asked about what they wrote elsewhere."""
    message = await alice.post_message("hello", room=room)
    for fields in ({"host": SITE}, {"host": ""}, {}, {"host": "", "token": ""}):
        answer = await alice.send(f"/rooms/{room}/messages/{message.message_id}/confirmation", htmx=False, **fields)
        assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "not_yours")


async def test_another_site_cannot_open_the_question(server: Server, vera: Visitor) -> None:
    message = (await vera.post_message("hello")).message_id
    ticket = await ticket_for(vera, message)
    async with client(server.url, Origin=SITE) as elsewhere:
        for what, fields in (
            ("confirmation", {"token": vera.token or "", "host": SITE}),
            ("deletion", {"ticket": ticket}),
        ):
            answer = await elsewhere.post(path(vera, message, what), data=fields)
            assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "origin_refused")
    assert await is_there(vera, message)


async def test_ticket_deletes_one_message_of_one_person(server: Server, vera: Visitor) -> None:
    mine, mine_too = [(await vera.post_message(text)).message_id for text in ("one", "two")]
    async with Visitor("Mallory", server.url, vera.room) as mallory:
        theirs = (await mallory.post_message("hello")).message_id
        for message, ticket in (
            (mine, await ticket_for(mallory, theirs)),
            (mine, await ticket_for(vera, mine_too)),
            (theirs, await ticket_for(vera, mine)),
        ):
            answer = await delete(vera, message, ticket)
            assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "confirmation_invalid")
    elsewhere = await new_room(server)
    async with client(server.url, Origin=server.url) as tab:
        fields = {"ticket": await ticket_for(vera, mine)}
        answer = await tab.post(f"/rooms/{elsewhere}/messages/{mine}/deletion", data=fields)
    assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "confirmation_invalid")
    for message in (mine, mine_too, theirs):
        assert await is_there(vera, message)


async def test_ticket_that_was_made_up_is_refused(server: Server, vera: Visitor) -> None:
    message = (await vera.post_message("hello")).message_id
    ticket = await ticket_for(vera, message)
    payload, time, signature = ticket.rsplit(".", 2)
    for forged in (
        "",
        ".",
        "..",
        vera.token or "",
        ticket[:-1],
        f"{ticket}x",
        f"{payload}..{signature}",
        f"{payload}.{signature}",
        f"{payload}.{time}.",
        f"{payload}.{'B' if time[0] == 'A' else 'A'}{time[1:]}.{signature}",
        f"{ticket}{'x' * 5000}",
        "x" * 100_000,
        "ein Zettel – ö",
    ):
        answer = await delete(vera, message, forged)
        assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "confirmation_invalid"), forged[:80]
    assert await is_there(vera, message)


async def test_ticket_that_is_too_old_is_refused(
    server: Server, vera: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = (await vera.post_message("hello")).message_id
    now = TimestampSigner("x").get_timestamp()
    async with beside(server) as chat:
        key = await key_of(chat, (await messages.find(chat, vera.room, CONSOLE, message)).author.id)
        deed = Deed(messages.DELETION, vera.room, message)
        monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _: now - tickets.AGE - 60)
        old = tickets.issue(chat.secret, Confirmed(key, None), deed)
        monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _: now - tickets.AGE + 60)
        young = tickets.issue(chat.secret, Confirmed(key, None), deed)
        # What the same secret signs for other ends.
        other = str(URLSafeTimedSerializer(chat.secret, salt="frame").dumps([key, message]))
        timeless = str(URLSafeSerializer(chat.secret, salt=tickets.SALT).dumps([key, message]))
    for ticket in (old, other, timeless):
        answer = await delete(vera, message, ticket)
        assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "confirmation_invalid")
        assert "too old" in Page(answer.text).alert
    assert await is_there(vera, message)
    assert (await delete(vera, message, young)).status_code == 200


async def test_ticket_is_of_no_use_within_an_embed(vera: Visitor) -> None:
    message = (await vera.post_message("hello")).message_id
    ticket = await ticket_for(vera, message)
    for headers in (
        {"Chat-Host": SITE},
        {"Chat-Host": ""},
        {"Chat-Host": "null"},
        {"Chat-Token": f"{vera.token}"},
        {"Chat-Token": "x"},
    ):
        answer = await delete(vera, message, ticket, **headers)
        assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "confirmation_invalid")
    assert await is_there(vera, message)


async def test_guest_of_this_sites_own_pages_needs_no_ticket(alice: Person, room: str) -> None:
    for htmx, status in ((True, 200), (False, 303)):
        message = await alice.post_message("hello", room=room)
        answer = await alice.send(f"/rooms/{room}/messages/{message.message_id}/deletion", htmx=htmx)
        assert answer.status_code == status


async def test_message_of_a_signed_member_is_deleted_by_a_ticket(server: Server, room: str) -> None:
    site = await site_of(server, room)
    async with Visitor("", server.url, room, token=site.token()) as sigrid:
        message, other, third = [Fragment((await sigrid.try_to_post(text)).text).message_id for text in "abc"]
        answer = await sigrid.send(path(sigrid, message, "deletion"))
        assert answer.headers["Chat-Error"] == "needs_confirmation"
        assert (await confirm(sigrid, message, site.token(sub="u-2"))).headers["Chat-Error"] == "not_yours"
        assert (await delete(sigrid, message, await ticket_for(sigrid, message))).status_code == 200
        assert not await is_there(sigrid, message)
        revoked = await ticket_for(sigrid, other)
        async with beside(server) as chat:
            new = await embed_keys.rotate(chat, room, CONSOLE)
            old_key_still_counts = await ticket_for(sigrid, third)
            assert (await delete(sigrid, third, old_key_still_counts)).status_code == 200
            await embed_keys.revoke(chat, room, CONSOLE, site.key.key.id)
        answer = await confirm(sigrid, other)
        assert (answer.status_code, answer.headers["Chat-Error"]) == (401, "sign_in_over")
        answer = await delete(sigrid, other, revoked)
        assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "confirmation_invalid")
        assert await is_there(sigrid, other), "a ticket is worth no more than the key that stood behind it"
        sigrid.token = Site(room, new).token()
        rotated = await ticket_for(sigrid, other)
        async with beside(server) as chat:
            await embed_keys.rotate(chat, room, CONSOLE, grace=0)
        assert (await delete(sigrid, other, rotated)).status_code == 403
        assert await is_there(sigrid, other)
