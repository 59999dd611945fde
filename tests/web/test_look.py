"""How an embed looks, as its address says: which options there are, and colours that can be read."""

import random

import pytest

from quart_chat.view.colours import BLACK, DARK, LIGHT, WHITE, Accent, contrast
from quart_chat.view.look import Look, parse
from tests.people import Person
from tests.web.page import Page

#  the query                     what it says
OPTIONS: list[tuple[dict[str, str], Look]] = [
    ({}, Look()),
    ({"theme": "light"}, Look("light")),
    ({"theme": "DARK"}, Look("dark")),
    ({"theme": "host"}, Look("host")),
    ({"theme": ""}, Look()),
    ({"accent": "2b6390"}, Look(accent="2b6390")),
    ({"accent": "#2B6390"}, Look(accent="2b6390")),
    ({"accent": ""}, Look()),
    ({"locale": "de"}, Look(locale="de")),
    ({"locale": "pt-BR"}, Look(locale="pt-BR")),
    ({"locale": "zh-Hant-TW-x-private"}, Look(locale="zh-Hant-TW-x-private")),
    ({"compact": "1", "readonly": "1"}, Look(compact=True, readonly=True)),
    ({"compact": "", "readonly": "true"}, Look(compact=True, readonly=True)),
    ({"compact": "0", "readonly": "False"}, Look()),
    ({"unknown": "x"}, Look()),
]

NO_OPTIONS = [
    ("theme", "pink"),
    ("theme", "light dark"),
    ("theme", '"><script>alert(1)</script>'),
    ("accent", "red"),
    ("accent", "2b639"),
    ("accent", "2b63900"),
    ("accent", "2b639g"),
    ("accent", "#"),
    ("accent", "##2b6390"),
    ("accent", "２b6390"),
    ("accent", "2b6390\n"),
    ("accent", "0;}body{"),
    ("accent", "</styl"),
    ("accent", "url(//e)"),
    ("locale", "d"),
    ("locale", "de_DE"),
    ("locale", "de-"),
    ("locale", "de DE"),
    ("locale", "de\n"),
    ("locale", "de-\u0441\u0445"),
    ("locale", '"><b>'),
    ("locale", "a" * 100),
    ("locale", "de-" + "-".join(["a"] * 5)),
    ("compact", "2"),
    ("compact", "yes"),
    ("readonly", "null"),
]


@pytest.mark.parametrize(("query", "look"), OPTIONS, ids=[str(query) for query, _ in OPTIONS])
def test_option(query: dict[str, str], look: Look) -> None:
    assert parse(query.get) == look
    assert parse(dict(pair.split("=") for pair in look.query()[1:].split("&") if pair).get) == look


@pytest.mark.parametrize(("name", "value"), NO_OPTIONS, ids=[f"{n}={v[:30]!a}" for n, v in NO_OPTIONS])
@pytest.mark.parametrize("path", ["/embed/lobby", "/rooms/lobby/embed"])
async def test_what_is_no_option_is_refused_by_its_name(bob: Person, path: str, name: str, value: str) -> None:
    answer = await bob.client.get(path, params={name: value})
    assert (answer.status_code, answer.headers["Chat-Error"]) == (422, "option_invalid")
    assert Page(answer.text).alert.startswith(f"{name} must be ")
    assert "script>alert" not in answer.text


@pytest.mark.parametrize("theme", ["auto", "light", "dark", "host"])
async def test_page_says_how_it_looks(bob: Person, theme: str) -> None:
    query = {"theme": theme, "accent": "ffff00", "locale": "pt-BR", "compact": "1"}
    page = Page((await bob.client.get("/embed/lobby", params=query)).text)
    html = page.all("html")[0].attributes
    assert (html["data-theme"], html["data-locale"]) == (theme, "pt-BR")
    assert "data-compact" in html
    assert "data-readonly" not in html
    media = {"light": "not all", "dark": "all"}.get(theme, "(prefers-color-scheme: dark)")
    assert page.by_id("dark").attributes["media"] == media
    accent = Accent.of("ffff00")
    for name, colour in (
        ("accent-light", accent.light),
        ("on-accent-light", accent.on_light),
        ("accent-dark", accent.dark),
        ("on-accent-dark", accent.on_dark),
    ):
        assert f"--{name}: #{colour};" in page.all("style")[2].text


async def test_page_says_nothing_that_was_not_asked_for(bob: Person) -> None:
    page = Page((await bob.client.get("/embed/lobby")).text)
    assert set(page.all("html")[0].attributes) == {"lang", "data-theme"}
    assert len(page.all("style")) == 2, "that of every page, and that of the dark"


async def test_pages_that_look_different_are_kept_apart(bob: Person, room: str) -> None:
    """A page is kept for all who open it, with places for what is special to each."""
    for query, present in (
        ("?readonly=1", True),
        ("", False),
        ("?readonly=1&theme=dark", True),
        ("?theme=dark", False),
    ):
        page = Page((await bob.client.get(f"/embed/{room}{query}")).text)
        assert ("hidden" in page.by_id("composer").attributes) is present
        assert ("data-readonly" in page.all("html")[0].attributes) is present
    for page in (Page((await bob.client.get(f"/rooms/{room}")).text),):
        assert "hidden" not in page.by_id("composer").attributes
        assert page.by_class("room-back")
    assert not Page((await bob.client.get(f"/embed/{room}")).text).by_class("room-back"), "no navigation in an embed"


@pytest.mark.parametrize(
    "text", ["<look>", "<here>", "<post-to>", "<dark>", "<still>", "<nonce>", "<key>", "<identity>", "&lt;nonce&gt;"]
)
async def test_nobody_writes_what_stands_for_the_places(bob: Person, room: str, text: str) -> None:
    await bob.post_message(f"{text} here", room=room)
    for path in (f"/embed/{room}", f"/rooms/{room}"):
        assert Page((await bob.client.get(path)).text).texts == [f"{text} here"]
    refused = await bob.send(f"/embed/{room}/messages", htmx=False, text=" ", name=text)
    assert [field.attributes["value"] for field in Page(refused.text).all("input", name="name")] == [text, text]


def colours() -> list[str]:
    """The corners and many of what is between them, the same in each run."""
    chance = random.Random(5)
    corners = [f"{red}{green}{blue}" for red in ("00", "ff") for green in ("00", "ff") for blue in ("00", "ff")]
    return corners + ["808080", LIGHT, DARK, BLACK] + [f"{chance.randrange(1 << 24):06x}" for _ in range(1000)]


def test_every_accent_can_be_read_on_every_surface() -> None:
    for colour in colours():
        accent = Accent.of(colour)
        assert contrast(accent.light, LIGHT) >= 4.5, colour
        assert contrast(accent.dark, DARK) >= 4.5, colour
        assert contrast(accent.on_light, accent.light) >= 4.5, colour
        assert contrast(accent.on_dark, accent.dark) >= 4.5, colour


def test_accent_that_can_be_read_is_left_as_it_is() -> None:
    assert Accent.of("2b6390").light == "2b6390"
    assert Accent.of("ffd700").dark == "ffd700"


def test_contrast_is_that_of_the_guidelines() -> None:
    assert contrast(WHITE, "000000") == pytest.approx(21)
    assert contrast("777777", WHITE) == pytest.approx(4.48, abs=0.01)
    assert contrast("767676", WHITE) == pytest.approx(4.54, abs=0.01)
