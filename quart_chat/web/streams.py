"""What happens in a room, as a stream and as long polls: the same fragments from the same feed.

Both are answered ahead of Quart. What that does for a request (a context, the route, three tasks, a response) costs
more than everything that is done here, and whoever reads by polls asks again with every message; after a network has
come back, everybody asks at once.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress

import structlog

from quart_chat.asgi import App, Receive, Scope, Send
from quart_chat.domain import access
from quart_chat.domain.actors import Asker, SiteToken
from quart_chat.errors import ChatError, Failed, MethodNotAllowed, RemovedFromRoom, TooFast
from quart_chat.http import context, credentials
from quart_chat.http.connection import PATIENCE
from quart_chat.http.context import HeldRequest
from quart_chat.http.held import LONGEST_WAIT, STREAM_HEADERS
from quart_chat.http.security import DEFAULTS, FIXED, check_origin, check_version, is_own_page
from quart_chat.http.serving import Serving
from quart_chat.http.surfaces import STRICTEST
from quart_chat.streaming.feed import Feed
from quart_chat.streaming.forms import HTML
from quart_chat.streaming.poll import wait
from quart_chat.streaming.reader import Viewer
from quart_chat.streaming.stream import Terms, open_at_once, stream
from quart_chat.takeover.exchange import Exchange
from quart_chat.takeover.live import Live

log = structlog.get_logger()

ADDRESS = re.compile("/rooms/([^/]+)/(stream|poll)")

METHODS = ("GET", "HEAD")

Headers = dict[str, str]


def _said(content_type: str, headers: Headers) -> list[tuple[bytes, bytes]]:
    """What is said with an answer, as ASGI has it."""
    said = [(b"content-type", content_type.encode())]
    said += [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    names = {name for name, _ in said}
    return [*said, *(header for header in DEFAULTS if header[0] not in names), *FIXED]


OPENING = tuple(_said("text/event-stream; charset=utf-8", STREAM_HEADERS))
"""The same for every stream: the server keeps it as long as the stream is open."""


class Held:
    """ASGI middleware that answers streams and polls itself. An open stream keeps one frame of it, and nothing of its
    request."""

    def __init__(self, app: App, serving: Serving) -> None:
        self._app = app
        self._serving = serving

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http" and scope["path"].endswith(("/stream", "/poll")):
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            if asked := ADDRESS.fullmatch(path):
                return self._answer(asked[1], asked[2], HeldRequest(scope, self._serving), Exchange(receive, send))
        return self._app(scope, receive, send)

    async def _answer(self, slug: str, what: str, request: HeldRequest, exchange: Exchange) -> None:
        try:
            with context.held(request):
                del request  # an open stream keeps this frame
                exchange.has_body = context.has_body()
                slug = slug.lower() if slug.isascii() else slug  # as for pages, which are led to the right address
                live = await (_stream if what == "stream" else _poll)(slug, exchange)
        except ChatError as error:
            await _refuse(exchange, error)
        except Exception as error:
            log.error("request failed", exc_info=error)
            await _refuse(exchange, Failed())
        else:
            if live is not None:
                del slug, what  # as above
                await _live(live, exchange)


async def _stream(slug: str, exchange: Exchange) -> Live | None:
    """Server-Sent Events."""
    feed, viewer, _ = await _enter(slug)
    if not exchange.has_body:
        await exchange.receive()
        if exchange.disconnected:
            return None
    await _begin(exchange, 200, OPENING)
    if context.is_head():
        await _end(exchange)
        return None
    serving, after = context.serving(), context.last_event_id()
    config = serving.config
    terms = Terms(config.replay_limit, config.replay_bytes, config.heartbeat, config.stream_age)
    if live := open_at_once(serving.feeds, feed, after, terms, exchange, viewer):
        return live
    live = None
    try:
        async with _while_there(exchange) as cut_off:
            async with aclosing(stream(serving.feeds, feed, after, terms, viewer, cut_off, exchange)) as body:
                async for piece in body:
                    if isinstance(piece, Live):
                        live = piece
                        break
                    await exchange.send({"type": "http.response.body", "body": piece, "more_body": True})
            if live is None:
                await _end(exchange)
    except BaseException:
        # Whoever is live is counted until it has ended.
        if live is not None:
            live.end()
        raise
    return live


async def _live(live: Live, exchange: Exchange) -> None:
    try:
        # Who has left while it was opened is not heard of again.
        if not exchange.disconnected and await live.run(exchange.direct):
            await _end(exchange)
    finally:
        live.end()


async def _poll(slug: str, exchange: Exchange) -> None:
    """The fragments after `?after=`, at once or when something happens, but no later than `?wait=` seconds.

    The header `Chat-Cursor` says where the next poll goes on; `Chat-Reset: true` that the room must be loaded anew;
    `Chat-Limit: true` that it was not held any longer, because others of its address or its user took its seat.
    `Chat-Network` is another one when the client has moved to another network.
    """
    serving = context.serving()
    feed, viewer, asker = await _enter(slug)
    config, form = serving.config, viewer.form
    after = context.last_event_id()
    position, must_reset = await feed.resume(after, config.replay_limit, config.replay_bytes, form)
    seconds = _seconds(context.argument("wait"))
    in_time = True
    if seconds and not must_reset:
        async with _while_there(exchange):
            in_time = await wait(serving.feeds, feed, position, seconds, viewer)
        if exchange.disconnected:
            return
    entries = await feed.entries_after(position, form)
    await _check(feed, slug, asker, viewer)  # meanwhile
    position = entries[-1].cursor if entries else position
    body = feed.fragments(entries, form) + feed.signals(form)
    headers = {"Chat-Cursor": str(feed.cursor(position)), "Chat-Network": context.network()}
    if must_reset:
        headers["Chat-Reset"] = "true"
    if not in_time:
        headers["Chat-Limit"] = "true"
    await _whole(exchange, 200, "text/html; charset=utf-8", headers, body)


async def _enter(slug: str) -> tuple[Feed, Viewer, Asker]:
    """The feed of a room, and whoever asks. Raises what `access.admit` raises."""
    check_version()
    context.check_method(*METHODS)
    check_origin(STRICTEST)
    serving = context.serving()
    asker = credentials.asker()
    if isinstance(asker.credential, SiteToken):
        serving.chat.limits.check_refusals(asker.address)
    admitted = await access.admit(serving.chat, slug, asker)
    who = admitted.user_key, asker.address, admitted.until
    viewer = Viewer(*who, HTML, admitted.vouched_by, is_own_page())
    feed = serving.feeds.known(slug) or await serving.feeds.get(admitted.room)
    if not await feed.keeps(viewer, admitted.room.cursor):
        await _check(feed, slug, asker, viewer)
    return feed, viewer, asker


async def _check(feed: Feed, slug: str, asker: Asker, viewer: Viewer) -> None:
    """Raises RemovedFromRoom, with what they are told, for who was let in and may not read any more."""
    if feed.gate.keeps(viewer):
        return
    # Or it is somebody whose network was shut meanwhile: then it is looked for whether they are a member.
    await access.admit(context.serving().chat, slug, asker)
    if not feed.gate.keeps(viewer):
        raise RemovedFromRoom


async def _refuse(exchange: Exchange, error: ChatError) -> None:
    """Never as HTML: an event stream client could take it for content, or for a reason to ask again at once."""
    if exchange.begun:
        return  # A server breaks off what has no end, and its reader comes back.
    headers = {"Chat-Error": error.code}
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = ", ".join(METHODS)
    if isinstance(error, TooFast):
        headers["Retry-After"] = str(error.retry_after)
    await _whole(exchange, error.status, "text/plain; charset=utf-8", headers, f"{error.sentence}\n".encode())


async def _whole(exchange: Exchange, status: int, content_type: str, headers: Headers, body: bytes) -> None:
    """An answer that is there as a whole. None of them may be kept by anybody. Whoever does not take it in time gets no
    more of it."""
    fixed = {"Cache-Control": "no-store", "Content-Length": str(len(body))}
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            await _begin(exchange, status, _said(content_type, fixed | headers))
            await _end(exchange, body)


async def _begin(exchange: Exchange, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
    await exchange.send({"type": "http.response.start", "status": status, "headers": [*headers]})


async def _end(exchange: Exchange, body: bytes = b"") -> None:
    # A server that cannot get rid of a body, or of the rest of it, would wait for ever.
    listening = asyncio.create_task(exchange.throw_away()) if exchange.has_body else None
    try:
        await exchange.send({"type": "http.response.body", "body": body, "more_body": False})
    finally:
        if listening is not None:
            listening.cancel()


@asynccontextmanager
async def _while_there(exchange: Exchange) -> AsyncIterator[Callable[[], None]]:
    """Go on while the client is there, or until what comes from this is called: then what is done within this is
    cancelled, and nothing is raised."""
    task = asyncio.current_task()
    assert task is not None
    over = False

    def stop() -> None:
        nonlocal over
        over = True
        task.cancel()

    async def listen() -> None:
        await exchange.throw_away()
        stop()

    def cut_off() -> None:
        if not exchange.abort():
            stop()

    listening = asyncio.create_task(listen())
    try:
        yield cut_off
    except asyncio.CancelledError:
        if not over or task.uncancel():
            raise
    finally:
        listening.cancel()


def _seconds(text: str) -> float:
    try:
        # Of a number with 16,000 digits the last ones say little, and cost ten milliseconds.
        seconds = float(text[:20])
    except ValueError:
        return 0.0
    # Written so that "nan" does not pass.
    return min(seconds, LONGEST_WAIT) if seconds > 0 else 0.0
