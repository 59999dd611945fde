"""Which hosts a server answers to: its own. A page of any other could have been led here by its owner's DNS."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.people import Person, client
from tests.serving import Server, serving
from tests.web.raw import ask
from tests.web.test_who_may_embed import SURFACES

EVIL = "evil.example"
IDN = "http://bücher.example"
IN_DNS = "http://xn--bcher-kva.example"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def public(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server with a public address, which is not in ASCII, and other names."""
    settings = {"public_url": IDN, "hosts": "chat.example.net, *.straße.example"}
    async with serving(tmp_path_factory.mktemp("public"), limits="off", **settings) as running:
        yield running


async def test_nothing_but_its_health_is_for_another_host(server: Server) -> None:
    paths = {
        surface: (method, path.format(room="lobby", message=1)) for surface, (method, path, *_) in SURFACES.items()
    }
    paths |= {"diagnose": ("GET", "/diagnose"), "echo": ("GET", "/diagnose/echo"), "rooms": ("POST", "/rooms")}
    paths |= {"no websocket": ("GET", "/diagnose/websocket"), "asked": ("OPTIONS", "/"), "odd": ("PATCH", "/%00")}
    answered = {}
    async with client(server.url, Host=EVIL, Origin=f"http://{EVIL}") as mallory:
        for surface, (method, path) in paths.items():
            answer = await mallory.request(method, path, headers={"Sec-Fetch-Site": "same-origin"})
            if answer.status_code != 421 or answer.headers["Chat-Error"] != "host_unknown":
                answered[surface] = answer.status_code
            if method != "HEAD":
                assert "QUART_CHAT_PUBLIC_URL" in answer.text
                assert "QUART_CHAT_HOSTS" in answer.text
            assert EVIL not in answer.text + str(answer.headers)
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert (await mallory.get("/healthz")).text == "ok\n"
        assert (await mallory.get("/readyz")).status_code == 200
    assert not answered
    assert server.log.count("QUART_CHAT_HOSTS") == 1, "the operator is told once"


async def test_websocket_is_for_no_other_host_either(server: Server) -> None:
    upgrade = (
        b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Origin: http://evil.example",
    )  # fmt: skip
    answer = await ask(server, b"/diagnose/websocket", *upgrade, host=EVIL.encode(), wait=False)
    assert answer.startswith(b"HTTP/1.1 403"), answer
    answer = await ask(server, b"/diagnose/websocket", *upgrade[:-1], host=server.bind.encode(), wait=False)
    assert answer.startswith(b"HTTP/1.1 101"), answer


async def test_which_names_a_server_answers_to(server: Server, public: Server) -> None:
    name = socket.gethostname()
    own = [
        "localhost",
        "a.localhost:8000",
        "LOCALHOST.",
        "127.0.0.1",
        "192.0.2.7:80",
        "[::1]:8000",
        name,
        f"{name}.local",
    ]
    set_up = ["xn--bcher-kva.example", "XN--BCHER-KVA.example.:80", "chat.example.net", "a.xn--strae-oqa.example"]
    foreign = [EVIL, "localhost.evil.example", "user@localhost", "xn--strae-oqa.example", "chat.example.org", "127.1"]
    wrong = []
    for running, hosts, expected in [
        (server, own, 200), (server, [*set_up, *foreign], 421), (public, [*own, *set_up], 200), (public, foreign, 421),
    ]:  # fmt: skip
        async with client(running.url) as somebody:
            for host in hosts:
                answer = await somebody.get("/rooms/lobby", headers={"Host": host})
                if answer.status_code != expected:
                    wrong.append((running is public, host, answer.status_code))
    assert not wrong


async def test_request_names_one_host_in_all_places(server: Server) -> None:
    own, evil = server.bind.encode(), EVIL.encode()
    #  what is asked for                         the lines of its host       status
    for target, lines, status in [
        (b"http://%s/rooms/lobby" % own, [own], b"200"),
        (b"HTTP://%s/rooms/lobby?refresh=off" % own, [own], b"200"),
        (b"http://%s/rooms/lobby" % evil, [own], b"421"),
        (b"http://%s/rooms/lobby" % own, [evil], b"421"),
        (b"http://%s/rooms/lobby" % evil, [evil], b"421"),
        (b"http://localhost/rooms/lobby", [own], b"421"),
        (b"http://user@%s/rooms/lobby" % own, [own], b"421"),
        (b"http://[/rooms/lobby", [own], b"421"),
        (b"http:///rooms/lobby", [own], b"421"),
        (b"http://", [own], b"421"),
        (b"ftp://%s/rooms/lobby" % own, [own], b"404"),
        (b"*", [own], b"404"),
        (b"?x", [own], b"404"),
        (b"rooms/lobby", [own], b"404"),
        (b"/rooms/lobby", [own, own], b"400"),
        (b"/rooms/lobby", [own, evil], b"400"),
        (b"/rooms/lobby", [], b"400"),
        (b"/rooms/lobby", [b""], b"421"),
        (b"/healthz", [b""], b"200"),
    ]:
        headers = [b"Host: " + line for line in lines]
        answer = await ask(server, target, *headers, host=None)
        assert answer.startswith(b"HTTP/1.1 " + status), (target, lines, answer)
    old = await ask(server, b"/rooms/lobby", host=None, version=b"HTTP/1.0")
    assert b" 421 " in old.partition(b"\r\n")[0] + b" "
    assert "Traceback" not in server.log


