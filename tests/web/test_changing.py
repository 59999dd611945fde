"""Editing and deleting: one's own alone."""

import pytest

from tests.people import Fragment, Person
from tests.serving import Server
from tests.web.conftest import stored
from tests.web.page import Page


async def shown(person: Person, room: str) -> list[str]:
    return Page((await person.client.get(f"/rooms/{room}")).text).texts


async def test_author_edits(alice: Person, bob: Person, room: str) -> None:
    posted = await alice.post_message("frist", room=room)
    async with bob.listen(room=room) as stream:
        answer = await alice.edit_message(posted.message_id, "first", room=room)
        event = await stream.next("message")
    assert answer.status_code == 200
    for fragment in (Fragment(answer.text), Fragment(event.data)):
        assert (fragment.message_id, fragment.text) == (posted.message_id, "first")
    assert await shown(bob, room) == ["first"]


async def test_author_deletes(alice: Person, bob: Person, room: str) -> None:
    posted = await alice.post_message("plover", room=room)
    async with bob.listen(room=room) as stream:
        answer = await alice.delete_message(posted.message_id, room=room)
        event = await stream.next("message")
    assert answer.status_code == 200
    assert f"#message-{posted.message_id}" in answer.text
    assert f"#message-{posted.message_id}" in event.data
    assert "plover" not in answer.text + event.data
    assert await shown(bob, room) == []


async def test_author_deletes_by_the_method_of_that_name(alice: Person, room: str) -> None:
    posted = await alice.post_message("plover", room=room)
    assert (await alice.client.delete(f"/rooms/{room}/messages/{posted.message_id}")).status_code == 303
    assert await shown(alice, room) == []


async def test_deleting_again_changes_nothing(server: Server, alice: Person, room: str) -> None:
    posted = await alice.post_message("plover", room=room)
    await alice.delete_message(posted.message_id, room=room)
    before = stored(server)
    assert (await alice.delete_message(posted.message_id, room=room)).status_code == 200
    assert stored(server) == before


async def test_editing_to_the_same_text_changes_nothing(server: Server, alice: Person, room: str) -> None:
    posted = await alice.post_message("same", room=room)
    before = stored(server)
    answer = await alice.edit_message(posted.message_id, "same", room=room)
    assert (answer.status_code, Fragment(answer.text).text) == (200, "same")
    assert stored(server) == before


@pytest.mark.parametrize("known", [True, False], ids=["another guest", "nobody"])
@pytest.mark.parametrize("path", ["", "/deletion"], ids=["edit", "delete"])
@pytest.mark.parametrize("htmx", [True, False], ids=["htmx", "page"])
async def test_message_of_another_cannot_be_changed(
    alice: Person, mallory: Person, room: str, path: str, known: bool, htmx: bool
) -> None:
    posted = await alice.post_message("mine", room=room)
    if known:
        await mallory.post_message("hers", room=room)
    answer = await mallory.send(f"/rooms/{room}/messages/{posted.message_id}{path}", htmx=htmx, text="stolen")
    assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "not_yours")
    assert (await shown(alice, room))[0] == "mine"


async def test_message_is_not_found_through_another_room(alice: Person, room: str) -> None:
    posted = await alice.post_message("here", room=room)
    answer = await alice.edit_message(posted.message_id, "moved", room="lobby")
    assert (answer.status_code, answer.headers["Chat-Error"]) == (404, "message_not_found")


async def test_deleted_message_is_gone(alice: Person, room: str) -> None:
    posted = await alice.post_message("plover", room=room)
    await alice.delete_message(posted.message_id, room=room)
    address = f"/rooms/{room}/messages/{posted.message_id}"
    for answer in (await alice.edit_message(posted.message_id, "back", room=room), await alice.client.get(address)):
        assert (answer.status_code, answer.headers["Chat-Error"]) == (404, "message_not_found")
        assert "plover" not in answer.text


