"""Posting: what is answered, what a repeat gets, what is refused."""

import asyncio
import secrets
from pathlib import Path
from urllib.parse import quote_plus

import pytest

from quart_chat.errors import RequestTooLarge
from tests.people import Fragment, Person
from tests.serving import Server, serving
from tests.web.conftest import stored
from tests.web.page import Page

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
INVISIBLE = "\u200b\u2060\ufeff\u3164\u2800"

REFUSED = {
    "empty": ({"text": ""}, 422, "text_invalid"),
    "no text": ({"text": None}, 422, "text_invalid"),
    "blank": ({"text": " \t\r\n "}, 422, "text_invalid"),
    "invisible": ({"text": INVISIBLE}, 422, "text_invalid"),
    "too long": ({"text": "x" * 8001}, 422, "text_invalid"),
    "nul": ({"text": "a\0b"}, 422, "text_invalid"),
    "no name": ({"name": None}, 422, "name_invalid"),
    "empty name": ({"name": ""}, 422, "name_invalid"),
    "blank name": ({"name": "   "}, 422, "name_invalid"),
    "long name": ({"name": "x" * 41}, 422, "name_invalid"),
    "two lines": ({"name": "An\na"}, 422, "name_invalid"),
    "reversed name": ({"name": "Ana\u202e"}, 422, "name_invalid"),
    "invisible name": ({"name": "\u200b"}, 422, "name_invalid"),
    "nul in name": ({"name": "An\0a"}, 422, "name_invalid"),
    "long key": ({"key": "x" * 65}, 422, "key_invalid"),
    "key with space": ({"key": "a b"}, 422, "key_invalid"),
    "foreign key": ({"key": "ключ"}, 422, "key_invalid"),
}

UNREADABLE = {
    "not utf-8": (b"text=%ff%fe&name=Ana", FORM, 400, "form_invalid"),
    "half a surrogate": (b"text=%ed%a0%80&name=Ana", FORM, 400, "form_invalid"),
    "raw bytes": (b"text=\xff\xfe&name=Ana", FORM, 400, "form_invalid"),
    "too many fields": (b"&".join(b"a=1" for _ in range(50)), FORM, 400, "form_invalid"),
    "json": (b'{"text": "x", "name": "Ana"}', {"Content-Type": "application/json"}, 415, "body_unsupported"),
    "plain": (b"text=x&name=Ana", {"Content-Type": "text/plain"}, 415, "body_unsupported"),
    "multipart": (b"--a--", {"Content-Type": "multipart/form-data; boundary=a"}, 415, "body_unsupported"),
    "too large": (b"text=" + b"x" * 200_000, FORM, 413, "too_large"),
}


def form(**changes: str | None) -> dict[str, str]:
    fields = {"text": "a good text", "name": "Ana", "key": secrets.token_urlsafe(18)} | changes
    return {name: value for name, value in fields.items() if value is not None}


async def test_htmx_gets_the_message_as_a_fragment(alice: Person, room: str) -> None:
    answer = await alice.send(f"/rooms/{room}/messages", **form(text="hello"))
    assert answer.status_code == 201
    assert Fragment(answer.text).text == "hello"
    assert "<html" not in answer.text


async def test_guest_who_was_made_is_told_who_it_is(alice: Person, room: str) -> None:
    answer = Page((await alice.send(f"/rooms/{room}/messages", **form(text="hello"))).text)
    (article,) = answer.all("article")
    assert answer.by_id("identity").attributes["data-user"] == article.attributes["data-author"]
    (part,) = answer.all("hx-partial")
    assert part.attributes["hx-target"] == "#identity"


async def test_page_that_takes_itself_for_somebody_else_is_told(alice: Person, room: str) -> None:
    first = Page((await alice.send(f"/rooms/{room}/messages", **form())).text)
    me = first.by_id("identity").attributes["data-user"]
    assert me
    for user, told in ((me, False), ("999999", True)):
        answer = Page((await alice.send(f"/rooms/{room}/messages", **form(name=None, user=user))).text)
        assert [bool(answer.all("hx-partial")), answer.texts] == [told, ["a good text"]]


async def test_form_without_javascript_goes_back_to_the_room(alice: Person, room: str) -> None:
    answer = await alice.send(f"/rooms/{room}/messages", htmx=False, **form(text="hello"))
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/rooms/{room}")
    page = Page((await alice.client.get(answer.headers["Location"])).text)
    assert page.texts == ["hello"]


async def test_name_is_asked_once(alice: Person, room: str) -> None:
    await alice.send(f"/rooms/{room}/messages", **form(name="Alice"))
    answer = await alice.send(f"/rooms/{room}/messages", **form(name=None))
    assert answer.status_code == 201
    page = Page((await alice.client.get(f"/rooms/{room}")).text)
    assert [element.text for element in page.by_class("message-author")] == ["Alice", "Alice"]
    assert page.by_id("identity").attributes["data-user"]


