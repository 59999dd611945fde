"""What each address takes, from whom, and how it refuses. One that says nothing takes as little as can be."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from quart import Blueprint as QuartBlueprint
from quart import Quart

from quart_chat.app import create_app
from quart_chat.errors import BodyBroken, NotOwner
from quart_chat.http import context
from quart_chat.http.surfaces import FORM, FORM_LENGTH, PAGES, STRICTEST, Blueprint, Refusal, Surface, surface_of
from tests.people import client
from tests.serving import Server
from tests.streaming.servers import Hosted, hosted
from tests.streaming.wire import eventually, wire

OWN_PAGES = Surface(Refusal.PAGE)
WATCHERS = Surface(foreign=True)
HELD = Surface(held=True)

SURFACES = {
    "/": PAGES,
    "/rooms": PAGES,
    "/rooms/": PAGES,
    "/rooms/<slug>": PAGES,
    "/rooms/<slug>/share": PAGES,
    "/rooms/<slug>/qr.svg": PAGES,
    "/manifest.webmanifest": PAGES,
    "/apple-touch-icon.png": PAGES,
    "/rooms/<slug>/messages": PAGES,
    "/rooms/<slug>/messages/<number:message_id>": PAGES,
    "/rooms/<slug>/messages/<number:message_id>/source": STRICTEST,
    "/rooms/<slug>/messages/<number:message_id>/deletion": PAGES,
    "/rooms/<slug>/messages/<number:message_id>/confirmation": PAGES,
    "/rooms/<slug>/members/<number:user_id>/removal": PAGES,
    "/rooms/<slug>/members/<number:user_id>/confirmation": PAGES,
    "/rooms/<slug>/members/<number:user_id>/return": PAGES,
    "/rooms/<slug>/members/<number:user_id>/rank": PAGES,
    "/rooms/<slug>/members/<number:user_id>/rank/confirmation": PAGES,
    "/rooms/<slug>/members": OWN_PAGES,
    "/rooms/<slug>/identity": OWN_PAGES,
    "/me": PAGES,
    "/rooms/<slug>/embed": PAGES,
    "/embed/<slug>": PAGES,
    "/embed/<slug>/messages": PAGES,
    "/embed/<slug>/me": PAGES,
    "/oembed": PAGES,
    "/healthz": WATCHERS,
    "/readyz": WATCHERS,
    "/diagnose": PAGES,
    "/diagnose/echo": OWN_PAGES,
    "/diagnose/verdict": OWN_PAGES,
    "/diagnose/websocket": OWN_PAGES,
    "/diagnose/stream": HELD,
    "/diagnose/poll": HELD,
}
"""Every address of the app, and what is right for it."""

QUESTIONS = {
    "/rooms/<slug>/messages/<number:message_id>/deletion",
    "/rooms/<slug>/members/<number:user_id>/removal",
    "/rooms/<slug>/members/<number:user_id>/rank",
}
"""Where no other site leads anybody, though it could to what is done there."""

EVIL = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
FROM_EVIL = {"Sec-Fetch-Site": "cross-site"}

UPLOAD = Surface(programs=True, length=3 * FORM_LENGTH, kinds=("application/json", "image/png"))

quiet = Blueprint("quiet", __name__, url_prefix="/quiet")
of_quart = QuartBlueprint("of_quart", __name__, url_prefix="/of-quart")
uploads = Blueprint("uploads", __name__, UPLOAD, url_prefix="/uploads")


@quiet.get("")
@quiet.post("")
@of_quart.get("")
@of_quart.post("")
async def answer() -> str:
    return (await context.whole_body()).decode() or "answered"


@quiet.get("/refused")
@of_quart.get("/refused")
async def refuse() -> str:
    raise NotOwner


@uploads.post("")
async def count() -> dict[str, int]:
    lengths = [len(part) async for part in context.parts()]
    return {"length": sum(lengths), "parts": len(lengths)}


@uploads.post("/whole")
async def whole() -> str:
    return str(len(await context.whole_body()))


@uploads.post("/nobody")
async def nobody() -> str:
    raise NotOwner


def methods() -> Iterator[tuple[str, str]]:
    """Every address with every method."""
    for rule in create_app().url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule.rule, method


def path(rule: str, room: str) -> str:
    return rule.replace("<slug>", room).replace("<number:message_id>", "1").replace("<number:user_id>", "1")


def extend(app: Quart) -> None:
    for blueprint in (quiet, of_quart, uploads):
        app.register_blueprint(blueprint)


@pytest.fixture
async def extended(tmp_path: Path) -> AsyncIterator[Hosted]:
    """The app with blueprints that it does not have."""
    async with hosted(tmp_path, prepare=extend) as host:
        yield host


def right(rule: str, method: str) -> Surface:
    return OWN_PAGES if method == "GET" and rule in QUESTIONS else SURFACES[rule]


def test_every_address_has_its_surface() -> None:
    app = create_app()
    rules = list(app.url_map.iter_rules())
    assert {rule.rule for rule in rules} == set(SURFACES)
    wrong = [
        (rule.rule, method)
        for rule in rules
        for method in rule.methods or ()
        if method != "OPTIONS" and surface_of(app, rule.endpoint) != right(rule.rule, method.replace("HEAD", "GET"))
    ]
    assert not wrong


async def test_no_address_lets_itself_be_used_by_other_sites(server: Server, room: str) -> None:
    wrong = []
    async with client(server.url) as anybody:
        for rule, method in methods():
            for headers in (EVIL, FROM_EVIL) if method == "GET" else (EVIL, FROM_EVIL, {}):
                answer = await anybody.request(method, path(rule, room), headers=headers)
                refused = answer.status_code == 403 and answer.headers["Chat-Error"] == "origin_refused"
                # Without either header it is a program: it may read, and nothing here is for it to change.
                if refused != (method != "GET" or not right(rule, method).foreign):
                    wrong.append((method, rule, headers, answer.status_code))
    assert not wrong


async def test_who_is_led_to_a_question_reads_where_to_go(server: Server, room: str) -> None:
    async with client(server.url, **{"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}) as browser:
        for where in ("members", "members/1/removal", "members/1/rank", "messages/1/deletion"):
            for site, status in (("cross-site", 403), ("same-site", 403), ("none", 404), ("same-origin", 404)):
                answer = await browser.get(f"/rooms/{room}-none/{where}", headers={"Sec-Fetch-Site": site})
                assert answer.status_code == status, (where, site)
                assert ("Open the chat itself" in answer.text) is (status == 403)


async def test_every_address_refuses_in_its_form_what_it_does_not_take(server: Server, room: str) -> None:
    wrong = []
    bodies = {"application/json": b"{}", FORM: b"x" * (FORM_LENGTH + 1), "": b"x" * (FORM_LENGTH + 1)}
    async with client(server.url) as anybody:
        for rule, method in methods():
            surface = SURFACES[rule]
            for kind, body in bodies.items() if method != "GET" else ():
                # A connection on which a body was not taken is over.
                headers = {"Origin": server.url, "Connection": "close"} | ({"Content-Type": kind} if kind else {})
                answer = await anybody.request(method, path(rule, room), headers=headers, content=body)
                status = 413 if (kind or FORM) in surface.kinds else 415
                page = "text/html" in answer.headers["Content-Type"]
                if (answer.status_code, page) != (status, surface.refusal is Refusal.PAGE):
                    wrong.append((method, rule, kind, answer.status_code, page))
    assert not wrong


async def test_blueprint_that_says_nothing_takes_the_least(extended: Hosted) -> None:
    own = {"Origin": extended.url}
    form = {**own, "Content-Type": FORM}
    rows: list[tuple[str, str, dict[str, str], bytes | AsyncIterator[bytes], int]] = [
        ("GET", "", {}, b"", 200),
        ("GET", "", own, b"", 200),
        ("GET", "", EVIL, b"", 403),
        ("GET", "", FROM_EVIL, b"", 403),
        ("GET", "", {"Sec-Fetch-Site": "none"}, b"", 200),
        ("POST", "", {}, b"", 403),
        ("POST", "", FROM_EVIL, b"", 403),
        ("POST", "", own, b"", 200),
        ("POST", "", form, b"text=x", 415),
        ("POST", "", {**own, "Content-Type": "application/json"}, b"{}", 415),
        ("POST", "", own, b"text=x", 415),
        ("POST", "", own, b"x" * 2 * FORM_LENGTH, 415),
        ("GET", "/refused", {"HX-Request": "true"}, b"", 403),
        ("GET", "/nothing", {"Sec-Fetch-Dest": "document"}, b"", 404),
        ("PUT", "", own, b"", 405),
    ]
    wrong = []
    async with client(extended.url) as anybody:
        for blueprint in ("/quiet", "/of-quart"):
            for method, below, headers, body, status in rows:
                answer = await anybody.request(method, blueprint + below, headers=headers, content=body)
                # Below a prefix that is only Quart's, nobody knows how to say that there is nothing.
                as_text = status in (404, 405) and blueprint == "/of-quart"
                if answer.status_code != status or ("text/html" in answer.headers["Content-Type"]) != (
                    as_text or status == 200
                ):
                    wrong.append((blueprint, method, below, headers, answer.status_code, answer.headers))
    assert not wrong


async def test_blueprint_for_programs_takes_what_it_says(extended: Hosted) -> None:
    async def pieces(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b"x" * (FORM_LENGTH // 2)

    json = {"Content-Type": "application/json"}
    async with client(extended.url) as program:

        async def send(where: str = "", length: int | AsyncIterator[bytes] = 2, **headers: str) -> httpx.Response:
            content = b"x" * length if isinstance(length, int) else length
            return await program.post(f"/uploads{where}", content=content, headers=json | headers)

        small, large, streamed = await send(), await send(length=3 * FORM_LENGTH), await send(length=pieces(6))
        assert [each.json()["length"] for each in (small, large, streamed)] == [2, 3 * FORM_LENGTH, 3 * FORM_LENGTH]
        assert small.json()["parts"] == 1
        assert large.json()["parts"] > 1
        refused = {
            "too large": (await send(length=3 * FORM_LENGTH + 1), "too_large"),
            "too large, in parts": (await send(length=pieces(7)), "too_large"),
            "too large to be whole": (await send("/whole", 2 * FORM_LENGTH), "too_large"),
            "in parts, too large to be whole": (await send("/whole", pieces(3)), "too_large"),
            "another kind": (await send(**{"Content-Type": "text/plain"}), "body_unsupported"),
            "a form": (await send(**{"Content-Type": FORM}), "body_unsupported"),
            "a page of another site": (await send(**EVIL), "origin_refused"),
            "no address of it": (await send("/elsewhere"), "not_found"),
        }
    wrong = {what: answer for what, (answer, code) in refused.items() if answer.headers.get("Chat-Error") != code}
    assert not wrong
    assert not {what for what, (answer, _) in refused.items() if "text/html" in answer.headers["Content-Type"]}


async def test_large_body_is_refused_before_it_comes(extended: Hosted) -> None:
    """Where the route knows better who may send, or more is said to come than it takes."""
    for where, length, status in (("/nobody", 3 * FORM_LENGTH, 403), ("", 3 * FORM_LENGTH + 1, 413)):
        head = f"POST /uploads{where} HTTP/1.1\r\nHost: {extended.bind}\r\nContent-Type: image/png\r\n"
        async with wire(extended.bind) as connection:
            await connection.send(head.encode() + b"Content-Length: %d\r\n\r\nx" % length)
            await connection.read_until(lambda at: b"\r\n\r\n" in at.received)
            assert connection.head.startswith(f"HTTP/1.1 {status}")


async def test_body_that_breaks_off_is_no_body(extended: Hosted) -> None:
    """Nobody can be answered; what counts is that the route does not take the beginning for the whole."""
    seen, ended = [], []

    async def watch() -> None:
        try:
            async for part in context.parts():
                seen.append(part)
            ended.append("whole")
        except BodyBroken:
            ended.append("broken")
            raise

    extended.app.view_functions["uploads.count"] = watch
    head = f"POST /uploads HTTP/1.1\r\nHost: {extended.bind}\r\nContent-Type: image/png\r\n"
    async with wire(extended.bind) as connection:
        await connection.send(head.encode() + b"Content-Length: %d\r\n\r\nbegun" % (3 * FORM_LENGTH))
        await eventually(lambda: b"".join(seen) == b"begun")
    await eventually(lambda: bool(ended))
    assert ended == ["broken"]
