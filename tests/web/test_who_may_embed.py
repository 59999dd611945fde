"""Who may show what in an embed, and read what with a script, as the headers say: surface by surface, list by list."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from quart_chat.app import create_app
from quart_chat.config import Config
from quart_chat.domain import embeds
from quart_chat.domain.actors import CONSOLE
from quart_chat.server import _is_loopback
from quart_chat.sites import LOOPBACK
from tests.embeds import SITE, Visitor, beside
from tests.people import client
from tests.rows import Rows
from tests.serving import Server, serving
from tests.web.conftest import new_room
from tests.web.page import Page

PUBLIC = "https://chat.example.org"
EXACT, BELOW, PORT = "https://www.example.org", "https://*.example.net", "https://site.example:8443"

#  the server   its room's list           who may embed the room
STATES: dict[str, tuple[str, tuple[str, ...] | None, tuple[str, ...]]] = {
    "local, no list": ("local", None, LOOPBACK),
    "local, empty list": ("local", (), ()),
    "local, exact": ("local", (EXACT,), (EXACT,)),
    "local, below": ("local", (BELOW,), (BELOW,)),
    "local, several": ("local", (EXACT, BELOW, PORT), (EXACT, BELOW, PORT)),
    "public, no list": ("public", None, ()),
    "public, empty list": ("public", (), ()),
    "public, exact": ("public", (EXACT,), (EXACT,)),
    "public, several": ("public", (EXACT, BELOW, PORT), (EXACT, BELOW, PORT)),
}

BOTH = {"text": "hello", "name": "Ana"}

#  what is asked for                          which fields it is sent        status
SURFACES: dict[str, tuple[str, str, dict[str, str], int]] = {
    "embed": ("GET", "/embed/{room}?theme=dark&accent=2b6390", {}, 200),
    "embed, refused": ("POST", "/embed/{room}/messages", {"text": "", "name": "Ana"}, 422),
    "embed, posted": ("POST", "/embed/{room}/messages", BOTH, 303),
    "embed, bad option": ("GET", "/embed/{room}?theme=pink", {}, 422),
    "embed, link": ("GET", "/embed/{room}?message={message}", {}, 303),
    "embed, no room": ("GET", "/embed/nowhere", {}, 404),
    "list": ("GET", "/", {}, 200),
    "room": ("GET", "/rooms/{room}", {}, 200),
    "older": ("GET", "/rooms/{room}?before=5", {}, 200),
    "message": ("GET", "/rooms/{room}/messages/{message}", {}, 200),
    "owner's page": ("GET", "/rooms/{room}/embed", {}, 200),
    "fragment": ("GET", "/rooms/{room}/messages", {}, 200),
    "identity": ("GET", "/rooms/{room}/identity", {}, 200),
    "stream": ("HEAD", "/rooms/{room}/stream", {}, 200),
    "poll": ("GET", "/rooms/{room}/poll", {}, 200),
    "posted": ("POST", "/rooms/{room}/messages", BOTH, 303),
    "refused": ("POST", "/rooms/{room}/messages", {"text": ""}, 422),
    "confirmation": ("POST", "/rooms/{room}/messages/{message}/confirmation", {"token": "{token}", "host": SITE}, 200),
    "not confirmed": ("POST", "/rooms/{room}/messages/{message}/deletion", {"ticket": "x"}, 403),
    "list refused": ("POST", "/rooms/{room}/embed", {"origins": "x"}, 403),
    "script": ("GET", "/embed.js", {}, 200),
    "oembed, nothing": ("GET", "/oembed?url=x", {}, 404),
    "static": ("GET", "/static/x/css/embed.css", {}, 200),
    "nowhere": ("GET", "/nowhere", {}, 404),
}

FRAMED = {"embed", "embed, refused", "embed, bad option"}
"""The one page that others may show, as it is, as a form without a script is answered, and where an option is wrong."""

READABLE = {"script"}
"""What other sites' scripts may read, together with a good answer of oEmbed."""


