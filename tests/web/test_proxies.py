"""Whom the server takes a request to come from: what proxies say counts where they are trusted, and nowhere else."""

import os
import time
from collections.abc import AsyncIterator, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from quart_chat.config import load_config
from quart_chat.domain import moderation
from quart_chat.domain.actors import CONSOLE
from quart_chat.errors import StartupError
from quart_chat.http.proxies import HOPS, Proxies, parse
from tests.embeds import beside
from tests.people import Person
from tests.serving import Server, serving

TRUSTED = ("127.0.0.1", "10.0.0.0/8", "::1", "2001:db8:1::/48")

PROXY, CLIENT, OTHER = "10.0.0.1", "203.0.113.7", "198.51.100.9"


async def resolved(
    peer: str | None, *headers: tuple[str, str], type: str = "http", unix: bool = False
) -> Mapping[str, Any]:
    """The scope as the app gets it."""
    seen: dict[str, Any] = {}

    async def app(scope: dict[str, Any], receive: object, send: object) -> None:
        seen.update(scope)

    async def never(*_: object) -> Any:
        raise AssertionError

    proxies = Proxies(app, tuple(map(ip_network, TRUSTED)), unix=unix)
    lines = [(name.encode(), value.encode("latin1")) for name, value in headers]
    scheme = {"http": "http", "websocket": "ws"}[type]
    scope = {"type": type, "client": (peer, 1234) if peer else None, "scheme": scheme, "headers": lines}
    await proxies(scope, never, never)
    return seen


async def client(peer: str | None, *forwarded: str, unix: bool = False) -> str | None:
    scope = await resolved(peer, *(("x-forwarded-for", line) for line in forwarded), unix=unix)
    return scope["client"][0] if scope["client"] else None


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ([CLIENT], CLIENT),
        ([f"{CLIENT}:5678"], CLIENT),
        ([f" \t{CLIENT}\t "], CLIENT),
        (["2001:db8:2::7"], "2001:db8:2::7"),
        (["[2001:db8:2::7]"], "2001:db8:2::7"),
        (["[2001:DB8:2:0::7]:9"], "2001:db8:2::7"),
        (["::ffff:203.0.113.7"], CLIENT),
        (["[::ffff:cb00:7107]:80"], CLIENT),
        ([f"{CLIENT}, 10.1.2.3"], CLIENT),
        ([f"{CLIENT}, 2001:db8:1::5, ::ffff:10.1.2.3, 127.0.0.1:80"], CLIENT),
        ([CLIENT, "10.1.2.3"], CLIENT),
        (["10.9.9.9, 10.1.2.3"], "10.9.9.9"),
    ],
    ids=["address", "port", "spaces", "IPv6", "brackets", "brackets and port", "mapped", "mapped in brackets", "chain",
         "mixed chain", "two lines", "a proxy is the client itself"],
)  # fmt: skip
async def test_trusted_proxy_names_the_client(forwarded: list[str], expected: str) -> None:
    assert await client(PROXY, *forwarded) == expected


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ([f"{OTHER}, {CLIENT}"], CLIENT),
        ([f"127.0.0.1, 10.0.0.1, {CLIENT}"], CLIENT),
        ([OTHER, f"127.0.0.1, {CLIENT}"], CLIENT),
        ([f"{OTHER}, nonsense, 10.1.2.3"], "10.1.2.3"),
        ([f"{OTHER},, 10.1.2.3"], "10.1.2.3"),
        ([f"{OTHER}, \xff\x85{CLIENT}"], PROXY),
        ([f"{CLIENT}, "], PROXY),
        ([""], PROXY),
        ([], PROXY),
        ([",,,,"], PROXY),
        (["unknown"], PROXY),
        (["_hidden, for=1.2.3.4"], PROXY),
        (["203.0.113.7.1"], PROXY),
        (["203.0.113.07"], PROXY),
        (["203.0.113"], PROXY),
        (["0x7f.1"], PROXY),
        (["٢03.0.113.7".encode().decode("latin1")], PROXY),
        (["203.0.113.7:http"], PROXY),
        (["203.0.113.7:123456"], PROXY),
        (["[203.0.113.7]:80"], PROXY),
        (["[::1"], PROXY),
        (["fe80::1%eth0"], PROXY),
        (["[fe80::1%eth0]:80"], PROXY),
        (["203.0.113.0/24"], PROXY),
        (["<script>, '; DROP TABLE rooms"], PROXY),
        (["1" * 60_000], PROXY),
        ([f"{OTHER}, " + "127.0.0.1," * 6000 + " 10.1.2.3"], "127.0.0.1"),
        ([f"127.0.0.1, {OTHER}, " + " " * 60_000 + CLIENT], PROXY),
    ],
    ids=["forged", "forged as trusted", "forged in a line of its own", "garbage in between", "empty in between",
         "garbage before it", "empty at the end", "empty", "none", "commas", "unknown", "Forwarded", "five parts",
         "octal", "three parts", "hexadecimal", "other digits", "port name", "port too long", "IPv4 in brackets",
         "open bracket", "zone", "zone in brackets", "network", "markup", "long number", "thousands of proxies",
         "thousands of spaces"],
)  # fmt: skip
async def test_forged_or_broken_value_is_believed_no_further_than_the_last_good_one(
    forwarded: list[str], expected: str
) -> None:
    assert await client(PROXY, *forwarded) == expected


