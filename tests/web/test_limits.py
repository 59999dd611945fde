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


async def test_refused_input_costs_nothing(ana: Person) -> None:
    for _ in range(8):
        assert (await ana.send("/rooms/lobby/messages", **message(""))).status_code == 422
    assert (await ana.send("/rooms/lobby/messages", **message("good"))).status_code == 201


async def test_reading_is_not_limited(ana: Person) -> None:
    for _ in range(20):
        assert (await ana.client.get("/rooms/lobby")).status_code == 200
