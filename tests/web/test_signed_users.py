"""People whom a room's site has signed in: who they are to the server, and what only they may do."""

import secrets
import time
from collections.abc import AsyncIterator

import pytest

from quart_chat.domain import embed_keys, embeds
from quart_chat.domain.actors import CONSOLE
from tests.embeds import SITE, Site, Visitor, beside, site_of
from tests.people import Fragment, Person, client
from tests.serving import Server
from tests.web.conftest import new_room, stored
from tests.web.page import Page


@pytest.fixture
async def site(server: Server, room: str) -> Site:
    return await site_of(server, room)


@pytest.fixture
async def sigrid(server: Server, site: Site) -> AsyncIterator[Visitor]:
    """Somebody whom the room's site has signed in."""
    async with Visitor("", server.url, site.room, token=site.token(name="Sigrid")) as visitor:
        yield visitor


@pytest.fixture
async def vera(server: Server, room: str) -> AsyncIterator[Visitor]:
    """A guest in an embed in a page of the same site."""
    async with Visitor("Vera", server.url, room) as visitor:
        yield visitor


async def only_signed(server: Server, room: str) -> None:
    async with beside(server) as chat:
        await embeds.change(chat, room, CONSOLE, signed_only=True)


async def write(visitor: Visitor, text: str = "hello") -> Page:
    answer = await visitor.try_to_post(text)
    assert answer.status_code == 201, answer.text
    return Page(answer.text)


def code(answer: object) -> str:
    return str(getattr(answer, "headers", {}).get("Chat-Error", ""))


async def test_first_message_makes_the_member_and_shows_what_the_site_says(server: Server, site: Site) -> None:
    token = site.token(name="Sigrid", role="moderator", avatar=f"{SITE}/sigrid.png")
    async with Visitor("", server.url, site.room, token=token) as sigrid:
        before = stored(server)
        page = await write(sigrid)
        assert stored(server).users == before.users + 1
        await write(sigrid, "again")
        assert stored(server).users == before.users + 1
    assert page.by_class("message-author")[0].text == "Sigrid"
    assert page.by_class("message-role")[0].text == "moderator"
    assert page.all("img")[0].attributes["src"] == f"{SITE}/sigrid.png"
    assert page.by_class("verified")
    assert not page.by_class("message-tag")


async def test_picture_may_be_shown_wherever_its_message_is(site: Site, sigrid: Visitor) -> None:
    sigrid.token = site.token(avatar=f"{SITE}/sigrid.png")
    message = Fragment((await sigrid.try_to_post("hello")).text)
    path = f"/rooms/{site.room}/messages/{message.message_id}"
    for answer in (
        await sigrid.client.get(f"/embed/{site.room}"),
        await sigrid.client.get(f"/rooms/{site.room}"),
        await sigrid.client.get(path),
        await sigrid.send(f"{path}/confirmation", htmx=False, token=sigrid.token, host=SITE),
    ):
        assert Page(answer.text).all("img", src=f"{SITE}/sigrid.png")
        assert "img-src 'self' http://localhost:* " in answer.headers["Content-Security-Policy"]


async def test_guest_has_a_tag_where_a_member_has_the_mark(vera: Visitor) -> None:
    page = Page((await vera.post_message("hello")).html)
    assert page.by_class("message-tag")
    assert not page.by_class("verified")


async def test_name_is_what_the_site_said_last(server: Server, site: Site, sigrid: Visitor) -> None:
    await write(sigrid, "one")
    sigrid.token = site.token(name="Sigrid Undset", role="member")
    await write(sigrid, "two")
    names = Page((await sigrid.client.get(f"/rooms/{site.room}/messages")).text).by_class("message-author")
    assert {element.text for element in names} == {"Sigrid Undset"}


async def test_name_that_a_form_gives_is_not_a_members(sigrid: Visitor) -> None:
    answer = await sigrid.try_to_post("hello", name="Mallory")
    assert Page(answer.text).by_class("message-author")[0].text == "Sigrid"


