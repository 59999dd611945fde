"""An embed without a script: its form goes to an address of its own, and says there whose page is around."""

import secrets
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio

from quart_chat.domain import embeds
from quart_chat.domain.actors import CONSOLE
from tests.embeds import SITE, beside
from tests.people import client
from tests.serving import Server, serving
from tests.web.page import Page

PUBLIC = "https://chat.example.org"
HOST = "https://www.example.com"
LOOK = {"theme": "dark", "accent": "2b6390", "locale": "pt-BR", "compact": "1"}


@pytest.fixture
async def embed(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that opens an embed in a page of SITE."""
    async with client(server.url, **{"Sec-Fetch-Dest": "iframe"}) as browser:
        yield browser


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def public(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server that people reach under an https address, whose lobby may be in pages of HOST and of one other site."""
    async with serving(tmp_path_factory.mktemp("public"), limits="off", public_url=PUBLIC) as running:
        async with beside(running) as chat:
            await embeds.change(chat, "lobby", CONSOLE, add=[HOST, "https://other.example.com"])
        yield running


async def opened(embed: httpx.AsyncClient, room: str, referrer: str = f"{SITE}/", **options: str) -> Page:
    headers = {"Referer": referrer, "Sec-Fetch-Site": "cross-site"}
    answer = await embed.get(f"/embed/{room}", params=options, headers={k: v for k, v in headers.items() if v})
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


async def sent(embed: httpx.AsyncClient, page: Page, own: str, **fields: str) -> httpx.Response:
    """Send the form of a page as a browser does."""
    action = page.by_id("composer").attributes["action"]
    assert action
    headers = {"Referer": f"{own}/embed/lobby", "Origin": own, "Sec-Fetch-Site": "same-origin"}
    return await embed.post(action, data={"key": page.field("key")} | fields, headers=headers)


async def test_form_leads_back_to_the_same_embed(server: Server, room: str, embed: httpx.AsyncClient) -> None:
    page = await opened(embed, room, **LOOK)
    answer = await sent(embed, page, server.url, text="hello", name="Vera")
    assert answer.status_code == 303
    back = urlsplit(answer.headers["Location"])
    assert back.path == f"/embed/{room}"
    assert parse_qs(back.query) == {name: [value] for name, value in (LOOK | {"host": SITE}).items()}
    headers = {"Referer": f"{server.url}/embed/{room}", "Sec-Fetch-Site": "same-origin"}
    again = Page((await embed.get(answer.headers["Location"], headers=headers)).text)
    assert again.texts == ["hello"]
    assert again.by_id("composer").attributes["action"] == page.by_id("composer").attributes["action"]


async def test_every_link_of_the_embed_keeps_its_options(room: str, embed: httpx.AsyncClient) -> None:
    page = await opened(embed, room, **LOOK)
    links = [link.attributes["href"] or "" for link in page.all("a", target="_self")]
    own = [link for link in links if not link.startswith("#")]
    assert own
    for link in own:
        assert {**parse_qs(urlsplit(link).query), "refresh": 0} == {
            **{name: [value] for name, value in (LOOK | {"host": SITE}).items()}, "refresh": 0
        }  # fmt: skip
    assert page.all("base", target="_blank"), "all others open a tab"


async def test_refusal_shows_the_embed_with_its_form_filled(
    server: Server, room: str, embed: httpx.AsyncClient
) -> None:
    page = await opened(embed, room, **LOOK)
    answer = await sent(embed, page, server.url, text="my long text", name="")
    refused = Page(answer.text)
    assert (answer.status_code, answer.headers["Chat-Error"]) == (422, "name_invalid")
    assert refused.field("text") == "my long text"
    assert refused.alert == "Please enter a name."
    assert refused.by_id("composer").attributes["action"] == page.by_id("composer").attributes["action"]
    assert refused.all("html")[0].attributes["data-theme"] == "dark"
    assert not refused.all("meta", **{"http-equiv": "refresh"}), "nobody's text is reloaded away"


@pytest.mark.parametrize(
    ("referrer", "host"),
    [
        ("https://evil.example/page", "https://evil.example"),
        ("", "null"),
        ("about:blank", "null"),
        ("data:text/html,x", "null"),
        ("http://[", "null"),
    ],
)
async def test_embed_in_a_page_that_may_not_show_it_writes_nothing(
    server: Server, room: str, embed: httpx.AsyncClient, referrer: str, host: str
) -> None:
    page = await opened(embed, room, referrer, host=SITE)
    action = urlsplit(page.by_id("composer").attributes["action"] or "")
    assert parse_qs(action.query)["host"] == [host], "what the browser says counts, not what the address claims"
    answer = await sent(embed, page, server.url, text="hello", name="Vera")
    assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "embed_refused")
    assert Page(answer.text).field("text") == "hello"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("host", ["null", "https://evil.example", "*", "http://localhost:1/", "x" * 5000, '"><script>'])
