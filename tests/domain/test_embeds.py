"""Which origins a list may name, and whom a list lets in."""

from dataclasses import replace

import pytest

from quart_chat import sites
from quart_chat.domain import access, embeds
from quart_chat.domain.actors import CONSOLE, Embed
from quart_chat.domain.chat import Chat
from quart_chat.errors import EmbedRefused, OriginInvalid, RoomNotFound
from quart_chat.models import Room
from tests.rows import Rows

ROOM = Room(1, "lobby", "Lobby", 0, 0, 0)

KEPT_AS = [
    ("https://www.example.org", "https://www.example.org"),
    ("http://example.org", "http://example.org"),
    ("https://example", "https://example"),
    ("  https://www.example.org/ ", "https://www.example.org"),
    ("HTTPS://WWW.Example.ORG", "https://www.example.org"),
    ("https://www.example.org:443", "https://www.example.org"),
    ("http://www.example.org:80", "http://www.example.org"),
    ("http://www.example.org:443", "http://www.example.org:443"),
    ("https://www.example.org:8443", "https://www.example.org:8443"),
    ("https://www.example.org:65535", "https://www.example.org:65535"),
    ("https://*.example.org", "https://*.example.org"),
    ("https://*.example.org:8443", "https://*.example.org:8443"),
    ("https://*.www.example.org", "https://*.www.example.org"),
    ("http://localhost:3000", "http://localhost:3000"),
    ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
    ("https://my_host.example.org", "https://my_host.example.org"),
    ("https://bücher.example", "https://xn--bcher-kva.example"),
    ("https://BÜCHER.example", "https://xn--bcher-kva.example"),
    ("https://*.bücher.example", "https://*.xn--bcher-kva.example"),
    ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    ("https://例え.テスト", "https://xn--r8jz45g.xn--zckzah"),
    ("https://ｅｘａｍｐｌｅ.org", "https://example.org"),
    ("https://faß.example", "https://xn--fa-hia.example"),
    ("https://σίς.example", "https://xn--kxa2bb.example"),
]

NO_ORIGINS = [
    "",
    "*",
    "null",
    "'self'",
    "'none'",
    "'unsafe-inline'",
    "www.example.org",
    "//www.example.org",
    "https:www.example.org",
    "https:/www.example.org",
    "https://",
    "https://*",
    "https://*.",
    "https://*.org",
    "https://*.*.example.org",
    "https://www.*.org",
    "https://*www.example.org",
    "https://www.example.org/path",
    "https://www.example.org/?",
    "https://www.example.org?query",
    "https://www.example.org#part",
    "https://user@www.example.org",
    "https://user:secret@www.example.org",
    "https://@www.example.org",
    "https://www.example.org@evil.example",
    "https://www.example.org\\@evil.example",
    "https://www.example.org:0",
    "https://www.example.org:99999",
    "https://www.example.org:*",
    "https://www.example.org:8o",
    "https://www.example.org:８０",
    "https://www.example.org:-1",
    "https://www.example.org https://evil.example",
    "https://www.example.org;script-src",
    "https://www.example.org; script-src *",
    "https://www.example.org,https://evil.example",
    "https://www.example.org'",
    'https://www.example.org"',
    "https://www.exam\nple.org",
    "https://www.example.org\r\nSet-Cookie: a=b",
    "https://www.exam\tple.org",
    "https://www.example.org\0",
    "https://www.example.org%0a",
    "https://www..example.org",
    "https://.example.org",
    "https://www.example.org.",
    "https://-www.example.org",
    "https://www-.example.org",
    "https://<b>.example.org",
    "https://[::1]",
    "https://[::1]:8000",
    "https://[",
    "https://" + "a" * 300 + ".example.org",
    "https://" + "a." * 150 + "example.org",
    "ftp://www.example.org",
    "ws://www.example.org",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "javascript://www.example.org/%0aalert(1)",
    "data:text/html,hello",
    "blob:https://www.example.org",
    "chrome-extension://abcdefghijklmnop",
    "https://\u2100.example",
    "https://www.example.org\u202e",
    "https://\ud800.example",
]