async def test_no_guests_token_is_given_for_a_member(server: Server, site: Site, sigrid: Visitor) -> None:
    """It would never end, and still count when the site's key does not any more."""
    key = secrets.token_urlsafe(18)
    answers = [
        await sigrid.try_to_post("hello", key=key),
        await sigrid.try_to_post("hello", key=key),
        await sigrid.try_to_post("again"),
        await sigrid.send(f"/rooms/{site.room}/messages", htmx=False, text="by a form", name="x"),
        await sigrid.send(f"/embed/{site.room}/messages", htmx=False, text="without a script", name="x"),
        await sigrid.client.get(f"/embed/{site.room}", headers={"Sec-Fetch-Dest": "iframe", "Referer": f"{SITE}/"}),
        await sigrid.client.get(f"/rooms/{site.room}/identity"),
    ]
    for answer in answers:
        assert answer.status_code < 400, answer.text
        assert "Chat-Token" not in answer.headers
        assert "Set-Cookie" not in answer.headers


async def test_page_learns_who_a_member_is_with_the_first_message(sigrid: Visitor) -> None:
    first, second = await sigrid.try_to_post("hello"), await sigrid.try_to_post("again")
    assert "data-user" in Page(first.text).by_id("identity").attributes
    assert "You are" not in second.text


#          how many seconds ago or ahead                      said of it
@pytest.mark.parametrize(("claims", "code"), [({"exp": -31}, "identity_expired"), ({"exp": 7200}, "identity_refused")])
async def test_identity_of_a_token_that_does_not_count(
    server: Server, site: Site, sigrid: Visitor, claims: dict[str, int], code: str
) -> None:
    sigrid.token = site.token(exp=int(time.time()) + claims["exp"])
    for answer in (await sigrid.client.get(f"/rooms/{site.room}/identity"), await sigrid.try_to_post("hello")):
        assert (answer.status_code, answer.headers["Chat-Error"]) == (401, code)
        assert "exp" in answer.text
        assert "Chat-Expires" not in answer.headers


async def test_identity_of_a_member_before_and_after_the_first_message(
    server: Server, site: Site, sigrid: Visitor
) -> None:
    before = stored(server)
    asked = await sigrid.client.get(f"/rooms/{site.room}/identity")
    identity = Page(asked.text).by_id("identity")
    assert stored(server) == before, "asking makes nobody"
    assert "You are Sigrid" in " ".join(identity.text.split())
    assert "data-user" not in identity.attributes
    assert "data-verified" in identity.attributes
    assert 290 <= int(asked.headers["Chat-Expires"]) <= 300
    assert asked.headers["Cache-Control"] == "no-store"
    await write(sigrid)
    identity = Page((await sigrid.client.get(f"/rooms/{site.room}/identity")).text).by_id("identity")
    assert identity.attributes["data-user"]


async def test_identity_of_a_guest_and_of_nobody(server: Server, room: str, vera: Visitor) -> None:
    before = stored(server)
    nobody = await vera.client.get(f"/rooms/{room}/identity")
    assert (nobody.status_code, stored(server)) == (200, before)
    assert "data-user" not in Page(nobody.text).by_id("identity").attributes
    await vera.post_message("hello")
    guest = await vera.client.get(f"/rooms/{room}/identity")
    assert "You are Vera" in " ".join(Page(guest.text).by_id("identity").text.split())
    assert "data-verified" not in Page(guest.text).by_id("identity").attributes
    assert "Chat-Expires" not in guest.headers


async def test_identity_is_told_only_where_the_room_may_be(server: Server, site: Site, vera: Visitor) -> None:
    await vera.post_message("hello")
    for token in (vera.token, site.token(), None):
        async with Visitor("", server.url, site.room, host="https://evil.example", token=token) as elsewhere:
            answer = await elsewhere.client.get(f"/rooms/{site.room}/identity")
            assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "embed_refused")
            assert "Vera" not in answer.text
    for path in ("/rooms/nowhere/identity",):
        assert (await vera.client.get(path)).status_code == 404