@pytest.mark.parametrize(
    "peer", ["203.0.113.1", "11.0.0.1", "2001:db8:2::1", "127.0.0.2", "::ffff:11.0.0.1", "nonsense"]
)
async def test_who_is_not_trusted_says_nothing(peer: str) -> None:
    scope = await resolved(peer, ("x-forwarded-for", CLIENT), ("x-forwarded-proto", "https"))
    assert (scope["client"], scope["scheme"]) == ((peer, 1234), "http")


@pytest.mark.parametrize("peer", ["::ffff:10.0.0.1", "::ffff:7f00:1", "2001:db8:1::9"])
async def test_trusted_proxy_is_known_in_each_of_its_forms(peer: str) -> None:
    assert await client(peer, CLIENT) == CLIENT


async def test_peer_of_a_unix_socket_is_trusted_by_name_alone() -> None:
    assert await client(None, CLIENT, unix=True) == CLIENT
    assert await client(None, CLIENT) is None
    assert await client("nonsense", CLIENT, unix=True) == "nonsense"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (["https"], "https"),
        (["HTTPS "], "https"),
        (["http, https"], "https"),
        (["https, http"], "http"),
        (["http", "https"], "https"),
        (["https, "], "http"),
        (["javascript"], "http"),
        (["wss"], "http"),
        ([""], "http"),
    ],
)
async def test_scheme_is_what_the_nearest_proxy_says_if_it_is_one(said: list[str], expected: str) -> None:
    scope = await resolved(PROXY, *(("x-forwarded-proto", line) for line in said))
    assert scope["scheme"] == expected


async def test_websocket_has_a_scheme_of_its_own() -> None:
    headers = (("x-forwarded-for", CLIENT), ("x-forwarded-proto", "https"))
    scope = await resolved(PROXY, *headers, type="websocket")
    assert (scope["client"][0], scope["scheme"]) == (CLIENT, "wss")


async def test_long_headers_cost_little_and_are_not_kept() -> None:
    parse.cache_clear()
    begun = time.process_time()
    for number in range(50):
        await client(PROXY, f"{number}" + "127.0.0.1," * 6000 + "10.1.2.3", ", ".join(["x" * 50] * 1000))
    assert time.process_time() - begun < 5
    assert parse.cache_info().currsize < 2 * HOPS


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("localhost", "'localhost' does not appear to be an IPv4 or IPv6 network"),
        ("10.0.0.1, *", "'*' does not appear"),
        ("10.0.0.1/8", "10.0.0.1/8 has host bits set"),
        ("10.0.0.0/33", "'10.0.0.0/33' does not appear"),
        ("127.0.0.1:80", "'127.0.0.1:80' does not appear"),
        ("::ffff:10.0.0.0/104", "::ffff:10.0.0.0/104 holds IPv4 addresses"),
    ],
)
def test_setting_that_is_no_network_is_refused_in_a_sentence(setting: str, reason: str) -> None:
    with pytest.raises(StartupError) as refused:
        load_config(trusted_proxies=setting)
    sentence = str(refused.value)
    assert sentence.startswith(f"QUART_CHAT_TRUSTED_PROXIES is {setting!r}: {reason}")
    assert sentence.endswith(".")


