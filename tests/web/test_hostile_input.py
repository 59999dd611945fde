"""What one request may cost: every address and every field, with as much of the worst as fits in."""

import secrets
import sys
import threading
import unicodedata
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any
from urllib.parse import quote

import pytest
from quart import Quart

from quart_chat import sites
from quart_chat.app import create_app
from quart_chat.config import Config
from quart_chat.http.surfaces import FORM_LENGTH
from quart_chat.web import streams

LINE = 15_000
"""Characters of an address or a header: servers take 16 KiB of all of them."""

NORMALISED = 1_000
"""Characters that may be normalised for one request: a few names, which are up to 160."""

CALLS = 60_000
"""Calls of Python's functions for one request: as many as a page of a room and a look at each character of a text."""

WORST = {
    "accents": "a" + "\u0315\u0300\u0327" * 30_000,
    "ligatures": "\ufdfa" * 30_000,
    "full width": "ａ" * 30_000,
    "sites of accents": "https://" + "\u0315\u0300\u0327" * 30_000,
    "sites": "https://ü.example " * 8_000,
    "labels": "https://" + "ü." * 40_000,
    "digits": "9" * 120_000,
    "brackets": "[" * 120_000,
    "lines": "\n" * 120_000,
    "blanks": "\u00a0" * 60_000,
    "links": "http://a.b/ " * 10_000,
    "half links": "http://[" * 12_000,
}

FORMS = {
    "/rooms": ("name", "owner", "slug", "key"),
    "/rooms/lobby/messages": ("text", "name", "key", "user"),
    "/rooms/lobby/messages/1": ("text",),
    "/rooms/lobby/messages/1/deletion": ("ticket",),
    "/rooms/lobby/messages/1/confirmation": ("token", "host"),
    "/embed/lobby/messages": ("text", "name", "key"),
    "/rooms/lobby/embed": ("origins",),
    "/me": ("name", "room"),
    "/embed/lobby/me": ("name",),
}

SENT = {"name": "Ana", "owner": "Ana", "text": "hello", "slug": ""}

LOOK = ("theme", "accent", "locale", "compact")

PAGES = {
    "/": (),
    "/rooms/lobby": ("before", "message", "refresh"),
    "/rooms/lobby/messages": ("before",),
    "/rooms/lobby/messages/1": (),
    "/rooms/lobby/poll": ("after", "wait"),
    "/rooms/lobby/embed": LOOK,
    "/rooms/lobby/identity": (),
    "/me": ("room", "refresh"),
    "/embed/lobby": (*LOOK, "host"),
    "/oembed": ("url", "format", "maxwidth"),
    "/diagnose": ("idle",),
    "/diagnose/echo": (),
    "/diagnose/poll": ("wait",),
    "/diagnose/verdict": ("measurement",),
    "/healthz": (),
}

HEADERS = ("Chat-Host", "Referer", "Cookie", "Last-Event-ID", "Chat-Token", "Origin", "Range", "If-None-Match")

WITH_HEADERS = ("/rooms/lobby", "/embed/lobby", "/rooms/lobby/identity", "/oembed", "/healthz")

