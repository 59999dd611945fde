"""Which kept page of a room is still its newest."""

from dataclasses import replace

import pytest

from quart_chat.domain import newest
from quart_chat.domain.newest import Newest
from quart_chat.events import Event, MessagePosted
from quart_chat.models import Cursor, Message, Page, Room, User

ROOM = Room(1, "lobby", "Lobby", 0, 0, 7)
PAGE = Page(ROOM, None, [], False, Cursor("epoch", 7))


def posted(cursor: int, room_id: int = 1) -> Event:
    author = User(1, "Ana", "k" * 22, 0).author
    message = Message(cursor, room_id, author, "k" * 22, "hello", 0, None, None, 1, cursor)
    return Event(room_id, cursor, 0, 1, MessagePosted(message))


def test_page_is_kept_until_something_happens_in_its_room() -> None:
    kept = Newest()
    kept.keep(PAGE)
    kept.committed([posted(8, room_id=2)])
    assert kept.get("lobby") is PAGE
    kept.committed([posted(8)])
    assert kept.get("lobby") is None


def test_page_that_was_read_before_a_commit_and_kept_after_it_is_not_shown() -> None:
    kept = Newest()
    kept.committed([posted(8), posted(9)])
    kept.keep(PAGE)
    assert kept.get("lobby") is None
    kept.keep(replace(PAGE, cursor=Cursor("epoch", 9)))
    assert kept.get("lobby") is not None


def test_room_opened_last_stays_and_the_first_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newest, "KEPT", 2)
    kept = Newest()
    for slug in ("one", "two", "three"):
        kept.keep(replace(PAGE, room=replace(ROOM, slug=slug)))
    assert [kept.get(slug) is not None for slug in ("one", "two", "three")] == [False, True, True]


def test_page_is_read_again_after_what_another_process_did() -> None:
    """Also where it was being read when that was heard of."""
    kept = Newest()
    kept.keep(PAGE)
    kept.moved(ROOM.id, PAGE.cursor.position + 1)
    assert kept.get("lobby") is None
    kept.keep(PAGE)
    assert kept.get("lobby") is None
