"""The network check: what it answers with, to whom, and how much of it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path

import pytest
import pytest_asyncio

from quart_chat.http.allowance import BURST, HELD
from quart_chat.http.held import STREAM_HEADERS
from tests.diagnose.test_verdict import AT_ONCE, FLAWLESS
from tests.people import Person, client
from tests.serving import Server, serving
from tests.streaming.wire import wire
from tests.web.page import Page


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def limited(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with serving(tmp_path_factory.mktemp("limited")) as running:
        yield running


def handshake(server: Server, *lines: str, path: str = "/diagnose/websocket") -> bytes:
    key = base64.b64encode(bytes(16)).decode()
    head = [f"GET {path} HTTP/1.1", f"Host: {server.bind}", "Connection: Upgrade", "Upgrade: websocket", *lines]
    head += ["Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}"]
    return "\r\n".join([*head, "", ""]).encode()


HELLO = bytes([0x81, 0x80 | 5, 0, 0, 0, 0]) + b"hello"
"""A text, masked with zeros."""


async def test_page_explains_itself_without_a_script(server: Server, alice: Person) -> None:
    page = Page((await alice.client.get("/diagnose")).text)
    assert "needs JavaScript" in page.by_id("unscripted").text
    assert page.all("code")[0].text == f"quart-chat diagnose {server.url}"
    assert "hidden" in page.by_id("measure").attributes
    waits = [element.attributes.get("value") for element in page.all("input", name="idle")]
    assert waits == ["20", "60", "120"]


async def test_stream_comes_at_its_times_with_the_headers_it_names(alice: Person) -> None:
    loop = asyncio.get_running_loop()
    whole, came = b"", []
    async with alice.client.stream("GET", "/diagnose/stream") as response:
        async for chunk in response.aiter_bytes():
            came += [loop.time()] * chunk.count(b"event: paced")
            whole += chunk
            if len(came) == 2:
                break
    assert len(whole.split(b"\n\n")[0]) > 4096, "scanners hold the first 4 KiB back"
    first, second = [json.loads(line[6:]) for line in whole.splitlines() if line.startswith(b"data: ")]
    assert (first["sent"], first["events"], round(second["sent"])) == (0, 6, 1)
    assert came[1] - came[0] > 0.5, "not both at once"
    assert dict(first["headers"]) == {
        name: response.headers[name] for name in response.headers if name not in ("date", "transfer-encoding")
    }
    assert {name.lower(): value for name, value in STREAM_HEADERS.items()}.items() <= dict(first["headers"]).items()


async def test_silent_stream_speaks_before_and_after(alice: Person) -> None:
    answer = await alice.client.get("/diagnose/stream?idle=0.3")
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert answer.elapsed.total_seconds() >= 0.3
    assert [line for line in answer.text.splitlines() if line.startswith("event")] == [
        "event: silence",
        "event: spoken",
    ]


async def test_held_answer_is_whole_and_late(alice: Person) -> None:
    answer = await alice.client.get("/diagnose/poll?wait=0.3")
    assert answer.elapsed.total_seconds() >= 0.3
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["stream?idle=121", "stream?idle=-1", "stream?idle=nan", "stream?idle=x", "poll?wait=26", "poll?wait=inf"]
)
async def test_what_would_be_held_too_long_is_refused(alice: Person, path: str) -> None:
    answer = await alice.client.get(f"/diagnose/{path}")
    assert (answer.status_code, answer.headers["Chat-Error"]) == (422, "invalid")
    assert answer.headers["Content-Type"].startswith("text/plain"), "never HTML where a stream was asked for"


async def test_echo_tells_what_came_and_no_secrets(server: Server) -> None:
    headers = {
        "Cookie": "quart_chat=s3cret", "Authorization": "Bearer s3cret", "Proxy-Authorization": "Basic s3cret",
        "X-Session-Token": "s3cret", "Via": "1.1 office", "X-Forwarded-For": "10.0.0.7",
    }  # fmt: skip
    async with client(server.url, **headers) as visitor:
        answer = await visitor.get("/diagnose/echo")
    assert "s3cret" not in answer.text
    told = answer.json()
    assert (told["http"], told["address"], told["heartbeat"]) == ("1.1", "127.0.0.1", 15)
    assert ["via", "1.1 office"] in told["request"]
    assert [name for name, _ in told["added"]] == ["x-session-token", "via", "x-forwarded-for"]
    for name, value in told["response"]:
        assert answer.headers[name] == value


async def test_verdict_is_a_fragment_of_findings(alice: Person) -> None:
    measured = asdict(FLAWLESS) | {"times": AT_ONCE, "title": "<script>alert(1)</script>"}
    answer = await alice.client.get("/diagnose/verdict", params={"measurement": json.dumps(measured)})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    page = Page(answer.text)
    assert not page.all("script")
    states = {element.attributes["data-key"]: element.attributes["data-state"] for element in page.by_class("finding")}
    assert len(states) == 9
    assert (states["spacing"], states["polling"]) == ("bad", "good")
    assert "by polling instead" in page.by_id("summary").text
    assert " BAD  One by one" in page.by_id("report").text


@pytest.mark.parametrize("given", ["", "[]", '{"status": "x"}', "x" * 13000])
async def test_verdict_on_nothing_is_refused(alice: Person, given: str) -> None:
    answer = await alice.client.get("/diagnose/verdict", params={"measurement": given})
    assert (answer.status_code, answer.headers["Chat-Error"]) == (422, "invalid")


async def test_verdict_is_no_page_that_a_link_could_lead_to(server: Server) -> None:
    async with client(server.url, **{"Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none"}) as visitor:
        assert (await visitor.get("/diagnose/verdict?measurement={}")).status_code == 404


@pytest.mark.parametrize("path", ["stream", "poll", "echo", "verdict?measurement={}"])
@pytest.mark.parametrize(
    "header", [("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site"), ("Origin", "null")]
)
async def test_other_sites_may_not_ask(server: Server, path: str, header: tuple[str, str]) -> None:
    async with client(server.url, **dict([header])) as visitor:
        answer = await visitor.get(f"/diagnose/{path}")
    assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "origin_refused")


@pytest.mark.parametrize("lines", [(), ("Origin: http://{bind}",)], ids=["program", "own page"])
async def test_websocket_answers_once_and_closes(server: Server, lines: tuple[str, ...]) -> None:
    async with wire(server.bind) as connection:
        await connection.send(handshake(server, *(line.format(bind=server.bind) for line in lines)))
        await connection.read_until(lambda at: b"\r\n\r\n" in at.received)
        assert connection.head.startswith("HTTP/1.1 101")
        await connection.send(HELLO)
        await connection.read_until(lambda at: at.received.endswith(b"\x88\x02\x03\xe8"))
        assert b"\x81\x0aquart-chat" in connection.received
        await connection.send(bytes([0x88, 0x82, 0, 0, 0, 0, 3, 0xE8]))
        while await connection.read():
            pass


async def test_websocket_of_another_site_is_closed_without_an_answer(server: Server) -> None:
    async with wire(server.bind) as connection:
        await connection.send(handshake(server, "Origin: https://evil.example"))
        await connection.read_until(lambda at: at.received.endswith(b"\x88\x02\x03\xf0"))
        assert b"quart-chat" not in connection.received


@pytest.mark.parametrize("path", ["/", "/rooms/lobby/stream", "/nowhere"])
async def test_there_are_no_other_websockets(server: Server, path: str) -> None:
    async with wire(server.bind) as connection:
        await connection.send(handshake(server, path=path))
        await connection.read_until(lambda at: b"\r\n\r\n" in at.received)
        assert connection.head.startswith("HTTP/1.1 403")
    assert "Traceback" not in server.log


async def test_handshake_without_its_upgrade_is_told_apart(alice: Person) -> None:
    assert (await alice.client.get("/diagnose/websocket")).status_code == 426


async def test_one_address_may_not_hold_everything_and_gets_its_places_back(limited: Server) -> None:
    async with client(limited.url) as greedy, client(limited.url, "127.0.2.1") as neighbour:
        async with AsyncExitStack() as leaving:
            for _ in range(HELD):
                connection = await leaving.enter_async_context(wire(limited.bind))
                await connection.request("/diagnose/stream?idle=60")
                await connection.read_until(lambda at: at.has("silence"))
            for path in ("stream", "poll"):
                refused = await greedy.get(f"/diagnose/{path}")
                assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
            assert (await neighbour.get("/diagnose/poll")).status_code == 200
        async with asyncio.timeout(20):
            while (await greedy.get("/diagnose/poll")).status_code == 429:
                await asyncio.sleep(0.02)


async def test_asking_without_end_is_refused(limited: Server) -> None:
    async with client(limited.url, "127.0.2.3") as mallory, client(limited.url, "127.0.2.4") as neighbour:
        statuses = [(await mallory.get("/diagnose/echo")).status_code for _ in range(BURST + 60)]
        assert (statuses[0], statuses[BURST - 1]) == (200, 200)
        assert 429 in statuses
        assert (await neighbour.get("/diagnose/echo")).status_code == 200


async def test_held_answers_end_when_the_server_stops(tmp_path: Path) -> None:
    async with serving(tmp_path, limits="off") as stopping:
        async with wire(stopping.bind) as stream, wire(stopping.bind) as poll, wire(stopping.bind) as socket:
            await stream.request("/diagnose/stream?idle=60")
            await poll.request("/diagnose/poll?wait=25")
            await socket.send(handshake(stopping))
            await stream.read_until(lambda at: at.has("silence"))
            await socket.read_until(lambda at: b"101" in at.received)
            assert await stopping.stop() == 0
            await stream.read_to_the_end()
            assert stream.ended, "not cut off"
            await poll.read_until(lambda at: b"event: silence" in at.received)
            assert poll.head.startswith("HTTP/1.1 200")
            await socket.read_until(lambda at: at.received.endswith(b"\x88\x02\x03\xe8"))
        assert "Traceback" not in stopping.log