def test_origin_is_kept_as_browsers_compare_it(rows: Rows) -> None:
    for text, kept in KEPT_AS:
        with rows.row(text, kept):
            assert sites.clean_origin(text) == kept
            assert sites.clean_origin(kept) == kept


def test_what_is_no_origin_is_refused_with_advice(rows: Rows) -> None:
    for text in NO_ORIGINS:
        with rows.row(text):
            with pytest.raises(OriginInvalid) as refused:
                sites.clean_origin(text)
            assert "Write it like https://www.example.org" in refused.value.sentence
            assert len(refused.value.sentence) < 300


EXACT, PORT, BELOW = "https://www.example.org", "https://www.example.org:8443", "https://*.example.org"

#    the list     the page around                           let in
LISTS = [
    (EXACT, "https://www.example.org", True),
    (EXACT, "https://www.example.org:443", True),
    (EXACT, "https://www.example.org:8443", False),
    (EXACT, "https://www.example.org:4430", False),
    (EXACT, "https://www.example.org:0443", False),
    (EXACT, "http://www.example.org", False),
    (EXACT, "http://www.example.org:443", False),
    ("http://www.example.org", "https://www.example.org", True),
    ("http://www.example.org", "https://www.example.org:8443", False),
    ("http://www.example.org:8080", "https://www.example.org:8080", True),
    ("http://www.example.org:8080", "https://www.example.org", False),
    (EXACT, "https://example.org", False),
    (EXACT, "https://sub.www.example.org", False),
    (EXACT, "https://wwwxexample.org", False),
    (EXACT, "https://www.example.org.evil.example", False),
    (EXACT, "https://evil.example?https://www.example.org", False),
    (EXACT, "https://evil.example/https://www.example.org", False),
    (EXACT, "https://www.example.org/", False),
    (EXACT, "https://www.example.org/path", False),
    (EXACT, "https://www.example.org:", False),
    (EXACT, "https://www.example.org.", False),
    (EXACT, "https://user@www.example.org", False),
    (EXACT, "https://www.example.org@evil.example", False),
    (EXACT, "https://www.example.org\n", False),
    (EXACT, " https://www.example.org", False),
    (EXACT, "https://www.example.org https://evil.example", False),
    (EXACT, "//www.example.org", False),
    (EXACT, "www.example.org", False),
    (EXACT, "null", False),
    (EXACT, "", False),
    (EXACT, "*", False),
    (EXACT, "https://[", False),
    (PORT, "https://www.example.org:8443", True),
    (PORT, "https://www.example.org", False),
    (PORT, "http://www.example.org:8443", False),
    (BELOW, "https://www.example.org", True),
    (BELOW, "https://a.b.c.example.org", True),
    (BELOW, "https://example.org", False),
    (BELOW, "https://.example.org", False),
    (BELOW, "https://evil-example.org", False),
    (BELOW, "https://evilexample.org", False),
    (BELOW, "https://example.org.evil.org", False),
    (BELOW, "https://www.example.org.evil.org", False),
    (BELOW, "https://www.example.org:8443", False),
    (BELOW, "http://www.example.org", False),
    (BELOW, "https://evil.org#.example.org", False),
    (BELOW, "https://evil.org\\.example.org", False),
    (BELOW, "https://evil.org/.example.org", False),
    (BELOW, "https://evil.org@.example.org", False),
    (BELOW, f"https://{'a' * 5000}.example.org", False),
    (BELOW, "null", False),
    ("https://*.example.org:8443", "https://www.example.org:8443", True),
    ("https://*.example.org:8443", "https://www.example.org", False),
    # Until a list is set, pages of this machine are let in, on any port.
    (None, "http://localhost", True),
    (None, "http://localhost:3000", True),
    (None, "https://localhost:3000", True),
    (None, "http://site.localhost:3000", True),
    (None, "http://a.b.localhost", True),
    (None, "http://127.0.0.1:3000", True),
    (None, "http://127.0.0.2:3000", False),
    (None, "http://[::1]:3000", False),
    (None, "http://localhost.evil.example:3000", False),
    (None, "http://evil-localhost:3000", False),
    (None, "http://127.0.0.1.evil.example", False),
    (None, "http://user@localhost:3000", False),
    (None, "ftp://localhost", False),
    (None, "file://localhost", False),
    (None, "file://", False),
    (None, "https://www.example.org", False),
    (None, "null", False),
    (None, "", False),
]


