"""Too fast is refused, with the time to wait; another guest, another address, and readers go on."""

import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.people import Person
from tests.serving import Server, serving
from tests.web.conftest import stored
from tests.web.page import Page


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def limited(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    slow = "0.001"
    settings = {"user_burst": "3", "user_rate": slow, "address_burst": "5", "address_rate": slow, "room_burst": "2"}
    async with serving(tmp_path_factory.mktemp("limited"), room_rate=slow, **settings) as running:
        yield running


_addresses = iter(range(2, 250))


@pytest.fixture
async def ana(limited: Server) -> AsyncIterator[Person]:
    """Each test's guest comes from an address of its own: all of 127.0.0.0/8 is this machine."""
    async with at(limited, f"127.0.1.{next(_addresses)}") as person:
        yield person


def at(server: Server, address: str) -> Person:
    return Person("Ana", server.url, address=address)


def message(text: str) -> dict[str, str]:
    return {"text": text, "name": "Ana", "key": secrets.token_urlsafe(18)}


@pytest.mark.parametrize("htmx", [True, False], ids=["htmx", "page"])
async def test_guest_that_is_too_fast_is_told_how_long_to_wait(limited: Server, ana: Person, htmx: bool) -> None:
    # The first makes the guest, whose bucket then holds three.
    for number in range(4):
        assert (await ana.send("/rooms/lobby/messages", **message(f"{number}"))).status_code == 201
    before = stored(limited)
    answer = await ana.send("/rooms/lobby/messages", htmx=htmx, **message("too fast"))
    assert (answer.status_code, answer.headers["Chat-Error"]) == (429, "too_fast")
    assert 1 <= int(answer.headers["Retry-After"]) <= 1000
    assert "too fast" in answer.text
    assert stored(limited) == before
    if not htmx:
        assert Page(answer.text).field("text") == "too fast"


async def test_edits_and_deletions_count(ana: Person) -> None:
    posted = await ana.post_message("one")
    statuses = [(await ana.edit_message(posted.message_id, f"edit {number}")).status_code for number in range(3)]
    assert statuses == [200] * 3
    assert (await ana.edit_message(posted.message_id, "too fast")).status_code == 429
    assert (await ana.delete_message(posted.message_id)).status_code == 429


async def test_address_is_limited_however_many_guests_it_makes(limited: Server, ana: Person) -> None:
    for number in range(5):
        assert (await ana.send("/rooms/lobby/messages", **message(f"guest {number}"))).status_code == 201
        ana.client.cookies.clear()
    answer = await ana.send("/rooms/lobby/messages", **message("guest 6"))
    assert (answer.status_code, answer.headers["Chat-Error"]) == (429, "too_fast")
    async with at(limited, f"127.0.1.{next(_addresses)}") as neighbour:
        assert (await neighbour.send("/rooms/lobby/messages", **message("elsewhere"))).status_code == 201


async def test_rooms_are_limited_by_address(ana: Person) -> None:
    for number in range(2):
        assert (await ana.send("/rooms", name=f"Room {number}")).status_code == 303
    answer = await ana.send("/rooms", name="Room 3")
    assert (answer.status_code, answer.headers["Chat-Error"]) == (429, "too_fast")
    assert int(answer.headers["Retry-After"]) >= 1


async def test_refusals_are_counted_apart_from_what_is_accepted(limited: Server, ana: Person) -> None:
    """Whatever is refused, wherever: five of them here. Then it is not even looked at, but reading goes on."""
    refused = [
        ana.send("/rooms/lobby/messages", **message("")),
        ana.send("/rooms", name="x" * 99),
        ana.send("/rooms/lobby/embed", origins="https://example.org"),
        ana.send("/rooms/nowhere/messages/1", text="hello"),
        ana.client.get("/rooms/lobby/identity", headers={"Chat-Token": "e30.e30.AA"}),
    ]
    assert [(await answer).status_code for answer in refused] == [422, 422, 403, 404, 401]
    for again in (
        ana.send("/rooms/lobby/messages", **message("good")),
        ana.send("/rooms/lobby/messages/1/deletion"),
        ana.client.get("/rooms/lobby/identity", headers={"Chat-Token": "e30.e30.AA"}),
    ):
        answer = await again
        assert (answer.status_code, answer.headers["Chat-Error"]) == (429, "too_fast")
        assert int(answer.headers["Retry-After"]) >= 1
    assert (await ana.client.get("/rooms/lobby")).status_code == 200
    async with at(limited, f"127.0.1.{next(_addresses)}") as neighbour:
        assert (await neighbour.send("/rooms/lobby/messages", **message("elsewhere"))).status_code == 201


async def test_what_another_site_has_a_browser_ask_for_costs_nobody_anything(ana: Person) -> None:
    for _ in range(8):
        answer = await ana.client.post("/rooms/lobby/messages", headers={"Origin": "https://evil.example"})
        assert answer.status_code == 403
    assert (await ana.send("/rooms/lobby/messages", **message("good"))).status_code == 201


async def test_reading_is_not_limited(ana: Person) -> None:
    for _ in range(20):
        assert (await ana.client.get("/rooms/lobby")).status_code == 200