async def test_another_site_cannot_ask_who_somebody_is(server: Server, room: str, alice: Person) -> None:
    await alice.post_message("hello", room=room)
    for headers in ({"Origin": SITE}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        async with client(server.url, **headers) as elsewhere:
            elsewhere.cookies = alice.client.cookies
            answer = await elsewhere.get(f"/rooms/{room}/identity")
        assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "origin_refused")
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_token_is_verified_with_every_call(server: Server, site: Site, sigrid: Visitor) -> None:
    message = Fragment((await sigrid.try_to_post("hello")).text)
    async with beside(server) as chat:
        await embed_keys.revoke(chat, site.room, CONSOLE, site.key.key.id)
    before = stored(server)
    answers = [
        await sigrid.try_to_post("again"),
        await sigrid.edit_message(message.message_id, "changed"),
        await sigrid.client.get(f"/rooms/{site.room}/identity"),
        await sigrid.send(f"/rooms/{site.room}/messages/{message.message_id}/confirmation", htmx=False, host=SITE),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert [code(answer) for answer in answers] == 3 * ["identity_refused"] + ["sign_in_over"]
    assert stored(server) == before


async def test_only_the_member_edits_and_only_while_the_token_counts(
    server: Server, site: Site, sigrid: Visitor, vera: Visitor
) -> None:
    message = Fragment((await sigrid.try_to_post("hello")).text)
    await vera.post_message("hello")
    good = site.token()
    async with Person("Bob", server.url, site.room) as bob:
        await bob.post_message("hello")
        assert code(await bob.edit_message(message.message_id, "changed")) == "not_yours"
    for token, refusal in (
        (site.token(sub="u-2"), "not_yours"),
        (vera.token, "not_yours"),
        (site.token(exp=int(time.time()) - 60), "identity_expired"),
        (good[:-4] + "AAAA", "identity_refused"),
        (good.rpartition(".")[0] + ".", "identity_refused"),
    ):
        sigrid.token = token
        assert code(await sigrid.edit_message(message.message_id, "changed")) == refusal
    sigrid.token = good
    assert (await sigrid.edit_message(message.message_id, "changed")).status_code == 200


async def test_member_of_one_room_is_nobody_in_another(server: Server, site: Site, sigrid: Visitor) -> None:
    await write(sigrid)
    other = await new_room(server)
    answer = await sigrid.send(f"/rooms/{other}/messages", text="hello", name="Sigrid", key=secrets.token_urlsafe(18))
    assert (answer.status_code, answer.headers["Chat-Error"]) == (401, "identity_refused")
    theirs = await site_of(server, other)
    sigrid.token = theirs.token(name="Sigrid")
    answer = await sigrid.send(f"/rooms/{other}/messages", text="hello", key=secrets.token_urlsafe(18))
    assert answer.status_code == 201
    first = Page((await sigrid.client.get(f"/rooms/{site.room}/messages")).text).by_class("message")[0]
    assert Page(answer.text).by_class("message")[0].attributes["data-author"] != first.attributes["data-author"], (
        "u-1 of two sites is two people"
    )


async def test_two_keys_count_while_one_is_changed_for_the_other(server: Server, site: Site, sigrid: Visitor) -> None:
    first = await write(sigrid)
    async with beside(server) as chat:
        new = Site(site.room, await embed_keys.rotate(chat, site.room, CONSOLE))
    await write(sigrid, "with the old key")
    sigrid.token = new.token(name="Sigrid")
    second = await write(sigrid, "with the new key")
    authors = {page.by_class("message")[0].attributes["data-author"] for page in (first, second)}
    assert len(authors) == 1


# In a room where only those write whom its site has signed in.


async def test_nothing_unsigned_writes_on_any_surface(
    server: Server, site: Site, room: str, alice: Person, vera: Visitor
) -> None:
    own, embedded = await alice.post_message("mine", room=room), await vera.post_message("mine")
    await only_signed(server, room)
    other = await site_of(server, await new_room(server))
    before = stored(server)
    fields = {"text": "hello", "name": "Mallory"}
    posts, scriptless = f"/rooms/{room}/messages", f"/embed/{room}/messages"
    own_message, embedded_message = f"{posts}/{own.message_id}", f"{posts}/{embedded.message_id}"
    async with (
        Person("Mallory", server.url) as stranger,
        Visitor("Mallory", server.url, room) as embedded_stranger,
        Visitor("Mallory", server.url, room, token=other.token()) as member_elsewhere,
    ):
        for person, path in (
            (stranger, posts),
            (stranger, scriptless),
            (alice, posts),
            (alice, scriptless),
            (alice, own_message),
            (embedded_stranger, posts),
            (vera, posts),
            (vera, embedded_message),
        ):
            for htmx in (True, False):
                answer = await person.send(path, htmx=htmx, **fields)
                assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "signed_only"), (path, htmx)
                assert Page(answer.text).html.count("only people write whom its site has signed in")
        put = await alice.client.put(own_message, data=fields)
        assert (put.status_code, put.headers["Chat-Error"]) == (403, "signed_only")
        answer = await member_elsewhere.send(posts, **fields)
        assert (answer.status_code, answer.headers["Chat-Error"]) == (401, "identity_refused")
        headers = {"Sec-Fetch-Dest": "iframe", "Referer": f"{server.url}/embed/{room}"}
        answer = await stranger.client.post(scriptless, params={"host": SITE}, data=fields, headers=headers)
        assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "signed_only")
    assert stored(server) == before