@pytest.mark.parametrize("text", ["", "x" * 8001, "a\0b"], ids=["empty", "too long", "nul"])
async def test_bad_text_leaves_the_message_as_it_was(alice: Person, room: str, text: str) -> None:
    posted = await alice.post_message("good", room=room)
    answer = await alice.edit_message(posted.message_id, text, room=room)
    assert (answer.status_code, answer.headers["Chat-Error"]) == (422, "text_invalid")
    assert await shown(alice, room) == ["good"]


async def test_message_page_offers_changes_to_its_author_alone(alice: Person, bob: Person, room: str) -> None:
    posted = await alice.post_message("mine", room=room)
    address = f"/rooms/{room}/messages/{posted.message_id}"
    own = Page((await alice.client.get(address)).text)
    foreign = Page((await bob.client.get(address)).text)
    assert own.field("text") == "mine"
    assert foreign.texts == ["mine"]
    assert not foreign.all("form")


async def test_link_of_a_message_leads_to_it_and_from_there_to_where_it_can_be_changed(
    alice: Person, room: str
) -> None:
    posted = await alice.post_message("here", room=room)
    page = Page((await alice.client.get(f"/rooms/{room}")).text)
    link = page.by_class("message-link")[0].attributes["href"]
    assert link == f"?message={posted.message_id}#message-{posted.message_id}"
    page = Page((await alice.client.get(f"/rooms/{room}{link}")).text)
    assert page.texts == ["here"]
    assert page.all("a", href=f"/rooms/{room}/messages/{posted.message_id}")


async def test_refused_edit_without_javascript_keeps_what_was_typed(alice: Person, room: str) -> None:
    posted = await alice.post_message("good", room=room)
    answer = await alice.send(f"/rooms/{room}/messages/{posted.message_id}", htmx=False, text="x" * 8001)
    page = Page(answer.text)
    assert answer.status_code == 422
    assert "too long: 8,001 characters" in page.alert
    assert page.field("text") == "x" * 8001


async def test_author_alone_gets_the_source_of_a_message(
    server: Server, alice: Person, mallory: Person, room: str
) -> None:
    text = "one <b>\n\n  https://example.org/ &amp; 日本語"
    posted = await alice.post_message(text, room=room)
    address = f"/rooms/{room}/messages/{posted.message_id}/source"
    own = await alice.client.get(address)
    assert (own.status_code, own.text, own.headers["Chat-Version"]) == (200, text, "1")
    assert own.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert own.headers["X-Content-Type-Options"] == "nosniff"
    async with Person("Nobody", server.url) as nobody:
        for other in (mallory, nobody):
            refused = await other.client.get(address)
            assert (refused.status_code, refused.headers["Chat-Error"]) == (403, "not_yours")
            assert refused.headers["Content-Type"] == "text/plain; charset=utf-8"
            assert text not in refused.text
    await alice.delete_message(posted.message_id, room=room)
    for path in (address, address.replace(room, "lobby"), address.replace(room, "nowhere-at-all")):
        gone = await alice.client.get(path)
        assert gone.status_code == 404
        assert gone.headers["Chat-Error"] in ("message_not_found", "room_not_found")
        assert "<" not in gone.text


async def test_edit_of_what_has_changed_meanwhile_is_noticed(alice: Person, room: str) -> None:
    posted = await alice.post_message("first", room=room)
    path = f"/rooms/{room}/messages/{posted.message_id}"
    assert (await alice.send(path, text="here", version="1")).headers["Chat-Version"] == "2"
    repeated = await alice.send(path, text="here", version="1")
    assert (repeated.status_code, repeated.headers["Chat-Version"]) == (200, "2"), "its first answer may have been lost"
    stale = await alice.send(path, text="there", version="1")
    assert (stale.status_code, stale.headers["Chat-Error"]) == (409, "edit_conflict")
    assert await shown(alice, room) == ["here"]
    page = Page((await alice.send(path, htmx=False, text="there", version="1")).text)
    assert "changed elsewhere" in page.alert
    assert (page.field("text"), page.field("version"), page.texts) == ("there", "2", ["here"])
    again = await alice.send(path, htmx=False, text="there", version=page.field("version"))
    assert again.status_code == 303
    for version in ({}, {"version": "x"}):
        assert (await alice.send(path, text=f"without {version}", **version)).status_code == 200