def test_nobody_is_trusted_unless_it_is_set() -> None:
    config = load_config(trusted_proxies=" , ")
    assert (config.trusted_networks, config.trusts_unix) == ((), False)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def behind(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server with a proxy on its own machine, which others of its machine are not."""
    settings = {"trusted_proxies": " 127.0.0.1 , 10.0.0.0/8,unix", "address_burst": "2", "address_rate": "0.001"}
    settings["hosts"] = "chat.example.org"
    async with serving(tmp_path_factory.mktemp("behind"), **settings) as running:
        yield running


def through(proxy: str, server: Server, forwarded: str, **headers: str) -> Person:
    person = Person("Ana", server.url, address=proxy)
    person.client.headers.update({"X-Forwarded-For": forwarded} | headers)
    return person


async def post(person: Person) -> httpx.Response:
    person.client.cookies.clear()
    return await person.send("/rooms/lobby/messages", text="hello", name="Ana")


async def test_limits_see_the_client_and_not_its_proxy(behind: Server) -> None:
    async with through("127.0.0.1", behind, "203.0.113.20") as ana, through("127.0.0.1", behind, "203.0.113.21") as bo:
        assert [(await post(ana)).status_code for _ in range(3)] == [201, 201, 429]
        assert (await post(bo)).status_code == 201


async def test_nobody_escapes_the_limits_by_naming_others(behind: Server) -> None:
    statuses = []
    for number in range(3):
        forged = f"198.51.100.{number}, 203.0.113.30"
        async with through("127.0.0.1", behind, forged) as mallory:
            statuses.append((await post(mallory)).status_code)
    for number in range(3):
        async with through("127.0.0.3", behind, f"198.51.100.{number}") as mallory:
            statuses.append((await post(mallory)).status_code)
    assert statuses == [201, 201, 429] * 2


async def test_https_at_the_proxy_makes_the_cookie_and_the_origin_secure(behind: Server) -> None:
    host = {"Host": "chat.example.org", "Origin": "https://chat.example.org", "X-Forwarded-Proto": "https"}
    async with through("127.0.0.1", behind, "203.0.113.40", **host) as ana:
        answer = await post(ana)
        assert answer.status_code == 201, answer.text
        assert answer.headers["Set-Cookie"].startswith("__Host-quart_chat_")
    async with through("127.0.0.4", behind, "203.0.113.40", **host) as mallory:
        assert (await post(mallory)).status_code == 403, "whoever is not trusted still speaks http"


async def test_name_of_a_network_tells_only_whether_it_is_another(behind: Server) -> None:
    async def name(address: str) -> str:
        async with through("127.0.0.1", behind, address) as ana:
            answer = await ana.client.get("/rooms/lobby/poll")
            assert "access-control-expose-headers" not in answer.headers
            return str(answer.headers["Chat-Network"])

    first = await name("203.0.113.50")
    assert len(first) == 12
    assert int(first, 16) >= 0
    assert await name("203.0.113.50") == first != await name("203.0.113.51")
    assert await name("2001:db8:7::1") == await name("2001:db8:7::2") != await name("2001:db8:7:1::1")


async def test_ban_shuts_the_network_of_the_client_and_not_of_its_proxy(behind: Server) -> None:
    """Of IPv6 the /64, of which a client has all addresses."""
    async with through("127.0.0.1", behind, "2001:db8:8:1::7") as mallory:
        assert (await post(mallory)).status_code == 201
        number = int((await mallory.client.get("/rooms/lobby/identity")).headers["Chat-Identity"])
    async with beside(behind) as chat, through("127.0.0.1", behind, "203.0.113.60") as ana, ana.listen() as stream:
        await moderation.remove(chat, "lobby", CONSOLE, number, ban=True)
        await stream.next("message")
    statuses = {}
    for address in ("2001:db8:8:1::8", "2001:db8:8:1:ffff::1", "2001:db8:8:2::7", "203.0.113.61"):
        async with through("127.0.0.1", behind, address) as somebody:
            statuses[address] = (await somebody.client.get("/rooms/lobby")).status_code
    assert list(statuses.values()) == [403, 403, 200, 200], statuses


async def test_name_of_a_network_is_another_at_each_site(behind: Server, tmp_path: Path) -> None:
    names = set()
    async with serving(tmp_path) as other:
        for server in (behind, other):
            async with Person("Ana", server.url) as ana:
                names.add((await ana.client.get("/rooms/lobby/poll")).headers["Chat-Network"])
    assert len(names) == 2


async def test_proxy_that_is_not_trusted_is_told_of_once(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        for proxy in ("127.0.0.5", "127.0.0.6", "127.0.0.5"):
            async with through(proxy, server, "203.0.113.60") as ana:
                await ana.client.get("/rooms/lobby/poll")
                assert (await post(ana)).status_code == 201
        assert server.log.count("set QUART_CHAT_TRUSTED_PROXIES") == 1
        assert "127.0.0.5" in server.log


async def test_untrusted_neighbour_of_a_trusted_proxy_is_told_of(tmp_path: Path) -> None:
    async with serving(tmp_path, trusted_proxies="127.0.0.1") as server:
        async with through("127.0.0.1", server, "10.0.0.5") as ana:
            await ana.client.get("/rooms/lobby/poll")
        assert "QUART_CHAT_TRUSTED_PROXIES" not in server.log, "a client with a private address is no proxy"
        async with through("127.0.0.6", server, "203.0.113.60") as ana:
            await ana.client.get("/")
        assert server.log.count("QUART_CHAT_TRUSTED_PROXIES") == 1


@pytest.mark.parametrize(("trusted", "cookie"), [("unix", "__Host-quart_chat"), ("127.0.0.1", "quart_chat")])
async def test_unix_socket_is_trusted_by_name(tmp_path: Path, trusted: str, cookie: str) -> None:
    path = tmp_path / "chat.sock"
    server = Server(tmp_path, {"trusted_proxies": trusted, "hosts": "chat.example.org"}, bind=f"unix:{path}")
    await server.start()
    try:
        transport = httpx.AsyncHTTPTransport(uds=os.fspath(path), verify=False, trust_env=False)
        origin = f"{'https' if trusted == 'unix' else 'http'}://chat.example.org"
        said = {"Origin": origin, "X-Forwarded-For": CLIENT, "X-Forwarded-Proto": "https"}
        async with httpx.AsyncClient(transport=transport, base_url="http://chat.example.org", headers=said) as ana:
            answer = await ana.post("/rooms/lobby/messages", data={"text": "hello", "name": "Ana"})
        assert answer.status_code == 303, answer.text
        assert answer.headers["Set-Cookie"].startswith(f"{cookie}_")
        assert ("set QUART_CHAT_TRUSTED_PROXIES" in server.log) == (trusted != "unix")
    finally:
        await server.kill()