async def test_first_message_that_is_sent_again_writes_nothing_there(server: Server, room: str, alice: Person) -> None:
    fields = {"text": "hello", "name": "Alice", "key": secrets.token_urlsafe(18)}
    await alice.send(f"/rooms/{room}/messages", **fields)
    await only_signed(server, room)
    answer = await alice.send(f"/rooms/{room}/messages", **fields)
    assert answer.headers["Chat-Error"] == "signed_only"


async def test_members_write_and_everybody_reads_there(
    server: Server, site: Site, sigrid: Visitor, bob: Person
) -> None:
    await only_signed(server, site.room)
    async with bob.listen(room=site.room) as stream:
        await write(sigrid, "signed")
        assert "signed" in (await stream.next("message")).data
    for path in (f"/rooms/{site.room}", f"/embed/{site.room}"):
        page = Page((await bob.client.get(path)).text)
        assert page.texts == ["signed"]
        assert "signed in write here" in page.by_class("signed-only")[0].text
    assert (await bob.client.get(f"/rooms/{site.room}/poll?after=x.0")).status_code == 200


async def test_own_message_is_still_deleted_there(server: Server, room: str, alice: Person) -> None:
    message = await alice.post_message("hello", room=room)
    await only_signed(server, room)
    assert (await alice.delete_message(message.message_id, room=room)).status_code == 200


# Names that members have.


@pytest.mark.parametrize(
    "name",
    ["Sigrid", "sigrid", "SIGRID", "S1GR1D", "Ѕіgrіd", "Sigríd", "Sig rid", "Sigrid.", "S\u200cigrid", "Ｓigrid"],
)
async def test_name_that_looks_like_a_members_is_refused_to_guests(
    server: Server, sigrid: Visitor, room: str, name: str
) -> None:
    await write(sigrid)
    before = stored(server)
    async with Person("Mallory", server.url) as mallory, Visitor("Mallory", server.url, room) as embedded:
        for person, path in ((mallory, "rooms"), (embedded, "rooms"), (mallory, "embed")):
            answer = await person.send(f"/{path}/{room}/messages", text="hello", name=name)
            assert (answer.status_code, answer.headers["Chat-Error"]) == (422, "name_reserved")
            assert "Set-Cookie" not in answer.headers
            assert "Chat-Token" not in answer.headers
        assert stored(server) == before
        answer = await mallory.send(f"/rooms/{room}/messages", text="hello", name="Mallory")
        assert answer.status_code == 201


