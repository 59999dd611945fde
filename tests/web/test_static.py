"""Files from memory: in the form that a client takes, with a tag that it can ask by, and no part of Quart awake."""

import zlib

import httpx
import pytest

from quart_chat import assets
from quart_chat.web import static
from tests.people import Person

ROOT = assets.folder("static")
SHEET = f"/static/{assets.fingerprint(ROOT)}/css/base.css"
CONTENT = (ROOT / "css" / "base.css").read_bytes()

ACCEPTED: dict[str | None, str] = {
    None: "",
    "": "",
    "gzip": "gzip",
    "gzip, deflate, zstd": "gzip",
    "GZIP ;q=0.5": "gzip",
    "*": "gzip",
    "deflate": "",
    "gzip;q=0": "",
    "gzip; q=0.000, identity": "",
    "*;q=0": "",
    "*, gzip;q=0": "",
    "gzippy": "",
}
"""What a client says that it takes, and how the answer is encoded where brotli's package is missing."""

TAGS = {
    "{}": 304,
    "W/{}": 304,  # made weak by a server in front
    '"nothing", {}': 304,
    '"{bare}"': 304,
    '"{bare}-gzip"': 304,  # Apache adds this, and does not take it away again
    '"{bare};gzip"': 304,
    '"nothing"': 200,
    '"{bare}0"': 200,
    "": 200,
}
"""What a client knows, by our own tag and by what is within its quotation marks, and the status of the answer."""


async def raw(client: httpx.AsyncClient, path: str, **headers: str) -> tuple[httpx.Response, bytes]:
    """An answer, and its body as it came over the line."""
    async with client.stream(
        "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    ) as answer:
        return answer, b"".join([part async for part in answer.aiter_raw()])


async def test_file_comes_in_the_form_that_is_taken(bob: Person) -> None:
    wrong = []
    for accepted, expected in ACCEPTED.items():
        bob.client.headers["Accept-Encoding"] = accepted or ""
        if accepted is None:
            del bob.client.headers["Accept-Encoding"]
        answer, body = await raw(bob.client, SHEET)
        encoding = answer.headers.get("Content-Encoding", "")
        content = zlib.decompress(body, 31) if encoding == "gzip" else body
        seen = (
            encoding,
            content == CONTENT,
            answer.headers["Vary"],
            answer.headers["Content-Length"] == str(len(body)),
        )
        if seen != (expected, True, "accept-encoding", True):
            wrong.append(f"{accepted!r}: {seen}")
    assert not wrong


async def test_what_is_known_is_not_sent_again(bob: Person) -> None:
    first = await bob.client.get(SHEET, headers={"Accept-Encoding": "gzip"})
    tag = first.headers["ETag"]
    bare = tag.strip('"').removesuffix("-gzip")
    wrong = []
    for known, expected in TAGS.items():
        answer, body = await raw(bob.client, SHEET, if_none_match=known.format(tag, bare=bare), accept_encoding="gzip")
        same = all(answer.headers[name] == first.headers[name] for name in ("ETag", "Vary", "Cache-Control"))
        if (answer.status_code, same, bool(body)) != (expected, True, expected == 200):
            wrong.append(f"{known!r}: {answer.status_code}, {dict(answer.headers)}")
    assert not wrong
    plain = await bob.client.get(SHEET, headers={"Accept-Encoding": "identity"})
    assert plain.headers["ETag"] != tag, "two forms are two representations"


async def test_head_of_a_file_is_that_of_its_answer(bob: Person) -> None:
    for path in (SHEET, "/embed.js", SHEET.replace("css/base.css", "icon.svg")):
        got, head = await bob.client.get(path), await bob.client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert {**head.headers, "date": ""} == {**got.headers, "date": ""}, path


async def test_nothing_but_the_files_is_served(bob: Person) -> None:
    unknown = ("css/nothing.css", "", "css", "../pyproject.toml", "css/../../pyproject.toml", "%2e%2e/pyproject.toml")
    for name in unknown:
        path = f"/static/x/{name}"
        assert (await bob.client.get(path)).status_code == 404, name
    assert (await bob.client.post("/static/x/css/base.css")).status_code in (404, 405)


def test_brotli_goes_before_gzip_where_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static, "ENCODINGS", {b"br": lambda content: b"brotli", b"gzip": static.gzip})
    file = static.File.of("base.css", CONTENT)
    for accepted, encoding, tag in ((b"gzip, br", b"br", b"-br"), (b"gzip, br;q=0", b"gzip", b"-gzip")):
        status, headers, _ = file.answer([(b"accept-encoding", accepted)], [])
        said = dict(headers)
        assert (status, said[b"content-encoding"], said[b"etag"][21:-1]) == (200, encoding, tag)


def test_picture_is_sent_as_it_is() -> None:
    file = static.File.of("touch-icon.png", b"\x89PNG" + bytes(4096))
    _, headers, body = file.answer([(b"accept-encoding", b"gzip")], [])
    assert (dict(headers).get(b"vary"), dict(headers)[b"content-type"], len(body)) == (None, b"image/png", 4100)


async def test_rooms_and_their_history_are_compressed_and_nothing_else_of_quart_is(bob: Person, room: str) -> None:
    """What a form is answered with, or carries a ticket, holds words of others beside what is secret."""
    wrong = []
    asked: list[tuple[str, str, dict[str, str], str]] = [
        ("GET", f"/rooms/{room}", {}, "gzip"),
        ("HEAD", f"/rooms/{room}", {}, "gzip"),
        ("GET", f"/rooms/{room}?before=5", {}, "gzip"),
        ("GET", f"/embed/{room}?theme=dark", {}, "gzip"),
        ("POST", f"/rooms/{room}/messages", {"text": "", "name": "Bob"}, ""),
        ("POST", f"/embed/{room}/messages", {"text": "", "name": "Bob"}, ""),
        ("GET", f"/embed/{room}?theme=pink", {}, ""),
        ("GET", f"/rooms/{room}/poll", {}, ""),
        ("GET", f"/rooms/{room}/messages", {}, "gzip"),
        ("GET", "/", {}, "gzip"),
        ("POST", "/rooms", {"name": ""}, ""),
        ("GET", "/rooms/nowhere", {}, ""),
    ]
    for method, path, fields, expected in asked:
        answer = await bob.client.request(method, path, data=fields or None, headers={"Accept-Encoding": "gzip"})
        plain = await bob.client.request(method, path, data=fields or None, headers={"Accept-Encoding": "identity"})
        seen = answer.headers.get("Content-Encoding", "")
        varies = "Accept-Encoding" in plain.headers.get("Vary", "")
        if (seen, varies, "Content-Encoding" in plain.headers) != (expected, bool(expected), False):
            wrong.append(f"{method} {path}: {answer.status_code} {seen!r}, varies: {varies}")
    assert not wrong
