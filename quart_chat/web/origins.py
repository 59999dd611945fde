"""Whose page has sent a request, as its browser says."""

from quart_chat.hosts import canonical

NOBODY = "null"
"""What pages without an origin send: sandboxed frames, files. Any of them could be anybody's."""


def is_own(own: str, *, origin: str | None, site: str | None, safe: bool, absent: bool) -> bool:
    """Whether a request with these headers, `Origin` and `Sec-Fetch-Site`, is of a page of the origin `own`.

    `safe` says that it only reads, `absent` what counts where the browser says nothing: then it is a program. What
    counts, in this order:

    - `Origin: null` is nobody.
    - `Sec-Fetch-Site: same-origin` is the browser's own word, also where a proxy has changed scheme and host as this
      server sees them. Browsers say it only under HTTPS and to localhost, where no name can be made to lead elsewhere.
    - `Origin` names the page itself. WebKit says `cross-site` for a form that a frame sends into a new tab, and the
      origin of that frame, which is ours.
    - Without it, `none` is somebody who has typed an address: that may read. All other values are other sites.
    """
    if origin == NOBODY:
        return False
    if site == "same-origin":
        return True
    if origin is not None:
        return is_same(origin, own)
    if site is not None:
        return site == "none" and safe
    return absent


def is_same(one: str, other: str) -> bool:
    return bool(canonical(one)) and canonical(one) == canonical(other)