async def test_no_answer_repeats_a_host_that_is_not_the_public_one(server: Server, public: Server) -> None:
    async with client(public.url, Host="chat.example.net") as somebody:
        moved = await somebody.get("/rooms//lobby?a=b")
        assert (moved.status_code, moved.headers.get("Location")) == (404, None)
        moved = await somebody.get("/embed/lobby?message=1")
        assert (moved.status_code, moved.headers["Location"]) == (303, "/rooms/lobby?message=1#message-1")
        moved = await somebody.get("/rooms/Lobby?message=1")
        assert (moved.status_code, moved.headers["Location"]) == (308, "/rooms/lobby?message=1")
        found = await somebody.get("/oembed", params={"url": f"{IDN}/rooms/lobby"})
        assert found.status_code == 401, "a room without a list, on a server that others reach"
        page = await somebody.get("/rooms/lobby")
        assert f"{IN_DNS}/rooms/lobby" in page.text
        assert "chat.example.net" not in page.text + str(page.headers)
    async with client(server.url) as somebody:
        found = await somebody.get(
            "/oembed", params={"url": f"http://LOCALHOST:{server.bind.split(':')[1]}/rooms/lobby"}
        )
        assert found.status_code == 404, "of another name of this machine"
        named = {"Host": f"LocalHost.:{server.bind.split(':')[1]}"}
        found = await somebody.get(
            "/oembed", params={"url": f"http://localhost:{server.bind.split(':')[1]}/rooms/lobby"}, headers=named
        )
        assert found.status_code == 200, found.text


async def test_public_address_in_letters_of_any_script_is_compared_as_browsers_say_it(public: Server) -> None:
    #  what browsers send for that address, or for one of the same name, and for others
    claims = {IN_DNS: 303, f"{IN_DNS}:80": 303, "http://chat.example.net": 403, IN_DNS.replace("http", "https"): 403}
    claims |= {"http://bcher.example": 403, public.url: 403}
    found = {}
    for origin in claims:
        async with client(public.url, Host="xn--bcher-kva.example", Origin=origin) as ana:
            answer = await ana.post("/rooms/lobby/messages", data={"text": "hello", "name": "Ana"})
            found[origin] = answer.status_code
    assert found == claims
    # A foreign form that somebody loads again has been said to be our own by a browser. Where the operator has said who
    # the server is, or its name has come through, no other page is.
    named = {"Host": "xn--bcher-kva.example", "Sec-Fetch-Site": "same-origin"}
    for origin, status in {"https://evil.example": 403, "https://chat.example.net": 303, IN_DNS: 303}.items():
        async with client(public.url, **named, Origin=origin) as ana:
            answer = await ana.post("/rooms/lobby/messages", data={"text": "hello", "name": "Ana"})
            assert answer.status_code == status, origin
    async with client(public.url, Host="xn--bcher-kva.example", Referer=f"{IN_DNS}/embed/lobby") as ana:
        page = await ana.get("/embed/lobby?host=null", headers={"Sec-Fetch-Dest": "iframe"})
        assert "host=null" in page.text, "the embed itself asks"


async def test_foreign_page_that_is_said_to_be_own_is_none_where_the_name_came_through(server: Server) -> None:
    named = {"Host": f"{socket.gethostname()}:8000", "Sec-Fetch-Site": "same-origin"}
    for origin, status in {"https://evil.example": 403, f"https://{socket.gethostname()}": 303}.items():
        async with client(server.url, **named, Origin=origin) as ana:
            answer = await ana.post("/rooms/lobby/messages", data={"text": "hello", "name": "Ana"})
            assert answer.status_code == status, origin


async def test_names_that_are_none_are_refused_at_the_start(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *Server(tmp_path).command, "serve", "--bind", "127.0.0.1:0", cwd=tmp_path,
        env={"QUART_CHAT_HOSTS": "chat.example.net,https://chat.example.org"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await process.communicate()
    assert process.returncode == 2
    assert said.count(b"\n") == 1
    assert b"QUART_CHAT_HOSTS" in said
    assert b"https://chat.example.org is no host" in said


async def test_server_posts_under_every_name_of_its_own(server: Server) -> None:
    port = server.bind.split(":")[1]
    for host in (f"localhost:{port}", f"a.localhost:{port}", f"{socket.gethostname()}:{port}"):
        async with Person("Ana", server.url) as ana:
            ana.client.headers.update({"Host": host, "Origin": f"http://{host.lower()}"})
            await ana.post_message("hello")
