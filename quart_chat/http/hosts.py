"""Requests that are for this server, by the host that they name, and those that are for somebody else.

A page of `evil.example`, whose name its owner makes lead to this machine, is of one origin with what answers there
(https://en.wikipedia.org/wiki/DNS_rebinding). Such a server must not answer to that name.
"""

from collections.abc import Awaitable

import structlog

from quart_chat.asgi import App, Receive, Scope, Send
from quart_chat.errors import ChatError, HostUnknown, NotFound
from quart_chat.hosts import Hosts
from quart_chat.http.security import DEFAULTS, FIXED

log = structlog.get_logger()

FOR_ANYBODY = ("/healthz", "/readyz")
"""What watches a server asks for these under any name, or none; they show nothing of the chat."""

SHOWN = 80
"""Characters of a host in the log."""


class ChecksHost:
    """ASGI middleware: answers 421 to what is for another host, whatever is asked for
    (https://www.rfc-editor.org/rfc/rfc9110#name-421-misdirected-request), and 404 to what is no path.

    The host is what `Host` says. A request whose target is a whole address must name the same there, and goes on with
    its path alone. An open stream keeps no frame of this.
    """

    def __init__(self, app: App, hosts: Hosts) -> None:
        self._app = app
        self._hosts = hosts
        self._told = False

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] not in ("http", "websocket"):
            return self._app(scope, receive, send)
        said = [value.decode("latin1") for name, value in scope["headers"] if name == b"host"]
        if not scope["path"].startswith("/"):
            authority = _split(scope)
            if authority is None:
                return _refuse(scope, send, NotFound())
            said.append(authority)
        if scope["path"] in FOR_ANYBODY or (said and len(set(map(str.lower, said))) == 1 and self._hosts.know(said[0])):
            return self._app(scope, receive, send)
        self._notice(said[0] if said else "")
        return _refuse(scope, send, HostUnknown())

    def _notice(self, host: str) -> None:
        """Tell the operator, once, of the first: it may be their own."""
        if self._told:
            return
        self._told = True
        log.warning(
            "asked for under a name that is not this server's, and refused; if it is, set QUART_CHAT_PUBLIC_URL to the "
            "address that people use, or name it in QUART_CHAT_HOSTS",
            host=host[:SHOWN],
        )


def _split(scope: Scope) -> str | None:
    """The authority of a target that is a whole address, which leaves its path in the scope; None for any other
    (https://www.rfc-editor.org/rfc/rfc9112#name-absolute-form)."""
    scheme, found, rest = scope["path"].partition("://")
    if not found or scheme.lower() not in ("http", "https"):
        return None
    authority, _, path = rest.partition("/")
    scope["path"] = f"/{path}"
    raw = scope.get("raw_path") or b""
    scope["raw_path"] = b"/" + raw.partition(b"://")[2].partition(b"/")[2]
    return str(authority)


async def _refuse(scope: Scope, send: Send, error: ChatError) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close"})
        return
    body = f"{error.sentence}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"chat-error", error.code.encode()),
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": [*headers, *DEFAULTS, *FIXED]})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
