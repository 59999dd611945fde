"""What is said with every answer, so that a browser does no more than this site wants."""

import asyncio
import re

import httpx
import pytest
from h2.connection import H2Connection

from tests.connections import connected
from tests.people import Person
from tests.serving import Server
from tests.web.page import Page

ANSWERS = {
    "list": ("GET", "/", {}, 200),
    "room": ("GET", "/rooms/{room}", {}, 200),
    "fragment": ("GET", "/rooms/{room}/messages", {}, 200),
    "poll": ("GET", "/rooms/{room}/poll", {}, 200),
    "stream": ("HEAD", "/rooms/{room}/stream", {}, 200),
    "static": ("GET", "{static}/icon.svg", {}, 200),
    "health": ("GET", "/healthz", {}, 200),
    "ready": ("GET", "/readyz", {}, 200),
    "posted": ("POST", "/rooms/{room}/messages", {"text": "hello", "name": "Ana"}, 303),
    "refused": ("POST", "/rooms/{room}/messages", {"text": ""}, 422),
    "no page": ("GET", "/nowhere", {}, 404),
    "no room": ("GET", "/rooms/nowhere", {}, 404),
    "no file": ("GET", "/static/x/nothing.css", {}, 404),
    "no method": ("PUT", "/rooms/{room}", {}, 405),
    "no parent": ("GET", "/static/x/..%2f..%2fpyproject.toml", {}, 404),
}

PAGES = {"list", "room", "refused", "no page", "no room", "no file", "no method", "no parent"}
"""Those of them that are pages, and need scripts and styles."""


async def ask(person: Person, room: str, method: str, path: str, fields: dict[str, str]) -> httpx.Response:
    static = re.search(r'href="(/static/\w+)/icon.svg"', (await person.client.get("/")).text)
    assert static
    return await person.client.request(method, path.format(room=room, static=static[1]), data=fields or None)


def nonce(answer: httpx.Response) -> str:
    found = re.findall(r"'nonce-([\w-]+)'", answer.headers["Content-Security-Policy"])
    assert len(set(found)) == 1
    return str(found[0])


@pytest.mark.parametrize("kind", ANSWERS)
async def test_every_answer_carries_the_policies(alice: Person, room: str, kind: str) -> None:
    method, path, fields, status = ANSWERS[kind]
    answer = await ask(alice, room, method, path, fields)
    assert answer.status_code == status
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    for directive in ("frame-ancestors 'none'", "base-uri 'none'"):
        assert directive in policy
    if kind in PAGES:
        assert len(nonce(answer)) >= 22, "128 bits"
        assert "form-action 'self'" in policy
        assert "connect-src 'self'" in policy
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert "camera=()" in answer.headers["Permissions-Policy"]
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    else:
        assert "nonce" not in policy
        assert "'self'" not in policy, "nothing in it is to be run or fetched"
    assert "unsafe" not in policy
    # Pages of the same machine are let in while there is no list; nothing else has a wildcard.
    assert all(source.partition("://")[2].split(":")[0] not in ("", "*") for source in policy.split() if "*" in source)
    assert "data:" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "server" not in answer.headers
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_open_stream_carries_the_policies(bob: Person, room: str) -> None:
    async with bob.listen(room=room) as stream:
        assert "default-src 'none'" in stream.response.headers["Content-Security-Policy"]
        assert stream.response.headers["X-Content-Type-Options"] == "nosniff"


async def test_nonce_is_new_each_time(bob: Person, room: str) -> None:
    answers = [await bob.client.get(f"/rooms/{room}") for _ in range(10)]
    assert len({nonce(answer) for answer in answers}) == 10


@pytest.mark.parametrize("path", ["/", "/rooms/{room}", "/rooms/{room}/messages/{message}", "/nowhere"])
async def test_page_has_nothing_that_its_policy_forbids(alice: Person, room: str, path: str) -> None:
    posted = await alice.post_message("hello https://example.org", room=room)
    answer = await alice.client.get(path.format(room=room, message=posted.message_id))
    page = Page(answer.text)
    active = page.all("script") + page.all("style") + page.all("link", rel="stylesheet")
    assert active
    assert {element.attributes.get("nonce") for element in active} == {nonce(answer)}
    for element in page.elements:
        assert "style" not in element.attributes, "inline styles need 'unsafe-inline'"
        assert not [name for name in element.attributes if name.startswith("on")], "and so do inline handlers"
        assert not (element.attributes.get("href") or "").lower().startswith("javascript:")


async def test_fragments_carry_no_nonce(alice: Person, room: str) -> None:
    """They are the same for every viewer, and a nonce that others know protects nobody."""
    await alice.post_message("hello", room=room)
    for path in ("messages", "poll"):
        answer = await alice.client.get(f"/rooms/{room}/{path}")
        assert "nonce" not in answer.text


async def test_scripts_of_others_are_checked_by_their_hash(bob: Person, room: str) -> None:
    foreign = [
        script
        for script in Page((await bob.client.get(f"/rooms/{room}")).text).all("script")
        if "//" in (script.attributes.get("src") or "")
    ]
    assert foreign
    for script in foreign:
        assert (script.attributes["integrity"] or "").startswith("sha384-")
        assert script.attributes["crossorigin"] == "anonymous"


@pytest.mark.parametrize("path", ["/", "/rooms/{room}", "/rooms/{room}/messages"])
async def test_pages_are_kept_by_no_cache_in_between(bob: Person, room: str, path: str) -> None:
    cached = (await bob.client.get(path.format(room=room))).headers["Cache-Control"]
    assert "private" in cached or "no-store" in cached


async def test_static_files_are_kept_for_ever_under_their_own_address(server: Server, bob: Person) -> None:
    icon = Page((await bob.client.get("/")).text).all("link", rel="icon")[0].attributes["href"]
    assert icon
    current = await bob.client.get(icon)
    assert "immutable" in current.headers["Cache-Control"]
    assert "no-cache" in (await bob.client.get("/static/old/icon.svg")).headers["Cache-Control"]


async def test_http_2_is_refused(server: Server) -> None:
    """The preface of RFC 9113, 3.4, as a proxy that speaks h2c sends it: answered in HTTP/1.1, and cut."""
    client = H2Connection()
    client.initiate_connection()
    async with connected(*server.bind.split(":")) as (reader, writer), asyncio.timeout(10):
        writer.write(client.data_to_send())
        answer = await reader.read()
    assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")), answer