def test_list_lets_in(rows: Rows) -> None:
    for source, origin, allowed in LISTS:
        with rows.row(source, origin):
            room = replace(ROOM, origins=None if source is None else (source,))
            assert sites.allows(room, origin, local=True) is allowed
            assert sites.allows(room, origin, local=False) is (allowed and source is not None)


def test_empty_list_lets_nobody_in() -> None:
    for origin in ("http://localhost:3000", EXACT, "null", ""):
        assert not sites.allows(replace(ROOM, origins=()), origin, local=True)


def test_whatever_can_be_listed_lets_its_own_pages_in(rows: Rows) -> None:
    for source in [kept for _, kept in KEPT_AS]:
        with rows.row(source):
            assert sites.allows(replace(ROOM, origins=(source,)), source.replace("*", "sub"), local=False)


def test_page_that_does_not_say_whose_it_is_is_told_what_its_embed_needs(rows: Rows) -> None:
    for host in ["", "null"]:
        with rows.row(host), pytest.raises(EmbedRefused, match='referrerpolicy="origin"'):
            access.check_embed(ROOM, Embed(host, local=True))


def test_refusal_shows_no_more_of_an_origin_than_fits() -> None:
    with pytest.raises(EmbedRefused) as refused:
        access.check_embed(ROOM, Embed("https://" + "x" * 5000, local=True))
    assert len(refused.value.sentence) < 400


async def test_list_that_is_set_replaces_this_machine(chat: Chat) -> None:
    assert sites.allows(ROOM, "http://localhost:3000", local=True)
    room = await embeds.change(chat, "lobby", CONSOLE, add=[EXACT])
    assert room.origins == (EXACT,)
    assert not sites.allows(room, "http://localhost:3000", local=True)


async def test_list_whose_last_origin_goes_lets_nobody_in(chat: Chat) -> None:
    await embeds.change(chat, "lobby", CONSOLE, add=[EXACT])
    room = await embeds.change(chat, "lobby", CONSOLE, remove=["https://WWW.example.org:443/"])
    assert room.origins == ()
    assert not sites.allows(room, "http://localhost:3000", local=True)


async def test_same_origin_is_kept_once(chat: Chat) -> None:
    room = await embeds.change(chat, "lobby", CONSOLE, add=[EXACT, f"{EXACT}/", BELOW])
    room = await embeds.change(chat, "lobby", CONSOLE, add=[EXACT])
    assert room.origins == (EXACT, BELOW)


async def test_change_with_one_bad_origin_changes_nothing(chat: Chat) -> None:
    before = await embeds.change(chat, "lobby", CONSOLE, add=[EXACT])
    with pytest.raises(OriginInvalid):
        await embeds.change(chat, "lobby", CONSOLE, add=[PORT, "https://*.org"], signed_only=True)
    assert await embeds.change(chat, "lobby", CONSOLE) == before


async def test_list_has_an_end(chat: Chat) -> None:
    most = [f"https://site-{number}.example.org" for number in range(embeds.MOST)]
    before = await embeds.change(chat, "lobby", CONSOLE, add=most)
    with pytest.raises(OriginInvalid, match=str(embeds.MOST)):
        await embeds.change(chat, "lobby", CONSOLE, add=[EXACT])
    assert await embeds.change(chat, "lobby", CONSOLE) == before


async def test_only_signed_is_changed_alone(chat: Chat) -> None:
    room = await embeds.change(chat, "lobby", CONSOLE, signed_only=True)
    assert (room.origins, room.signed_only) == (None, True)
    room = await embeds.clear(chat, "lobby", CONSOLE)
    assert (room.origins, room.signed_only) == ((), True)


async def test_unknown_room_has_no_list(chat: Chat) -> None:
    with pytest.raises(RoomNotFound):
        await embeds.change(chat, "nowhere", CONSOLE, add=[EXACT])