async def test_two_guests_of_one_name_can_be_told_apart(alice: Person, bob: Person, room: str) -> None:
    for person in (alice, alice, bob):
        await person.send(f"/rooms/{room}/messages", **form())
    tags = [element.text for element in Page((await bob.client.get(f"/rooms/{room}")).text).by_class("message-tag")]
    assert tags[0] == tags[1] != tags[2]


@pytest.mark.parametrize(
    "text", ["x" * 8000, "😀" * 8000, "\r\n" + "é\r\n" * 3999 + "é"], ids=["ascii", "emoji", "lines"]
)
async def test_longest_text_is_accepted(alice: Person, room: str, text: str) -> None:
    fragment = await alice.post_message(text, room=room)
    assert fragment.text == text.replace("\r\n", "\n").lstrip()


@pytest.mark.parametrize("with_cookie", [True, False])
async def test_repeat_gets_the_first_result(server: Server, alice: Person, room: str, with_cookie: bool) -> None:
    fields = form(text="only once")
    first = await alice.send(f"/rooms/{room}/messages", **fields)
    if not with_cookie:
        # The first answer was lost, and the cookie with it.
        alice.client.cookies.clear()
    before = stored(server)
    second = await alice.send(f"/rooms/{room}/messages", **fields)
    assert (first.status_code, second.status_code) == (201, 200)
    assert Fragment(first.text).message_id == Fragment(second.text).message_id
    assert stored(server) == before
    assert ("Set-Cookie" in second.headers) is not with_cookie, "whoever lost the answer still becomes the guest"
    assert alice.client.cookies