async def test_host_that_the_address_claims_is_checked(
    server: Server, room: str, embed: httpx.AsyncClient, host: str
) -> None:
    headers = {"Referer": f"{server.url}/embed/{room}", "Origin": server.url}
    fields = {"text": "hello", "name": "Vera"}
    answer = await embed.post(f"/embed/{room}/messages", params={"host": host}, data=fields, headers=headers)
    assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "embed_refused")
    assert '"><script>' not in answer.text


async def test_form_of_another_site_is_refused(room: str, embed: httpx.AsyncClient) -> None:
    for origin in (SITE, "null"):
        headers = {"Origin": origin, "Referer": f"{SITE}/", "Sec-Fetch-Site": "cross-site"}
        answer = await embed.post(f"/embed/{room}/messages", data={"text": "x", "name": "Vera"}, headers=headers)
        assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "origin_refused")


async def test_option_that_is_none_stores_nothing(server: Server, room: str, embed: httpx.AsyncClient) -> None:
    headers = {"Referer": f"{server.url}/embed/{room}", "Origin": server.url}
    fields = {"text": "hello", "name": "Vera"}
    query = {"theme": "pink", "host": SITE}
    answer = await embed.post(f"/embed/{room}/messages", params=query, data=fields, headers=headers)
    assert (answer.status_code, answer.headers["Chat-Error"]) == (422, "option_invalid")
    assert (await opened(embed, room)).texts == []


async def test_link_out_of_the_embed_leads_to_a_page_of_its_own(room: str, embed: httpx.AsyncClient) -> None:
    for query, place in (("message=7", f"/rooms/{room}?message=7#message-7"), ("before=7", f"/rooms/{room}?before=7")):
        answer = await embed.get(f"/embed/{room}?{query}")
        assert (answer.status_code, answer.headers["Location"]) == (303, place)


@pytest.mark.parametrize("path", ["/embed/%2f%2fevil.example?before=1", "/embed/a%0d%0aSet-Cookie:a=b?message=1"])
async def test_link_leads_nowhere_else(server: Server, embed: httpx.AsyncClient, path: str) -> None:
    answer = await embed.get(path)
    assert urlsplit(answer.headers.get("Location", "")).netloc in ("", server.bind)
    assert "Set-Cookie" not in answer.headers


# Under https a browser may keep a cookie of the embed: another one for each site around.


def cookie(answer: httpx.Response) -> tuple[str, dict[str, str]]:
    """What an answer sets, as a Cookie header, and its attributes in small letters."""
    (line,) = answer.headers.get_list("Set-Cookie")
    first, *rest = [part.strip() for part in line.split(";")]
    return first, {part.partition("=")[0].lower(): part.partition("=")[2] for part in rest}


