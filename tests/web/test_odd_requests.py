"""Whatever is asked for, in whichever bytes: an answer that says what is wrong, and never a fault of the server."""

import asyncio
import itertools
import re
from collections.abc import Iterator

import pytest

from quart_chat.app import create_app
from quart_chat.config import Config
from tests.serving import Server
from tests.web.raw import ask

ODD = [
    b"a%0d%0aSet-Cookie:%20a=b", b"%00", b"x" * 300, b"%ff%fe", b"%0a", b"a%00b", b"%ed%a0%80", b"%c0%ae%c0%ae", b"..",
    b"%2e%2e%2f%2e%2e%2fetc%2fpasswd", b"%1b[31m", b"%e2%80%ae", b"%e2%80%a8", b"%", b"%zz", b"%u0000", b"'\"<script>",
    b"x" * 300, b"y" * 9000, b"9" * 5000, b"-1", b"%f0%9f%92%a9", b"a;b", b"\\..\\", b"nan", b"http://[",
    b"LOBBY%0d%0aX:%20y", b"Lobby%0a", b"lobby%00", b"LOBBY%2f..%2f%2fevil.example", b"lobby/%0d%0a",
    b"%ef%bc%ac%ef%bc%afBBY", b"//evil.example",
]  # fmt: skip
"""What stands in a path or in a query where something else was expected."""

Asked = tuple[bytes, bytes, tuple[bytes, ...], bytes]
"""Method, target, headers, body."""

HEADERS = (
    "Origin Referer Cookie Authorization Chat-Host Chat-Token Sec-Fetch-Site Sec-Fetch-Dest X-Forwarded-For "
    "X-Forwarded-Proto Forwarded Last-Event-ID Content-Type Content-Length Range If-Modified-Since If-None-Match "
    "Accept Accept-Encoding Accept-Language HX-Request Expect Transfer-Encoding Upgrade"
)

IN_HEADERS = [
    b"\xff\xfe", b"\xed\xa0\x80", b"", b"x" * 6000, b"http://[", b"http://a:\xb2", b'"\\377"', b"a=b; ;=;\xff=\xff",
    b"Bearer \xff.\xff.\xff", b"guest.\xff", b"a.b.c", b"Basic x", b"bytes=99999999999999999999-", b"bytes=a-b",
    b"x.99999999999999999999", b"Thu, 99 Foo 99999 99:99:99", b'a/b; c="', b"multipart/form-data; boundary=\xff",
    b"gzip;q=x", b"-1", b"null, null",
]  # fmt: skip

QUERIES = (
    "/?{} /rooms/lobby?message={} /rooms/lobby?before={} /rooms/lobby?refresh={} /rooms/lobby/poll?wait=0&after={} "
    "/rooms/lobby/poll?wait={} /rooms/lobby/messages?before={} /rooms/lobby/embed?theme={}&accent={}&saved={} "
    "/embed/lobby?host={}&theme={}&accent={}&locale={}&compact={} /embed/lobby?message={} /embed/lobby?before={} "
    "/oembed?url={}&maxwidth={} /oembed?url=http://HOST/rooms/{} /oembed?format={} /diagnose?idle={} "
    "/diagnose/poll?wait={} /diagnose/verdict?measurement={} /diagnose/verdict?measurement=[{}]"
)

BODIES = [
    b"text=%00&name=%ff", b"text=a&name=%ed%a0%80&key=%0d%0a", b"\xff\xfe", b"&&==", b"ticket=%00",
    b"token=%ff&host=%00", b"origins=%00%0d%0a&name=%e2%80%ae", b"a=" * 50,
]  # fmt: skip


def addresses() -> list[tuple[bytes, frozenset[str]]]:
    """Every address that there is, with places in it, and the methods that it has. What is asked with them and finds
    something is held open: those are not among them."""
    rules = create_app(Config()).url_map.iter_rules()
    files = [(b"/static/{}/css/embed.css", frozenset({"GET"})), (b"/static/x/{}", frozenset({"GET"}))]
    return files + [
        (re.sub("<[^>]*>", "{}", rule.rule).encode(), frozenset(rule.methods or ()))
        for rule in rules
        if rule.rule != "/diagnose/stream"
    ]


def requests(host: bytes, odds: list[bytes], in_headers: list[bytes]) -> Iterator[Asked]:
    page, own = (b"Sec-Fetch-Dest: document",), (b"Sec-Fetch-Site: same-origin",)
    for (path, methods), odd in itertools.product(addresses(), odds):
        if b"{}" in path:
            target = path.replace(b"{}", odd)
            yield b"GET", target, page, b""
            if path.count(b"/") == 2:
                yield b"GET", target + b"?message=1", (), b""
                yield b"GET", target + b"?before=1", (), b""
            if "POST" in methods:
                yield b"POST", target, own, b"text=a&name=b"
    for path, odd in itertools.product(QUERIES.split(), odds):
        yield b"GET", path.encode().replace(b"HOST", host).replace(b"{}", odd), (), b""
    for name, odd in itertools.product(HEADERS.split(), in_headers):
        for path in (
            b"/rooms/lobby",
            b"/embed/lobby",
            b"/rooms/lobby/identity",
            b"/embed.js",
            b"/static/x/css/embed.css",
        ):
            yield b"GET", path, (name.encode() + b": " + odd,), b""
    for (path, methods), body in itertools.product(addresses(), BODIES[: len(odds)]):
        if "POST" in methods:
            yield b"POST", path.replace(b"{}", b"1"), own, body
    for method in (b"HEAD", b"PATCH", b"CONNECT", b"TRACE", b"get", b"!" * 50)[: len(odds)]:
        for target in (b"/", b"/rooms/lobby", b"*", b"?x", b"http://["):
            yield method, target, (), b""


async def faults(server: Server, asked: Iterator[Asked]) -> list[tuple[bytes, ...]]:
    """What was answered as if the server had failed, or was led elsewhere than into the lobby. (501 is what is asked of
    it that it does not have: another format or transfer encoding.)"""
    found: list[tuple[bytes, ...]] = []
    turn = asyncio.Semaphore(8)

    async def check(method: bytes, target: bytes, headers: tuple[bytes, ...], body: bytes) -> None:
        async with turn:
            answer = await ask(server, target, *headers, host=server.bind.encode(), method=method, body=body)
        status = answer.partition(b"\r\n")[0]
        location = re.search(rb"(?i)\nlocation: (.*)\r", answer.partition(b"\r\n\r\n")[0])
        ours = location is None or re.fullmatch(rb"/|/(rooms|embed)/lobby[^\\\r\n]*", location[1])
        if not re.match(rb"HTTP/1.1 ([234]|501)", status) or not ours or b"\nset-cookie: a=b" in answer.lower():
            found.append((method, target[:60], *headers, answer[:100]))

    async with asyncio.TaskGroup() as tasks:
        for request in asked:
            tasks.create_task(check(*request))
    return found


@pytest.mark.parametrize("few", [True, pytest.param(False, marks=pytest.mark.long)])
async def test_no_request_makes_the_server_fail(server: Server, few: bool) -> None:
    odds, in_headers = (ODD[:4], IN_HEADERS[:1]) if few else (ODD, IN_HEADERS)
    assert not await faults(server, requests(server.bind.encode(), odds, in_headers))
    assert "Traceback" not in server.log
    assert "request failed" not in server.log
