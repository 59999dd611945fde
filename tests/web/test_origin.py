"""Who may ask: this site's own pages, and programs; never another site's page in somebody's name."""

import secrets
from collections.abc import AsyncIterator

import httpx
import pytest

from tests import people
from tests.people import Person
from tests.serving import Server
from tests.web.conftest import stored

OWN, OWN_WRITTEN_OTHERWISE = "{own}", "{OWN}"
"""Stand for the server's own origin, which has a new port in every run."""

FOREIGN = "https://evil.example"


SITES = (None, "same-origin", "same-site", "cross-site", "none", "nonsense")
"""What `Sec-Fetch-Site` says; None where the header is not there. Browsers say `nonsense` never."""

CLAIMS: dict[str | None, tuple[str, ...]] = {
    # Without an origin the browser's word counts: `same-origin` alone may post. Whoever typed an address may read, and
    # so may a program, which says neither.
    None: ("read", "post", "", "", "read", ""),
    # With one, that counts: a page has no say in it, and it is who asks. WebKit says `cross-site` for an embed's form
    # into a new tab; `same-site` is said behind redirects over a sibling, and an origin is `null` after other sites.
    OWN: ("post", "post", "post", "post", "post", "post"),
    OWN_WRITTEN_OTHERWISE: ("post", "post", "post", "post", "post", "post"),
    # Somebody else's is refused. Only where the browser itself says that it is the same, and a proxy may have changed
    # by what the server was asked (here it is an address), does the browser know better.
    FOREIGN: ("", "post", "", "", "", ""),
    "http://127.0.0.1": ("", "post", "", "", "", ""),
    "http://[": ("", "post", "", "", "", ""),
    "": ("", "post", "", "", "", ""),
    # Any page can be nobody, so nobody is.
    "null": ("", "", "", "", "", ""),
}
"""By `Origin`, and in the order of SITES, what a request may do: nothing, read a stream or a poll, or also post."""


def claims(server: Server) -> dict[tuple[str | None, str | None], tuple[dict[str, str], str]]:
    """By both headers as they are above: the headers as they are sent, and what they may do."""
    found = {}
    for origin, row in CLAIMS.items():
        for site, may in zip(SITES, row, strict=True):
            written = {OWN: server.url, OWN_WRITTEN_OTHERWISE: server.url.replace("http", "HTTP")}.get(origin, origin)
            headers = {"Origin": written, "Sec-Fetch-Site": site}
            found[origin, site] = {name: value for name, value in headers.items() if value is not None}, may
    return found


@pytest.fixture
async def client(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """Says nothing about itself."""
    async with people.client(server.url) as nobody:
        yield nobody


async def test_who_may_post(server: Server, client: httpx.AsyncClient, room: str) -> None:
    wrong = []
    for claim, (headers, may) in claims(server).items():
        before = stored(server)
        fields = {"text": "hello", "name": "Ana", "key": secrets.token_urlsafe(18)}
        answer = await client.post(f"/rooms/{room}/messages", data=fields, headers=headers)
        if answer.status_code != (303 if may == "post" else 403) or (stored(server) == before) is (may == "post"):
            wrong.append((claim, answer.status_code))
        if may != "post":
            assert answer.headers["Chat-Error"] == "origin_refused"
            assert "Reload the page." in answer.text
        client.cookies.clear()
    assert not wrong


async def test_who_may_read_as_it_comes(server: Server, client: httpx.AsyncClient, room: str) -> None:
    wrong = []
    for claim, (headers, may) in claims(server).items():
        for address in ("stream", "poll", "identity"):
            async with client.stream("GET", f"/rooms/{room}/{address}", headers=headers) as answer:
                if answer.status_code != (200 if may else 403):
                    wrong.append((claim, address, answer.status_code))
    assert not wrong


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
