"""Rendered messages are kept for the next page, and never shown when they are out of date."""

import gzip
import itertools
import re
from dataclasses import replace

import pytest

from quart_chat import assets
from quart_chat.models import Cursor, Message, Page, Rank, Room, User
from quart_chat.view import templates as templates_module
from quart_chat.view.look import Look
from quart_chat.view.pages import Embedded, Pages
from quart_chat.view.templates import Templates

ROOM = Room(1, "lobby", "Lobby", 0, 0, 0)
ANA = User(1, "Ana", "k" * 22, 0).author
FIRST = Message(1, 1, ANA, "k" * 22, "hello", 0, None, None, 1, 1)
cursors = itertools.count()


def fresh() -> Pages:
    return Pages(Templates(assets.folder("templates")))


@pytest.fixture
def linked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that were rendered, in turn."""
    texts: list[str] = []
    original = templates_module.linked

    def noted(text: str) -> str:
        texts.append(text)
        return original(text)

    monkeypatch.setattr(templates_module, "linked", noted)
    return texts


def page(pages: Pages, *messages: Message) -> str:
    at = Cursor("epoch", next(cursors))
    return show(pages, Page(ROOM, None, list(messages), False, at)).replace(str(at), "")


def show(pages: Pages, page: Page, user: User | None = None, nonce: str = "nonce") -> str:
    return pages.room(
        page, user, nonce=nonce, key="key", origin="https://chat.example", refresh=None, form={}, error=None
    ).decode()


def test_message_is_rendered_once_for_many_pages(linked: list[str]) -> None:
    pages = fresh()
    seen = {page(pages, replace(FIRST)) for _ in range(3)}
    assert len(seen) == 1
    assert linked == ["hello"]


@pytest.mark.parametrize(
    "now",
    [
        replace(FIRST, text="goodbye", version=2, edited_at=1),
        replace(FIRST, text="of another database"),
        replace(FIRST, author=replace(ANA, name="Bea")),
    ],
    ids=["edited", "other", "renamed"],
)
def test_changed_message_is_rendered_anew(now: Message) -> None:
    pages = fresh()
    before = page(pages, FIRST)
    assert page(pages, now) == page(fresh(), now) != before


def test_message_that_continues_a_group_is_another_rendering() -> None:
    pages = fresh()
    second = replace(FIRST, id=2)
    assert page(pages, FIRST, second).count(" data-continued") == 1
    assert page(pages, second).count(" data-continued") == 0


def test_what_is_kept_is_bounded_and_the_least_used_goes(monkeypatch: pytest.MonkeyPatch, linked: list[str]) -> None:
    monkeypatch.setattr(templates_module, "MESSAGE_BYTES", 20_000)
    pages = fresh()
    for number in range(2, 22):
        page(pages, replace(FIRST, id=number, text=str(number)))
        page(pages, FIRST)
    assert linked.count("hello") == 1
    linked.clear()
    page(pages, replace(FIRST, id=2, text="2"))
    page(pages, replace(FIRST, id=21, text="21"))
    assert linked == ["2"]


def test_room_is_rendered_once_for_many_viewers(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[str] = []
    original = Templates.render

    def noted(self: Templates, name: str, /, **values: object) -> str:
        rendered.append(name)
        return original(self, name, **values)

    monkeypatch.setattr(Templates, "render", noted)
    pages = fresh()
    room = Page(ROOM, None, [FIRST], False, Cursor("epoch", 1))
    hers, his = show(pages, room, ANA, "hers"), show(pages, room, None, "his")
    assert rendered.count("rooms/show.html") == 1
    assert not re.findall("<(?:nonce|key|identity|origin|look|sheet|dark|here|still|post_to|rename_to)>", hers)
    assert ('nonce="hers"' in hers, 'nonce="his"' in hers, "You are" in hers) == (True, False, True)
    assert ('nonce="hers"' in his, 'nonce="his"' in his, "You are" in his) == (False, True, False)
    assert show(pages, replace(room, messages=[], cursor=Cursor("epoch", 2))) != show(pages, room)
    assert rendered.count("rooms/show.html") == 3


def test_room_is_rendered_for_those_who_look_after_it_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """What moderators are shown is kept for moderators."""
    moderates: list[object] = []
    original = Templates.render

    def noted(self: Templates, name: str, /, **values: object) -> str:
        if name == "rooms/show.html":
            moderates.append(values["moderates"])
        return original(self, name, **values)

    monkeypatch.setattr(Templates, "render", noted)
    pages = fresh()
    room = Page(ROOM, None, [FIRST], False, Cursor("epoch", 1))
    shown = {"nonce": "n", "key": "k", "origin": "o", "refresh": None, "form": {}, "error": None}
    for rank in (Rank.READER, Rank.MODERATOR, Rank.READER, Rank.MODERATOR):
        pages.room(room, None, rank, **shown)
    assert moderates == [False, True]


def test_names_that_look_like_places_are_text() -> None:
    pages = fresh()
    mallory = replace(ANA, name="<nonce><key><identity>")
    room = Page(replace(ROOM, name=mallory.name), None, [replace(FIRST, author=mallory)], False, Cursor("epoch", 1))
    assert show(pages, room, mallory).count("&lt;nonce&gt;&lt;key&gt;&lt;identity&gt;") == 8


def test_packed_page_is_the_page() -> None:
    """With a long history, an embed's own places, and a place that is longer than a block of deflate."""
    pages = fresh()
    messages = [replace(FIRST, id=number, text=f"message {number} " + "word " * number) for number in range(1, 200)]
    room = Page(ROOM, None, messages, False, Cursor("epoch", 1))
    shown = {"page": room, "user": ANA, "nonce": "n" * 70_000, "key": "key", "origin": "o", "refresh": 30, "form": {}}
    embedded = Embedded(Look("dark", locale="de"), "/embed/lobby", {"host": "https://www.example.org"})
    for place in (None, embedded):
        page = pages.room(**shown, error=None, embedded=place)
        assert gzip.decompress(pages.room(**shown, error=None, embedded=place, packed=True)) == page
    assert len(pages.room(**shown | {"nonce": "n"}, error=None, packed=True)) < len(page) / 4


def test_length_of_a_packed_page_tells_nothing_of_its_reader() -> None:
    """Whoever writes messages, and sees how long a reader's answers are, must not learn what both have in common."""
    pages = fresh()

    def page(text: str, name: str, key: str, packed: bool) -> bytes:
        at = Cursor("epoch", texts.index(text))
        room = Page(ROOM, None, [replace(FIRST, text=text)], False, at)
        reader = replace(ANA, name=name)
        shown = {"nonce": "n", "key": key, "origin": "o", "refresh": None, "form": {}, "error": None}
        return pages.room(room, reader, **shown, packed=packed)

    bea, rob = ("Beatrice Annabel", "k1e2y3k1e2y3k1e2y3"), ("Robert Xaver Yul", "3y2e1k9z8w7v6u5t4s")
    texts = ["Beatrice Annabel", "You are Robert Xaver Yul, k1e2y3k1e2y3k1e2y3", "nothing of that kind"]
    naive = set()
    for text in texts:
        hers, his = (page(text, *reader, packed=True) for reader in (bea, rob))
        assert len(hers) == len(his), text
        whole = [len(gzip.compress(page(text, *reader, packed=False))) for reader in (bea, rob)]
        naive.add(whole[0] - whole[1])
    assert len(naive) > 1, "compressed as a whole they tell"