IN_A_LINE = {
    "digits": "9" * LINE,
    "accents": quote("http://" + "\u0315\u0300\u0327" * (LINE // 20)),
    "brackets": quote("http://" + "[" * LINE)[:LINE],
    "objects": quote('{"a":' * (LINE // 12)),
    "labels": "http://" + "a." * (LINE // 2),
    "fields": "a&" * (LINE // 2),
    "crumbs": "a=b;" * (LINE // 4),
    "quotes": 'a="' + "\\" * LINE,
    "token": "Bearer " + "e30." * (LINE // 4),
}


class Work:
    """Counts what Python does, in all threads, and what it normalises."""

    def __init__(self) -> None:
        self.calls = self.normalised = 0
        self.called: Counter[CodeType] = Counter()

    def seen(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            self.calls += 1
            self.called[frame.f_code] += 1

    def clear(self) -> None:
        self.calls = self.normalised = 0
        self.called.clear()

    def count_normalised(self, monkeypatch: pytest.MonkeyPatch) -> None:
        normalize = unicodedata.normalize

        def counted(form: Any, text: str) -> str:
            self.normalised += len(text)
            # Not more than that is really done: the rest would take minutes.
            return normalize(form, text[: 2 * NORMALISED])

        monkeypatch.setattr(unicodedata, "normalize", counted)


@pytest.fixture
async def work(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Work]:
    counting = Work()
    counting.count_normalised(monkeypatch)
    threading.setprofile(counting.seen)  # before there is a thread of the database
    sys.setprofile(counting.seen)
    yield counting
    sys.setprofile(None)
    threading.setprofile(None)


def requests() -> list[tuple[str, str, str, bytes, dict[str, str]]]:
    """What it is, method, address, body, headers."""
    found = []
    for path, names in FORMS.items():
        for name in names:
            for what, value in WORST.items():
                fields = {**SENT, "key": secrets.token_urlsafe(18), name: "\0"}
                form = "&".join(f"{field}={quote(given)}" for field, given in fields.items())
                body = form.encode().replace(b"%00", value.encode())[: FORM_LENGTH - 3]
                found.append((f"{path} {name} {what}", "POST", path, body.decode(errors="ignore").encode(), {}))
        for what, body in {"no fields": b"&" * FORM_LENGTH, "percents": b"text=" + b"%" * (FORM_LENGTH - 5)}.items():
            found.append((f"{path} {what}", "POST", path, body, {}))
    for path, queries in PAGES.items():
        for what, value in IN_A_LINE.items():
            found += [(f"{path}?{name} {what}", "GET", f"{path}?{name}={value}", b"", {}) for name in queries or ("x",)]
            if path in WITH_HEADERS:
                found += [(f"{path} {name}: {what}", "GET", path, b"", {name: value}) for name in HEADERS]
    found += [(f"/rooms/... {what}", "GET", f"/rooms/{value}", b"", {}) for what, value in IN_A_LINE.items()]
    return found


async def ask(app: Quart, method: str, path: str, body: bytes, headers: dict[str, str]) -> int:
    said = {"Origin": "http://localhost", "HX-Request": "true", **headers}
    if body:
        said["Content-Type"] = "application/x-www-form-urlencoded"
    return (await app.test_client().open(path, method=method, headers=said, data=body or None)).status_code


async def test_no_request_costs_much_whatever_is_in_it(
    tmp_path: Path, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "LONGEST_WAIT", 0.1)  # a poll that is held for long costs nobody anything
    app = create_app(Config(limits="off", database_url=f"sqlite:///{tmp_path / 'chat.db'}"))
    faults = []
    async with app.test_app():
        for path in ("/rooms/lobby", "/embed/lobby"):
            await ask(app, "GET", path, b"", {})  # templates are compiled once, for everybody
        for what, method, path, body, headers in requests():
            work.clear()
            status = await ask(app, method, path, body, headers)
            if status >= 500 and status != 501:
                faults.append(f"{what}: {status}")
            if work.calls > CALLS or work.normalised > NORMALISED:
                faults.append(f"{what}: {status} after {work.calls} calls, {work.normalised} characters normalised")
            if path == "/rooms/lobby/embed" and work.called[sites.clean_origin.__code__]:
                faults.append(f"{what}: the list of somebody who does not own the room was read")
    assert faults == []


async def test_long_name_is_told_from_a_missing_one(tmp_path: Path) -> None:
    app = create_app(Config(limits="off", database_url=f"sqlite:///{tmp_path / 'chat.db'}"))
    async with app.test_app() as running:
        for name, words in {
            "a" + "\u0300" * 20_000: b"too long",
            " " * 30_000: b"too long",
            " ": b"Please enter",
            "e\u0301" * 40: b"",
            "\u1112\u1161\u11ab" * 40: b"",
        }.items():
            form = {"text": "hello", "name": name, "key": secrets.token_urlsafe(18)}
            answer = await running.test_client().post(
                "/rooms/lobby/messages", form=form, headers={"Origin": "http://localhost", "HX-Request": "true"}
            )
            assert answer.status_code == (422 if words else 201), name[:20]
            assert words in await answer.get_data(as_text=False)