async def test_name_is_free_in_other_rooms_and_until_its_member_writes(
    server: Server, site: Site, sigrid: Visitor, bob: Person
) -> None:
    async with Person("Sigrid", server.url) as namesake:
        await namesake.post_message("before", room=site.room)
        await write(sigrid)
        await namesake.post_message("elsewhere", room=await new_room(server))


async def test_guest_whose_name_was_given_to_a_member_goes_on_under_another(
    server: Server, site: Site, sigrid: Visitor, room: str
) -> None:
    key = secrets.token_urlsafe(18)
    async with Visitor("Sigrid", server.url, room) as namesake:
        first = await namesake.try_to_post("mine", name="Sigrid", key=key)
        await write(sigrid)
        again = await namesake.try_to_post("mine", name="Sigrid", key=key)
        assert (again.status_code, again.headers["Chat-Message"]) == (200, first.headers["Chat-Message"])
        for name in (None, "Sigrid", "sigrid", "Ѕigrid"):
            before = stored(server)
            answer = await namesake.try_to_post("hello", name=name)
            assert (answer.status_code, answer.headers["Chat-Error"]) == (422, "name_reserved")
            assert stored(server) == before
        token = namesake.token
        renamed = await namesake.try_to_post("hello", name="Siggi")
        assert renamed.status_code == 201
        assert namesake.token == token
        assert "You are Siggi" in " ".join(Page(renamed.text).by_id("identity").text.split())
        assert (await namesake.edit_message(Fragment(first.text).message_id, "still mine")).status_code == 200
        assert (await namesake.try_to_post("and on")).status_code == 201
    page = Page((await sigrid.client.get(f"/rooms/{room}/messages")).text)
    assert [name.text for name in page.by_class("message-author")] == ["Siggi", "Sigrid", "Siggi", "Siggi"]


async def test_guest_whose_name_was_given_to_a_member_edits_under_another(
    server: Server, sigrid: Visitor, room: str
) -> None:
    async with Person("Sigrid", server.url, room) as namesake:
        own = await namesake.post_message("mine")
        await write(sigrid)
        before = stored(server)
        path = f"/rooms/{room}/messages/{own.message_id}"
        for fields in ({}, {"name": "Sigrid"}, {"name": "Ѕigrid"}):
            answer = await namesake.send(path, text="I am she", **fields)
            assert (answer.status_code, answer.headers["Chat-Error"]) == (422, "name_reserved")
            assert stored(server) == before
        page = Page((await namesake.send(path, text="I am she", htmx=False)).text)
        assert "Please choose another" in page.alert
        assert page.field("name") == "", "without a script the page asks for another name"
        assert page.all("textarea")[0].text == "I am she"
        answer = await namesake.send(path, text="I am not she", name="Siggi")
        assert answer.status_code == 200
        assert "You are Siggi" in " ".join(Page(answer.text).by_id("identity").text.split())
        assert (await namesake.edit_message(own.message_id, "and on", room=room)).status_code == 200
    page = Page((await sigrid.client.get(f"/rooms/{room}/messages")).text)
    assert [name.text for name in page.by_class("message-author")] == ["Siggi", "Sigrid"]


async def test_members_may_have_one_name(server: Server, site: Site, sigrid: Visitor) -> None:
    await write(sigrid)
    async with Visitor("", server.url, site.room, token=site.token(sub="u-2", name="Sigrid")) as other:
        await write(other)


@pytest.mark.parametrize("name", ["Sigrid ✓", "✔ Sigrid", "Sigrid ☑️"])
async def test_mark_cannot_be_written_into_a_name(vera: Visitor, name: str) -> None:
    answer = await vera.try_to_post("hello", name=name)
    assert (answer.status_code, answer.headers["Chat-Error"]) == (422, "name_invalid")
