"""An embed from an address alone, as https://oembed.com/ has it."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from quart_chat.domain import embeds
from quart_chat.domain.actors import CONSOLE
from tests.embeds import beside
from tests.people import Person, client
from tests.serving import Server
from tests.web.page import Page


@pytest.fixture
async def consumer(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A program that says nothing about itself."""
    async with client(server.url) as program:
        yield program


async def asked(consumer: httpx.AsyncClient, room: str, **query: str) -> dict[str, Any]:
    answer = await consumer.get("/oembed", params={"url": f"{consumer.base_url}/rooms/{room}"} | query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def iframe(found: dict[str, Any]) -> dict[str, str | None]:
    (element,) = Page(found["html"]).elements
    assert element.tag == "iframe"
    return element.attributes


async def test_answer_has_what_the_specification_wants(consumer: httpx.AsyncClient, room: str, server: Server) -> None:
    answer = await consumer.get("/oembed", params={"url": f"{server.url}/rooms/{room}"})
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "public" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers
    found = answer.json()
    assert (found["version"], found["type"], found["title"]) == ("1.0", "rich", room)
    assert (found["width"], found["height"]) == (640, 480)
    assert found["provider_url"] == f"{server.url}/"
    shown = iframe(found)
    assert shown["src"] == f"{server.url}/embed/{room}"
    assert (shown["width"], shown["height"]) == ("640", "480")
    assert shown["title"] == f"Chat: {room}"
    assert shown["referrerpolicy"] == "origin"
    assert "allow-top-navigation" not in (shown["sandbox"] or "")


@pytest.mark.parametrize("path", ["rooms/{room}", "rooms/{room}/", "embed/{room}", "rooms/{room}?before=1#message-1"])
async def test_every_address_of_a_room_is_one(
    consumer: httpx.AsyncClient, room: str, server: Server, path: str
) -> None:
    found = await asked(consumer, room, url=f"{server.url}/{path.format(room=room)}")
    assert iframe(found)["src"] == f"{server.url}/embed/{room}"


@pytest.mark.parametrize(
    ("limits", "size"),
    [
        ({"maxwidth": "300"}, (300, 480)),
        ({"maxheight": "200"}, (640, 200)),
        ({"maxwidth": "300", "maxheight": "200"}, (300, 200)),
        ({"maxwidth": "5000", "maxheight": "5000"}, (640, 480)),
        ({"maxwidth": "-1", "maxheight": "x"}, (640, 480)),
        ({"maxwidth": "", "maxheight": "1e2"}, (640, 480)),
        ({"maxwidth": '1" onload="alert(1)'}, (640, 480)),
        ({"maxwidth": "9" * 30}, (640, 480)),
    ],
)
async def test_embed_is_no_larger_than_asked_for(
    consumer: httpx.AsyncClient, room: str, limits: dict[str, str], size: tuple[int, int]
) -> None:
    found = await asked(consumer, room, **limits)
    assert (found["width"], found["height"]) == size
    assert (iframe(found)["width"], iframe(found)["height"]) == tuple(map(str, size))
    assert "onload" not in iframe(found)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "{own}",
        "{own}/",
        "{own}/rooms",
        "{own}/rooms/",
        "{own}/rooms/nowhere",
        "{own}/rooms/{room}/embed",
        "{own}/rooms/../rooms/{room}",
        "{own}/static/{room}",
        "{own}.evil.example/rooms/{room}",
        "https://evil.example/rooms/{room}",
        "https://evil.example/{own}/rooms/{room}",
        "http://user@{bind}/rooms/{room}",
        "https://{bind}/rooms/{room}",
        "//{bind}/rooms/{room}",
        "/rooms/{room}",
        "http://[/rooms/{room}",
        "javascript:alert(1)",
    ],
)
async def test_what_is_no_address_of_a_room_is_not_found(
    consumer: httpx.AsyncClient, room: str, server: Server, url: str
) -> None:
    url = url.format(own=server.url, bind=server.bind, room=room)
    answer = await consumer.get("/oembed", params={"url": url})
    assert (answer.status_code, answer.headers["Chat-Error"]) == (404, "room_not_found")
    assert (await consumer.get("/oembed")).status_code == 404


async def test_room_that_no_site_may_show_is_refused(consumer: httpx.AsyncClient, room: str, server: Server) -> None:
    async with beside(server) as chat:
        await embeds.clear(chat, room, CONSOLE)
    answer = await consumer.get("/oembed", params={"url": f"{server.url}/rooms/{room}"})
    assert (answer.status_code, answer.headers["Chat-Error"]) == (401, "embed_forbidden")
    other = {"url": "http://192.0.2.7/rooms/lobby"}
    answer = await consumer.get("/oembed", params=other, headers={"Host": "192.0.2.7"})
    assert answer.status_code == 401, "this machine is let in under its own name alone"
    async with beside(server) as chat:
        await embeds.change(chat, room, CONSOLE, add=["https://www.example.org"])
    await asked(consumer, room)


@pytest.mark.parametrize("form", ["xml", "XML", "html", "json,xml"])
async def test_there_is_only_json(consumer: httpx.AsyncClient, room: str, server: Server, form: str) -> None:
    answer = await consumer.get("/oembed", params={"url": f"{server.url}/rooms/{room}", "format": form})
    assert (answer.status_code, answer.headers["Chat-Error"]) == (501, "format_unsupported")
    assert (await asked(consumer, room, format="json"))["version"] == "1.0"


async def test_name_of_a_room_is_text(consumer: httpx.AsyncClient, alice: Person, room: str) -> None:
    name = "<img src=x onerror=\"alert('1')\">&amp;"
    slug = f"x-{room}"
    assert (await alice.send("/rooms", name=name, slug=slug)).status_code == 303
    found = await asked(consumer, slug)
    assert found["title"] == name
    assert iframe(found)["title"] == f"Chat: {name}"


async def test_room_says_where_its_embed_is_described(consumer: httpx.AsyncClient, room: str) -> None:
    (link,) = Page((await consumer.get(f"/rooms/{room}")).text).all("link", type="application/json+oembed")
    answer = await consumer.get(link.attributes["href"] or "")
    assert answer.json()["title"] == room