@dataclass(frozen=True)
class Place:
    """A room in one of the states, with a message of somebody in an embed."""

    url: str
    own: str
    slug: str
    message: int
    token: str


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def public(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """Bound to its own machine like the other, but reached by everybody, through a proxy."""
    async with serving(tmp_path_factory.mktemp("public"), limits="off", public_url=PUBLIC) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def places(server: Server, public: Server) -> dict[str, Place]:
    found = {}
    for state, (kind, origins, _) in STATES.items():
        running, own = (server, server.url) if kind == "local" else (public, PUBLIC)
        async with beside(running) as chat:
            slug = await new_room(running, own)
            # While nobody else is let in, so that there is a token of an embed in every state.
            await embeds.change(chat, slug, CONSOLE, add=[SITE])
            async with Visitor("Vera", running.url, slug) as vera:
                vera.client.headers["Origin"] = own
                message = (await vera.post_message("hello")).message_id
            await chat.database.write(
                lambda tx, slug=slug, origins=origins: tx.run(
                    "UPDATE rooms SET origins = :origins WHERE slug = :slug",
                    slug=slug,
                    origins=None if origins is None else " ".join(origins),
                )
            )
            assert vera.token
            found[state] = Place(running.url, own, slug, message, vera.token)
    return found


async def ask(place: Place, surface: str, **headers: str) -> httpx.Response:
    method, path, fields, status = SURFACES[surface]
    names = {"room": place.slug, "message": place.message, "token": place.token}
    data = {name: value.format(**names) for name, value in fields.items()}
    async with client(place.url, Origin=place.own) as somebody:
        answer = await somebody.request(method, path.format(**names), data=data or None, headers=headers)
    assert answer.status_code == status, answer.text
    return answer


def directive(answer: httpx.Response, name: str) -> tuple[str, ...]:
    (policy,) = answer.headers.get_list("Content-Security-Policy")
    found = [part.split() for part in policy.split(";") if part.split()[0] == name]
    return tuple(found[0][1:]) if found else ()


async def test_frame_ancestors(places: dict[str, Place], rows: Rows) -> None:
    for state, surface in product(STATES, SURFACES):
        with rows.row(state, surface):
            answer = await ask(places[state], surface)
            allowed = STATES[state][2]
            expected = ("'self'", *allowed) if surface in FRAMED else ("'none'",)
            assert directive(answer, "frame-ancestors") == expected
            assert "X-Frame-Options" not in answer.headers, "browsers would let it have its way against some lists"
            assert directive(answer, "frame-src") == (
                ("'self'",) if surface in ("owner's page", "list refused") else ()
            )
            assert directive(answer, "form-action") in (("'self'",), ("'none'",))
            assert directive(answer, "connect-src") in (("'self'",), ())


async def test_what_other_sites_may_load_and_read(places: dict[str, Place], rows: Rows) -> None:
    for state, surface in product(["local, no list", "public, several"], SURFACES):
        with rows.row(state, surface):
            answer = await ask(places[state], surface)
            shown_elsewhere = surface in FRAMED | READABLE
            assert answer.headers["Cross-Origin-Resource-Policy"] == (
                "cross-origin" if shown_elsewhere else "same-origin"
            )
            assert answer.headers.get("Cross-Origin-Embedder-Policy") == (
                "credentialless" if surface in FRAMED else None
            )
            said = {name: value for name, value in answer.headers.items() if name.startswith("access-control")}
            assert said == ({"access-control-allow-origin": "*"} if surface in READABLE else {})


@pytest.mark.parametrize(
    "path", ["/rooms/{room}/messages", "/rooms/{room}/identity", "/rooms/{room}/stream", "/embed/{room}", "/embed.js"]
)
async def test_no_script_of_another_site_may_send_a_token(places: dict[str, Place], path: str) -> None:
    """What a browser asks before it lets one: https://fetch.spec.whatwg.org/#cors-preflight-request"""
    place = places["local, no list"]
    headers = {
        "Origin": SITE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "chat-token,chat-host",
    }
    async with client(place.url) as browser:
        answer = await browser.options(path.format(room=place.slug), headers=headers)
    assert not [name for name in answer.headers if name.startswith("access-control-allow-") and path != "/embed.js"]
    assert "access-control-allow-headers" not in answer.headers
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    ("state", "host", "allowed"),
    [
        ("local, no list", "localhost:8000", LOOPBACK),
        ("local, no list", "LOCALHOST", LOOPBACK),
        ("local, no list", "chat.localhost:8000", LOOPBACK),
        ("local, no list", "127.0.0.1", LOOPBACK),
        ("local, no list", "192.168.0.1", ()),
        ("local, empty list", "localhost", ()),
        ("local, exact", "localhost", (EXACT,)),
        ("public, no list", "localhost", ()),
        ("public, no list", "127.0.0.1:8000", ()),
        ("public, exact", "localhost", (EXACT,)),
    ],
)
async def test_host_that_is_asked_for(
    places: dict[str, Place], state: str, host: str, allowed: tuple[str, ...]
) -> None:
    answer = await ask(places[state], "embed", Host=host)
    assert directive(answer, "frame-ancestors") == ("'self'", *allowed)
    place = places[state]
    fields = {"text": "hello", "name": "Ana", "key": "k" * 24}
    headers = {"Chat-Host": "http://localhost:4000", "Host": host, "Sec-Fetch-Site": "same-origin"}
    async with client(place.url) as embed:
        posted = await embed.post(f"/rooms/{place.slug}/messages", data=fields, headers=headers)
    assert posted.status_code == (303 if allowed == LOOPBACK else 403)


