"""What leads others to a room: its address, its code, and what phones and other sites show of it."""

import io
import json
import struct

import segno

from tests.people import Person
from tests.web.page import Page


def met(page: Page) -> dict[str, str]:
    """What a page says of itself to programs."""
    return {
        element.attributes.get("property") or element.attributes.get("name") or "": element.attributes["content"] or ""
        for element in page.all("meta")
        if "content" in element.attributes
    }


async def test_share_page_gives_the_address_in_words_and_as_a_code_without_a_script(bob: Person, room: str) -> None:
    url = f"{bob.url}/rooms/{room}"
    link = Page((await bob.client.get(f"/rooms/{room}")).text).all("a", href=f"/rooms/{room}/share")
    assert [each.text for each in link] == ["Share"]
    page = Page((await bob.client.get(f"/rooms/{room}/share")).text)
    assert [field.attributes["value"] for field in page.all("input")] == [url]
    (picture,) = page.all("img")
    code = await bob.client.get(picture.attributes["src"] or "")
    expected = io.BytesIO()
    segno.make(url, error="m", micro=False).save(
        expected, kind="svg", border=4, dark="#000", light="#fff", xmldecl=False, omitsize=True
    )
    assert (code.status_code, code.headers["Content-Type"]) == (200, "image/svg+xml")
    assert code.content == expected.getvalue()
    assert "http:" not in code.text.replace("http://www.w3.org/2000/svg", ""), "nothing is fetched from elsewhere"
    for path in ("share", "qr.svg"):
        assert (await bob.client.get(f"/rooms/nowhere/{path}")).status_code == 404


async def test_every_page_says_what_it_is_to_whoever_shows_its_link(bob: Person, room: str) -> None:
    wrong = []
    for path, url in (
        ("/", "/"),
        (f"/rooms/{room}", f"/rooms/{room}"),
        (f"/rooms/{room}/share", f"/rooms/{room}"),
        (f"/rooms/{room}/embed", f"/rooms/{room}/embed"),
    ):
        page = Page((await bob.client.get(path)).text)
        said = met(page)
        picture = said.get("og:image", "").removeprefix(bob.url)
        image = await bob.client.get(picture or "/nothing")
        says = {
            "description": len(said.get("description", "")) > 20,
            "title": said.get("og:title") == page.all("title")[0].text,
            "again": said.get("og:description") == said.get("description"),
            "url": said.get("og:url") == bob.url + url,
            "picture": image.headers["Content-Type"] == "image/png",
        }
        wrong += [(path, what) for what, right in says.items() if not right]
    assert not wrong
    assert room in met(Page((await bob.client.get(f"/rooms/{room}")).text))["description"]
    embedded = Page((await bob.client.get(f"/embed/{room}")).text)
    assert not [name for name in met(embedded) if name.startswith("og:")], "an embed is no page to lead to"


async def test_card_of_a_room_is_of_any_name(alice: Person, room: str) -> None:
    await alice.send("/rooms", name='"><script>alert(1)</script>', slug=f"x-{room}")
    answer = await alice.client.get(f"/rooms/x-{room}")
    assert met(Page(answer.text))["og:title"] == '"><script>alert(1)</script> · quart-chat'
    assert "<script>alert" not in answer.text


async def test_phone_can_keep_the_chat_among_its_apps(bob: Person) -> None:
    answer = await bob.client.get("/")
    page = Page(answer.text)
    assert "manifest-src 'self'" in answer.headers["Content-Security-Policy"]
    (link,) = page.all("link", rel="manifest")
    assert link.attributes["crossorigin"] == "use-credentials", "or a gate in front would not let it through"
    told = await bob.client.get(link.attributes["href"] or "")
    assert told.headers["Content-Type"] == "application/manifest+json"
    manifest = json.loads(told.text)
    assert (manifest["start_url"], manifest["scope"], manifest["display"]) == ("/", "/", "standalone")
    pictures = [(icon["src"], icon["sizes"]) for icon in manifest["icons"]]
    assert {"192x192", "512x512"} <= {size for _, size in pictures}
    assert {"any", "maskable"} <= {icon["purpose"] for icon in manifest["icons"]}
    (touch,) = page.all("link", rel="apple-touch-icon")
    for path, size in [*pictures, (touch.attributes["href"], "180x180")]:
        picture = (await bob.client.get(path)).content
        assert picture[:8] == b"\x89PNG\r\n\x1a\n"
        assert size == "x".join(map(str, struct.unpack(">II", picture[16:24])))
