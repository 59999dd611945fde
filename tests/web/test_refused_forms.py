"""Whoever is refused sees at once why, and what to change: the sentence has the focus and is in the title."""

import secrets

import httpx

from quart_chat.text import NAME_LENGTH
from tests.people import Person
from tests.web.page import Page

NEW = {"key": "k" * 24}


async def refusals(owner: Person, room: str) -> dict[str, tuple[httpx.Response, str]]:
    """Every form that a person can fill in, refused; and the field that is to blame."""
    posted = await owner.post_message("hello", room=room)
    mine = f"tea-{secrets.token_hex(4)}"
    await owner.send("/rooms", name="Tea", slug=mine, **NEW)

    async def send(path: str, **fields: str) -> httpx.Response:
        return await owner.send(path, htmx=False, **fields)

    long = "x" * (NAME_LENGTH + 1)
    async with Person("Nobody", owner.url) as nobody:
        return {
            "a room's name": (await send("/rooms", name=long, slug="", **NEW), "name"),
            "a room's address": (await send("/rooms", name="Tea", slug="admin", **NEW), "slug"),
            "a taken address": (await send("/rooms", name="Tea", slug=room, key="q" * 24), "slug"),
            "its owner": (await nobody.send("/rooms", htmx=False, name="T", owner=long, **NEW), "owner"),
            "who may show it": (await send(f"/rooms/{mine}/embed", origins="*"), "origins"),
            "not the owner's": (await send("/rooms/lobby/embed", origins="https://example.org"), ""),
            "an edit": (await send(f"/rooms/{room}/messages/{posted.message_id}", text=" "), "text"),
            "a message": (await send(f"/rooms/{room}/messages", text=" "), "text"),
            "a name": (await nobody.send(f"/rooms/{room}/messages", htmx=False, text="a", name=long), "name"),
            "a name in an embed": (
                await nobody.send(f"/embed/{room}/messages?host={owner.url}", htmx=False, text="a", name=long),
                "name",
            ),
        }


async def test_refused_form_says_so_where_one_looks(alice: Person, room: str) -> None:
    wrong = []
    for what, (answer, blamed) in (await refusals(alice, room)).items():
        page = Page(answer.text)
        (reason,) = [element for element in page.all("p") if element.attributes.get("role") == "alert"]
        fields = [element for element in page.elements if element.attributes.get("aria-invalid") == "true"]
        says = {
            "status": answer.status_code in (403, 409, 422),
            "title": page.all("title")[0].text.startswith("Error: "),
            "focus": {"autofocus", "tabindex"} <= reason.attributes.keys(),
            "alone": sum("autofocus" in element.attributes for element in page.elements) == 1,
            "sentence": reason.text.strip() != "",
            "field": [element.attributes.get("name") for element in fields] == ([blamed] if blamed else []),
            "why": all(each.attributes["aria-describedby"] == reason.attributes["id"] for each in fields),
        }
        wrong += [(what, kind) for kind, right in says.items() if not right]
    assert not wrong


async def test_form_that_is_not_refused_leaves_the_focus_alone(alice: Person, room: str) -> None:
    posted = await alice.post_message("hello", room=room)
    for path in ("/", f"/rooms/{room}", f"/rooms/{room}/embed", f"/rooms/{room}/messages/{posted.message_id}"):
        page = Page((await alice.client.get(path)).text)
        assert not any("autofocus" in element.attributes for element in page.elements), path
        assert not any("aria-invalid" in element.attributes for element in page.elements), path
        assert "Error" not in page.all("title")[0].text, path


async def test_form_for_a_new_room_stands_before_the_rooms(alice: Person) -> None:
    html = (await alice.client.get("/")).text
    assert html.index('action="/rooms"') < html.index('class="rooms"')


async def test_no_field_takes_less_than_its_rule(alice: Person, room: str) -> None:
    """Browsers count `maxlength` in UTF-16, in which a character may be two, and cut the rest off without a word."""
    name = "\U0001f600" * NAME_LENGTH
    pages = [Page((await alice.client.get(path)).text) for path in ("/", f"/rooms/{room}", f"/rooms/{room}/embed")]
    for page in pages:
        label = ""
        for element in page.elements:
            label = element.text if element.tag == "label" else label
            if element.tag not in ("input", "textarea") or "readonly" in element.attributes:
                continue
            most = element.attributes.get("maxlength")
            if (named := element.attributes.get("name")) in ("name", "owner"):
                assert most is None or int(most) >= len(name.encode("utf-16-le")) // 2
                assert f"up to {NAME_LENGTH} characters" in label
            elif named != "slug":
                assert most is None, element
    address = "a" * 40
    assert len(address) == int(pages[0].all("input", name="slug")[0].attributes["maxlength"] or 0)
    answer = await alice.send("/rooms", htmx=False, name=name, slug=f"tea-{secrets.token_hex(4)}")
    assert answer.status_code == 303
