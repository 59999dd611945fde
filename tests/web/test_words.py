"""Names and texts in whatever language, and what a browser's translator is to leave alone."""

import secrets

from tests.people import Person
from tests.web.page import Page

FAMILY = "👩\u200d👩\u200d👧"


async def test_names_are_nobodys_to_translate_and_begin_with_a_whole_character(alice: Person, room: str) -> None:
    slug = f"room-{secrets.token_hex(4)}"
    assert (await alice.send("/rooms", name="🩷 שלום", slug=slug, owner="Ann")).status_code == 303
    for name, letter in ((f"{FAMILY} Ann", FAMILY), ("🇩🇪 Hans", "🇩🇪"), ("🩷", "🩷"), ("x\u0323a", "X\u0323")):
        async with Person(name, alice.url) as person:
            posted = Page((await person.post_message("hello", room=slug)).html)
            page = Page((await person.client.get(f"/rooms/{slug}")).text)
        assert posted.by_class("message-avatar")[0].text == letter
        assert page.by_class("message-author")[-1].text == name
    pages = [
        page,
        Page((await alice.client.get("/")).text),
        Page((await alice.client.get(f"/rooms/{slug}/embed")).text),
    ]
    named = {
        *(each.text for each in page.by_class("message-author") + page.by_class("message-tag") + page.all("bdi")),
        *(element.text for index in pages for element in index.elements if element.text in (slug, "🩷 שלום")),
        *(element.text for index in pages for element in index.all("code")),
    }
    assert {slug, "🩷 שלום", "🩷"} <= named
    for index in pages:
        translated = [
            element.text
            for element in index.elements
            if element.text in named
            and element.tag in ("bdi", "code", "span")
            and element.attributes.get("translate") != "no"
        ]
        assert not translated
    assert [page.all("title")[0].attributes, page.all("title")[0].text[:6]] == [{"translate": "no"}, "🩷 שלום"]


async def test_writing_takes_the_direction_of_what_is_written(alice: Person, room: str) -> None:
    posted = await alice.post_message("שלום", room=room)
    async with Person("Nobody", alice.url) as nobody:
        pages = [Page((await nobody.client.get(path)).text) for path in ("/", f"/rooms/{room}", f"/embed/{room}")]
    pages.append(Page((await alice.client.get(f"/rooms/{room}/messages/{posted.message_id}")).text))
    fields = [
        (element.attributes.get("name"), element.attributes.get("dir"))
        for page in pages
        for element in page.elements
        if element.tag in ("input", "textarea") and element.attributes.get("type") not in ("hidden", "checkbox")
        if "readonly" not in element.attributes
    ]
    assert {name for name, direction in fields if direction == "auto"} == {"name", "owner", "text"}
    assert {name for name, direction in fields if direction != "auto"} == {"slug"}
