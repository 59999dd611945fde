"""Who may ask: this site's own pages, and programs; never another site's page in somebody's name."""

import secrets
from collections.abc import AsyncIterator

import httpx
import pytest

from tests import people
from tests.people import Person
from tests.serving import Server
from tests.web.conftest import stored

OWN = "{own}"
"""Stands for the server's own origin, which has a new port in every run."""

FOREIGN = "https://evil.example"


def claim(origin: str | None = None, site: str | None = None) -> dict[str, str]:
    headers = {"Origin": origin, "Sec-Fetch-Site": site}
    return {name: value for name, value in headers.items() if value is not None}


#          what the browser says             POST   stream and poll
CLAIMS = [
    (claim(), False, True),
    (claim(OWN), True, True),
    (claim(OWN, "same-origin"), True, True),
    (claim(OWN, "same-site"), False, False),
    (claim(OWN, "cross-site"), False, False),
    (claim(FOREIGN), False, False),
    (claim(FOREIGN, "cross-site"), False, False),
    (claim(FOREIGN, "same-site"), False, False),
    (claim(FOREIGN, "none"), False, True),
    (claim("http://127.0.0.1"), False, False),
    (claim("null"), False, False),
    (claim("null", "same-origin"), False, False),
    (claim("null", "cross-site"), False, False),
    (claim("http://["), False, False),
    (claim(""), False, False),
    (claim(None, "same-origin"), True, True),
    (claim(None, "same-site"), False, False),
    (claim(None, "cross-site"), False, False),
    (claim(None, "none"), False, True),
    (claim(None, "nonsense"), False, False),
    # A proxy has changed the host as the server sees it; the browser knows better.
    (claim("https://chat.example", "same-origin"), True, True),
]
NAMES = [" ".join(headers.values()) or "neither" for headers, _, _ in CLAIMS]


def sent(headers: dict[str, str], server: Server) -> dict[str, str]:
    return {name: value.replace(OWN, server.url) for name, value in headers.items()}


@pytest.fixture
async def client(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """Says nothing about itself."""
    async with people.client(server.url) as nobody:
        yield nobody


@pytest.mark.parametrize(("headers", "allowed"), [(c[0], c[1]) for c in CLAIMS], ids=NAMES)
async def test_post(
    server: Server, client: httpx.AsyncClient, room: str, headers: dict[str, str], allowed: bool
) -> None:
    before = stored(server)
    fields = {"text": "hello", "name": "Ana", "key": secrets.token_urlsafe(18)}
    answer = await client.post(f"/rooms/{room}/messages", data=fields, headers=sent(headers, server))
    assert answer.status_code == (303 if allowed else 403)
    assert (stored(server) == before) is not allowed
    if not allowed:
        assert answer.headers["Chat-Error"] == "origin_refused"
        assert "Reload the page." in answer.text


@pytest.mark.parametrize(("headers", "allowed"), [(c[0], c[2]) for c in CLAIMS], ids=NAMES)
@pytest.mark.parametrize("address", ["stream", "poll"])
async def test_read(
    server: Server, client: httpx.AsyncClient, room: str, address: str, headers: dict[str, str], allowed: bool
) -> None:
    async with client.stream("GET", f"/rooms/{room}/{address}", headers=sent(headers, server)) as answer:
        assert answer.status_code == (200 if allowed else 403)


@pytest.mark.parametrize("path", ["", "/messages/1", "/messages/1/deletion"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_every_unsafe_method_is_checked(client: httpx.AsyncClient, path: str, method: str) -> None:
    answer = await client.request(method, f"/rooms/lobby{path}", headers={"Origin": FOREIGN})
    assert answer.status_code in (403, 405)


async def test_creating_a_room_is_checked(server: Server, client: httpx.AsyncClient) -> None:
    before = stored(server)
    answer = await client.post("/rooms", data={"name": "Trap"}, headers={"Origin": FOREIGN})
    assert answer.status_code == 403
    assert stored(server) == before


async def test_page_may_be_opened_from_anywhere(client: httpx.AsyncClient) -> None:
    answer = await client.get("/rooms/lobby", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200


async def test_refused_origin_is_shown_as_text(mallory: Person) -> None:
    origin = "https://<script>alert(1)</script>"
    answer = await mallory.client.post("/rooms/lobby/messages", headers={"Origin": origin}, data={"text": "x"})
    assert answer.status_code == 403
    assert "<script>alert" not in answer.text
