"""Hosts and origins in the one form in which they are compared: the ASCII one, as browsers make it."""

import functools
import re
import socket
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from urllib.parse import urlsplit

import idna

PORTS = {"http": 80, "https": 443}

LENGTH = 253
"""Characters of a host at most (https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4)."""

LABEL = "[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?"
NAME = re.compile(rf"{LABEL}(?:\.{LABEL})*")

AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/?#@\[\]\\]+)(?::([0-9]{0,5}))?")
"""A host and perhaps a port, as a `Host` header has them: without a user."""

ADDRESS_LENGTH = 2048
"""Characters of an address, of which the origin is wanted: what is longer is not even looked at."""

PREFIX = "xn--"

REMEMBERED = 1024
"""Hosts that are kept as they were judged."""


def to_ascii(host: str) -> str:
    """What browsers make of a host: small letters, and names of other scripts as they are in the DNS.

    As https://url.spec.whatwg.org/#concept-domain-to-ascii has it, by https://www.unicode.org/reports/tr46/ without
    transitional processing: ß, ς and joiners stay themselves, and symbols are allowed, which IDNA 2008 has not. Raises
    UnicodeError.
    """
    if host.isascii():
        return host.lower()
    labels = idna.uts46_remap(host, std3_rules=False, transitional=False).split(".")
    return ".".join(map(_label, labels))


def _label(label: str) -> str:
    if label.isascii():
        return label
    idna.check_nfc(label)
    idna.check_initial_combiner(label)
    idna.check_bidi(label)
    for position, character in enumerate(label):
        if character in "\u200c\u200d" and not idna.valid_contextj(label, position):
            raise UnicodeError("a joiner that joins nothing")
    return PREFIX + label.encode("punycode").decode()


def clean(host: str) -> str:
    """A host to be compared: in ASCII, an address in its shortest form, and without the dot that a name may end with.

    Empty for what is none.
    """
    try:
        if host.startswith("["):
            return f"[{IPv6Address(host[1:-1]).compressed}]"
        found = to_ascii(host).removesuffix(".")
        return found if len(found) <= LENGTH and NAME.fullmatch(found) else ""
    except ValueError:  # UnicodeError is one
        return ""


def canonical(url: str) -> str:
    """The origin of an address, to be compared and shown: scheme, host, and a port unless it is the scheme's own.

    Empty for what has none (https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin).
    """
    return _canonical(url) if len(url) <= ADDRESS_LENGTH else ""


@functools.lru_cache(REMEMBERED)
def _canonical(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    found = AUTHORITY.fullmatch(parts.netloc)
    if parts.scheme not in PORTS or found is None:
        return ""
    host, port = clean(found[1]), int(found[2] or PORTS[parts.scheme])
    if not host or not 0 < port < 65536:
        return ""
    return f"{parts.scheme}://{host}" + ("" if port == PORTS[parts.scheme] else f":{port}")


class Hosts:
    """Which hosts are a server's: addresses, names of the machine that they lead to, and those that are set."""

    def __init__(self, names: Iterable[str]) -> None:
        """`names` are clean; `*.example.org` stands for all below it."""
        self._names = frozenset(("localhost", *names))
        self._below = (".localhost", *(name[1:] for name in self._names if name.startswith("*.")))
        self._knows = functools.lru_cache(REMEMBERED)(self._is_known)

    def know(self, authority: str) -> bool:
        """Whether this, of a `Host` header or an address, names the server."""
        return len(authority) <= ADDRESS_LENGTH and self._knows(authority)

    def _is_known(self, authority: str) -> bool:
        found = AUTHORITY.fullmatch(authority)
        host = clean(found[1]) if found and int(found[2] or 0) < 65536 else ""
        if not host:
            return False
        # Nobody can make an address lead elsewhere than it does.
        return host in self._names or host.endswith(self._below) or is_address(host)


def known(public_url: str, names: Iterable[str]) -> Hosts:
    """The hosts of a server on this machine with that address and those other names, both clean."""
    public = urlsplit(public_url).hostname
    return Hosts([*of_this_machine(), *names, *([public] if public else [])])


def of_this_machine(table: Path = Path("/etc/hosts")) -> set[str]:
    """The machine's own names: as it calls itself, alone and with `.local`, and what its table of hosts says besides.

    The DNS is not asked: whoever answers there could be the one against whom hosts are checked, or nobody for seconds.
    """
    name = clean(socket.gethostname())
    if not name:
        return set()
    first = name.partition(".")[0]
    found = {name, first, f"{first}.local"}
    try:
        lines = [line.partition("#")[0].split()[1:] for line in table.read_text(errors="replace").splitlines()]
    except OSError:
        lines = []
    # Only the lines of this machine: such tables also send the names of others nowhere.
    return found.union(*(map(clean, line) for line in lines if found.intersection(line))) - {""}


def is_address(host: str) -> bool:
    """Whether a clean host is an address and no name."""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
