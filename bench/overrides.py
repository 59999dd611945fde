"""What each departure from the usual way of Quart, Jinja and asyncio moves: CPU time with it and without, in turns.

`python -m bench.overrides`, on an idle core (`nice -n -20 taskset -c 1`): a minute. The app is called without a server,
so that of a request only its own part counts. What is shown is the difference of the shortest times: what else the
machine does only ever makes them longer.
"""

import asyncio
import gc
import secrets
import tempfile
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import jinja2
from quart import Quart, request
from quart.asgi import ASGIHTTPConnection

from quart_chat import assets
from quart_chat.app import create_app
from quart_chat.config import Config
from quart_chat.http import context
from quart_chat.http.connection import ChatConnection
from quart_chat.http.serving import Serving
from quart_chat.view import templates
from quart_chat.view.pages import Pages

ROUNDS = 150
"""Pairs of batches."""

BATCH = 20
"""Requests measured together."""

HOST = "127.0.0.1:8000"

Undo = Callable[[], None]
Departure = Callable[[Quart], Callable[[], Undo]]
"""Gets ready; what it returns takes the departure away until it is undone."""


class Client:
    """Calls the app as a server would."""

    def __init__(self, app: Quart) -> None:
        self._app = app
        self._cookie = b""

    async def ask(self, method: str, path: str, **form: str) -> None:
        body = urlencode(form).encode()
        headers = [(b"host", HOST.encode()), (b"origin", f"http://{HOST}".encode()), (b"accept-encoding", b"gzip")]
        if self._cookie:
            headers.append((b"cookie", self._cookie))
        if form:
            headers += [(b"hx-request", b"true"), (b"content-length", b"%d" % len(body))]
        scope = {
            "type": "http", "http_version": "1.1", "method": method, "scheme": "http", "path": path,
            "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": headers,
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8000), "extensions": {},
        }  # fmt: skip
        coming = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            return coming.pop() if coming else await asyncio.Future()

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                assert message["status"] < 400, message
                found = dict(message["headers"]).get(b"set-cookie")
                self._cookie = self._cookie or (found or b"").partition(b";")[0]

        await self._app(scope, receive, send)  # type: ignore[arg-type]

    async def post(self, **fields: str) -> None:
        await self.ask("POST", "/rooms/lobby/messages", text="hello " * 16, key=secrets.token_urlsafe(9), **fields)


def one_task(app: Quart) -> Callable[[], Undo]:
    """`ChatConnection`, in place of four tasks for each request."""

    class Usual(ASGIHTTPConnection):
        async def handle_request(self, request: Any, send: Any) -> None:
            context.begin(request, self.app.extensions[context.EXTENSION])
            await super().handle_request(request, send)

    def without() -> Undo:
        app.asgi_http_class = Usual
        return lambda: setattr(app, "asgi_http_class", ChatConnection)

    return without


def own_variable(app: Quart) -> Callable[[], Undo]:
    """`context._asked`, in place of Quart's `request`."""
    own: Any = context._asked

    class Proxied:
        set, reset = own.set, own.reset

        def get(self) -> Any:
            return request

    def without() -> Undo:
        context._asked = Proxied()  # type: ignore[assignment]
        return lambda: setattr(context, "_asked", own)

    return without


def plain_globals(app: Quart) -> Callable[[], Undo]:
    """`_Environment.make_globals`, in place of a chain of dictionaries."""
    serving: Serving = app.extensions[context.EXTENSION]
    own = templates._Environment
    templates._Environment = jinja2.Environment  # type: ignore[misc, assignment]
    usual = templates.Templates(assets.folder("templates"))
    templates._Environment = own  # type: ignore[misc]
    kept = serving.templates, serving.pages
    others = usual, Pages(usual)

    def without() -> Undo:
        serving.templates, serving.pages = others

        def undo() -> None:
            serving.templates, serving.pages = kept

        return undo

    return without


DEPARTURES: tuple[Departure, ...] = (one_task, own_variable, plain_globals)


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Config(database_url=f"sqlite:///{folder}/chat.db", limits="off"))
        async with app.test_app():
            client = Client(app)
            await client.post(name="Ana")
            for _ in range(49):
                await client.post()
            gc.disable()
            kinds: dict[str, Callable[[], Awaitable[None]]] = {
                "/healthz": lambda: client.ask("GET", "/healthz"),
                "a page": lambda: client.ask("GET", "/rooms/lobby"),
                "a post": client.post,
            }
            for departure in DEPARTURES:
                without = departure(app)
                for kind, ask in kinds.items():
                    _show(f"{departure.__name__}, {kind}", await _compare(ask, without))


async def _compare(ask: Callable[[], Awaitable[None]], without: Callable[[], Undo]) -> tuple[float, float]:
    """Microseconds of one request, with and without."""

    async def batch() -> float:
        began = time.thread_time()
        for _ in range(BATCH):
            await ask()
        return (time.thread_time() - began) / BATCH * 1e6

    times: tuple[list[float], list[float]] = [], []
    for _ in range(ROUNDS):
        times[0].append(await batch())
        undo = without()
        try:
            times[1].append(await batch())
        finally:
            undo()
        gc.collect(0)
    return min(times[0]), min(times[1])


def _show(what: str, found: tuple[float, float]) -> None:
    as_it_is, without = found
    print(f"{what:28} {as_it_is:6.0f} us, without {100 * (without / as_it_is - 1):+.1f} %", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
