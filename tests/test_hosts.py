"""Hosts and origins have one form in which they are compared, which is the one that browsers make."""

from pathlib import Path

import pytest

from quart_chat import hosts
from quart_chat.hosts import Hosts, canonical, of_this_machine

#   as somebody writes it                    as browsers have it; nothing for what they take for no host
ORIGINS = {
    "http://bücher.example": "http://xn--bcher-kva.example",
    "HTTP://BÜCHER.Example:80/": "http://xn--bcher-kva.example",
    "https://bücher.example:443": "https://xn--bcher-kva.example",
    "https://bücher.example:8443": "https://xn--bcher-kva.example:8443",
    "https://xn--bcher-kva.example": "https://xn--bcher-kva.example",
    "https://faß.example": "https://xn--fa-hia.example",
    "https://βόλος.example": "https://xn--nxasmm1c.example",
    "https://نامه\u200cای.example": "https://xn--mgba3gch31f060k.example",
    "https://例え。テスト": "https://xn--r8jz45g.xn--zckzah",
    "https://ｅｘａｍｐｌｅ.org": "https://example.org",
    "https://💩.example": "https://xn--ls8h.example",
    "https://chat.example.": "https://chat.example",
    "http://localhost:8000/rooms/lobby?x#y": "http://localhost:8000",
    "http://my_chat:8000": "http://my_chat:8000",
    "http://[0:0:0:0:0:0:0:1]:8000": "http://[::1]:8000",
    "http://127.0.0.1:080": "http://127.0.0.1",
    "https://a\u200db.example": "",
    "https://\u0301a.example": "",
    "https://1א.example": "",
    "https://a..example": "",
    "https://a b.example": "",
    "https://\u2100.example": "",
    "https://user@chat.example": "",
    "https://chat.example:0": "",
    "https://chat.example:65536": "",
    "https://chat.example:٨٠": "",
    "https://" + "a" * 64 + ".example": "",
    "https://" + "a." * 150 + "example": "",
    "https://[": "",
    "https://[::1%25eth0]": "",
    "https://\ud800.example": "",
    "ftp://chat.example": "",
    "chat.example": "",
    "null": "",
    "": "",
}


def test_origin_is_compared_as_browsers_have_it() -> None:
    assert {written: canonical(written) for written in ORIGINS} == ORIGINS
    assert {kept: canonical(kept) for kept in ORIGINS.values()} == {kept: kept for kept in ORIGINS.values()}


#   a host that is asked for          whether it is one of a server that is also called as below
ASKED = {
    "localhost": True, "LocalHost:8000": True, "localhost.": True, "chat.localhost:1": True, "a.b.localhost": True,
    "127.0.0.1:8000": True, "192.168.0.7": True, "[::1]": True, "[2001:DB8::1]:8000": True, "[::ffff:127.0.0.1]": True,
    "chat.example.org": True, "CHAT.EXAMPLE.ORG.:443": True, "xn--bcher-kva.example": True,
    "a.example.net": True, "a.b.example.net": True,
    "evil.example": False, "evil.example:8000": False, "localhost.evil.example": False, "evil-localhost": False,
    "127.0.0.1.evil.example": False, "example.net": False, "evilexample.net": False, ".example.net": False,
    "evil.example#.example.net": False, "evil.example/.example.net": False, "..localhost": False,
    "localhost@evil.example": False, "evil.example@localhost": False, "@localhost": False, "localhost:80@evil": False,
    "localhost evil.example": False, "localhost\t": False, "localhost,evil.example": False, "localhost:x": False,
    "localhost:99999": False, "localhost:8000:8000": False, "[::1": False, "::1": False, "[::1]evil": False,
    "[localhost]": False, "127.1": False, "0x7f000001": False, "2130706433": False, "": False, ":8000": False,
    "localhost\\evil": False, "\xff\xfe": False, "x" * 9000: False,
}  # fmt: skip


def test_which_hosts_are_a_servers_own() -> None:
    known = Hosts(["chat.example.org", "xn--bcher-kva.example", "*.example.net"])
    assert {host: known.know(host) for host in ASKED} == ASKED
    assert not Hosts([]).know("chat.example.org")


def test_machine_has_the_names_that_it_gives_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "hosts"
    table.write_text(
        "127.0.0.1 localhost\n127.0.1.1 Desk.example.org desk # not.this\n0.0.0.0 ads.example\n10.0.0.9 other\n\xff\n",
        "latin1",
    )
    monkeypatch.setattr(hosts.socket, "gethostname", lambda: "desk")
    assert of_this_machine(table) == {"desk", "desk.local", "desk.example.org"}
    monkeypatch.setattr(hosts.socket, "gethostname", lambda: "desk.lan")
    assert of_this_machine(tmp_path / "none") == {"desk.lan", "desk", "desk.local"}
    monkeypatch.setattr(hosts.socket, "gethostname", lambda: "(none)")
    assert of_this_machine(table) == set()