@pytest.fixture
async def vera(public: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that opens an embed in a page of HOST, under https."""
    async with client(public.url, **{"Sec-Fetch-Dest": "iframe"}) as browser:
        yield browser


async def first_post(vera: httpx.AsyncClient) -> httpx.Response:
    page = await opened(vera, "lobby", f"{HOST}/", host=HOST)
    answer = await sent(vera, page, PUBLIC, text="hello", name="Vera", key=secrets.token_urlsafe(18))
    assert answer.status_code == 303, answer.text
    return answer


async def is_known(browser: httpx.AsyncClient, path: str, **headers: str) -> bool:
    page = Page((await browser.get(path, headers=headers)).text)
    return "data-user" in page.by_id("identity").attributes


async def test_cookie_of_an_embed_is_bound_to_host_and_site(vera: httpx.AsyncClient) -> None:
    value, attributes = cookie(await first_post(vera))
    assert value.startswith("__Host-quart_chat_frame_")
    assert "=guest." in value
    assert {"secure", "httponly", "partitioned"} <= attributes.keys()
    assert (attributes["samesite"].lower(), attributes["path"]) == ("none", "/")
    assert "domain" not in attributes


async def test_cookie_of_an_embed_counts_in_embeds_of_its_site_alone(vera: httpx.AsyncClient) -> None:
    value, _ = cookie(await first_post(vera))
    assert await is_known(vera, "/embed/lobby", Cookie=value, Referer=f"{HOST}/")
    assert await is_known(vera, "/rooms/lobby/identity", Cookie=value, **{"Chat-Host": HOST})
    assert not await is_known(vera, "/embed/lobby", Cookie=value, Referer="https://other.example.com/")
    assert not await is_known(vera, "/rooms/lobby/identity", Cookie=value, **{"Chat-Host": "https://other.example.com"})
    assert not await is_known(vera, "/rooms/lobby", Cookie=value)
    assert not await is_known(vera, "/embed/lobby", Cookie=value, **{"Sec-Fetch-Dest": "document"})
    renamed = value.replace("quart_chat_frame", "quart_chat")
    assert not await is_known(vera, "/rooms/lobby", Cookie=renamed)
    assert not await is_known(vera, "/rooms/lobby", Cookie=renamed.replace("guest.", ""))
    assert not await is_known(vera, "/embed/lobby", Cookie=value.replace("__Host-", ""), Referer=f"{HOST}/")


async def test_cookie_of_the_sites_own_pages_is_none_of_an_embed(vera: httpx.AsyncClient) -> None:
    headers = {"Origin": PUBLIC, "Sec-Fetch-Dest": "document"}
    answer = await vera.post("/rooms/lobby/messages", data={"text": "hello", "name": "Ana"}, headers=headers)
    ((of_page, morsel),) = SimpleCookie(answer.headers["Set-Cookie"]).items()
    own = morsel.value
    for name in (of_page, of_page.replace("chat_", "chat_frame_"), "__Host-quart_chat", "__Host-quart_chat_frame"):
        for value in (own, f"guest.{own}"):
            assert not await is_known(vera, "/embed/lobby", Cookie=f"{name}={value}", Referer=f"{HOST}/")


async def test_cookie_posts_as_the_same_guest(vera: httpx.AsyncClient) -> None:
    value, _ = cookie(await first_post(vera))
    page = Page((await vera.get("/embed/lobby", headers={"Cookie": value, "Referer": f"{HOST}/"})).text)
    action = page.by_id("composer").attributes["action"] or ""
    headers = {"Cookie": value, "Referer": f"{PUBLIC}/embed/lobby", "Origin": PUBLIC}
    answer = await vera.post(action, data={"text": "again", "key": page.field("key")}, headers=headers)
    assert answer.status_code == 303
    assert "Set-Cookie" not in answer.headers
    shown = Page((await vera.get("/rooms/lobby/messages")).text).by_class("message")[-2:]
    assert len({message.attributes["data-author"] for message in shown}) == 1


async def test_guest_of_a_cookie_changes_its_name_in_the_embed(vera: httpx.AsyncClient) -> None:
    value, _ = cookie(await first_post(vera))
    asked = await vera.get("/embed/lobby", params=LOOK, headers={"Cookie": value, "Referer": f"{HOST}/"})
    page = Page(asked.text)
    assert "open" not in page.all("details")[0].attributes
    action = page.by_id("rename").attributes["action"] or ""
    headers = {"Cookie": value, "Referer": f"{PUBLIC}/embed/lobby", "Origin": PUBLIC}
    refused = await vera.post(action, data={"name": "Vera ✓"}, headers=headers)
    assert (refused.status_code, refused.headers["Chat-Error"]) == (422, "name_invalid")
    again = Page(refused.text)
    (field,) = again.all("input", form="rename")
    assert (field.attributes["value"], "open" in again.all("details")[0].attributes) == ("Vera ✓", True)
    answer = await vera.post(again.by_id("rename").attributes["action"] or "", data={"name": "Wera"}, headers=headers)
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (303, False)
    back = urlsplit(answer.headers["Location"])
    assert back.path == "/embed/lobby"
    assert parse_qs(back.query) == {name: [value] for name, value in (LOOK | {"host": HOST}).items()}
    shown = Page((await vera.get(answer.headers["Location"], headers=headers)).text)
    assert shown.by_class("message-author")[-1].text == "Wera"
    assert "You are Wera" in " ".join(shown.by_id("identity").text.split())
    for elsewhere in ({"Referer": "https://other.example.com/"}, {"Sec-Fetch-Dest": "document", "Referer": ""}):
        answer = await vera.post("/embed/lobby/me", data={"name": "Evil"}, headers=headers | elsewhere)
        assert (answer.status_code, answer.headers["Chat-Error"]) == (403, "nobody_yet")


async def test_token_of_a_cookie_is_in_no_address(vera: httpx.AsyncClient, public: Server) -> None:
    answer = await first_post(vera)
    value, _ = cookie(answer)
    token = value.partition("=")[2]
    assert token not in answer.headers["Location"] + answer.text
    assert token not in public.log