async def test_app_that_does_not_know_who_reaches_it_lets_nobody_in_by_itself(tmp_path: Path) -> None:
    """As any ASGI server loads it."""
    app = create_app(Config(database_url=f"sqlite:///{tmp_path}/chat.db"))
    async with app.test_app() as running:
        answer = await running.test_client().get("/embed/lobby", headers={"Host": "localhost"})
    assert answer.headers["Content-Security-Policy"].endswith("frame-ancestors 'self'")


@pytest.mark.parametrize(
    ("bind", "local"),
    [
        ("127.0.0.1:8000", True),
        ("127.0.0.2:8000", True),
        ("[::1]:8000", True),
        ("localhost:8000", True),
        ("0.0.0.0:8000", False),
        ("[::]:8000", False),
        ("192.168.0.1:8000", False),
        ("chat.example.org:8000", False),
        ("localhost.example.org:8000", False),
        (":8000", False),
        ("8000", False),
        ("unix:/run/quart-chat.sock", False),
        ("fd://3", False),
    ],
)
def test_which_servers_are_reached_by_their_own_machine_alone(bind: str, local: bool) -> None:
    assert _is_loopback(bind) is local


@pytest.mark.parametrize("state", STATES)
async def test_pictures_come_from_where_the_room_may_be(places: dict[str, Place], state: str) -> None:
    allowed = STATES[state][2]
    for surface in ("room", "embed"):
        assert directive(await ask(places[state], surface), "img-src") == ("'self'", *allowed)
    for surface in ("list", "owner's page", "message"):
        assert directive(await ask(places[state], surface), "img-src") == ("'self'",)


@pytest.mark.parametrize("state", ["local, no list", "public, several"])
async def test_embed_has_nothing_that_its_policy_forbids(places: dict[str, Place], state: str) -> None:
    answer = await ask(places[state], "embed")
    page = Page(answer.text)
    nonce = directive(answer, "script-src")[0].removeprefix("'nonce-").rstrip("'")
    active = page.all("script") + page.all("style") + page.all("link", rel="stylesheet")
    assert {element.attributes.get("nonce") for element in active} == {nonce}
    assert "--accent-light" in page.all("style")[2].text
    for element in page.elements:
        assert "style" not in element.attributes
        assert not [name for name in element.attributes if name.startswith("on")]
