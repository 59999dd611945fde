"""The list of rooms, and making one."""

import secrets

import pytest

from quart_chat.models import Rank
from tests.people import Person
from tests.serving import Server
from tests.web.conftest import stored
from tests.web.page import Page


def slug() -> str:
    return f"tea-{secrets.token_hex(4)}"


async def test_lobby_is_listed_first_and_then_the_room_where_something_happened(bob: Person, room: str) -> None:
    await bob.post_message("hello", room=room)
    cards = Page((await bob.client.get("/")).text).by_class("room-card")
    assert [card.attributes["href"] for card in cards[:2]] == ["/rooms/lobby", f"/rooms/{room}"]


async def test_created_room_is_open_and_listed(alice: Person, bob: Person) -> None:
    address = slug()
    answer = await alice.send("/rooms", htmx=False, name="Tea and Biscuits", slug=address)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/rooms/{address}")
    assert "Tea and Biscuits" in Page((await bob.client.get(f"/rooms/{address}")).text).all("h1")[0].text
    assert f"/rooms/{address}" in (await bob.client.get("/")).text
    await bob.post_message("hello", room=address)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Tea and Biscuits", "tea-and-biscuits"),
        ("Žluťoučký Kůň", "zlutoucky-kun"),
        ("Чай", "chai"),
        ("日本語", "ri-ben-yu"),
    ],
)
async def test_address_is_made_from_the_name(alice: Person, name: str, expected: str) -> None:
    suffix = secrets.token_hex(4)
    answer = await alice.send("/rooms", name=f"{name} {suffix}")
    assert answer.headers["Location"] == f"/rooms/{expected}-{suffix}"
    assert f"{name} {suffix}" in Page((await alice.client.get("/")).text).by_class("room-name")[1].text


async def test_long_name_makes_an_address_that_fits(alice: Person) -> None:
    answer = await alice.send("/rooms", name="x" * 31 + " " + secrets.token_hex(4))
    assert answer.status_code == 303
    assert len(answer.headers["Location"].removeprefix("/rooms/")) <= 40


async def test_taken_address_is_refused_and_the_room_left_alone(server: Server, alice: Person, mallory: Person) -> None:
    address = slug()
    await alice.send("/rooms", name="Alice's", slug=address)
    before = stored(server)
    answer = await mallory.send("/rooms", htmx=False, name="Mallory's", slug=address.upper())
    page = Page(answer.text)
    assert (answer.status_code, answer.headers["Chat-Error"]) == (409, "room_taken")
    assert address in page.alert
    assert page.field("name") == "Mallory's"
    assert stored(server) == before
    assert "Alice's" in Page((await alice.client.get(f"/rooms/{address}")).text).all("h1")[0].text


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("", "tea"),
        ("   ", "tea"),
        ("x" * 41, "tea"),
        ("Tea\u202e", "tea"),
        ("Tea\nBiscuits", "tea"),
        ("Tea", "a b"),
        ("Tea", "a/b"),
        ("Tea", "../etc"),
        ("Tea", "-tea-"),
        ("Tea", "č"),
        ("Tea", "x" * 41),
        ("Tea", "admin"),
        ("Tea", "API"),
        ("Admin", ""),
        ("😀", ""),
        ("!!!", ""),
    ],
    ids=ascii,
)
async def test_bad_room_is_refused(server: Server, alice: Person, name: str, address: str) -> None:
    before = stored(server)
    answer = await alice.send("/rooms", htmx=False, name=name, slug=address)
    page = Page(answer.text)
    assert (answer.status_code, answer.headers["Chat-Error"]) == (422, "room_invalid")
    assert page.alert.endswith(".")
    assert page.field("slug") == address
    assert stored(server) == before


@pytest.mark.parametrize(
    "path", ["/rooms/nowhere", "/rooms/Nowhere/", "/rooms/Lobby/nothing", "/rooms/%00", "/rooms/..%2f"]
)
async def test_unknown_address_is_a_page_that_says_so(bob: Person, path: str) -> None:
    answer = await bob.client.get(path)
    assert answer.status_code == 404
    assert Page(answer.text).alert.endswith(".")


