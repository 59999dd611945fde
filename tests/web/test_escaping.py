"""What people type is shown as they typed it, and is never markup."""

import html
import re
import secrets

import pytest

from tests.people import Fragment, Person
from tests.web.page import Page

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "attribute": "\"><img src=x onerror=alert(1)>'",
    "textarea": "</textarea></form><script>alert(1)</script>",
    "partial": '<hx-partial hx-target="body" hx-swap="innerHTML">gone</hx-partial>',
    "upsert": "</div></article></hx-upsert><hx-upsert hx-target='body'>",
    "template": "{{ 7 * 7 }}{% raw %}{# x #}",
    "entity": "&lt;b&gt; &amp; &#60;",
    "comment": "<!-- --><![CDATA[",
    "link": '<a href="javascript:alert(1)" hx-get="/">x</a>',
    "event": "a\nid: 5\nevent: reset\n\ndata: forged\n\n:b",
    "style": "</title></style><style>*{display:none}</style>",
}

NAMES = {name: text for name, text in HOSTILE.items() if len(text) <= 40 and "\n" not in text}

LINKS = {
    "https://example.org/a?b=1&c=2#d": "https://example.org/a?b=1&c=2#d",
    "HTTP://EXAMPLE.ORG": "HTTP://EXAMPLE.ORG",
    "mailto:ana@example.org": "mailto:ana@example.org",
    "see https://example.org.": "https://example.org",
    "(https://example.org/a)": "https://example.org/a",
    "https://example.org/<b>": "https://example.org/",
    'https://example.org/"onmouseover="alert(1)': "https://example.org/",
    "https://ex\u00e4mple.org": None,
    "javascript:alert(1)": "",
    "JaVaScRiPt:alert(1)//http://example.org": None,
    "data:text/html,<script>alert(1)</script>": "",
    "vbscript:msgbox(1)": "",
    "file:///etc/passwd": "",
    "ftp://example.org": "",
    "//example.org": "",
    "example.org": "",
    "ana@example.org": "",
}
"""Texts, and where they may lead: to one address, nowhere (""), or (None) anywhere with a harmless scheme."""


def is_harmless(page: Page) -> bool:
    """Nothing in the page has come from a hostile text."""
    hostile = {"img", "b", "iframe"}
    return not [
        element
        for element in page.elements
        if (
            element.tag in hostile
            and not re.fullmatch(r"/rooms/[a-z0-9-]+/qr\.svg", element.attributes.get("src") or "")
        )
        or (element.tag == "script" and not element.attributes.get("src") and not element.attributes.get("nonce"))
        or element.attributes.get("hx-target") == "body"
    ]


async def everywhere(person: Person, room: str) -> list[Page]:
    """All that shows the messages of a room."""
    paths = [f"/rooms/{room}", f"/rooms/{room}/messages"]
    async with person.listen(room=room) as stream:
        start = stream.hello.last_event_id.split(".")[0] + ".0"
    paths.append(f"/rooms/{room}/poll?after={start}")
    answers = [(await person.client.get(path)).text for path in paths]
    async with person.listen(room=room, after=start) as stream:
        answers.append((await stream.next("message")).data)
    return [Page(answer) for answer in answers]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_text_is_shown_and_never_markup(alice: Person, room: str, text: str) -> None:
    posted = await alice.post_message(text, room=room)
    assert html.unescape(posted.text) == text
    single = Page((await alice.client.get(f"/rooms/{room}/messages/{posted.message_id}")).text)
    assert single.field("text") == text, "for editing"
    for page in [Page(posted.html), single, *await everywhere(alice, room)]:
        assert page.texts == [text]
        assert is_harmless(page)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
async def test_name_is_shown_and_never_markup(alice: Person, room: str, name: str) -> None:
    alice.name = name
    posted = await alice.post_message("hello", room=room)
    for page in [Page(posted.html), *await everywhere(alice, room)]:
        assert [element.text for element in page.by_class("message-author")] == [name]
        assert is_harmless(page)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
async def test_name_of_a_room_is_shown_and_never_markup(alice: Person, name: str) -> None:
    slug = f"room-{secrets.token_hex(4)}"
    assert (await alice.send("/rooms", name=name, slug=slug)).status_code == 303
    page = Page((await alice.client.get(f"/rooms/{slug}")).text)
    assert name in page.all("h1")[0].text
    assert name in page.all("title")[0].text
    index = Page((await alice.client.get("/")).text)
    assert name in [element.text for element in index.by_class("room-name")]
    assert is_harmless(page)
    assert is_harmless(index)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_refused_form_is_filled_again_and_never_markup(alice: Person, room: str, text: str) -> None:
    answer = await alice.send(f"/rooms/{room}/messages", htmx=False, text=text, name=text + "\u202e", key=text)
    page = Page(answer.text)
    assert answer.status_code == 422
    assert page.field("text") == text
    assert page.field("name") == text + "\u202e"
    assert is_harmless(page)


@pytest.mark.parametrize("text", [text for text in HOSTILE.values() if "\n" not in text])
async def test_refused_room_is_filled_again_and_never_markup(alice: Person, text: str) -> None:
    answer = await alice.send("/rooms", htmx=False, name=text, slug=text)
    page = Page(answer.text)
    assert answer.status_code == 422
    assert (page.field("name"), page.field("slug")) == (text, text)
    assert is_harmless(page)


@pytest.mark.parametrize(("text", "target"), LINKS.items())
async def test_only_harmless_addresses_become_links(alice: Person, room: str, text: str, target: str | None) -> None:
    page = Page((await alice.post_message(text, room=room)).html)
    links = page.all("a", target="_blank")
    assert page.texts == [text]
    if target is None:
        assert all(element.attributes["href"].lower().startswith(("http:", "https:")) for element in links)
    else:
        assert [element.attributes["href"] for element in links] == ([target] if target else [])
    for link in links:
        assert set(link.attributes) == {"href", "rel", "target"}
        assert {"nofollow", "noopener", "ugc"} <= set((link.attributes["rel"] or "").split())


@pytest.mark.parametrize("text", [text for text, target in LINKS.items() if target == ""])
async def test_link_does_not_make_its_neighbour_one(alice: Person, room: str, text: str) -> None:
    page = Page((await alice.post_message(f"{text} https://example.org", room=room)).html)
    assert [link.attributes["href"] for link in page.all("a", target="_blank")] == ["https://example.org"]


BOUNDED = {
    "many": ("https://example.org/ " * 300, 100),
    "never ending": (("http://a.b/?" * 700)[:8000], 0),
    "overlapping": (("http://a.b/[" * 170 + "\n") * 3, 3),
}
"""Texts that could keep the server busy, and as many links as are made of them."""


@pytest.mark.parametrize(("text", "links"), BOUNDED.values(), ids=BOUNDED)
async def test_links_are_bounded(alice: Person, room: str, text: str, links: int) -> None:
    page = Page((await alice.post_message(text, room=room)).html)
    assert page.texts == [text.strip()]
    assert len(page.all("a", target="_blank")) == links


async def test_line_breaks_are_kept(alice: Person, bob: Person, room: str) -> None:
    text = "one\r\n\r\n  two\ttabbed\rthree\u2028four"
    async with bob.listen(room=room) as stream:
        await alice.post_message(text, room=room)
        event = await stream.next("message")
    assert Fragment(event.data).text == "one\n\n  two\ttabbed\nthree\u2028four"