async def test_repeats_at_the_same_time_make_one_message(server: Server, alice: Person, room: str) -> None:
    fields = form()
    before = stored(server)
    answers = await asyncio.gather(*(alice.send(f"/rooms/{room}/messages", **fields) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    assert len({Fragment(answer.text).message_id for answer in answers}) == 1
    after = stored(server)
    assert (after.messages - before.messages, after.users - before.users, after.events - before.events) == (1, 1, 1)


async def test_repeat_after_a_crash_gets_the_first_result(tmp_path: Path) -> None:
    async with (
        serving(tmp_path, limits="off") as server,
        Person("Alice", server.url) as alice,
        Person("Bob", server.url) as bob,
    ):
        path, fields = "/rooms/lobby/messages", {alice: form(text="one"), bob: form(text="two")}
        first = {person: await person.send(path, **fields[person]) for person in (alice, bob)}
        before = stored(server)
        bob.client.cookies.clear()
        await server.restart()
        second = {person: await person.send(path, **fields[person]) for person in (alice, bob)}
        for person in (alice, bob):
            assert (first[person].status_code, second[person].status_code) == (201, 200)
            assert Fragment(first[person].text).message_id == Fragment(second[person].text).message_id
        assert stored(server) == before


async def test_key_with_another_text_is_refused(server: Server, alice: Person, room: str) -> None:
    key = secrets.token_urlsafe(18)
    await alice.post_message("one", room=room, key=key)
    before = stored(server)
    answer = await alice.send(f"/rooms/{room}/messages", **form(text="two", key=key))
    assert (answer.status_code, answer.headers["Chat-Error"]) == (409, "key_reused")
    assert stored(server) == before


async def test_repeat_after_an_edit_gets_the_edited_message(alice: Person, room: str) -> None:
    key = secrets.token_urlsafe(18)
    first = await alice.post_message("frist", room=room, key=key)
    await alice.edit_message(first.message_id, "first", room=room)
    again = await alice.post_message("frist", room=room, key=key)
    assert (again.message_id, again.text) == (first.message_id, "first")


async def test_key_of_one_guest_means_nothing_for_another(alice: Person, bob: Person, room: str) -> None:
    await alice.post_message("to be known", room=room)
    await bob.post_message("to be known", room=room)
    one = await alice.post_message("from Alice", room=room, key="same")
    two = await bob.post_message("from Bob", room=room, key="same")
    assert one.message_id != two.message_id


@pytest.mark.parametrize("htmx", [True, False], ids=["htmx", "page"])
@pytest.mark.parametrize(("changes", "status", "code"), REFUSED.values(), ids=REFUSED)
async def test_bad_field_is_refused(
    server: Server, mallory: Person, room: str, changes: dict[str, str | None], status: int, code: str, htmx: bool
) -> None:
    fields = form(**changes)
    before = stored(server)
    answer = await mallory.send(f"/rooms/{room}/messages", htmx=htmx, **fields)
    assert (answer.status_code, answer.headers["Chat-Error"]) == (status, code)
    assert stored(server) == before
    assert "Set-Cookie" not in answer.headers
    page = Page(answer.text)
    if htmx:
        (partial,) = page.all("hx-partial")
        assert partial.attributes["hx-target"] == "#composer-error"
        assert partial.text.strip().endswith(".")
    else:
        assert page.alert.endswith(".")
        # An HTML parser reads NUL as U+FFFD, and drops the first line break in a textarea.
        sent = fields.get("text", "").replace("\0", "").replace("\r\n", "\n")
        assert page.field("text").replace("\0", "").replace("\ufffd", "").replace("\r\n", "\n").strip(
            "\n"
        ) == sent.strip("\n")
        assert page.field("name") == fields.get("name", "") or "\0" in fields["name"]


@pytest.mark.parametrize("htmx", [True, False], ids=["htmx", "page"])
@pytest.mark.parametrize(("body", "headers", "status", "code"), UNREADABLE.values(), ids=UNREADABLE)
async def test_unreadable_body_is_refused(
    server: Server, mallory: Person, room: str, body: bytes, headers: dict[str, str], status: int, code: str, htmx: bool
) -> None:
    before = stored(server)
    headers = headers | ({"HX-Request": "true"} if htmx else {})
    answer = await mallory.client.post(f"/rooms/{room}/messages", content=body, headers=headers)
    assert (answer.status_code, answer.headers["Chat-Error"]) == (status, code)
    assert ". " in answer.text or ".<" in answer.text
    assert stored(server) == before


@pytest.mark.parametrize("htmx", [True, False], ids=["htmx", "page"])
@pytest.mark.parametrize(
    "path", ["/rooms/nowhere/messages", "/rooms/lobby/messages/4000000", "/rooms/lobby/messages/" + "9" * 18]
)
async def test_posting_to_what_does_not_exist_is_refused(
    server: Server, mallory: Person, path: str, htmx: bool
) -> None:
    before = stored(server)
    answer = await mallory.send(path, htmx=htmx, **form())
    assert answer.status_code == 404
    assert "there is no room" in answer.text.lower() or "does not exist" in answer.text
    assert "Content-Security-Policy" in answer.headers
    assert stored(server) == before


TOO_LARGE = {
    "words": ("/rooms/lobby/messages", b"name=Ana&text=" + b"x" * 200_000, "The message has about 200,000 characters"),
    "umlauts": ("/rooms/lobby/messages", b"text=" + b"%C3%BC" * 60_000, "The message has about 60,000 characters"),
    "escapes": ("/rooms/lobby/messages", b"text=" + b"%41" * 40_001, "The message has 40,001 characters"),
    "few of them": ("/rooms", b"owner=" + b"%E2%82%AC" * 13_500, "Your name has 13,500 characters, and it holds"),
    "a reason": ("/rooms/lobby/members/1/removal", b"reason=" + b"x" * 140_000, "The reason has about 140,000 char"),
    "a name": ("/me", b"name=" + b"x" * 140_000, "The name has about 140,000 characters, and it holds up to 40."),
    "a list": (
        "/rooms/lobby/embed",
        b"origins=" + b"x" * 140_000,
        "“origins” has about 140,000 characters, and the",
    ),
    "no field": ("/rooms/lobby/messages", b"<script>=1" * 50_000, "A form holds up to 131,072 bytes."),
}
"""What is too much to be read as a form, and what is said of it: how long it is may not be known before it has come."""


async def test_form_that_is_too_large_says_which_field_is_and_how_long_it_may_be(mallory: Person) -> None:
    wrong = {}
    for what, (path, body, said) in TOO_LARGE.items():
        answer = await mallory.client.post(path, content=body, headers={**FORM, "Connection": "close"})
        alert = Page(answer.text).alert
        if answer.status_code != 413 or not alert.startswith(f"{RequestTooLarge.sentence} {said}"):
            wrong[what] = answer.status_code, alert
    assert not wrong
    for fields, said in (
        ({"name": "x" * 41}, "41 characters, and 40 at most"),
        ({"name": "a" + "\u0301" * 130}, "it has 131, and 120 at most"),
        ({"name": "x" * 90_000}, "90,000 characters, and 40 at most"),
    ):
        answer = await mallory.send("/rooms/lobby/messages", htmx=False, **form(**fields))
        assert said in Page(answer.text).alert


async def test_longest_text_of_a_page_fits_into_a_request(alice: Person, room: str) -> None:
    """Four bytes a character, three characters a byte: the most that a browser makes of 8,000 characters."""
    body = f"text={quote_plus('😀' * 8000)}&name={quote_plus('é' * 40)}&key={secrets.token_urlsafe(18)}"
    answer = await alice.client.post(f"/rooms/{room}/messages", content=body.encode(), headers=FORM)
    assert answer.status_code == 303