async def test_nearly_the_address_of_a_room_leads_to_it(alice: Person, room: str) -> None:
    posted = await alice.post_message("hello", room=room)
    capital = room.replace("room", "Room")
    message = f"messages/{posted.message_id}"
    leads = {
        f"/rooms/{room}/": f"/rooms/{room}",
        f"/rooms/{room.upper()}": f"/rooms/{room}",
        f"/rooms/{capital}/?before=3&a=%0d%0ab%22": f"/rooms/{room}?before=3&a=%0d%0ab%22",
        f"/rooms/%52oo%4D{room[4:]}": f"/rooms/{room}",
        f"/rooms/{room}%2F": f"/rooms/{room}",
        f"/rooms/{capital}/messages": f"/rooms/{room}/messages",
        f"/rooms/{capital}/{message}": f"/rooms/{room}/{message}",
        f"/rooms/{capital}/{message}/source/": f"/rooms/{room}/{message}/source",
        f"/rooms/{capital}/embed/": f"/rooms/{room}/embed",
        f"/rooms/{capital}/share/": f"/rooms/{room}/share",
        f"/embed/{capital}?theme=dark": f"/embed/{room}?theme=dark",
        f"/embed/{room}/": f"/embed/{room}",
        "/rooms/": "/",
    }
    found = {path: (await alice.client.get(path)).headers.get("Location") for path in leads}
    assert found == leads
    answer = await alice.client.get(f"/rooms/{capital}/", follow_redirects=True)
    assert (answer.status_code, Page(answer.text).texts, answer.history[0].status_code) == (200, ["hello"], 308)
    assert (await alice.client.get(f"/rooms/{capital}/poll")).status_code == 200
    fields = {"text": "to nearly there", "key": secrets.token_urlsafe(18)}
    sent = await alice.client.post(f"/rooms/{capital}/messages/", data=fields, follow_redirects=True)
    assert Page(sent.text).texts == ["hello", "to nearly there"]
    nowhere = """
        /rooms/Nowhere /rooms/nowhere/ /rooms//lobby /rooms/lobby// /rooms/Lobby/nothing /rooms/%4Cobby%0d%0aA
        /rooms/lobby%0d%0aLocation:%20x /rooms/lobb%C4%B1 /rooms/%E2%84%AAobby /rooms/Lobby%00
        /rooms/Lobby/messages/x /rooms/Lobby/messages/1/nothing /embed//Lobby /Rooms/lobby /rooms/lobby-
    """.split()
    answers = {path: (await alice.client.get(path)).status_code for path in nowhere}
    assert set(answers.values()) == {404}, answers


async def test_server_says_that_it_is_alive_and_ready(bob: Person) -> None:
    assert (await bob.client.get("/healthz")).text == "ok\n"
    assert (await bob.client.get("/readyz")).text == "ready\n"


async def test_page_says_what_whoever_asked_for_it_may(alice: Person, bob: Person) -> None:
    address = slug()
    # As a program may: without the key by which a form that is sent again is known.
    await alice.send("/rooms", name="Alice's", slug=address, owner="Alice")

    async def shown(person: Person, path: str) -> tuple[str | None, bool]:
        page = Page((await person.client.get(f"/rooms/{address}{path}")).text)
        return page.by_id("identity").attributes["data-rank"], bool(page.all("dialog", id="confirm-removal"))

    owner, reader = str(Rank.OWNER.value), str(Rank.READER.value)
    # Each is asked for twice: a page that was kept for the one is none of the other's.
    assert [await shown(person, "") for person in (alice, bob, alice, bob)] == [(owner, True), (reader, False)] * 2
    assert [await shown(person, "/identity") for person in (alice, bob)] == [(owner, False), (reader, False)]
    written = await alice.send(f"/rooms/{address}/messages", text="hello", key="k" * 22, name="Alice")
    assert f'data-rank="{owner}"' in written.text, "and it goes on saying so with what one writes"
