"""Slugs: the address of a room."""

from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quart_chat.domain.actors import Asker
from quart_chat.domain.chat import Chat
from quart_chat.domain.limits import Limits
from quart_chat.domain.rooms import RESERVED, SLUG_LENGTH, clean_slug, create
from quart_chat.errors import RoomInvalid, RoomsFull


@given(st.one_of(st.text(max_size=50), st.text(alphabet="aZ09-_. /%İK\n", max_size=45)))
def test_accepted_slug_is_safe_in_a_path_and_stable(raw: str) -> None:
    try:
        slug = clean_slug(raw)
    except RoomInvalid:
        return
    assert clean_slug(slug) == slug
    assert 1 <= len(slug) <= SLUG_LENGTH
    assert quote(slug, safe="") == slug
    assert slug == slug.strip("-.")
    assert slug not in RESERVED


@pytest.mark.parametrize(("raw", "kept"), [("Tea-And-Biscuits", "tea-and-biscuits"), (" lobby\n", "lobby"), ("7", "7")])
def test_slug_is_kept_as(raw: str, kept: str) -> None:
    assert clean_slug(raw) == kept


@pytest.mark.parametrize(
    "raw",
    ["", "-", "a-", "-a", "a--b", "a_b", "a/b", "a.b", "..", "a b", "a%2fb", "čaj", "a\nb", "٣", "x" * 41],
    ids=lambda raw: ascii(raw[:9]),
)
def test_slug_is_refused(raw: str) -> None:
    with pytest.raises(RoomInvalid):
        clean_slug(raw)


@pytest.mark.parametrize("slug", sorted(RESERVED))
def test_reserved_slug_is_refused_in_any_case(slug: str) -> None:
    with pytest.raises(RoomInvalid):
        clean_slug(slug.upper())


async def test_server_has_so_many_rooms_and_no_more(chat: Chat) -> None:
    """There are two already."""
    full = replace(chat, limits=Limits(None, None, None, None, all_rooms=4))
    sender = Asker(None, "Ana", "here")
    made = [await create(full, name, "", sender, f"a key that is long enough {name}") for name in ("Three", "Four")]
    with pytest.raises(RoomsFull):
        await create(full, "Five", "", sender, "a key that is long enough Five")
    again = await create(full, "Four", "", sender, "a key that is long enough Four")
    assert again.room == made[1].room
