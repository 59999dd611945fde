"""Whose page has sent a request, as its browser says."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from quart_chat.hosts import Hosts, canonical, is_address

NOBODY = "null"
"""What pages without an origin send: sandboxed frames, files. Any of them could be anybody's."""


@dataclass(frozen=True, slots=True)
class Own:
    """What a server knows of its own origin."""

    origin: str
    hosts: Hosts
    public: bool
    """Whether the origin is what the operator says, and not what the request was addressed to."""

    def may_be(self, other: str) -> bool:
        """Whether pages of another origin may be the server's, too: those of its other names. Where nobody has said the
        public one, any, if the server was asked by what a proxy puts in the place of the name that it was asked by."""
        host = urlsplit(canonical(other)).netloc
        if host and self.hosts.know(host):
            return True
        asked = urlsplit(self.origin).hostname or ""
        return not self.public and (is_address(asked) or asked == "localhost")


def is_own(own: Own, *, origin: str | None, site: str | None, safe: bool, absent: bool) -> bool:
    """Whether a request with these headers, `Origin` and `Sec-Fetch-Site`, is of a page of the server itself.

    `safe` says that it only reads, `absent` what counts where the browser says nothing: then it is a program. What
    counts, in this order:

    - `Origin: null` is nobody.
    - `Origin` names the page itself. WebKit says `cross-site` for a form that an embed sends into a new tab, and the
      origin of that embed, which is ours.
    - Another origin counts only with `Sec-Fetch-Site: same-origin`, and only where a proxy may have changed scheme and
      host. Browsers say that under HTTPS and to localhost alone, where no name can be made to lead elsewhere; but a
      foreign form that was loaded again has been said to be our own by some (WebKit/WebKit#60289).
    - Without an origin `Sec-Fetch-Site` counts: `none` is somebody who has typed an address, and may read. All other
      values than `same-origin` are other sites.
    """
    if origin == NOBODY:
        return False
    if origin is not None:
        return is_same(origin, own.origin) or (site == "same-origin" and own.may_be(origin))
    if site is not None:
        return site == "same-origin" or (site == "none" and safe)
    return absent


def is_same(one: str, other: str) -> bool:
    return bool(canonical(one)) and canonical(one) == canonical(other)
